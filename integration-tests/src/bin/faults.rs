//! The fault campaigns: `faults sim`, `faults network --runs 100000`, `faults proxy --replay 77`.
//!
//! The last line of the output is the account; the exit status is 1 when anything was lost, doubled, reordered,
//! falsely reported or broken, or a planted bug was not found.

use std::{io::Write as _, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use pravega_integration_tests::{
    campaign::{Plan, Report},
    cancel, cluster, disk, kill, model, network, planted, proxy, simulation,
};

/// Looks for bytes lost, doubled, reordered or falsely reported under faults.
#[derive(Debug, Parser)]
#[command(name = "faults", version)]
struct Arguments {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Debug, Subcommand)]
enum Campaign {
    /// The sessions against a model of the segment store, in virtual time
    Sim(Sim),
    /// Every run there is of a small world
    Model(Runs),
    /// The whole stack on a simulated network, in virtual time
    Network(Runs),
    /// Faults at frames on real sockets; on the Pravega of `PRAVEGA_CONTROLLER_URI`, if it is set
    Proxy(Runs),
    /// The embedded server on a simulated disk that loses power
    Disk(Runs),
    /// The embedded server, killed and started again
    Kill(Runs),
    /// Every public future dropped at every await; on the Pravega of `PRAVEGA_CONTROLLER_URI`, if it is set
    Cancel(Runs),
    /// A real cluster whose stores are killed and started again
    Cluster(Runs),
    /// Whether the others find bugs that were put in on purpose
    Planted(Runs),
}

#[derive(Debug, Clone, Copy, Args)]
struct Runs {
    /// How many runs; by default as many as every change must pass
    #[arg(long)]
    runs: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Makes the run of one seed again
    #[arg(long, conflicts_with_all = ["runs", "seed"])]
    replay: Option<u64>,
}

#[derive(Debug, Clone, Copy, Args)]
struct Sim {
    #[command(flatten)]
    runs: Runs,
    /// Only runs of one kind
    #[arg(long, value_enum)]
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    /// Exclusive writers in one another's way, with blocks of one length
    Conflicts,
    /// A block that belongs above the tail, with two copies on their way
    AboveTail,
    /// Writers at a store that fences
    Fenced,
    /// A store that loses what it acknowledged
    DataLoss,
    /// One writer, and a fault at every third step
    Relentless,
    /// Writers of one mode, without readers
    Writing,
    /// Readers of a long segment, some of them lied to
    Reading,
}

impl Sim {
    fn run(self) -> Report {
        let plan = self.runs.plan(simulation::EACH_CHANGE);
        match self.only {
            None => simulation::run(&plan),
            Some(Only::Conflicts) => simulation::hunt_conflicts(&plan),
            Some(Only::AboveTail) => simulation::hunt_above_tail(&plan),
            Some(Only::Fenced) => simulation::hunt_fenced(&plan),
            Some(Only::DataLoss) => simulation::hunt_data_loss(&plan),
            Some(Only::Relentless) => simulation::hunt_relentless(&plan),
            Some(Only::Writing) => simulation::hunt_writing(&plan),
            Some(Only::Reading) => simulation::hunt_reading(&plan),
        }
    }
}

impl Runs {
    fn plan(self, each_change: u64) -> Plan {
        match self.replay {
            Some(seed) => Plan::new(1).from_seed(seed),
            None => Plan::new(self.runs.unwrap_or(each_change)).from_seed(self.seed),
        }
    }
}

fn run(campaign: &Campaign) -> Report {
    match campaign {
        Campaign::Sim(sim) => sim.run(),
        Campaign::Model(runs) => model::run(&runs.plan(model::EACH_CHANGE)),
        Campaign::Network(runs) => network::run(&runs.plan(network::EACH_CHANGE)),
        Campaign::Proxy(runs) => proxy::run(&runs.plan(proxy::EACH_CHANGE)),
        Campaign::Disk(runs) => disk::run(&runs.plan(disk::EACH_CHANGE)),
        Campaign::Kill(runs) => kill::run(&runs.plan(kill::EACH_CHANGE)),
        Campaign::Cancel(runs) => cancel::run(&runs.plan(cancel::EACH_CHANGE)),
        Campaign::Cluster(runs) => cluster::run(&runs.plan(cluster::EACH_CHANGE)),
        Campaign::Planted(runs) => planted::run(&runs.plan(planted::EACH_CHANGE)),
    }
}

fn main() -> ExitCode {
    // A panic in a run is a finding, and is reported with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let report = run(&Arguments::parse().campaign);
    let is_told = writeln!(std::io::stdout(), "{report}").is_ok();
    match report.is_clean() && is_told {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
