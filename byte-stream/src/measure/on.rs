//! The numbers, passed on to the recorder that the program has installed.

use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

use futures::future::BoxFuture;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use pravega_client_shared::Endpoint;
use pravega_connection_pool::{ConnectError, Dial, Dialed};
use pravega_segment_session::{AppendSession, AppendStats, ReadSession, ReadStats};

use super::names::{self, Kind};

/// The most flushes of one writer that are timed at the same time; further ones are not.
const MAX_TIMED_FLUSHES: usize = 64;

/// The metrics of one factory. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Meters(Arc<Handles>);

struct Handles {
    writers: Gauge,
    accepted: Counter,
    durable: Counter,
    unacked: Gauge,
    blocks: Counter,
    resent: Counter,
    conflicts: Counter,
    foreign: Counter,
    flushes: Histogram,
    readers: Gauge,
    read: Counter,
    requests: Counter,
    skipped: Counter,
    reconnects: Counter,
    connections: Gauge,
    connects: Counter,
    failures: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe();
        Self(Arc::new(Handles {
            writers: gauge!(names::WRITERS),
            accepted: counter!(names::ACCEPTED_BYTES),
            durable: counter!(names::DURABLE_BYTES),
            unacked: gauge!(names::UNACKED_BYTES),
            blocks: counter!(names::BLOCKS),
            resent: counter!(names::BLOCKS_RESENT),
            conflicts: counter!(names::CONFLICTS),
            foreign: counter!(names::FOREIGN_BYTES),
            flushes: histogram!(names::FLUSH_SECONDS),
            readers: gauge!(names::READERS),
            read: counter!(names::READ_BYTES),
            requests: counter!(names::READ_REQUESTS),
            skipped: counter!(names::SKIPPED_BYTES),
            reconnects: counter!(names::RECONNECTS),
            connections: gauge!(names::CONNECTIONS),
            connects: counter!(names::CONNECTS),
            failures: counter!(names::CONNECT_FAILURES),
        }))
    }

    /// A dialer that counts what `dialer` opens.
    pub(crate) fn counting(&self, dialer: Arc<dyn Dial>) -> Arc<dyn Dial> {
        let meters = self.clone();
        Arc::new(Counting { meters, dialer })
    }
}

fn describe() {
    for (name, kind, unit, text) in names::ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, text),
            Kind::Gauge => metrics::describe_gauge!(name, unit, text),
            Kind::Histogram => metrics::describe_histogram!(name, unit, text),
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

/// What one writer has passed on so far.
#[derive(Debug)]
pub(crate) struct WriterMeter {
    meters: Meters,
    accepted: u64,
    unacked: u64,
    stats: AppendStats,
    /// When flushes began, and up to which byte they wait; in order.
    flushes: VecDeque<(Instant, u64)>,
}

impl WriterMeter {
    pub(crate) fn new(meters: &Meters) -> Self {
        meters.0.writers.increment(1);
        Self {
            meters: meters.clone(),
            accepted: 0,
            unacked: 0,
            stats: AppendStats::default(),
            flushes: VecDeque::new(),
        }
    }

    /// Passes on what the session has counted since.
    pub(crate) fn follow(&mut self, now: Instant, session: &AppendSession) {
        let (to, stats) = (&self.meters.0, session.stats());
        grow(&to.accepted, self.accepted, session.accepted());
        grow(&to.durable, self.stats.bytes_acked, stats.bytes_acked);
        grow(&to.blocks, self.stats.blocks_sent, stats.blocks_sent);
        grow(&to.resent, self.stats.blocks_resent, stats.blocks_resent);
        grow(&to.conflicts, self.stats.conflicts, stats.conflicts);
        grow(&to.foreign, self.stats.foreign_bytes, stats.foreign_bytes);
        grow(&to.reconnects, self.stats.reconnects, stats.reconnects);
        // What a failed session holds will never be acknowledged.
        let is_failed = session.failure().is_some();
        let unacked = if is_failed {
            0
        } else {
            session.unacked_bytes()
        };
        change(&to.unacked, self.unacked, unacked);
        self.accepted = session.accepted();
        self.unacked = unacked;
        self.stats = stats;
        if is_failed {
            self.flushes.clear();
        }
        while let Some(&(began, end)) = self.flushes.front()
            && end <= session.durable()
        {
            to.flushes.record(now.saturating_duration_since(began));
            self.flushes.pop_front();
        }
    }

    /// A flush begins: its time ends when all that was accepted is durable.
    pub(crate) fn flush(&mut self, now: Instant, session: &AppendSession) {
        self.follow(now, session);
        let end = session.accepted();
        let is_timed = self.flushes.back().is_some_and(|&(_, timed)| timed >= end);
        if self.unacked > 0 && !is_timed && self.flushes.len() < MAX_TIMED_FLUSHES {
            self.flushes.push_back((now, end));
        }
    }
}

impl Drop for WriterMeter {
    fn drop(&mut self) {
        change(&self.meters.0.unacked, self.unacked, 0);
        self.meters.0.writers.decrement(1);
    }
}

/// What one reader has passed on so far.
#[derive(Debug)]
pub(crate) struct ReaderMeter {
    meters: Meters,
    stats: ReadStats,
}

impl ReaderMeter {
    pub(crate) fn new(meters: &Meters) -> Self {
        meters.0.readers.increment(1);
        Self {
            meters: meters.clone(),
            stats: ReadStats::default(),
        }
    }

    /// Passes on what the session has counted since.
    pub(crate) fn follow(&mut self, session: &ReadSession) {
        let (to, stats) = (&self.meters.0, session.stats());
        grow(&to.read, self.stats.bytes_received, stats.bytes_received);
        grow(&to.requests, self.stats.read_requests, stats.read_requests);
        grow(&to.skipped, self.stats.bytes_skipped, stats.bytes_skipped);
        grow(&to.reconnects, self.stats.reconnects, stats.reconnects);
        self.stats = stats;
    }
}

impl Drop for ReaderMeter {
    fn drop(&mut self) {
        self.meters.0.readers.decrement(1);
    }
}

/// Counts what another dialer opens.
struct Counting {
    meters: Meters,
    dialer: Arc<dyn Dial>,
}

impl Dial for Counting {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        Box::pin(async move {
            let dialed = self.dialer.dial(endpoint).await;
            match &dialed {
                Ok(_) => self.meters.0.connects.increment(1),
                Err(_) => self.meters.0.failures.increment(1),
            }
            Ok(dialed?.holding(OpenConnection::new(&self.meters)))
        })
    }
}

/// Held as long as a connection is open.
struct OpenConnection(Meters);

impl OpenConnection {
    fn new(meters: &Meters) -> Self {
        meters.0.connections.increment(1);
        Self(meters.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.connections.decrement(1);
    }
}

fn grow(counter: &Counter, seen: u64, now: u64) {
    if now > seen {
        counter.increment(now - seen);
    }
}

fn change(gauge: &Gauge, seen: u64, now: u64) {
    // No window is larger than 1 GiB.
    let amount = u32::try_from(now.abs_diff(seen)).unwrap_or(u32::MAX);
    if now > seen {
        gauge.increment(amount);
    } else if now < seen {
        gauge.decrement(amount);
    }
}
