//! One append on its way through a backend, and the promise to tell its connection how it went.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pravega_client_shared::WriterId;
use pravega_wire_protocol::Payload;

use super::{
    segment::Segment,
    state::{AppendCheck, AppendRefusal},
};
use crate::append_memory::Share;

/// One append of a writer that was set up.
#[derive(Debug)]
pub(crate) struct Append {
    /// Where it goes.
    pub(crate) segment: Arc<Segment>,
    /// The right to write, taken away by the next setup of the same writer elsewhere.
    pub(crate) right: Arc<WriterRight>,
    /// What the segment checks.
    pub(crate) check: AppendCheck,
    /// The number to be stored with the bytes.
    pub(crate) number: i64,
    /// The bytes.
    pub(crate) data: Payload,
}

/// Why an append was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendError {
    /// The segment said no. Nothing was stored.
    Refused(AppendRefusal),
    /// A newer setup took the right to write. Nothing was stored.
    Fenced,
    /// The segment is gone. Nothing was stored.
    NoSuchSegment,
    /// The store takes no more: full, or stopped by an earlier failure. Nothing was stored.
    ReadOnly,
    /// The store failed while it was writing. The bytes may turn up after a restart.
    Lost,
}

/// The new tail, or why there is none.
pub(crate) type AppendOutcome = Result<u64, AppendError>;

/// The right of one connection to append to one segment for one writer.
#[derive(Debug)]
pub(crate) struct WriterRight {
    connection: u64,
    revoked: AtomicBool,
}

impl WriterRight {
    pub(super) fn new(connection: u64) -> Self {
        Self {
            connection,
            revoked: AtomicBool::new(false),
        }
    }

    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    /// True once another connection has set up the same writer.
    pub(super) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }
}

/// A set-up writer: it gives its right back when it is dropped.
#[derive(Debug)]
pub(crate) struct WriterLease {
    pub(super) segment: Arc<Segment>,
    pub(super) writer: WriterId,
    pub(super) right: Arc<WriterRight>,
}

impl WriterLease {
    /// The segment it writes to.
    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// The right that its appends carry.
    pub(crate) fn right(&self) -> &Arc<WriterRight> {
        &self.right
    }
}

impl Drop for WriterLease {
    fn drop(&mut self) {
        self.segment.release(self.writer, &self.right);
    }
}

/// Receives the outcome of appends that took a while. It must not block.
pub(crate) trait AppendSink: std::fmt::Debug + Send + Sync {
    /// Takes the outcome of one append; outcomes come in the order of submission.
    fn appended(&self, appended: Appended);
}

/// What a connection needs to answer an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppendTag {
    /// Whose append.
    pub(crate) writer: WriterId,
    /// Which setup of that writer on the connection.
    pub(crate) session: u64,
    /// The append's number.
    pub(crate) number: i64,
    /// The id of the request.
    pub(crate) request_id: i64,
    /// How many bytes it carries.
    pub(crate) bytes: usize,
}

/// An append that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    /// Which one.
    pub(crate) tag: AppendTag,
    /// How it went.
    pub(crate) outcome: AppendOutcome,
}

/// The promise to tell a connection about an append: kept even when the store dies with it.
#[derive(Debug)]
pub(crate) struct Ticket {
    tag: AppendTag,
    sink: Arc<dyn AppendSink>,
    outcome: AppendOutcome,
    /// The append's share of the memory for appends, given back with the ticket.
    share: Option<Share>,
}

impl Ticket {
    /// A ticket that says [`AppendError::Lost`] unless it is told otherwise.
    pub(crate) fn new(tag: AppendTag, sink: Arc<dyn AppendSink>) -> Self {
        Self {
            tag,
            sink,
            outcome: Err(AppendError::Lost),
            share: None,
        }
    }

    /// Takes the append's share of memory, which is given back with the ticket.
    pub(crate) fn hold(&mut self, share: Share) {
        self.share = Some(share);
    }

    /// Decides what the connection will be told when the ticket is dropped.
    pub(super) fn decide(&mut self, outcome: AppendOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.sink.appended(Appended {
            tag: self.tag,
            outcome: self.outcome,
        });
    }
}
