//! The session's connection, from its side.

use std::time::Instant;

use pravega_client_shared::{DelegationToken, FlowId, RequestId};

/// Where the session stands with a connection.
///
/// ```text
///            something to send                 handle_attached
///  Detached ──────────────────► Attaching ──────────────────────► SettingUp
///   ▲  │                         ▲     │                           │  ▲   │
///   │  │ too early for the       │     │ attempt failed            │  │   │ AppendSetup
///   │  │ next attempt            │     ▼                           │  │   ▼
///   │  └───────────────────────► Waiting ◄────────── lost ─────────┤  │  Streaming
///   │                              ▲                               │  │   │  │
///   │                              └─────────── lost, work left ───┼──┼───┘  │
///   └──────────────────────────────────────── lost, nothing left ──┘  └──────┘
///                                                              sealed: which blocks made it?
/// ```
#[derive(Debug, Default)]
pub(super) enum Link {
    /// No connection, and none asked for.
    #[default]
    Detached,
    /// No connection; one will be asked for at this time.
    Waiting {
        /// When.
        until: Instant,
    },
    /// The driver has been asked for a connection.
    Attaching,
    /// A setup is to be sent, or its answer is awaited.
    SettingUp {
        /// The connection.
        on: Attached,
        /// The setup has been given out; its answer is awaited.
        is_given_out: bool,
    },
    /// Blocks may go out.
    Streaming {
        /// The connection.
        on: Attached,
    },
}

/// One setup on one connection.
#[derive(Debug, Clone)]
pub(super) struct Attached {
    pub(super) flow: FlowId,
    /// The id of the setup and of every block behind it. Each setup has another, so replies to an earlier
    /// one are told apart.
    pub(super) request_id: RequestId,
    pub(super) token: DelegationToken,
}

impl Link {
    pub(super) fn attached(&self) -> Option<&Attached> {
        match self {
            Self::SettingUp { on, .. } | Self::Streaming { on } => Some(on),
            Self::Detached | Self::Waiting { .. } | Self::Attaching => None,
        }
    }

    pub(super) fn is_streaming(&self) -> bool {
        matches!(self, Self::Streaming { .. })
    }
}
