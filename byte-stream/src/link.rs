//! The way from a segment's name to the store that holds it: controller, token, connection, one call.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pravega_client_shared::{DelegationToken, Endpoint, RequestId, ScopedSegment};
use pravega_connection_pool::{ConnectError, Connection, ConnectionError};
use pravega_controller_client::{Access, ControllerError};
use pravega_segment_session::{Recovery, Refusal, TokenFault};
use pravega_wire_protocol::{Reply, Request};
use snafu::{IntoError as _, Snafu};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    core::Core,
    error::{
        Cause, NoSuchSegmentSnafu, RefusedSnafu, SealedSnafu, SegmentError, ShutDownSnafu,
        TimeoutSnafu, UnauthorizedSnafu, UnavailableSnafu,
    },
    resolve::{is_denied, is_not_found},
};

/// A segment together with what is known about where it lives and who may use it.
///
/// Generations of the address and the token that were used last are kept, so that a complaint about one
/// of them never throws away a newer one that somebody else has fetched meanwhile.
pub(crate) struct SegmentLink {
    core: Arc<Core>,
    segment: ScopedSegment,
    wire_name: Arc<str>,
    access: Access,
    used: Mutex<Used>,
    known_tail: AtomicU64,
}

/// How long a call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until the operation time-out; the request is repeated as often as need be.
    Deadline,
    /// A moment: the answer is welcome, not needed.
    Moment,
    /// Until the operation time-out, but what may have been carried out is not sent again.
    Once,
    /// For ever: the store holds the request until it can answer. Only keep-alive tells a dead peer.
    Parked,
}

/// How long an answer that is welcome, not needed, is waited for.
const MOMENT: Duration = Duration::from_secs(5);

/// Longer than any program runs. Kept far from the end of the clock's range.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[derive(Debug, Default, Clone)]
struct Used {
    location: Option<u64>,
    token: Option<u64>,
    /// The store turned to last; none while the controller is asked for it.
    store: Option<Endpoint>,
}

/// A connection to the store that holds the segment, and the token to show there.
pub(crate) struct Reached {
    pub(crate) connection: Connection,
    pub(crate) token: DelegationToken,
}

/// Who wants a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum User {
    /// A session, which keeps it and had better not share it as long as there are free ones.
    Session,
    /// A single request, for which any connection does.
    Call,
}

/// Why the store could not be reached.
#[derive(Debug, Clone, Snafu)]
pub(crate) enum ReachError {
    /// The controller did not say where the segment is, or gave no token.
    #[snafu(
        context(false),
        display("the controller did not say where the segment is")
    )]
    Locating { source: ControllerError },
    /// The store did not take the connection.
    #[snafu(context(false), display("the segment store could not be connected"))]
    Connecting { source: ConnectError },
}

impl ReachError {
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Locating { source } if is_denied(source))
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Locating { source } if is_not_found(source))
    }

    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Locating { source } => source.is_retryable(),
            Self::Connecting { source } => source.is_retryable(),
        }
    }
}

impl SegmentLink {
    pub(crate) fn new(core: Arc<Core>, segment: ScopedSegment, access: Access) -> Self {
        let wire_name = segment.to_string().into();
        Self {
            core,
            segment,
            wire_name,
            access,
            used: Mutex::default(),
            known_tail: AtomicU64::new(0),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn segment(&self) -> &ScopedSegment {
        &self.segment
    }

    /// The segment's name as requests carry it. Cloning shares the text.
    pub(crate) fn wire_name(&self) -> Arc<str> {
        Arc::clone(&self.wire_name)
    }

    /// Finds the store, gets a token and a connection. Cancel safe: what was fetched stays cached.
    pub(crate) async fn reach(&self, user: User) -> Result<Reached, ReachError> {
        self.note(|used| used.store = None);
        let located = self.core.controller.endpoint(&self.segment).await?;
        self.note(|used| used.location = Some(located.generation));
        let issued = self
            .core
            .controller
            .token(self.segment.stream(), self.access)
            .await?;
        self.note(|used| {
            used.token = Some(issued.generation);
            used.store = Some(located.endpoint.clone());
        });
        let connected = match user {
            User::Session => self.core.pool.connect(&located.endpoint).await,
            User::Call => self.core.pool.connect_for_calls(&located.endpoint).await,
        };
        match connected {
            Ok(connection) => Ok(Reached {
                connection,
                token: issued.token,
            }),
            Err(error) => {
                // The store may be gone for good and the segment elsewhere: ask again next time.
                self.relocate();
                Err(error.into())
            }
        }
    }

    /// The store said, or its silence suggests, that the segment is not there: ask the controller anew.
    pub(crate) fn relocate(&self) {
        if let Some(generation) = self.used().location {
            self.core.controller.forget(&self.segment, generation);
        }
    }

    /// The token was refused, or is suspected: get another one before the next request.
    pub(crate) fn renew_token(&self) {
        if let Some(generation) = self.used().token {
            self.core
                .controller
                .forget_token(self.segment.stream(), self.access, generation);
        }
    }

    /// Sends one request until it is answered, or as long as `patience` lasts.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        patience: Patience,
        request: impl Fn(RequestId, &DelegationToken) -> Request,
        read: impl Fn(Reply) -> Result<T, Reply>,
    ) -> Result<T, SegmentError> {
        let call = Call {
            link: self,
            operation,
            patience,
        };
        // Boxed: looking for a store takes much room, which the futures of all callers would have to have.
        Box::pin(call.run(request, read)).await
    }

    /// The highest tail that a store has told of. A segment never gets shorter.
    pub(crate) fn known_tail(&self) -> u64 {
        self.known_tail.load(Ordering::Relaxed)
    }

    pub(crate) fn note_tail(&self, tail: u64) {
        self.known_tail.fetch_max(tail, Ordering::Relaxed);
    }

    /// Who has been asked last, as the reason why something takes long.
    pub(crate) fn waiting(&self) -> Cause {
        let peer = match self.used().store {
            Some(store) => format!("the segment store at {store}"),
            None => format!(
                "the controller at {}",
                self.core.config.controller_address()
            ),
        };
        Arc::new(Waiting { peer })
    }

    fn used(&self) -> Used {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.clone()
    }

    fn note(&self, change: impl FnOnce(&mut Used)) {
        change(&mut self.used.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for SegmentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentLink({})", self.segment)
    }
}

/// One request on its way to an answer.
struct Call<'a> {
    link: &'a SegmentLink,
    operation: &'static str,
    patience: Patience,
}

/// How one attempt ended without an answer that ends the call.
enum Attempt {
    /// Nothing was sent, or the request may be sent again all the same.
    Again(Cause),
    /// The call ends with this error.
    Over(SegmentError),
}

impl Call<'_> {
    async fn run<T>(
        self,
        request: impl Fn(RequestId, &DelegationToken) -> Request,
        read: impl Fn(Reply) -> Result<T, Reply>,
    ) -> Result<T, SegmentError> {
        let after = self.time_out();
        let deadline = Instant::now() + after;
        let mut delays = self.link.core.delays();
        let mut last = None;
        let mut token_renewed = false;
        loop {
            let attempt = self.attempt(&request, &read, &mut token_renewed);
            let cause = match self.until(deadline, attempt).await {
                Some(Ok(value)) => return Ok(value),
                Some(Err(Attempt::Over(error))) => return Err(error),
                Some(Err(Attempt::Again(cause))) => cause,
                None => return Err(self.out_of_time(after, last)),
            };
            tracing::debug!(segment = %self.link.segment, operation = self.operation, %cause, "will ask again");
            last = Some(cause);
            let delay = delays.next().unwrap_or(MOMENT);
            if self.until(deadline, sleep(delay)).await.is_none() {
                return Err(self.out_of_time(after, last));
            }
        }
    }

    fn time_out(&self) -> Duration {
        let configured = self.link.core.config.operation_timeout();
        match self.patience {
            Patience::Deadline | Patience::Once => configured,
            Patience::Moment => configured.min(MOMENT),
            Patience::Parked => FOR_EVER,
        }
    }

    /// Runs `future` until the deadline or the factory's shutdown; none when it was cut short.
    async fn until<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
        let shutdown = &self.link.core.shutdown;
        let bounded = timeout_at(deadline, future);
        shutdown
            .run_until_cancelled(bounded)
            .await
            .and_then(Result::ok)
    }

    fn out_of_time(&self, after: Duration, last: Option<Cause>) -> SegmentError {
        let target = self.link.segment.to_string();
        let operation = self.operation;
        match last {
            _ if self.link.core.shutdown.is_cancelled() => ShutDownSnafu.build(),
            Some(source) => UnavailableSnafu { target, operation }.into_error(source),
            None => TimeoutSnafu {
                target,
                operation,
                after,
            }
            .into_error(self.link.waiting()),
        }
    }

    async fn attempt<T>(
        &self,
        request: &impl Fn(RequestId, &DelegationToken) -> Request,
        read: &impl Fn(Reply) -> Result<T, Reply>,
        token_renewed: &mut bool,
    ) -> Result<T, Attempt> {
        let reached = self
            .link
            .reach(User::Call)
            .await
            .map_err(|error| self.not_reached(error))?;
        let timeout = match self.patience {
            Patience::Parked => FOR_EVER,
            _ => self.link.core.config.request_timeout(),
        };
        let build = |id| request(id, &reached.token);
        let reply = match reached.connection.call(build, timeout).await {
            Ok(reply) => reply,
            Err(error) => return Err(self.lost(error)),
        };
        read(reply).map_err(|failure| self.refused(&failure, token_renewed))
    }

    fn not_reached(&self, error: ReachError) -> Attempt {
        let segment = self.link.segment.clone();
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
            Attempt::Again(source)
        } else {
            Attempt::Over(self.unavailable(source))
        }
    }

    fn lost(&self, error: ConnectionError) -> Attempt {
        // A store closes the connection without a word when a token expires. Where the segment is stays
        // believed until a store denies it or cannot be dialled: the controller may be down.
        self.link.renew_token();
        let source: Cause = Arc::new(error);
        if self.patience == Patience::Once {
            Attempt::Over(self.unavailable(source))
        } else {
            Attempt::Again(source)
        }
    }

    fn unauthorized(&self, source: Cause) -> SegmentError {
        let target = self.link.segment.to_string();
        UnauthorizedSnafu { target }.into_error(source)
    }

    fn unavailable(&self, source: Cause) -> SegmentError {
        let target = self.link.segment.to_string();
        UnavailableSnafu {
            target,
            operation: self.operation,
        }
        .into_error(source)
    }

    fn refused(&self, failure: &Reply, token_renewed: &mut bool) -> Attempt {
        let segment = self.link.segment.clone();
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
            Some(Recovery::RenewToken(TokenFault::Refused)) if *token_renewed => {
                Attempt::Over(self.unauthorized(source))
            }
            Some(Recovery::RenewToken(_)) => {
                *token_renewed = true;
                self.link.renew_token();
                Attempt::Again(source)
            }
            Some(Recovery::Relocate) => {
                self.link.relocate();
                Attempt::Again(source)
            }
            _ => Attempt::Again(source),
        }
    }
}

/// Somebody has not answered yet.
#[derive(Debug, Clone, Snafu)]
#[snafu(display("waiting for {peer}"))]
struct Waiting {
    peer: String,
}

/// A store answered with something that does not answer the request.
#[derive(Debug, Clone, Snafu)]
#[snafu(display("the segment store answered {reply}"))]
struct Unanswered {
    reply: &'static str,
}
