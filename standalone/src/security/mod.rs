//! Who may do what: TLS on both ports, accounts with passwords, and delegation tokens.
//!
//! ```text
//!  controller:  header ─► credentials ─► authenticator ─► rules ─► right for the call, or into a token
//!                                          accounts, password
//!  store:       request ─► demand ─► tokens: right of the token ─► admitted until its end, or refused
//! ```
//!
//! Everything is decided by pure functions of texts and times; only [`authenticator`] and [`tls`] wait.
//! Secrets show nothing of themselves, passwords and keys are wiped when dropped and compared in constant time.

mod accounts;
mod authenticator;
mod clock;
mod credentials;
mod demand;
mod password;
mod right;
mod rules;
mod tls;
mod tokens;

use std::time::Duration;

use pravega_client_shared::ScopedSegment;
use pravega_wire_protocol::{AuthTokenCheckFailed, Reply, Request};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;

pub use self::{
    accounts::{Accounts, AccountsError},
    password::{PasswordError, hash_password},
    tls::{ServerTls, TlsError},
};
use self::{
    authenticator::Authenticator,
    clock::Clock,
    demand::demand,
    tokens::{KEY_LEN, Refusal, Tokens},
};
pub(crate) use self::{
    authenticator::Stranger,
    right::{Resource, Right},
    rules::Rules,
    tls::secured,
};

/// How long a token is good, as with a real Pravega.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(600);

/// The shortest time that a token can be good: they count in seconds.
pub(crate) const MIN_TOKEN_LIFETIME: Duration = Duration::from_secs(1);

/// Accounts, tokens and time of a server that does not let everybody do everything.
#[derive(Debug)]
pub(crate) struct Guard {
    authenticator: Authenticator,
    tokens: Tokens,
    clock: Clock,
}

/// What becomes of a request to the segment store.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is answered.
    Admitted,
    /// It is answered, and its connection ends at that moment at the latest.
    AdmittedUntil(Instant),
    /// This is the answer.
    Refused(Reply),
    /// The connection is closed without a word.
    Closed,
}

impl Guard {
    /// For accounts of which there is one at least, with a new random key for tokens; none when the system
    /// gives no random numbers.
    pub(crate) fn new(accounts: Accounts, token_lifetime: Duration) -> Option<Self> {
        let random = SystemRandom::new();
        let mut key = [0; KEY_LEN];
        random.fill(&mut key).ok()?;
        Some(Self {
            authenticator: Authenticator::new(accounts, &random)?,
            tokens: Tokens::new(&key, token_lifetime.max(MIN_TOKEN_LIFETIME)),
            clock: Clock::start(),
        })
    }

    /// The rules of who calls the controller with this `authorization` header.
    ///
    /// # Errors
    /// [`Stranger`] when it proves nothing, or when too many others are being looked at.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn rules(&self, header: Option<&[u8]>) -> Result<&Rules, Stranger> {
        self.authenticator.authenticate(header).await
    }

    /// A token for a stream; none when the clock is beyond what a token can say.
    pub(crate) fn token(&self, stream: Resource<'_>, right: Right) -> Option<String> {
        self.tokens.issue(stream, right, self.clock.now())
    }

    /// Whether a request to the segment store is admitted, by the token in it.
    pub(crate) fn admit(&self, request: &Request) -> Admission {
        let Some(demand) = demand(request) else {
            return Admission::Admitted;
        };
        let segment = demand.segment.parse::<ScopedSegment>().ok();
        let checked = segment.ok_or(Refusal::NotAccepted).and_then(|segment| {
            let (scope, stream) = (segment.stream().scope(), segment.stream().stream());
            let resource = Resource::Stream(scope.as_str(), stream.as_str());
            let token = demand.token.expose();
            self.tokens
                .check(token, resource, demand.right, self.clock.now())
        });
        match checked {
            Ok(ends) if demand.is_setup => match self.clock.instant(ends) {
                Some(ends) => Admission::AdmittedUntil(ends),
                None => Admission::Admitted,
            },
            Ok(_) => Admission::Admitted,
            // What a real store does.
            Err(Refusal::Expired) if demand.is_setup => Admission::Closed,
            Err(refusal) => Admission::Refused(refused(demand.refusal_id, refusal)),
        }
    }
}

fn refused(request_id: i64, refusal: Refusal) -> Reply {
    let error_code = match refusal {
        Refusal::NotAccepted => AuthTokenCheckFailed::CHECK_FAILED,
        Refusal::Expired => AuthTokenCheckFailed::EXPIRED,
    };
    AuthTokenCheckFailed {
        request_id,
        server_stack_trace: String::new(),
        error_code,
    }
    .into()
}

#[cfg(test)]
mod tests;
