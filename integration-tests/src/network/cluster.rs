//! The cluster: what it keeps, whatever happens to its hosts, and who serves it where.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use pravega_standalone::{Limits, Services, Standalone};

use super::{board::Board, plan::Plan};
use crate::campaign::Violation;

/// The port of the controller.
pub(super) const CONTROLLER_PORT: u16 = 9090;

/// The port of the stores.
pub(super) const STORE_PORT: u16 = 12345;

/// The hosts of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Controller,
    StoreA,
    StoreB,
}

impl Host {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::StoreA => "store-a",
            Self::StoreB => "store-b",
        }
    }

    pub(super) fn other_store(self) -> Self {
        match self {
            Self::StoreA => Self::StoreB,
            _ => Self::StoreA,
        }
    }
}

/// What the cluster keeps, and what is wrong with it at the moment.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) services: Services,
    pub(super) token_lifetime: Option<Duration>,
    /// The store that serves the segments.
    pub(super) home: Board<Home>,
    /// So many requests are still to be answered with "wrong host".
    denials: AtomicU32,
    /// What stores do with those who connect.
    doors: Mutex<BTreeSet<Door>>,
}

/// Which store serves the segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) store: Host,
    /// The connections to the old store were cut.
    pub(super) cuts: bool,
    /// How often they have moved.
    pub(super) moves: u32,
}

/// What stores do with those who connect, if they do not serve them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Door {
    Slams,
    IsMute,
    IsAnothers,
}

impl Cluster {
    pub(super) fn new(plan: &Plan) -> Result<Self, Violation> {
        let mut limits = Limits::default();
        limits.hello_timeout = Duration::from_secs(3);
        limits.frame_timeout = Duration::from_secs(5);
        limits.write_timeout = Duration::from_secs(5);
        limits.close_timeout = Duration::from_secs(1);
        limits.idle_timeout = plan.pace.keep_alive * 8;
        let services = Standalone::builder().memory().limits(limits).services();
        // In memory there is nothing to wait for.
        let services = services.now_or_never();
        let services = services.and_then(Result::ok);
        let home = Home {
            store: Host::StoreA,
            cuts: false,
            moves: 0,
        };
        Ok(Self {
            services: services.ok_or_else(|| Violation::broken("no services"))?,
            token_lifetime: plan.token_lifetime,
            home: Board::new(home),
            denials: AtomicU32::new(0),
            doors: Mutex::default(),
        })
    }

    pub(super) fn move_segments(&self, cuts: bool) {
        let Home { store, moves, .. } = self.home.get();
        self.home.set(Home {
            store: store.other_store(),
            cuts,
            moves: moves + 1,
        });
    }

    pub(super) fn deny(&self, times: u32) {
        self.denials.fetch_add(times, Ordering::Relaxed);
    }

    /// Whether this request is to be denied though the segment is there.
    pub(super) fn takes_denial(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.denials
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
    }

    pub(super) fn set_door(&self, door: Door, is_so: bool) {
        let mut doors = super::lock(&self.doors);
        if is_so {
            doors.insert(door);
        } else {
            doors.remove(&door);
        }
    }

    pub(super) fn door(&self) -> Option<Door> {
        super::lock(&self.doors).first().copied()
    }

    /// Everything works.
    pub(super) fn heal(&self) {
        super::lock(&self.doors).clear();
        self.denials.store(0, Ordering::Relaxed);
    }
}
