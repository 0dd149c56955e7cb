//! The world of one run: a relay, a new segment, what is going to happen, and what may come of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use pravega_byte_stream::{
    ClientFactory, ReadError, RetryPolicy, ScopedSegment, WriteError, WriteMode,
};

use super::reading::Pieces;
use crate::{
    Backend, Random, Trace,
    campaign::{Tally, Verdict, Violation},
    evidence::Ledger,
    relay::{Armed, Fault, Frames, Gate, Relay},
};

/// Short enough that a silent peer costs little, and long enough that a busy machine is not taken for one.
const SHORT_PERIOD: Duration = Duration::from_millis(25);
/// How long a call lasts that is meant to time out.
const SHORT_CALL: Duration = Duration::from_millis(60);

/// Far longer than any call takes here whose fault has been ended.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than a frame may take.
const LONG_PATIENCE: Duration = Duration::from_secs(40);
/// More connections than a run has sessions.
const MANY_CONNECTIONS: usize = 16;

/// One run, before and while it is played.
pub(super) struct Stage {
    pub(super) relay: Arc<Relay>,
    /// Does not pass the relay.
    pub(super) clean: ClientFactory,
    pub(super) segment: ScopedSegment,
    pub(super) random: Random,
    pub(super) mode: WriteMode,
    /// How many appends the writer makes.
    pub(super) appends: u32,
    /// Each append is acknowledged before the next one is made.
    pub(super) is_lockstep: bool,
    pub(super) allowed: Allowed,
    /// What to do when a call of the writer has timed out. With none, no call may.
    pub(super) rescue: Option<Rescue>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    /// What lies in the segment before it is truncated.
    pub(super) kept: Arc<Mutex<Vec<u8>>>,
    /// Everything chosen by the seed.
    pub(super) trace: Trace,
    pub(super) beside: Vec<BoxFuture<'static, ()>>,
    /// What others than the two readers have read.
    pub(super) seen: Arc<Mutex<Pieces>>,
    has_short_period: bool,
    has_short_calls: bool,
    /// The deadline of calls that are not meant to time out.
    patience: Duration,
    /// The most connections of a client.
    connections: usize,
    cues: BTreeMap<u32, Vec<Cue>>,
    watched: Vec<(&'static str, Armed)>,
    gates: Vec<Gate>,
    orphans: Vec<(Armed, Gate)>,
    must_cut: bool,
    checks: Vec<Check>,
}

type Check = Box<dyn FnOnce() -> Verdict + Send>;

/// Something that happens before an append.
pub(super) struct Cue {
    /// Its name as a fault; none for what ends one.
    pub(super) fault: Option<&'static str>,
    act: Act,
}

type Act = Box<dyn FnOnce(Arc<Relay>) -> BoxFuture<'static, ()> + Send>;

/// Heals what keeps a call from ending.
pub(super) type Rescue = Box<dyn Fn(&Relay) + Send>;

/// What may come of a run.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// Errors that may end the writer.
    pub(super) write: fn(&WriteError) -> bool,
    /// Errors that may end a reader.
    pub(super) read: fn(&ReadError) -> bool,
    /// The writer must end with one of its errors.
    pub(super) must_fail: bool,
    /// Conflicts, which a resync mends.
    pub(super) conflicts: bool,
    /// An end of the segment that is none: the store was made to say so.
    pub(super) early_end: bool,
    /// The segment is sealed under way: it ends behind its last byte.
    pub(super) is_sealed: bool,
    /// The segment is gone in the end.
    pub(super) is_gone: bool,
    /// The writer needs one connection for all.
    pub(super) no_reconnect: bool,
}

impl Default for Allowed {
    /// Nothing but success.
    fn default() -> Self {
        Self {
            write: |_| false,
            read: |_| false,
            must_fail: false,
            conflicts: false,
            early_end: false,
            is_sealed: false,
            is_gone: false,
            no_reconnect: false,
        }
    }
}

impl Stage {
    /// A relay before `backend` and a new segment.
    pub(super) async fn set(backend: Backend, seed: u64) -> Self {
        let relay = Arc::new(Relay::before(backend).await);
        let clean = relay.backend().factory();
        let segment = relay.backend().fresh_segment(&clean).await;
        let mut random = Random::new(seed);
        let mode = match random.one_in(2) {
            true => WriteMode::Exclusive,
            false => WriteMode::Shared,
        };
        let appends = 20 + random.below(81);
        // Often each session has a connection of its own, and sometimes all share one.
        let connections = match random.below(4) {
            0 => 1 + random.below(2),
            _ => MANY_CONNECTIONS,
        };
        let mut trace = Trace::new();
        trace.add(seed);
        Self {
            relay,
            clean,
            segment,
            random,
            mode,
            appends: u32::try_from(appends).unwrap_or(20),
            is_lockstep: false,
            allowed: Allowed::default(),
            rescue: None,
            ledger: Arc::default(),
            kept: Arc::default(),
            trace,
            beside: Vec::new(),
            seen: Arc::default(),
            has_short_period: false,
            has_short_calls: false,
            patience: PATIENCE,
            connections,
            cues: BTreeMap::new(),
            watched: Vec::new(),
            gates: Vec::new(),
            orphans: Vec::new(),
            must_cut: false,
            checks: Vec::new(),
        }
    }

    /// A number below `bound`, chosen by the seed.
    pub(super) fn dice(&mut self, bound: u64) -> u64 {
        let chosen = self
            .random
            .below(usize::try_from(bound).unwrap_or(usize::MAX));
        let chosen = u64::try_from(chosen).unwrap_or_default();
        self.trace.add(chosen);
        chosen
    }

    /// The number of an append in the middle of the run.
    pub(super) fn some_append(&mut self) -> u32 {
        let last = u64::from(self.appends.saturating_sub(4)).max(1);
        2 + u32::try_from(self.dice(last)).unwrap_or_default()
    }

    /// Does `fault` to those frames.
    pub(super) fn arm(&mut self, name: &'static str, frames: Frames, fault: Fault) -> Armed {
        let armed = self.relay.arm(frames, fault);
        self.watched.push((name, armed.clone()));
        armed
    }

    /// Counts those frames and does nothing to them.
    pub(super) fn watch(&self, frames: Frames) -> Armed {
        self.relay.arm(frames.times(u64::MAX), Fault::Watch)
    }

    /// The requests that carry the writer's bytes.
    pub(super) fn appends_of_writer(&self) -> Frames {
        Frames::requests().named(match self.mode {
            WriteMode::Exclusive => "ConditionalBlockEnd",
            _ => "AppendBlockEnd",
        })
    }

    /// A gate that is opened when the faults end.
    pub(super) fn gate(&mut self) -> Gate {
        let gate = Gate::default();
        self.gates.push(gate.clone());
        gate
    }

    /// The client's connection ends at these requests; the store gets them when the gate opens, which is at the
    /// end at the latest.
    pub(super) fn orphan(&mut self, name: &'static str, frames: Frames) -> (Armed, Gate) {
        let gate = self.gate();
        let armed = self.arm(name, frames, Fault::Orphan(gate.clone()));
        self.orphans.push((armed.clone(), gate.clone()));
        (armed, gate)
    }

    /// When the faults end, so do the connections: a store that has lost a reply will not send it any more.
    pub(super) fn cut_at_the_end(&mut self) {
        self.must_cut = true;
    }

    /// Something must hold when the run is over.
    pub(super) fn check_at_the_end(&mut self, check: impl FnOnce() -> Verdict + Send + 'static) {
        self.checks.push(Box::new(check));
    }

    /// What must hold now that the run is over.
    pub(super) fn check(&mut self) -> Verdict {
        self.checks.drain(..).try_for_each(|check| check())
    }

    /// Something happens before this append; `fault` is its name if it is one.
    pub(super) fn at(
        &mut self,
        append: u32,
        fault: Option<&'static str>,
        act: impl FnOnce(Arc<Relay>) -> BoxFuture<'static, ()> + Send + 'static,
    ) {
        let act = Box::new(act);
        let cues = self.cues.entry(append).or_default();
        cues.push(Cue { fault, act });
    }

    /// The same for what takes no time.
    pub(super) fn at_once(
        &mut self,
        append: u32,
        fault: Option<&'static str>,
        act: impl FnOnce(&Relay) + Send + 'static,
    ) {
        self.at(append, fault, move |relay| {
            async move { act(&relay) }.boxed()
        });
    }

    /// Connections end before some appends in the middle of the run.
    pub(super) fn cut_sometimes(&mut self, times: u64) {
        for _ in 0..times {
            let append = self.some_append();
            self.at_once(append, Some("all connections cut"), Relay::cut_all);
        }
    }

    /// Something goes on beside the run, until it ends by itself or with the run.
    pub(super) fn beside(&mut self, act: impl Future<Output = ()> + Send + 'static) {
        self.beside.push(act.boxed());
    }

    /// A silent peer is noticed soon.
    pub(super) fn expect_silence(&mut self) {
        self.has_short_period = true;
    }

    /// Calls of the writer time out; then `rescue` ends the fault and the writer goes on.
    pub(super) fn expect_timeouts(&mut self, rescue: impl Fn(&Relay) + Send + 'static) {
        self.has_short_calls = true;
        self.rescue = Some(Box::new(rescue));
    }

    /// Calls may take longer than a frame.
    pub(super) fn be_patient(&mut self) {
        self.patience = LONG_PATIENCE;
    }

    /// All sessions and questions of a client use the same connection.
    pub(super) fn share_connections(&mut self) {
        self.connections = 1;
    }

    /// What is due before an append.
    pub(super) fn due(&mut self, append: u32) -> Vec<Cue> {
        self.cues.remove(&append).unwrap_or_default()
    }

    /// A client that passes the relay and is in a hurry.
    pub(super) fn factory(&self) -> ClientFactory {
        let (moment, calls) = match self.has_short_calls {
            true => (SHORT_CALL / 2, SHORT_CALL),
            false => (Duration::from_secs(2), self.patience),
        };
        let retry = RetryPolicy::default()
            .with_initial_backoff(Duration::from_millis(1))
            .with_max_backoff(Duration::from_millis(20))
            .with_max_attempts(1_000);
        self.relay.factory_with(|config| {
            let config = config
                .retry(retry)
                .request_timeout(moment)
                .connect_timeout(moment)
                .hello_timeout(moment)
                .operation_timeout(calls)
                .max_connections_per_endpoint(self.connections);
            match self.has_short_period {
                true => config.keep_alive_interval(SHORT_PERIOD),
                false => config,
            }
        })
    }

    /// All faults end. What was held back has arrived then.
    pub(super) async fn heal(&mut self) {
        self.cues.clear();
        for (_, armed) in &self.watched {
            armed.disarm();
        }
        for gate in &self.gates {
            gate.open();
        }
        self.relay.reopen();
        self.relay.set_controller_down(false);
        self.relay.hold_controller(None);
        self.relay.name_the_doors();
        if self.must_cut {
            self.relay.cut_all();
        }
        for (armed, gate) in &self.orphans {
            if armed.strikes() > 0 {
                gate.was_answered().await;
            }
        }
    }

    /// Counts the faults at frames that took effect, each with the frame that it met.
    pub(super) fn count(&self, tally: &mut Tally) {
        for (name, armed) in &self.watched {
            for frame in armed.struck_frames() {
                tally.count(name, frame);
            }
        }
    }
}

impl Cue {
    pub(super) async fn happen(self, relay: &Arc<Relay>) {
        (self.act)(Arc::clone(relay)).await;
    }
}

/// Something of this run that must not be.
pub(super) fn broken(what: impl Into<String>) -> Violation {
    Violation::broken(what)
}
