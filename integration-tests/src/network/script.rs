//! The faults of a run, and when each begins and ends.

use std::time::Duration;

use super::{
    cluster::Host,
    plan::{Focus, between},
};
use crate::Random;

/// The faults of a run, in the order in which they begin.
pub(super) type Script = Vec<Fault>;

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// When it begins.
    pub(super) at: Duration,
    /// How long it lasts; of some, how long its consequences are waited for.
    pub(super) lasts: Duration,
    /// The client that it is about, if it is about one.
    pub(super) client: usize,
    /// What goes wrong.
    pub(super) kind: Kind,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing gets from the client to the host or back; what was on its way is gone, so that connections are
    /// half-open from then on (N4).
    Partition(Host),
    /// Only requests are lost (N1).
    LostRequests(Host),
    /// Only replies are lost (N2).
    LostReplies(Host),
    /// Everything is held back, and comes all at once (N12).
    Hold(Host),
    /// Everything takes this much longer (N12).
    Latency(Host, Duration),
    /// The host's process ends and its connections are closed; it is started again (K1, N11).
    Crash(Host),
    /// The same without a word to anybody: the machine has lost its power.
    PowerLoss(Host),
    /// The client's process ends and is started again.
    ClientCrash,
    /// The segment moves to the other store (S1).
    Move { cuts: bool },
    /// The store denies that it has the segment, so many times (S1).
    WrongHost(u32),
    /// The client's connections end after so many more bytes of requests (N1, N3).
    CutRequests(usize),
    /// The client's connections end after so many more bytes of replies (N2, N3).
    CutReplies(usize),
    /// After so many more bytes of replies nothing comes any more on these connections (N4, N6).
    StallReplies(usize),
    /// After so many more bytes of replies only one comes a second on these connections (N6).
    DripReplies(usize),
    /// The client's connections take only so many bytes of requests in each tenth of a second (N5).
    SlowRequests(usize),
    /// Names are not resolved (N8).
    NoNames,
    /// Stores accept and close at once (N9).
    Slam,
    /// Stores accept and say nothing (A2 the other way round).
    Mute,
    /// Something else than a store answers at the store's port (N10).
    Stranger,
}

impl Kind {
    /// What it is called in the account.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Partition(_) => "partition",
            Self::LostRequests(_) => "requests lost",
            Self::LostReplies(_) => "replies lost",
            Self::Hold(_) => "hold",
            Self::Latency(..) => "latency",
            Self::Crash(Host::Controller) => "controller crash",
            Self::Crash(_) => "store crash",
            Self::PowerLoss(Host::Controller) => "controller power loss",
            Self::PowerLoss(_) => "store power loss",
            Self::ClientCrash => "client crash",
            Self::Move { .. } => "segment moved",
            Self::WrongHost(_) => "wrong host",
            Self::CutRequests(_) => "requests cut",
            Self::CutReplies(_) => "replies cut",
            Self::StallReplies(_) => "replies stall",
            Self::DripReplies(_) => "replies drip",
            Self::SlowRequests(_) => "slow requests",
            Self::NoNames => "no names",
            Self::Slam => "accepts and closes",
            Self::Mute => "accepts and is silent",
            Self::Stranger => "another protocol",
        }
    }

    /// True when only the deadline of a frame ends it.
    pub(super) fn needs_frame_deadline(self) -> bool {
        matches!(self, Self::DripReplies(_))
    }
}

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// About five faults, some alone and some at the same time.
pub(super) fn draw_script(random: &mut Random, clients: usize, focus: Focus) -> Script {
    let mut at = 300 * MS;
    let mut script = Vec::new();
    for _ in 0..3 + random.below(5) {
        at += between(random, Duration::ZERO, 1_500 * MS);
        let kind = match focus {
            Focus::Everything | Focus::Expiry => draw_any(random),
            Focus::Silence => draw_silence(random),
            Focus::Drips => Kind::DripReplies(random.below(100)),
            Focus::LateReplies => draw_lateness(random),
        };
        script.push(Fault {
            at,
            lasts: duration_of(kind, random),
            client: random.below(clients),
            kind,
        });
    }
    script
}

/// A fault every few seconds, for an hour.
pub(super) fn draw_hour(random: &mut Random, clients: usize) -> Script {
    let mut script = Vec::new();
    let mut at = 10 * S;
    while at < 3_580 * S {
        let kind = draw_any(random);
        // Who meets a stranger is told so for good, which would end the hour early.
        if kind != Kind::Stranger && kind != Kind::ClientCrash {
            script.push(Fault {
                at,
                lasts: duration_of(kind, random),
                client: random.below(clients),
                kind,
            });
        }
        at += between(random, S, 25 * S);
    }
    script
}

fn draw_silence(random: &mut Random) -> Kind {
    let bytes = random.below(300);
    match random.below(4) {
        0 => Kind::Partition(Host::StoreA),
        1 => Kind::LostReplies(Host::StoreA),
        2 => Kind::LostRequests(Host::StoreA),
        _ => Kind::StallReplies(bytes),
    }
}

fn draw_lateness(random: &mut Random) -> Kind {
    match random.one_in(2) {
        true => Kind::Hold(Host::StoreA),
        false => Kind::Latency(Host::StoreA, between(random, S, 5 * S)),
    }
}

fn draw_any(random: &mut Random) -> Kind {
    let host = *random
        .pick(&[Host::StoreA, Host::StoreA, Host::StoreB, Host::Controller])
        .unwrap_or(&Host::StoreA);
    let store = *random
        .pick(&[Host::StoreA, Host::StoreB])
        .unwrap_or(&Host::StoreA);
    let bytes = match random.one_in(2) {
        true => random.below(200),
        false => random.below(20_000),
    };
    match random.below(42) {
        0..=2 => Kind::Partition(host),
        3..=4 => Kind::LostRequests(store),
        5..=7 => Kind::LostReplies(store),
        8..=10 => Kind::Hold(host),
        11..=12 => Kind::Latency(host, between(random, 50 * MS, 2 * S)),
        13..=15 => Kind::Crash(host),
        16..=17 => Kind::PowerLoss(host),
        18..=19 => Kind::ClientCrash,
        20..=22 => Kind::Move {
            cuts: random.one_in(2),
        },
        23..=25 => Kind::WrongHost(1 + u32::try_from(random.below(3)).unwrap_or_default()),
        26..=28 => Kind::CutRequests(bytes),
        29..=31 => Kind::CutReplies(bytes),
        32..=33 => Kind::StallReplies(bytes),
        34 => Kind::DripReplies(bytes.min(60)),
        35 => Kind::SlowRequests(1 + random.below(2_000)),
        36 => Kind::NoNames,
        37..=38 => Kind::Slam,
        39 => Kind::Mute,
        40 => Kind::Stranger,
        _ => Kind::Crash(Host::Controller),
    }
}

fn duration_of(kind: Kind, random: &mut Random) -> Duration {
    match kind {
        Kind::Move { .. }
        | Kind::WrongHost(_)
        | Kind::CutRequests(_)
        | Kind::CutReplies(_)
        | Kind::StallReplies(_)
        | Kind::DripReplies(_) => 200 * MS,
        _ if random.one_in(4) => between(random, S, 6 * S),
        _ => between(random, 50 * MS, 1_500 * MS),
    }
}
