//! Which failures are worth another attempt, where, and after what pause. Pure.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use pravega_client_config::RetryPolicy;
use pravega_client_shared::Chance;
use tonic::Code;

use crate::rpc_error::{Reach, RpcError};

/// How often a call is repeated that the controller answered with an in-band `FAILURE`. Such an answer is
/// mostly for good (Java's client never repeats it), but two calls that meet in the server also cause it.
pub(crate) const MAX_FAILURE_REPEATS: u32 = 3;

/// What a failed attempt means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// Another attempt may succeed.
    pub(crate) repeat: bool,
    /// Another controller may do better, so it is asked first.
    pub(crate) elsewhere: bool,
    /// The attempt may have been carried out.
    pub(crate) uncertain: bool,
}

impl Reaction {
    /// Nothing is known of the attempt: no answer came in time, or the connection broke.
    pub(crate) const LOST: Self = Self {
        repeat: true,
        elsewhere: true,
        uncertain: true,
    };
    const NOT_SENT: Self = Self {
        repeat: true,
        elsewhere: true,
        uncertain: false,
    };
    /// A peer that is refused once will be refused again; another controller may have a better certificate.
    const UNTRUSTED: Self = Self {
        repeat: false,
        elsewhere: true,
        uncertain: false,
    };
    /// The controller failed, perhaps after it had begun.
    pub(crate) const AGAIN: Self = Self {
        repeat: true,
        elsewhere: false,
        uncertain: true,
    };
    /// The controller said no, and other words are needed to change that: renewed credentials.
    pub(crate) const RENEWED: Self = Self {
        repeat: true,
        elsewhere: false,
        uncertain: false,
    };
    /// The controller said no.
    pub(crate) const FINAL: Self = Self {
        repeat: false,
        elsewhere: false,
        uncertain: false,
    };
    /// The reply cannot be used, so the work may well be done; another one will be no better.
    pub(crate) const UNUSABLE: Self = Self {
        repeat: false,
        elsewhere: false,
        uncertain: true,
    };
}

/// The classes of Pravega's own Java client, for a status that a controller sent.
pub(crate) fn react(error: &RpcError) -> Reaction {
    match error.reach() {
        Reach::NotSent => return Reaction::NOT_SENT,
        Reach::Untrusted => return Reaction::UNTRUSTED,
        Reach::Broken => return Reaction::LOST,
        Reach::Answered => {}
    }
    match error.grpc_code() {
        Code::Unavailable => Reaction::LOST,
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::DataLoss => Reaction::AGAIN,
        Code::OutOfRange => Reaction::UNUSABLE,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unimplemented
        | Code::Unauthenticated => Reaction::FINAL,
    }
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Ask the next controller at once.
    Elsewhere,
    /// Wait this long, then try again.
    Pause(Duration),
    /// The error stands.
    GiveUp,
}

/// The attempts of one call, in rounds: within a round each controller is asked at most once, and between
/// rounds there is a pause.
#[derive(Debug)]
pub(crate) struct Attempts {
    delays: ExponentialBackoff,
    asked_this_round: usize,
    /// A failure of this round is worth another round.
    worth_repeating: bool,
}

impl Attempts {
    pub(crate) fn new(policy: &RetryPolicy, chance: &Chance) -> Self {
        // Each delay is half fixed, half at random, so that it never exceeds the policy's.
        let delays = ExponentialBuilder::new()
            .with_min_delay(policy.initial_backoff() / 2)
            .with_max_delay(policy.max_backoff() / 2)
            .with_factor(policy.factor())
            .with_max_times(policy.max_attempts().saturating_sub(1))
            .with_jitter();
        let delays = match chance.seeded() {
            Some(seed) => delays.with_jitter_seed(seed),
            None => delays,
        };
        Self {
            delays: delays.build(),
            asked_this_round: 0,
            worth_repeating: false,
        }
    }

    /// Decides on what follows an attempt that failed, with `controllers` to choose from.
    pub(crate) fn after(&mut self, failed: Reaction, controllers: usize) -> Next {
        self.asked_this_round = self.asked_this_round.saturating_add(1);
        self.worth_repeating |= failed.repeat;
        if failed.elsewhere && self.asked_this_round < controllers {
            return Next::Elsewhere;
        }
        let repeat = if failed.elsewhere {
            self.worth_repeating
        } else {
            failed.repeat
        };
        self.asked_this_round = 0;
        self.worth_repeating = false;
        match self.delays.next() {
            Some(delay) if repeat => Next::Pause(delay),
            _ => Next::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn repeats_the_codes_that_the_java_client_repeats() {
        let repeated = [
            Code::Cancelled,
            Code::Unknown,
            Code::DeadlineExceeded,
            Code::ResourceExhausted,
            Code::FailedPrecondition,
            Code::Aborted,
            Code::Internal,
            Code::Unavailable,
            Code::DataLoss,
        ];
        for number in 1..=16 {
            let code = Code::from_i32(number);
            let reaction = react(&RpcError::new(Status::new(code, "")));
            assert_eq!(reaction.repeat, repeated.contains(&code), "{code:?}");
            assert_eq!(reaction.elsewhere, code == Code::Unavailable, "{code:?}");
            let uncertain = repeated.contains(&code) || code == Code::OutOfRange;
            assert_eq!(reaction.uncertain, uncertain, "{code:?}");
        }
    }

    #[test]
    fn asks_every_controller_before_it_pauses() {
        let mut attempts = Attempts::new(&RetryPolicy::default(), &Chance::of_system());
        assert_eq!(attempts.after(Reaction::NOT_SENT, 3), Next::Elsewhere);
        assert_eq!(attempts.after(Reaction::LOST, 3), Next::Elsewhere);
        let Next::Pause(first) = attempts.after(Reaction::NOT_SENT, 3) else {
            panic!("no pause after the last controller");
        };
        assert!(first >= Duration::from_millis(25) && first <= Duration::from_millis(50));
        assert_eq!(attempts.after(Reaction::NOT_SENT, 3), Next::Elsewhere);
        assert_eq!(attempts.after(Reaction::FINAL, 3), Next::GiveUp);
    }

    #[test]
    fn pauses_grow_to_the_cap_and_end() {
        let policy = RetryPolicy::default();
        let mut attempts = Attempts::new(&policy, &Chance::of_system());
        let mut pauses = Vec::new();
        while let Next::Pause(pause) = attempts.after(Reaction::AGAIN, 1) {
            pauses.push(pause);
        }
        assert_eq!(pauses.len(), policy.max_attempts() - 1);
        assert!(pauses.iter().all(|pause| *pause <= policy.max_backoff()));
        assert!(*pauses.last().unwrap() >= policy.max_backoff() / 2);
    }

    #[test]
    fn an_untrusted_peer_is_not_asked_again() {
        let mut attempts = Attempts::new(&RetryPolicy::default(), &Chance::of_system());
        assert_eq!(attempts.after(Reaction::UNTRUSTED, 2), Next::Elsewhere);
        assert_eq!(attempts.after(Reaction::UNTRUSTED, 2), Next::GiveUp);
        let mut attempts = Attempts::new(&RetryPolicy::default(), &Chance::of_system());
        assert_eq!(attempts.after(Reaction::NOT_SENT, 2), Next::Elsewhere);
        assert!(matches!(
            attempts.after(Reaction::UNTRUSTED, 2),
            Next::Pause(_)
        ));
    }
}
