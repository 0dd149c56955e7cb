//! What people could take instead, each doing the jobs that ours does: `peers pravega ADDRESS WORK SIZE SECONDS`.
//!
//! The figures are counted and printed by the same code as for ours.

#[path = "../../src/job.rs"]
mod job;
#[path = "../../src/meter.rs"]
mod meter;
mod pravega;
mod tonic_stream;

use clap::{Parser, Subcommand};
use job::{Job, Outcome, block_on};

#[derive(Debug, Parser)]
#[command(name = "peers", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The published Rust client of Pravega
    Pravega(Job),
    /// A client-streaming call of tonic
    Tonic(Job),
    /// Its server
    TonicServer,
}

fn main() -> Outcome<()> {
    match Arguments::parse().command {
        Command::Pravega(job) => block_on(job.threads, async move { pravega::run(&job).await }),
        Command::Tonic(job) => block_on(job.threads, async move { tonic_stream::run(&job).await }),
        Command::TonicServer => block_on(2, tonic_stream::serve()),
    }
}
