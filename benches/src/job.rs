//! What a contender is asked to do, and how it answers: the same for ours, for the bare socket and for the peers.
//!
//! A contender is a program that gets a [`Job`] as its arguments and prints one figure a line, `name=value`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::meter::Meter;

/// Whatever ends a measurement early.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to do, over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Hand over buffers that need no copy
    Append,
    /// Write from a slice
    Write,
    /// Write from a slice and wait until it is durable
    Flush,
    /// Hand over a buffer and wait until it is durable
    FlushBytes,
    /// Read into a slice
    Read,
    /// Take received buffers as they are
    ReadChunk,
    /// Write once, then read it over and over
    Reread,
    /// Write what a reader at the tail waits for
    Wake,
    /// Hold many open writers and readers at the tail
    Crowd,
    /// Start a server and look at it
    Serve,
}

/// One job of a contender.
#[derive(Debug, Clone, Args)]
pub struct Job {
    /// The server's address, as it has printed it
    pub address: String,
    /// What to do
    pub work: Work,
    /// Bytes in one call; for a crowd, how many writers and readers
    pub size: usize,
    /// For how long
    pub seconds: f64,
    /// Several writers may share a segment
    #[arg(long)]
    pub shared: bool,
    /// On how many threads the runtime runs; 1 is the calling thread alone
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// The most bytes that a writer holds unacknowledged, or that a reader asks for ahead
    #[arg(long)]
    pub window: Option<usize>,
    /// For how long the same is done before, as a part of the time that is measured: the allocator, the window, the
    /// congestion window, and a server that learns what it is for
    #[arg(long, default_value_t = 0.2)]
    pub warm_up: f64,
    /// A pause before each call, which is not measured
    #[arg(long, default_value_t = 0)]
    pub idle_ms: u64,
}

/// What a contender can do with one call.
pub(crate) trait Contender {
    /// Gets ready for the next call, which is not measured.
    async fn prepare(&mut self) -> Outcome<()> {
        Ok(())
    }

    /// Makes one call. Returns the payload bytes that it moved.
    async fn call(&mut self) -> Outcome<usize>;

    /// Waits until everything is where it belongs.
    async fn settle(&mut self) -> Outcome<()>;
}

/// What [`Work::Reread`] writes and reads, bytes: more than a client reads ahead, and little for a server.
pub(crate) const REREAD: usize = 64 << 20;
/// In writes of so many bytes.
pub(crate) const REREAD_PIECE: usize = 1 << 20;

/// Calls are made in batches of about this many bytes between two looks at the clock.
const BATCH: usize = 64 * 1024;

impl Job {
    /// Measures the contender and prints its figures.
    ///
    /// # Errors
    /// When a call fails.
    pub(crate) async fn measure(&self, contender: &mut impl Contender) -> Outcome<()> {
        let span = Duration::from_secs_f64(self.seconds);
        self.repeat(contender, span.mul_f64(self.warm_up)).await?;
        let meter = self.repeat(contender, span).await?;
        meter.print();
        Ok(())
    }

    async fn repeat(&self, contender: &mut impl Contender, span: Duration) -> Outcome<Meter> {
        let is_latency = matches!(self.work, Work::Flush | Work::FlushBytes | Work::Wake);
        let batch = if is_latency {
            1
        } else {
            (BATCH / self.size.max(1)).max(1)
        };
        let mut meter = Meter::start();
        while meter.elapsed() < span {
            contender.prepare().await?;
            if self.idle_ms > 0 {
                tokio::time::sleep(Duration::from_millis(self.idle_ms)).await;
            }
            let before = meter.elapsed();
            for _ in 0..batch {
                meter.count(contender.call().await?);
            }
            if is_latency {
                meter.record(before);
            }
        }
        contender.settle().await?;
        meter.stop();
        Ok(meter)
    }
}

/// Runs a future as a task on as many threads as asked for: on the calling thread alone for 1.
///
/// As a task, because the future of `block_on` itself is woken at the price of one more look at the sockets: tokio
/// calls `epoll_wait` before it goes on with it, a microsecond in every round trip.
///
/// # Errors
/// When there are no threads to be had, or the future fails.
pub fn block_on(
    threads: usize,
    future: impl Future<Output = Outcome<()>> + Send + 'static,
) -> Outcome<()> {
    use tokio::runtime::Builder;
    let mut builder = if threads <= 1 {
        Builder::new_current_thread()
    } else {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    let runtime = builder.enable_all().build()?;
    runtime.block_on(async { tokio::spawn(future).await? })
}
