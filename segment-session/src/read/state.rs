//! Where a read session stands.

use std::time::{Duration, Instant};

use pravega_client_shared::{DelegationToken, FlowId, RequestId};

/// Where the session stands with a connection.
///
/// ```text
///            something to ask                  handle_attached
///  Detached ─────────────────► Attaching ─────────────────────► Attached
///     ▲                            │                               │
///     │ its time has come          │ attempt failed                │ disconnected, moved, token refused
///     └───────── Waiting ◄─────────┴───────────────────────────────┘
/// ```
#[derive(Debug, Default)]
pub(super) enum Link {
    /// No connection, and none asked for.
    #[default]
    Detached,
    /// No connection; one may be asked for at this time.
    Waiting {
        /// When.
        until: Instant,
    },
    /// The driver has been asked for a connection.
    Attaching,
    /// Requests may go out.
    Attached(Attached),
}

/// A flow on a connection.
#[derive(Debug, Clone)]
pub(super) struct Attached {
    pub(super) flow: FlowId,
    pub(super) token: DelegationToken,
    pub(super) since: Instant,
}

/// What the driver should know for the next attempt to attach.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hints {
    pub(super) relocate: bool,
    pub(super) renew_token: bool,
}

/// How eagerly to ask.
///
/// ```text
///   first demand         a reply was used up: twice the window, up to the read-ahead
///  ──────────────► one ────────────────────────────────────────────► several requests   (catch-up)
///                   │                                                       │
///                   └────────── nothing more is known to be there ──────────┤
///                                                                           ▼
///                                                        one request, waiting at the server   (tail)
/// ```
#[derive(Debug)]
pub(super) struct Gear {
    /// How many requests' worth of bytes may be ahead of the consumer.
    pub(super) window: u64,
    /// The consumer has asked for something since it went to this place.
    pub(super) is_demanded: bool,
    /// The consumer found nothing when it last asked, and has not been told otherwise.
    pub(super) is_waiting: bool,
    /// The consumer has waited at the tail before, so it will again.
    pub(super) is_following: bool,
}

impl Default for Gear {
    fn default() -> Self {
        Self {
            window: 1,
            is_demanded: false,
            is_waiting: false,
            is_following: false,
        }
    }
}

/// The question for head, tail and end of the segment.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// The question that is out, and up to where the segment was known to reach when it was asked.
    pub(super) asked: Option<(RequestId, u64)>,
    /// Nothing else is asked before this is answered.
    pub(super) is_required: bool,
    /// It is not certain that the segment reaches up to what was known or believed of it: the connection was
    /// lost, or the consumer went somewhere beyond. To be answered before a request is left waiting there, and
    /// asked beside requests for what is known to be there: a store answers a read beyond the end of a sealed
    /// segment by closing the connection, and one that lost data would let it wait for ever.
    pub(super) is_unverified: bool,
}

/// The pauses after empty replies.
#[derive(Debug)]
pub(super) struct Pause {
    pub(super) until: Option<Instant>,
    next: Duration,
}

impl Pause {
    pub(super) fn new() -> Self {
        Self {
            until: None,
            next: MIN_EMPTY_PAUSE,
        }
    }

    /// Begins a pause; the next one will be longer.
    pub(super) fn begin(&mut self, now: Instant) {
        self.until = now.checked_add(self.next);
        self.next = self.next.saturating_mul(2).min(MAX_EMPTY_PAUSE);
    }

    /// The time has come, or the reason is gone. The length of the next pause stays.
    pub(super) fn end(&mut self) {
        self.until = None;
    }
}

/// The pause after the first empty reply. A segment store sends one when it lets go of a segment, which is
/// elsewhere or gone by the next request as a rule.
pub(super) const MIN_EMPTY_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between empty replies.
pub(super) const MAX_EMPTY_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a starting point; no time passes"
    )]
    fn t40_pauses_grow_to_a_bound() {
        let now = Instant::now();
        let mut pause = Pause::new();
        let mut seen = Vec::new();
        for _ in 0..10 {
            pause.begin(now);
            seen.push(pause.until.unwrap() - now);
        }
        assert_eq!(seen[..3], [10, 20, 40].map(Duration::from_millis));
        assert_eq!(seen[9], MAX_EMPTY_PAUSE);
    }
}
