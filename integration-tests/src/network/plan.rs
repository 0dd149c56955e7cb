//! What a run is made of, drawn from its seed.

use std::time::Duration;

use pravega_byte_stream::{
    ClientConfig, ClientConfigBuilder, ConfigError, Credentials, RetryPolicy, WriteMode,
};

use super::{
    cluster::{CONTROLLER_PORT, Host},
    script::{Kind, Script, draw_hour, draw_script},
};
use crate::Random;

/// One run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// How long a step of the simulation is: messages are delivered between steps.
    pub(super) tick: Duration,
    /// How long a message is on its way at least.
    pub(super) latency: Duration,
    pub(super) pace: Pace,
    /// How long a delegation token lives; none when the cluster wants none.
    pub(super) token_lifetime: Option<Duration>,
    pub(super) clients: Vec<Vec<Role>>,
    pub(super) script: Script,
    /// When the last fault ends.
    pub(super) calm_at: Duration,
    /// Whether it is waited until the stores have forgotten all clients.
    pub(super) is_audited: bool,
}

/// What a campaign looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    /// Everything that can go wrong.
    Everything,
    /// Peers that are silent from some moment on.
    Silence,
    /// Replies of which a byte comes now and then.
    Drips,
    /// Tokens that end soon.
    Expiry,
    /// Replies that come when their calls are given up, on connections that others need.
    LateReplies,
}

/// The time-outs of the clients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) keep_alive: Duration,
    pub(super) connect: Duration,
    pub(super) request: Duration,
    pub(super) operation: Duration,
    pub(super) idle: Duration,
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
    pub(super) max_connections: usize,
    pub(super) window: usize,
}

/// What a part of a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Appends blocks.
    Write(Writing),
    /// Reads from the first byte to the end.
    Read(Reading),
    /// Asks about the segment, and has the controller make and delete streams.
    Ask,
    /// Truncates.
    Truncate,
    /// Seals the segment in the middle of everything.
    Seal(Duration),
}

/// How a writer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writing {
    pub(super) mode: WriteMode,
    /// The longest pause between two appends.
    pub(super) pause: Duration,
    /// How many appends go without a flush, at most.
    pub(super) burst: usize,
    pub(super) lengths: Lengths,
    /// No appends after so many.
    pub(super) most: u32,
}

/// How long blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lengths {
    /// All the same.
    Equal(usize),
    /// Anything up to this.
    Mixed(usize),
}

/// How a reader reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) from_tail: bool,
    /// The most bytes taken at a time.
    pub(super) chunk: usize,
    /// The longest pause between two reads.
    pub(super) pause: Duration,
    /// Goes on behind what was truncated by itself.
    pub(super) skips: bool,
}

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

impl Plan {
    /// The run of a seed.
    pub(super) fn of_seed(seed: u64, focus: Focus) -> Self {
        let mut random = Random::new(seed ^ 0x7475_726d_6f69_6c21);
        let clients = 1 + random.below(3);
        let script = draw_script(&mut random, clients, focus);
        let lasts = script.iter().map(|fault| fault.at + fault.lasts).max();
        let calm_at = lasts.unwrap_or_default() + 500 * MS;
        let drips = script.iter().any(|fault| fault.kind.needs_frame_deadline());
        let mut pace = Pace::draw(&mut random, drips);
        if focus == Focus::LateReplies {
            // With another one to go to, nobody would use a connection that owes replies.
            pace.max_connections = 1;
        }
        let expires = random.one_in(3) || focus == Focus::Expiry;
        Self {
            seed,
            tick: *random
                .pick(&[5 * MS, 10 * MS, 20 * MS])
                .unwrap_or(&(10 * MS)),
            latency: Duration::ZERO,
            pace,
            token_lifetime: expires.then(|| between(&mut random, S, 6 * S)),
            clients: draw_roles(&mut random, clients, calm_at),
            script,
            calm_at,
            // It takes long, so not every time.
            is_audited: seed.is_multiple_of(16),
        }
    }

    /// A world without clients and without faults, with the default time-outs.
    pub(super) fn quiet(tick: Duration) -> Self {
        Self {
            seed: 0,
            tick,
            latency: Duration::ZERO,
            pace: Pace::standard(),
            token_lifetime: None,
            clients: Vec::new(),
            script: Script::new(),
            calm_at: Duration::MAX / 2,
            is_audited: false,
        }
    }

    /// An hour with a fault every few seconds: writer, readers, truncation, moves, tokens that end.
    pub(super) fn hour(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let writing = Writing {
            pause: 4 * S,
            most: 5_000,
            ..Writing::draw(&mut random, WriteMode::Exclusive)
        };
        let reading = Reading::draw(&mut random, true);
        let follower = Reading {
            from_tail: false,
            skips: true,
            ..reading
        };
        let script = draw_hour(&mut random, 2);
        Self {
            tick: 50 * MS,
            pace: Pace {
                operation: 60 * S,
                ..Pace::draw(&mut random, true)
            },
            token_lifetime: Some(60 * S),
            clients: vec![
                vec![Role::Write(writing), Role::Ask],
                vec![Role::Read(reading), Role::Read(follower), Role::Truncate],
            ],
            calm_at: 3_600 * S,
            script,
            is_audited: true,
            ..Self::quiet(MS)
        }
    }

    /// True when something else than a store answers at the store's port for a while: who meets it is told so,
    /// once and for all.
    pub(super) fn has_stranger(&self) -> bool {
        self.script.iter().any(|fault| fault.kind == Kind::Stranger)
    }

    /// The configuration of the clients.
    pub(super) fn config(&self) -> Result<ClientConfig, ConfigError> {
        let pace = &self.pace;
        let retry = RetryPolicy::default()
            .with_initial_backoff(pace.first_pause)
            .with_max_backoff(pace.longest_pause);
        let builder = ClientConfigBuilder::default()
            .controller_uri(format!(
                "tcp://{}:{CONTROLLER_PORT}",
                Host::Controller.name()
            ))
            .keep_alive_interval(pace.keep_alive)
            .connect_timeout(pace.connect)
            .hello_timeout(pace.connect)
            .request_timeout(pace.request)
            .operation_timeout(pace.operation)
            .connection_idle_timeout(pace.idle)
            .max_connections_per_endpoint(pace.max_connections)
            .max_unacked_bytes(pace.window)
            .retry(retry);
        match self.token_lifetime {
            Some(_) => builder
                .credentials(Credentials::basic("who", "knows"))
                .build(),
            None => builder.build(),
        }
    }
}

impl Pace {
    /// The defaults of the configuration.
    pub(super) fn standard() -> Self {
        Self {
            keep_alive: 10 * S,
            connect: 5 * S,
            request: 30 * S,
            operation: 60 * S,
            idle: 60 * S,
            first_pause: 50 * MS,
            longest_pause: 10 * S,
            max_connections: 64,
            window: 16 * 1024 * 1024,
        }
    }

    fn draw(random: &mut Random, drips: bool) -> Self {
        // A byte a second must be a sign of life, or the answers to questions would fill what drips.
        let shortest = if drips { 1_100 * MS } else { 300 * MS };
        let keep_alive = between(random, shortest, 1_500 * MS);
        Self {
            keep_alive,
            connect: between(random, 300 * MS, 1_500 * MS),
            request: between(random, S, 4 * S),
            // A frame may take half a minute, and somebody must still be waiting when it is given up.
            operation: if drips {
                60 * S
            } else {
                between(random, 10 * S, 15 * S)
            },
            idle: between(random, S, 20 * S),
            first_pause: between(random, 5 * MS, 50 * MS),
            longest_pause: between(random, 100 * MS, S),
            max_connections: 1 + random.below(4),
            window: (64 << random.below(5)) * 1024,
        }
    }
}

fn draw_roles(random: &mut Random, clients: usize, calm_at: Duration) -> Vec<Vec<Role>> {
    // One writer alone, several that share, or several that compete.
    let modes = *random
        .pick(&[
            [WriteMode::Exclusive, WriteMode::Shared],
            [WriteMode::Shared, WriteMode::Shared],
            [WriteMode::Exclusive, WriteMode::Exclusive],
        ])
        .unwrap_or(&[WriteMode::Shared; 2]);
    let writers = 1 + random.below(clients + 1);
    let mut roles = vec![Vec::new(); clients];
    let mut give = |random: &mut Random, role: Role| {
        let at = random.below(clients);
        if let Some(roles) = roles.get_mut(at) {
            roles.push(role);
        }
    };
    for number in 0..writers {
        let mode = modes.get(number % 2).copied().unwrap_or(WriteMode::Shared);
        let writing = Writing::draw(random, mode);
        give(random, Role::Write(writing));
    }
    for number in 0..=random.below(3) {
        let reading = Reading::draw(random, number == 1);
        give(random, Role::Read(reading));
    }
    if random.one_in(2) {
        give(random, Role::Ask);
    }
    if random.one_in(4) {
        give(random, Role::Truncate);
    }
    if random.one_in(8) {
        let at = between(random, S, calm_at);
        give(random, Role::Seal(at));
    }
    roles
}

impl Writing {
    fn draw(random: &mut Random, mode: WriteMode) -> Self {
        let longest = *random.pick(&[20, 100, 3_000, 40_000]).unwrap_or(&100);
        Self {
            mode,
            pause: between(random, 10 * MS, 400 * MS),
            burst: 1 + random.below(8),
            lengths: match random.one_in(2) {
                true => Lengths::Equal(longest),
                false => Lengths::Mixed(longest),
            },
            most: 150,
        }
    }
}

impl Reading {
    fn draw(random: &mut Random, from_tail: bool) -> Self {
        Self {
            from_tail,
            chunk: *random.pick(&[1_000, 30_000, usize::MAX]).unwrap_or(&1_000),
            pause: *random
                .pick(&[Duration::ZERO, Duration::ZERO, 50 * MS])
                .unwrap_or(&MS),
            skips: random.one_in(2),
        }
    }
}

impl Lengths {
    pub(super) fn draw(self, random: &mut Random) -> usize {
        match self {
            Self::Equal(len) => len,
            Self::Mixed(longest) => random.below(longest + 1),
        }
    }
}

/// A time between two others, in whole milliseconds.
pub(super) fn between(random: &mut Random, least: Duration, most: Duration) -> Duration {
    let span = most.saturating_sub(least).as_millis();
    let span = usize::try_from(span).unwrap_or_default();
    let more = u64::try_from(random.below(span + 1)).unwrap_or_default();
    least + Duration::from_millis(more)
}
