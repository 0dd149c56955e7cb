//! From a decoded reply to whoever waits for it.

use std::sync::Arc;

use pravega_client_shared::{FlowId, RequestId};
use pravega_wire_protocol::Reply;
use snafu::ResultExt;
use tokio::time::Instant;

use crate::{
    ConnectionError, FlowHandler,
    demux::{ReplyFacts, ReplyKind, Route},
    error::connection::{UnknownReplySnafu, UnknownRequestSnafu, ViolationSnafu},
    outbound::lock,
    shared::{CallWaiter, Shared},
};

/// Hands out the replies of one batch. It remembers who got the last one, because replies come in runs:
/// no longer than the batch, so that nothing is kept alive by it, and only until some flow ends.
pub(crate) struct Router<'a> {
    shared: &'a Shared,
    now: Instant,
    last: Option<Last>,
}

struct Last {
    flow: FlowId,
    handler: Arc<dyn FlowHandler>,
    /// How many flows had ended when the handler was looked up.
    ended_flows: u64,
}

impl<'a> Router<'a> {
    pub(crate) fn new(shared: &'a Shared, now: Instant) -> Self {
        Self {
            shared,
            now,
            last: None,
        }
    }

    /// Hands out one reply. No lock is held while a handler runs.
    pub(crate) fn deliver(&mut self, reply: Reply) -> Result<(), ConnectionError> {
        let id = match &reply {
            // Whatever was received has already counted as a sign of life.
            Reply::KeepAlive(_) => return Ok(()),
            Reply::Foreign(_) | Reply::Unknown(_) => return Err(self.unknown(&reply)),
            _ => reply.request_id(),
        };
        let Some(id) = id.filter(|_| !matches!(reply, Reply::Hello(_))) else {
            // A second hello asks for nothing and answers nothing.
            lock(self.shared.demux()).ignore();
            return Ok(());
        };
        if let Some(handler) = self.same_as_last(id) {
            return self.hand_to(handler, reply);
        }
        let facts = ReplyFacts {
            id,
            kind: kind(&reply),
        };
        let ended_flows = self.shared.ended_flows();
        let route = lock(self.shared.demux()).route(facts, self.now);
        match route {
            Route::Flow(handler) => {
                let result = self.hand_to(&handler, reply);
                self.last = RequestId::from_wire(id).map(|id| Last {
                    flow: id.flow(),
                    handler,
                    ended_flows,
                });
                result
            }
            Route::Call(waiter) => {
                answer(waiter, reply);
                Ok(())
            }
            Route::Several { flows, calls } => self.give_to_several(flows, calls, &reply),
            Route::Ignored => {
                tracing::trace!(name: "connection.reply_ignored", reply = reply.name(), "reply that nobody waits for");
                Ok(())
            }
            Route::Untrusted => UnknownRequestSnafu {
                endpoint: self.shared.endpoint().clone(),
                reply: reply.name(),
                id,
            }
            .fail(),
        }
    }

    fn same_as_last(&self, id: i64) -> Option<&Arc<dyn FlowHandler>> {
        let flow = RequestId::from_wire(id)?.flow();
        let last = self.last.as_ref()?;
        let is_current = last.flow == flow && last.ended_flows == self.shared.ended_flows();
        is_current.then_some(&last.handler)
    }

    fn give_to_several(
        &self,
        flows: Vec<Arc<dyn FlowHandler>>,
        calls: Vec<CallWaiter>,
        reply: &Reply,
    ) -> Result<(), ConnectionError> {
        for waiter in calls {
            answer(waiter, reply.clone());
        }
        for handler in flows {
            self.hand_to(&handler, reply.clone())?;
        }
        Ok(())
    }

    fn hand_to(&self, handler: &Arc<dyn FlowHandler>, reply: Reply) -> Result<(), ConnectionError> {
        let taken = handler.on_reply(self.now.into_std(), reply);
        taken.with_context(|_| ViolationSnafu {
            endpoint: self.shared.endpoint().clone(),
        })
    }

    fn unknown(&self, reply: &Reply) -> ConnectionError {
        UnknownReplySnafu {
            endpoint: self.shared.endpoint().clone(),
            code: reply.code(),
        }
        .build()
    }
}

fn answer(waiter: CallWaiter, reply: Reply) {
    // A receiver that was dropped belongs to a call that was cancelled in this very moment.
    waiter.send(Ok(reply)).ok();
}

fn kind(reply: &Reply) -> ReplyKind {
    match reply {
        Reply::AuthTokenCheckFailed(_) => ReplyKind::TokenRefused,
        other if other.is_failure() => ReplyKind::Failure,
        _ => ReplyKind::Success,
    }
}
