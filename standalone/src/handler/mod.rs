//! From request to reply.

mod append;
mod read;
mod segment;

use std::{future::Future, pin::Pin};

use pravega_wire_protocol::{ErrorMessage, Reply};

pub(crate) use self::{
    append::{Admitted, Held, IncomingAppend, SetUp, Verdict, Writers},
    read::read,
    segment::{answer, is_segment_request},
};

/// What comes out of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A reply.
    Reply(Reply),
    /// A writer was set up, or could not be.
    SetUp(SetUp),
    /// No reply: the connection is closed, as the real server does.
    Close(CloseReason),
}

/// A request that takes a while.
pub(crate) type Call = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Why the server closes a connection. For its log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The peer closed first.
    PeerClosed,
    /// The socket failed.
    Socket,
    /// The server is shutting down.
    Shutdown,
    /// The first message did not come in time.
    NoHello,
    /// A message was not completed in time.
    SlowFrame,
    /// Nothing was received for long.
    Idle,
    /// The peer does not read its replies.
    NotReading,
    /// No wire version in common.
    NoCommonVersion,
    /// A frame that is none, or of no use to a segment store.
    BadFrame,
    /// An append against the rules of the append session.
    BadAppend,
    /// The append's number is not the one that follows, or a newer connection writes now.
    WrongNumber,
    /// An offset that no client may ask for.
    IllegalOffset,
    /// The token of a writer has ended.
    TokenExpired,
    /// The store failed.
    Store,
}

impl Answer {
    fn reply(reply: impl Into<Reply>) -> Self {
        Self::Reply(reply.into())
    }
}

/// A refusal in words, for what the protocol has no reply of its own.
fn refusal(
    request_id: i64,
    segment: &std::sync::Arc<str>,
    message: &str,
    error_code: i32,
) -> Reply {
    ErrorMessage {
        request_id,
        segment: std::sync::Arc::clone(segment),
        message: message.to_owned(),
        error_code,
    }
    .into()
}
