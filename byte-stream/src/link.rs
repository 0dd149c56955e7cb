//! The way from a segment's name to the store that holds it: controller, token, connection.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use pravega_client_shared::{DelegationToken, Endpoint, ScopedSegment};
use pravega_connection_pool::{ConnectError, Connection};
use pravega_controller_client::{Access, ControllerError};
use snafu::Snafu;

use crate::{
    core::Core,
    error::Cause,
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
                // The store may be gone for good and the segment elsewhere: ask next time.
                self.relocate();
                Err(error.into())
            }
        }
    }

    /// The store said, or its silence suggests, that the segment is not there: ask the controller anew.
    pub(crate) fn relocate(&self) {
        if let Some(generation) = self.used().location {
            self.core.controller.doubt(&self.segment, generation);
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

/// Somebody has not answered yet.
#[derive(Debug, Clone, Snafu)]
#[snafu(display("waiting for {peer}"))]
struct Waiting {
    peer: String,
}
