//! Who gets a reply. Pure: tables and numbers, no I/O and no clock of its own.
//!
//! ```text
//!  reply ── request id ──┬─ live flow or call ──────────────► it gets the reply
//!                        ├─ given out before, forgotten ────► ignored, counted
//!                        ├─ never given out, a success ─────► ignored, counted
//!                        ├─ never given out, a failure ─────► the connection is beyond trust
//!                        └─ an offset, in a token refusal ──► every flow is asked, and each call that
//!                                                             reads at that offset gets it
//! ```
//!
//! Ids count up and are never given out twice on one connection, so a late reply can be told from a wrong
//! one and can never reach another request.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, mem};

use pravega_client_shared::{
    FlowId, RequestId,
    planted::{self, Bug},
};
use tokio::time::{Duration, Instant};

use crate::limits::{MAX_CALLS_PER_CONNECTION, MAX_FLOWS_PER_CONNECTION};

/// Sequence numbers of one flow: 28 bits.
const SEQUENCES_PER_FLOW: u32 = 1 << 28;

/// The flows and calls of one connection. `H` is told of a flow's replies, `C` of a call's.
#[derive(Debug)]
pub(crate) struct Demux<H, C> {
    /// By id, as the calls: who is told first depends on no hash, and few ids are found faster than hashed.
    flows: BTreeMap<FlowId, H>,
    calls: BTreeMap<RequestId, Call<C>>,
    /// The number of the next flow.
    next_flow: u64,
    /// The flow that calls take their ids from; replaced when its sequence numbers are used up.
    call_flow: Option<FlowId>,
    next_sequence: u32,
    /// Handles given out that have opened no flow yet.
    reserved: usize,
    ignored: u64,
    is_closed: bool,
    idle_timeout: Duration,
    /// Since when nobody uses the connection.
    idle_since: Option<Instant>,
}

#[derive(Debug)]
struct Call<C> {
    waiter: C,
    /// The offset of a read, because a refused token comes back with it in the place of the id.
    read_offset: Option<i64>,
}

/// What it takes to route a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplyFacts {
    /// The request id, as on the wire.
    pub(crate) id: i64,
    /// How the reply is judged when nobody waits for it.
    pub(crate) kind: ReplyKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    Success,
    Failure,
    TokenRefused,
}

/// Who gets the reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<H, C> {
    Flow(H),
    Call(C),
    /// Offered to all of these.
    Several {
        flows: Vec<H>,
        calls: Vec<C>,
    },
    /// Nobody. It was counted.
    Ignored,
    /// Nobody, and nothing else on this connection can be believed either.
    Untrusted,
}

/// Why a flow or a call was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Closed,
    Full { what: &'static str, max: usize },
}

/// How busy a connection is; the least busy one compares smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Load {
    /// Flows, and handles that may open one yet.
    pub(crate) flows: usize,
    pub(crate) calls: usize,
}

/// Whether a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Busy,
    /// Nobody uses it, and it may be closed at this instant if that stays so.
    Until(Instant),
    /// It was unused for long enough, and takes nobody in any more.
    Over,
}

impl<H: Clone, C> Demux<H, C> {
    pub(crate) fn new(idle_timeout: Duration, now: Instant) -> Self {
        Self {
            flows: BTreeMap::new(),
            calls: BTreeMap::new(),
            next_flow: 0,
            call_flow: None,
            next_sequence: 0,
            reserved: 0,
            ignored: 0,
            is_closed: false,
            idle_timeout,
            idle_since: Some(now),
        }
    }

    /// Takes in a flow and gives it an id of its own.
    pub(crate) fn open_flow(&mut self, handler: H) -> Result<FlowId, Refusal> {
        self.check_open()?;
        if self.flows.len() >= MAX_FLOWS_PER_CONNECTION {
            return Err(Refusal::Full {
                what: "flows",
                max: MAX_FLOWS_PER_CONNECTION,
            });
        }
        let id = self.next_flow_id()?;
        self.flows.insert(id, handler);
        self.idle_since = None;
        Ok(id)
    }

    /// Gives out the id for a call. The call is taken in with [`wait_for`](Self::wait_for).
    pub(crate) fn call_id(&mut self) -> Result<RequestId, Refusal> {
        self.check_open()?;
        let flow = match self.call_flow {
            Some(flow) if self.next_sequence < SEQUENCES_PER_FLOW => flow,
            Some(_) | None => {
                let flow = self.next_flow_id()?;
                self.call_flow = Some(flow);
                self.next_sequence = 0;
                flow
            }
        };
        let id = flow.request(self.next_sequence);
        self.next_sequence += 1;
        Ok(id)
    }

    /// Takes in a call whose id was given out before.
    pub(crate) fn wait_for(
        &mut self,
        id: RequestId,
        read_offset: Option<i64>,
        waiter: C,
    ) -> Result<(), Refusal> {
        self.check_open()?;
        if self.calls.len() >= MAX_CALLS_PER_CONNECTION {
            return Err(Refusal::Full {
                what: "calls",
                max: MAX_CALLS_PER_CONNECTION,
            });
        }
        let call = Call {
            waiter,
            read_offset,
        };
        self.calls.insert(id, call);
        self.idle_since = None;
        Ok(())
    }

    /// Takes a flow out; its id stays used up. True when nobody uses the connection any more.
    pub(crate) fn forget_flow(&mut self, id: FlowId, now: Instant) -> bool {
        // Planted bug, here and below: the next one gets the id of the one that is forgotten.
        if planted::is_on(Bug::DirtyConnectionReused) && id.as_u64() + 1 == self.next_flow {
            self.next_flow = id.as_u64();
        }
        self.flows.remove(&id).is_some() && self.note_idle(now)
    }

    /// Takes a call out; its id stays used up. True when nobody uses the connection any more.
    pub(crate) fn forget_call(&mut self, id: RequestId, now: Instant) -> bool {
        if planted::is_on(Bug::DirtyConnectionReused) && id.sequence() + 1 == self.next_sequence {
            self.next_sequence = id.sequence();
        }
        self.calls.remove(&id).is_some() && self.note_idle(now)
    }

    /// Counts a handle that is given out to open a flow. False when the connection is closed.
    pub(crate) fn reserve(&mut self) -> bool {
        if self.is_closed {
            return false;
        }
        self.reserved += 1;
        self.idle_since = None;
        true
    }

    /// Starts the time of an unused connection over, for somebody who is about to use it. False when the
    /// connection is closed.
    pub(crate) fn touch(&mut self, now: Instant) -> bool {
        if let Some(since) = &mut self.idle_since {
            *since = now;
        }
        !self.is_closed
    }

    /// The handle has opened its flow, or is gone. True when nobody uses the connection any more.
    pub(crate) fn release(&mut self, now: Instant) -> bool {
        self.reserved = self.reserved.saturating_sub(1);
        self.note_idle(now)
    }

    /// Finds out who gets a reply, and takes out the calls that are answered with it.
    pub(crate) fn route(&mut self, reply: ReplyFacts, now: Instant) -> Route<H, C> {
        let Some(id) = RequestId::from_wire(reply.id) else {
            return match reply.kind {
                ReplyKind::TokenRefused => self.route_by_offset(reply.id, now),
                ReplyKind::Success => self.ignore(),
                ReplyKind::Failure => Route::Untrusted,
            };
        };
        if let Some(handler) = self.flows.get(&id.flow()) {
            return Route::Flow(handler.clone());
        }
        if let Some(call) = self.calls.remove(&id) {
            self.note_idle(now);
            return Route::Call(call.waiter);
        }
        match reply.kind {
            ReplyKind::Failure | ReplyKind::TokenRefused if !self.was_given_out(id) => {
                Route::Untrusted
            }
            ReplyKind::Success | ReplyKind::Failure | ReplyKind::TokenRefused => self.ignore(),
        }
    }

    /// Counts a reply that nobody wants.
    pub(crate) fn ignore(&mut self) -> Route<H, C> {
        self.ignored = self.ignored.saturating_add(1);
        Route::Ignored
    }

    /// How many replies nobody wanted.
    pub(crate) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How busy the connection is.
    pub(crate) fn load(&self) -> Load {
        Load {
            flows: self.flows.len().saturating_add(self.reserved),
            calls: self.calls.len(),
        }
    }

    /// Says whether the connection is used. When it was unused for too long it is closed for newcomers by
    /// this very call, so that nobody can slip in between.
    pub(crate) fn usage(&mut self, now: Instant) -> Use {
        let Some(since) = self.idle_since else {
            return Use::Busy;
        };
        match since.checked_add(self.idle_timeout) {
            Some(end) if now < end => Use::Until(end),
            Some(_) => {
                self.is_closed = true;
                Use::Over
            }
            None => Use::Busy,
        }
    }

    /// From now on the connection is closed as soon as nobody uses it.
    pub(crate) fn retire(&mut self) {
        self.idle_timeout = Duration::ZERO;
    }

    /// Takes nobody in any more and gives back everybody who is there, the oldest first.
    pub(crate) fn close(&mut self) -> (Vec<H>, Vec<C>) {
        self.is_closed = true;
        let flows = mem::take(&mut self.flows);
        let calls = mem::take(&mut self.calls);
        (
            flows.into_values().collect(),
            calls.into_values().map(|call| call.waiter).collect(),
        )
    }

    fn check_open(&self) -> Result<(), Refusal> {
        if self.is_closed {
            Err(Refusal::Closed)
        } else {
            Ok(())
        }
    }

    fn next_flow_id(&mut self) -> Result<FlowId, Refusal> {
        let id = FlowId::new(self.next_flow).ok_or(Refusal::Full {
            what: "flow ids used up",
            max: usize::try_from(FlowId::MAX).unwrap_or(usize::MAX),
        })?;
        self.next_flow += 1;
        Ok(id)
    }

    /// Flows choose their sequence numbers themselves, so every id of a flow counts as given out.
    fn was_given_out(&self, id: RequestId) -> bool {
        let flow = id.flow();
        let is_unused_call = self.call_flow == Some(flow) && id.sequence() >= self.next_sequence;
        flow.as_u64() < self.next_flow && !is_unused_call
    }

    fn route_by_offset(&mut self, offset: i64, now: Instant) -> Route<H, C> {
        let reads = self.calls.iter();
        let reads = reads.filter(|(_, call)| call.read_offset == Some(offset));
        let answered: Vec<_> = reads.map(|(id, _)| *id).collect();
        let calls = answered.iter().filter_map(|id| self.calls.remove(id));
        let calls = calls.map(|call| call.waiter).collect();
        self.note_idle(now);
        Route::Several {
            flows: self.flows.values().cloned().collect(),
            calls,
        }
    }

    /// Remembers since when the connection is unused. True when this is when it became so.
    fn note_idle(&mut self, now: Instant) -> bool {
        let is_idle = self.flows.is_empty() && self.calls.is_empty() && self.reserved == 0;
        if is_idle && self.idle_since.is_none() {
            self.idle_since = Some(now);
            return true;
        }
        false
    }
}
