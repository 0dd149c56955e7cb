//! One request to the store that holds a segment, asked again until it is answered.

use std::{future::Future, sync::Arc, time::Duration};

use pravega_client_shared::{DelegationToken, RequestId};
use pravega_connection_pool::ConnectionError;
use pravega_segment_session::{Backoff, Recovery, Refusal, TokenFault, Trouble};
use pravega_wire_protocol::{Reply, Request};
use snafu::{IntoError as _, Snafu};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, instrument};

use crate::{
    error::{
        Cause, NoSuchSegmentSnafu, RefusedSnafu, SealedSnafu, SegmentError, ShutDownSnafu,
        TimeoutSnafu, UnauthorizedSnafu, UnavailableSnafu,
    },
    link::{ReachError, SegmentLink, User},
};

/// How long a call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until the operation time-out; the request is repeated as often as need be.
    Deadline,
    /// A moment: the answer is welcome, not needed.
    Moment,
    /// Until the operation time-out, but what may have been carried out is not sent again.
    Once,
    /// For ever: the store holds the request until it can answer. Only keep-alive tells a dead peer. Whether it still makes
    /// sense when its connection was lost is the caller's to find out.
    Parked,
}

/// How long an answer that is welcome, not needed, is waited for.
const MOMENT: Duration = Duration::from_secs(5);

/// Longer than any program runs. Kept far from the end of the clock's range.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl SegmentLink {
    /// Sends one request until it is answered, or as long as `patience` lasts.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        patience: Patience,
        request: impl Fn(RequestId, &DelegationToken) -> Request,
        read: impl Fn(Reply) -> Result<T, Reply>,
    ) -> Result<T, SegmentError> {
        Call::new(self, operation, patience)
            .ask(request, read)
            .await
    }
}

/// Requests on their way to an answer, all of them within one time-out.
pub(crate) struct Call<'a> {
    link: &'a SegmentLink,
    operation: &'static str,
    patience: Patience,
    after: Duration,
    deadline: Instant,
    backoff: Backoff,
}

/// How one attempt ended without an answer that ends the call.
enum Attempt {
    /// Nothing was sent, or the request may be sent again all the same.
    Again(Trouble, Cause),
    /// The call ends with this error.
    Over(SegmentError),
}

/// What the attempts of one call have met so far.
#[derive(Debug, Default)]
struct Met {
    /// A connection was lost.
    lost: bool,
    /// A token was refused, and another one was asked for.
    renewed_token: bool,
}

impl<'a> Call<'a> {
    /// Its time begins now.
    pub(crate) fn new(link: &'a SegmentLink, operation: &'static str, patience: Patience) -> Self {
        let configured = link.core().config.operation_timeout();
        let after = match patience {
            Patience::Deadline | Patience::Once => configured,
            Patience::Moment => configured.min(MOMENT),
            Patience::Parked => FOR_EVER,
        };
        Self {
            link,
            operation,
            patience,
            after,
            deadline: Instant::now() + after,
            backoff: Backoff::new(link.core().backoff_policy(), 0),
        }
    }

    pub(crate) fn link(&self) -> &'a SegmentLink {
        self.link
    }

    /// Sends a request until it is answered, or as long as the time lasts.
    pub(crate) async fn ask<T>(
        &mut self,
        request: impl Fn(RequestId, &DelegationToken) -> Request,
        read: impl Fn(Reply) -> Result<T, Reply>,
    ) -> Result<T, SegmentError> {
        // Boxed: looking for a store takes much room, which the futures of all callers would have to have.
        Box::pin(self.run(request, read)).await
    }

    /// Waits before something is asked again. `last` is why, if it was no answer.
    pub(crate) async fn pause(
        &mut self,
        trouble: Trouble,
        last: Option<Cause>,
    ) -> Result<(), SegmentError> {
        let pause = sleep(self.backoff.next_pause(trouble));
        match self.until(pause).await {
            Some(()) => Ok(()),
            None => Err(self.out_of_time(last)),
        }
    }

    #[instrument(name = "segment.call", level = "debug", skip_all, fields(segment = %self.link.segment(), operation = self.operation))]
    async fn run<T>(
        &mut self,
        request: impl Fn(RequestId, &DelegationToken) -> Request,
        read: impl Fn(Reply) -> Result<T, Reply>,
    ) -> Result<T, SegmentError> {
        let mut last = None;
        let mut met = Met::default();
        loop {
            let attempt = self.attempt(&request, &read, &mut met);
            let (trouble, cause) = match self.until(attempt).await {
                Some(Ok(value)) => return Ok(value),
                Some(Err(Attempt::Over(error))) => return Err(error),
                Some(Err(Attempt::Again(trouble, cause))) => (trouble, cause),
                None => return Err(self.out_of_time(last)),
            };
            debug!(name: "segment.call_retried", segment = %self.link.segment(), operation = self.operation, %cause, "will ask again");
            last = Some(cause);
            self.pause(trouble, last.clone()).await?;
        }
    }

    /// Runs `future` until the deadline or the factory's shutdown; none when it was cut short.
    async fn until<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let shutdown = &self.link.core().shutdown;
        let bounded = timeout_at(self.deadline, future);
        shutdown
            .run_until_cancelled(bounded)
            .await
            .and_then(Result::ok)
    }

    fn out_of_time(&self, last: Option<Cause>) -> SegmentError {
        let target = self.link.segment().to_string();
        let operation = self.operation;
        match last {
            _ if self.link.core().shutdown.is_cancelled() => ShutDownSnafu.build(),
            Some(source) => UnavailableSnafu { target, operation }.into_error(source),
            None => TimeoutSnafu {
                target,
                operation,
                after: self.after,
            }
            .into_error(self.link.waiting()),
        }
    }

    async fn attempt<T>(
        &self,
        request: &impl Fn(RequestId, &DelegationToken) -> Request,
        read: &impl Fn(Reply) -> Result<T, Reply>,
        met: &mut Met,
    ) -> Result<T, Attempt> {
        let reached = self
            .link
            .reach(User::Call)
            .await
            .map_err(|error| self.not_reached(error))?;
        let timeout = match self.patience {
            Patience::Parked => FOR_EVER,
            _ => self.link.core().config.request_timeout(),
        };
        let build = |id| request(id, &reached.token);
        let reply = match reached.connection.call(build, timeout).await {
            Ok(reply) => reply,
            Err(error) => return Err(self.lost(error, met)),
        };
        read(reply).map_err(|failure| self.refused(&failure, met))
    }

    fn not_reached(&self, error: ReachError) -> Attempt {
        let segment = self.link.segment().clone();
        let (denied, missing, again) = (
            error.is_denied(),
            error.is_not_found(),
            error.is_retryable(),
        );
        let source: Cause = Arc::new(error);
        if denied {
            Attempt::Over(self.unauthorized(source))
        } else if missing {
            Attempt::Over(NoSuchSegmentSnafu { segment }.build())
        } else if again {
            Attempt::Again(Trouble::Away, source)
        } else {
            Attempt::Over(self.unavailable(source))
        }
    }

    fn lost(&self, error: ConnectionError, met: &mut Met) -> Attempt {
        // A store closes the connection without a word when a token expires. Where the segment is stays
        // believed for once, since a store may be up again at once and the controller be down.
        self.link.renew_token();
        if std::mem::replace(&mut met.lost, true) {
            self.link.relocate();
        }
        let sent_nothing = error.sent_nothing();
        let source: Cause = Arc::new(error);
        if matches!(self.patience, Patience::Once | Patience::Parked) && !sent_nothing {
            Attempt::Over(self.unavailable(source))
        } else {
            Attempt::Again(Trouble::Failing, source)
        }
    }

    fn unauthorized(&self, source: Cause) -> SegmentError {
        let target = self.link.segment().to_string();
        UnauthorizedSnafu { target }.into_error(source)
    }

    fn unavailable(&self, source: Cause) -> SegmentError {
        let target = self.link.segment().to_string();
        UnavailableSnafu {
            target,
            operation: self.operation,
        }
        .into_error(source)
    }

    fn refused(&self, failure: &Reply, met: &mut Met) -> Attempt {
        let segment = self.link.segment().clone();
        let operation = self.operation;
        let source: Cause = Arc::new(Unanswered {
            reply: failure.name(),
        });
        match Recovery::of(failure) {
            Some(Recovery::Fail(Refusal::NoSuchSegment)) => {
                Attempt::Over(NoSuchSegmentSnafu { segment }.build())
            }
            Some(Recovery::Fail(Refusal::Sealed)) => Attempt::Over(SealedSnafu { segment }.build()),
            Some(Recovery::Fail(_)) => {
                Attempt::Over(RefusedSnafu { segment, operation }.into_error(source))
            }
            Some(Recovery::RenewToken(TokenFault::Refused)) if met.renewed_token => {
                Attempt::Over(self.unauthorized(source))
            }
            Some(Recovery::RenewToken(_)) => {
                met.renewed_token = true;
                self.link.renew_token();
                Attempt::Again(Trouble::Failing, source)
            }
            Some(Recovery::Relocate) => {
                self.link.relocate();
                Attempt::Again(Trouble::Away, source)
            }
            _ => Attempt::Again(Trouble::Failing, source),
        }
    }
}

/// A store answered with something that does not answer the request.
#[derive(Debug, Clone, Snafu)]
#[snafu(display("the segment store answered {reply}"))]
struct Unanswered {
    reply: &'static str,
}
