//! Measures this client beside others and beside a bare socket: `compare run`, or `benches/run.sh` for all of it.
//!
//! The other commands are the programs that `run` starts.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use pravega_benches::{
    chart,
    job::{Job, Outcome, block_on},
    machine,
    null_server::NullServer,
    ours,
    plan::{self, Comparison},
    raw,
    raw_server::{self, Keep},
    report,
    results::Results,
    rounds::{Given, Settings, Stage},
    serve,
};
use pravega_standalone::{Limits, Standalone};
use tokio::io::AsyncReadExt as _;

/// Measures this client beside others and beside a bare socket
#[derive(Debug, Parser)]
#[command(name = "compare", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run comparisons and print tables
    Run(Run),
    /// Print the tables of a run again
    Report(Report),
    /// List the comparisons
    List,
    /// Do one job and print its figures
    Contend {
        who: Program,
        #[command(flatten)]
        job: Job,
    },
    /// A Pravega that stores nothing
    NullServer {
        /// How long acknowledgements and read replies are held back
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
        /// On how many threads it runs
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// The other end of a bare socket
    RawServer {
        /// Sync every request into this file
        #[arg(long)]
        file: Option<PathBuf>,
        /// Put every request into this database, in a transaction of its own
        #[arg(long, conflicts_with = "file")]
        database: Option<PathBuf>,
    },
    /// The embedded server, in memory
    EmbeddedServer {
        /// On disk instead
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Program {
    Ours,
    Raw,
    RawTimed,
    Serve,
}

#[derive(Debug, Args)]
struct Run {
    /// Which comparisons; by default all but the chart
    only: Vec<String>,
    /// How often each contender runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For how long each time
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// The program of the peers
    #[arg(long)]
    peers: Option<PathBuf>,
    /// The command line of this repository, for its start
    #[arg(long)]
    serve: Option<PathBuf>,
    /// A program that does jobs with the Java client
    #[arg(long)]
    java: Option<PathBuf>,
    /// The controller of a Pravega: runs the comparisons that need one, and only them
    #[arg(long, value_name = "ADDRESS")]
    given: Option<String>,
    /// The same with a new Pravega for each contender: `PROGRAM run -- COMMAND` starts one and runs the command with
    /// PRAVEGA_CONTROLLER_URI set
    #[arg(long, value_name = "PROGRAM", conflicts_with = "given")]
    starter: Option<PathBuf>,
    /// A short look whether everything runs: one round of a few milliseconds
    #[arg(long)]
    quick: bool,
    /// Also measure and draw throughput over the size of a write
    #[arg(long)]
    chart: Option<PathBuf>,
    #[command(flatten)]
    report: Report,
}

#[derive(Debug, Args)]
struct Report {
    /// The figures of all rounds
    #[arg(long, default_value = "target/compare.json")]
    json: PathBuf,
    /// The document that the tables belong into, such as benches/RESULTS.md
    #[arg(long)]
    into: Option<PathBuf>,
    /// Between which two lines of it
    #[arg(long, default_value = "compare")]
    place: String,
}

/// Threads of the embedded server: as many as the client has.
const SERVER_THREADS: usize = 2;
/// The size of a read reply of the null server.
const REPLY: usize = 1 << 20;
/// How long a quick look lasts, seconds.
const QUICK: f64 = 0.02;
/// The largest crowd of a quick look.
const QUICK_CROWD: usize = 100;

fn main() -> ExitCode {
    match go(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            for cause in std::iter::successors(error.source(), |cause| cause.source()) {
                say(&format!("  caused by: {cause}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn go(command: Command) -> Outcome<()> {
    match command {
        Command::Run(options) => block_on(1, run(options)),
        Command::Report(options) => {
            let results = serde_json::from_slice(&fs::read(&options.json)?)?;
            show(&results, &options)
        }
        Command::List => {
            for comparison in plan::comparisons().into_iter().chain(plan::on_given()) {
                answer(&format!("{:14} {}", comparison.id, comparison.title));
            }
            Ok(())
        }
        Command::Contend { who, job } => block_on(job.threads, async move {
            match who {
                Program::Ours => ours::run(&job).await,
                Program::Raw => raw::run(&job).await,
                Program::RawTimed => raw::run_timed(&job).await,
                Program::Serve => serve::run(&job).await,
            }
        }),
        Command::NullServer { delay_ms, threads } => block_on(threads, async move {
            let delay = Duration::from_millis(delay_ms);
            let server = NullServer {
                delay,
                reply: REPLY,
            };
            until_the_end(&server.start().await?).await
        }),
        Command::RawServer { file, database } => block_on(1, async move {
            let keep = match (file, database) {
                (Some(file), _) => Keep::file(&file)?,
                (_, Some(database)) => Keep::database(&database)?,
                _ => Keep::Nothing,
            };
            until_the_end(&raw_server::start(keep).await?).await
        }),
        Command::EmbeddedServer { data_dir } => block_on(SERVER_THREADS, async move {
            let mut limits = Limits::default();
            // Ten thousand readers wait on the 64 connections of one client.
            limits.max_parked_reads = 1024;
            // The streams of a crowd stay, round after round.
            limits.max_segments = 1 << 20;
            let builder = Standalone::builder().limits(limits);
            let server = match data_dir {
                Some(path) => builder.data_dir(path).start().await?,
                None => builder.memory().start().await?,
            };
            until_the_end(&server.controller_uri()).await
        }),
    }
}

/// Prints the address of a server, and waits for the end of standard input.
async fn until_the_end(address: &str) -> Outcome<()> {
    answer(address);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn run(options: Run) -> Outcome<()> {
    let (rounds, seconds) = if options.quick {
        (1, QUICK)
    } else {
        (options.rounds, options.seconds)
    };
    let settings = Settings {
        rounds,
        seconds,
        peers: options.peers,
        serve: options.serve,
        java: options.java,
        given: options
            .given
            .map(Given::Running)
            .or(options.starter.map(Given::Starter)),
        max_crowd: if options.quick {
            QUICK_CROWD
        } else {
            usize::MAX
        },
    };
    if settings.peers.is_none() {
        say("without the peers: name their program with --peers");
    }
    say(&format!("network: {}", machine::network()));
    let mut results = Results {
        circumstances: machine::circumstances(rounds, seconds),
        ..Results::default()
    };
    let plans = match settings.given {
        None => plan::comparisons(),
        Some(_) => plan::on_given(),
    };
    let mut stage = Stage::new(settings)?;
    for comparison in chosen(plans, &options.only)? {
        results.comparisons.push(stage.run(&comparison, say).await?);
        keep(&results, &options.report)?;
    }
    if let Some(file) = options.chart {
        let measured = stage.run(&plan::chart(), say).await?;
        chart::draw(&measured, &file)?;
        results.comparisons.push(measured);
        keep(&results, &options.report)?;
    }
    show(&results, &options.report)
}

fn chosen(mut all: Vec<Comparison>, only: &[String]) -> Outcome<Vec<Comparison>> {
    if let Some(unknown) = only
        .iter()
        .find(|id| all.iter().all(|known| known.id != id.as_str()))
    {
        return Err(format!("there is no comparison {unknown}: see compare list").into());
    }
    all.retain(|known| only.is_empty() || only.iter().any(|id| known.id == id));
    Ok(all)
}

fn keep(results: &Results, options: &Report) -> Outcome<()> {
    if let Some(folder) = options.json.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(
        &options.json,
        serde_json::to_vec_pretty(results)?,
    )?)
}

fn show(results: &Results, options: &Report) -> Outcome<()> {
    let mut plans = plan::comparisons();
    plans.push(plan::chart());
    plans.extend(plan::on_given());
    let tables = report::markdown(results, &plans);
    if let Some(file) = &options.into {
        report::put_into(file, &options.place, &tables)?;
    }
    answer(&tables);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of a program")]
fn answer(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "what is going on is not the answer")]
fn say(text: &str) {
    eprintln!("{text}");
}
