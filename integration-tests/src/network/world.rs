//! The simulation: hosts, links between them, and the hand that spoils them.

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use turmoil::{Builder, Sim};

use super::{
    audit,
    board::Board,
    client::{self, Activity, Seat, Stage, leave_number, part_number},
    cluster::{Cluster, Door, Host},
    controller, judge, panics,
    plan::{Plan, Role},
    record::{Event, Record},
    script::{Fault, Kind},
    store,
    wires::{Spoil, Way, Wires},
};
use crate::campaign::{Tally, Verdict, Violation};

/// The longest that anything may take once faults have stopped.
const PATIENCE: Duration = Duration::from_secs(300);

/// The names of the clients' hosts.
const CLIENTS: [&str; 3] = ["client-0", "client-1", "client-2"];

/// One run, while it runs.
pub(super) struct World {
    pub(super) sim: Sim<'static>,
    plan: Arc<Plan>,
    pub(super) cluster: Arc<Cluster>,
    record: Arc<Record>,
    pub(super) seats: Vec<Arc<Seat>>,
    stage: Arc<Board<Stage>>,
    /// What is to be mended, and when.
    to_mend: Vec<(Duration, Fault)>,
}

/// Makes the run of a plan. What took effect is counted, and the hash of the trace given back.
pub(super) fn run(plan: Plan, tally: &mut Tally) -> Verdict<u64> {
    panics::forget();
    let mut world = World::new(plan)?;
    let ended = world.run();
    // Before the hosts end: on a network that is gone some of them would panic.
    let panicked = panics::check();
    let record = Arc::clone(&world.record);
    drop(world);
    record.with(|book| {
        tally.merge(&book.tally);
        panicked?;
        judge::no_violation(book)?;
        ended?;
        judge::judge(book)
    })
}

impl World {
    /// The hosts of a plan, before anything has happened.
    pub(super) fn new(plan: Plan) -> Verdict<Self> {
        let plan = Arc::new(plan);
        let cluster = Arc::new(Cluster::new(&plan)?);
        let record = Arc::new(Record::default());
        let stage = Arc::new(Board::new(Stage::Storm));
        let mut sim = Builder::new()
            .rng_seed(plan.seed)
            .tick_duration(plan.tick)
            .simulation_duration(Duration::MAX)
            .min_message_latency(plan.latency)
            .max_message_latency(plan.latency + plan.tick)
            .tcp_capacity(64)
            .build();
        let serving = Arc::clone(&cluster);
        sim.host(Host::Controller.name(), move || {
            controller::run(Arc::clone(&serving))
        });
        for host in [Host::StoreA, Host::StoreB] {
            let serving = Arc::clone(&cluster);
            sim.host(host.name(), move || store::run(Arc::clone(&serving), host));
        }
        let config = plan.config();
        let config = config.map_err(|error| Violation::broken(error.to_string()))?;
        let mut seats = Vec::new();
        for (number, name) in CLIENTS.iter().take(plan.clients.len()).enumerate() {
            let seat = Arc::new(Seat {
                number,
                plan: Arc::clone(&plan),
                config: config.clone(),
                cluster: Arc::clone(&cluster),
                record: Arc::clone(&record),
                wires: Arc::new(Wires::default()),
                stage: Arc::clone(&stage),
                activity: Activity::default(),
                lives: AtomicU32::new(0),
            });
            seats.push(Arc::clone(&seat));
            sim.host(*name, move || client::run(Arc::clone(&seat)));
        }
        if let (true, Some(seat)) = (plan.is_audited, seats.first()) {
            sim.client("auditor", audit::run(Arc::clone(seat)));
        }
        Ok(Self {
            sim,
            plan,
            cluster,
            record,
            seats,
            stage,
            to_mend: Vec::new(),
        })
    }

    fn run(&mut self) -> Verdict {
        let plan = Arc::clone(&self.plan);
        let mut script = plan.script.iter().peekable();
        loop {
            let now = self.sim.elapsed();
            while let Some(fault) = script.next_if(|fault| fault.at <= now) {
                self.strike(*fault);
            }
            self.mend_what_is_due(now);
            self.advance(now);
            if now > plan.calm_at + PATIENCE {
                return Err(Violation::broken(self.what_is_left()));
            }
            self.step()?;
            if self.stage.get() == Stage::Left && self.is_audited() {
                return Ok(());
            }
        }
    }

    pub(super) fn step(&mut self) -> Verdict {
        let stepped = self.sim.step();
        let ended = |error| Violation::broken(format!("a host ended: {error}"));
        stepped.map_err(ended).map(drop)
    }

    fn is_audited(&self) -> bool {
        !self.plan.is_audited || self.record.has_finished(audit::AUDITOR)
    }

    fn advance(&mut self, now: Duration) {
        let next = match self.stage.get() {
            Stage::Storm if now >= self.plan.calm_at => {
                self.cluster.heal();
                Stage::Calm
            }
            Stage::Calm if self.all_written() => Stage::Written,
            Stage::Written if self.all_left() => Stage::Left,
            _ => return,
        };
        self.record.note_at(now, Event::Stage, 0, 0);
        self.stage.set(next);
    }

    fn all_written(&self) -> bool {
        self.parts(|role| !matches!(role, Role::Read(_)))
    }

    /// True when all parts of the clients that `counts` have finished.
    fn parts(&self, counts: impl Fn(&Role) -> bool) -> bool {
        self.plan.clients.iter().enumerate().all(|(client, roles)| {
            roles.iter().enumerate().all(|(at, role)| {
                !counts(role) || self.record.has_finished(part_number(client, at))
            })
        })
    }

    fn all_left(&self) -> bool {
        let clients = 0..self.seats.len();
        clients
            .into_iter()
            .all(|client| self.record.has_finished(leave_number(client)))
    }

    fn what_is_left(&self) -> String {
        let mut left = format!("not ended at {:?}:", self.stage.get());
        for (client, roles) in self.plan.clients.iter().enumerate() {
            for (at, role) in roles.iter().enumerate() {
                if !self.record.has_finished(part_number(client, at)) {
                    left.push_str(&format!(" client {client} {role:?};"));
                }
            }
        }
        left
    }

    fn strike(&mut self, fault: Fault) {
        let Some(seat) = self.seats.get(fault.client).map(Arc::clone) else {
            return;
        };
        let now = self.sim.elapsed();
        let state = seat.activity.state();
        if !self.take_effect(fault, &seat) {
            return;
        }
        self.record.note_at(
            now,
            Event::Fault,
            0,
            u64::try_from(fault.client).unwrap_or_default(),
        );
        self.record
            .with(|book| book.tally.count(fault.kind.name(), state));
        self.to_mend.push((now + fault.lasts, fault));
    }

    /// Makes the fault. False when there was nothing for it to meet.
    fn take_effect(&mut self, fault: Fault, seat: &Seat) -> bool {
        let client = client_name(fault.client);
        match fault.kind {
            Kind::Partition(host) => self.sim.partition(client, host.name()),
            Kind::LostRequests(host) => self.sim.partition_oneway(client, host.name()),
            Kind::LostReplies(host) => self.sim.partition_oneway(host.name(), client),
            Kind::Hold(host) => self.sim.hold(client, host.name()),
            Kind::Latency(host, latency) => self.sim.set_link_latency(client, host.name(), latency),
            Kind::Crash(host) => return self.crash(host, false),
            Kind::PowerLoss(host) => return self.crash(host, true),
            Kind::ClientCrash => return self.crash_client(fault.client),
            Kind::Move { cuts } => self.cluster.move_segments(cuts),
            Kind::WrongHost(times) => self.cluster.deny(times),
            Kind::CutRequests(bytes) => {
                return seat.wires.spoil(Way::Requests, Some(Spoil::Cut(bytes))) > 0;
            }
            Kind::CutReplies(bytes) => {
                return seat.wires.spoil(Way::Replies, Some(Spoil::Cut(bytes))) > 0;
            }
            Kind::StallReplies(bytes) => {
                return seat.wires.spoil(Way::Replies, Some(Spoil::Stall(bytes))) > 0;
            }
            Kind::DripReplies(bytes) => {
                return seat.wires.spoil(Way::Replies, Some(Spoil::Drip(bytes))) > 0;
            }
            Kind::SlowRequests(bytes) => {
                return seat.wires.spoil(Way::Requests, Some(Spoil::Slow(bytes))) > 0;
            }
            Kind::NoNames => seat.wires.set_nameless(true),
            Kind::Slam => self.cluster.set_door(Door::Slams, true),
            Kind::Mute => self.cluster.set_door(Door::IsMute, true),
            Kind::Stranger => self.cluster.set_door(Door::IsAnothers, true),
        }
        true
    }

    fn crash(&mut self, host: Host, silently: bool) -> bool {
        let runs = self.sim.is_host_running(host.name());
        if runs && silently {
            // What the end of its connections would say gets to nobody.
            for client in CLIENTS.iter().take(self.seats.len()) {
                self.sim.partition(*client, host.name());
            }
        }
        if runs {
            self.sim.crash(host.name());
        }
        runs
    }

    fn crash_client(&mut self, client: usize) -> bool {
        let has_left = self.record.has_finished(leave_number(client));
        let runs = self.sim.is_host_running(client_name(client)) && !has_left;
        if runs {
            self.sim.crash(client_name(client));
        }
        runs
    }

    fn mend_what_is_due(&mut self, now: Duration) {
        let is_due = |(at, _): &mut (Duration, Fault)| *at <= now;
        let due: Vec<_> = self.to_mend.extract_if(.., is_due).collect();
        for (_, fault) in due {
            self.mend(fault);
        }
    }

    fn mend(&mut self, fault: Fault) {
        let client = client_name(fault.client);
        match fault.kind {
            Kind::Partition(host) | Kind::LostRequests(host) | Kind::LostReplies(host) => {
                self.sim.repair(client, host.name());
            }
            Kind::Hold(host) => self.sim.release(client, host.name()),
            Kind::Latency(host, _) => {
                let tick = self.plan.tick;
                self.sim.set_link_latency(client, host.name(), tick);
            }
            Kind::Crash(host) | Kind::PowerLoss(host) => {
                if matches!(fault.kind, Kind::PowerLoss(_)) {
                    for client in CLIENTS.iter().take(self.seats.len()) {
                        self.sim.repair(*client, host.name());
                    }
                }
                if !self.sim.is_host_running(host.name()) {
                    self.sim.bounce(host.name());
                }
            }
            Kind::ClientCrash => {
                if !self.sim.is_host_running(client) {
                    self.sim.bounce(client);
                }
            }
            Kind::SlowRequests(_) => self.unspoil(fault),
            Kind::NoNames => {
                if let Some(seat) = self.seats.get(fault.client) {
                    seat.wires.set_nameless(false);
                }
            }
            Kind::Slam => self.cluster.set_door(Door::Slams, false),
            Kind::Mute => self.cluster.set_door(Door::IsMute, false),
            Kind::Stranger => self.cluster.set_door(Door::IsAnothers, false),
            Kind::Move { .. }
            | Kind::WrongHost(_)
            | Kind::CutRequests(_)
            | Kind::CutReplies(_)
            | Kind::StallReplies(_)
            | Kind::DripReplies(_) => {}
        }
    }

    fn unspoil(&self, fault: Fault) {
        if let Some(seat) = self.seats.get(fault.client) {
            seat.wires.spoil(Way::Requests, None);
        }
    }
}

fn client_name(client: usize) -> &'static str {
    CLIENTS.get(client).copied().unwrap_or("client-0")
}
