//! Which controllers there are, and which one is asked next.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pravega_client_config::{ClientConfig, address::MAX_CONTROLLERS};
use pravega_client_shared::{Chance, Endpoint};
use pravega_controller_api as api;
use snafu::OptionExt;
use tokio::time::Instant;
use tonic::Code;
use tracing::debug;

use crate::{
    ControllerError,
    attempt::Caller,
    cache::{Cache, Entry, Freshness, Keep},
    channel::{Controller, Prepare},
    error::InvalidArgumentSnafu,
};

/// How long a list of controllers is believed. The figure of Pravega's Java client.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(120);

/// How soon the list is asked for again after a failure, at the earliest. The figure of the same client.
const REDISCOVERY_INTERVAL: Duration = Duration::from_secs(10);

/// The controllers of a cluster: those of the address, or those that these name. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Controllers {
    listed: Arc<Group>,
    /// `None` when the address's own controllers are the ones to ask.
    discovery: Option<Discovery>,
}

#[derive(Clone)]
struct Discovery {
    prepare: Prepare,
    chance: Chance,
    found: Cache<(), Discovered>,
}

/// Some controllers, and which of them is in use.
#[derive(Debug)]
pub(crate) struct Group {
    first: Arc<Controller>,
    members: Vec<Arc<Controller>>,
    /// Counts upwards for ever; the member in use is this, modulo their number.
    turn: AtomicUsize,
}

/// A list of controllers and when it was made.
#[derive(Debug, Clone)]
struct Discovered {
    group: Arc<Group>,
    made_at: Instant,
    good_for: Duration,
}

impl Keep for Discovered {
    /// An old list does until the new one is there.
    const PATIENCE: Duration = Duration::ZERO;

    fn freshness(&self, now: Instant) -> Freshness {
        if now.saturating_duration_since(self.made_at) < self.good_for {
            Freshness::Fresh
        } else {
            Freshness::Ageing
        }
    }
}

impl Controllers {
    pub(crate) fn new(
        config: &ClientConfig,
        prepare: Prepare,
        chance: Chance,
    ) -> Result<Self, ControllerError> {
        let address = config.controller_address();
        let members: Vec<_> = address
            .endpoints()
            .iter()
            .map(|endpoint| Controller::new(endpoint, &prepare).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let reason = "the address lists no controller";
        let listed = Group::new(members, 0).context(InvalidArgumentSnafu { reason })?;
        let discovery = address.discovery().then(|| Discovery {
            prepare,
            chance,
            found: Cache::new(2),
        });
        Ok(Self {
            listed: Arc::new(listed),
            discovery,
        })
    }

    /// The controllers to ask, with `caller` to find them out.
    pub(crate) async fn group(&self, caller: &Caller) -> Result<Arc<Group>, ControllerError> {
        let Some(discovery) = &self.discovery else {
            return Ok(Arc::clone(&self.listed));
        };
        let discover = || {
            let (listed, discovery, caller) =
                (Arc::clone(&self.listed), discovery.clone(), caller.clone());
            async move { Ok(discovery.discover(&listed, &caller).await) }
        };
        Ok(discovery.found.get(&(), discover).await?.value.group)
    }

    /// Notes that `group` could not be reached, so that the list is asked for again before long.
    pub(crate) fn complain(&self, group: &Arc<Group>) {
        let Some(discovery) = &self.discovery else {
            return;
        };
        let now = Instant::now();
        discovery
            .found
            .forget_if(&(), |Entry { value: found, .. }| {
                Arc::ptr_eq(&found.group, group)
                    && now.saturating_duration_since(found.made_at) >= REDISCOVERY_INTERVAL
            });
    }
}

impl Discovery {
    /// Asks the listed controllers, one after the other. Whatever goes wrong, the last list or they themselves
    /// are left.
    async fn discover(&self, listed: &Arc<Group>, caller: &Caller) -> Discovered {
        for controller in &listed.members {
            let asked = caller.attempt(
                controller,
                caller.connect_timeout(),
                api::ServerRequest {},
                async |mut client, request| client.get_controller_server_list(request).await,
            );
            match asked.await {
                Ok(reply) => {
                    if let Some(group) = self.group_of(&reply, listed) {
                        return Discovered::now(group, DISCOVERY_INTERVAL);
                    }
                    debug!(name: "controller.list_empty", endpoint = %controller.endpoint(), "the list of controllers is empty");
                }
                Err(trouble) => {
                    debug!(name: "controller.list_refused", endpoint = %controller.endpoint(), ?trouble, "no list of controllers");
                    let never = [Code::Unimplemented, Code::Unknown];
                    if never.iter().any(|&code| trouble.is_answer(code)) {
                        return Discovered::now(Arc::clone(listed), DISCOVERY_INTERVAL);
                    }
                }
            }
        }
        let last = self
            .found
            .peek(&())
            .map_or_else(|| Arc::clone(listed), |last| last.group);
        Discovered::now(last, REDISCOVERY_INTERVAL)
    }

    /// The controllers in `reply`, as far as they can be called.
    fn group_of(&self, reply: &api::ServerResponse, listed: &Group) -> Option<Arc<Group>> {
        let mut members: Vec<Arc<Controller>> = Vec::new();
        for uri in reply.node_uri.iter().take(MAX_CONTROLLERS) {
            let known = |endpoint: &Endpoint, members: &[Arc<Controller>]| {
                members
                    .iter()
                    .find(|known| known.endpoint() == endpoint)
                    .cloned()
            };
            let member = Endpoint::new(&uri.endpoint, uri.port)
                .map_err(|error| debug!(name: "controller.list_entry_unusable", %error, "unusable controller in the list"))
                .ok()
                .filter(|endpoint| known(endpoint, &members).is_none())
                .and_then(|endpoint| {
                    // A controller that is known keeps its connection.
                    known(&endpoint, &listed.members)
                        .or_else(|| Controller::new(&endpoint, &self.prepare).map(Arc::new).ok())
                });
            members.extend(member);
        }
        // The list has no order of its own, so each client begins somewhere else.
        let random = || RandomState::new().build_hasher().finish();
        let begin = self.chance.seeded().unwrap_or_else(random);
        let begin = usize::try_from(begin >> 33).unwrap_or(0);
        Group::new(members, begin).map(Arc::new)
    }
}

impl Discovered {
    fn now(group: Arc<Group>, good_for: Duration) -> Self {
        Self {
            group,
            made_at: Instant::now(),
            good_for,
        }
    }
}

impl Group {
    /// `None` without members.
    fn new(members: Vec<Arc<Controller>>, begin: usize) -> Option<Self> {
        let first = Arc::clone(members.first()?);
        Some(Self {
            first,
            members,
            turn: AtomicUsize::new(begin),
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The controller in use, and its turn.
    pub(crate) fn current(&self) -> (Arc<Controller>, usize) {
        let turn = self.turn.load(Ordering::Relaxed);
        let at = turn.checked_rem(self.members.len()).unwrap_or(0);
        (
            Arc::clone(self.members.get(at).unwrap_or(&self.first)),
            turn,
        )
    }

    /// Goes on to the next controller, unless somebody has done so since `turn`: of many calls that fail
    /// together, one moves everybody.
    pub(crate) fn move_on(&self, turn: usize) {
        self.turn
            .compare_exchange(
                turn,
                turn.wrapping_add(1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
            // Somebody else was faster.
            .ok();
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").finish_non_exhaustive()
    }
}
