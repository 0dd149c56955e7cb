//! A null server on a thread of its own, and a client that is counted.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use allocation_counter::AllocationInfo;
use nix::sys::resource::{UsageWho, getrusage};
use pravega_benches::null_server::NullServer;
use pravega_byte_stream::{
    ByteReader, ByteWriter, ClientConfigBuilder, ClientFactory, Environment, ReadFrom,
    ScopedStream, WriteMode,
};
use tokio::runtime::{Builder, Runtime};

use crate::seam::Seam;

/// The size of a read reply.
pub(crate) const REPLY: usize = 1 << 20;
pub(crate) const MODES: [WriteMode; 2] = [WriteMode::Exclusive, WriteMode::Shared];

/// How much arrives at a time depends on who else wants a processor, so tests do not count at the same time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Scene {
    pub(crate) runtime: Runtime,
    pub(crate) seam: Seam,
    factory: ClientFactory,
    _alone: MutexGuard<'static, ()>,
}

/// What some work has cost this thread.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) allocations: AllocationInfo,
    pub(crate) page_faults: i64,
}

impl Cost {
    /// Page faults for as many bytes as a GiB, of which `volume` were moved.
    pub(crate) fn page_faults_per_gib(&self, volume: usize) -> u64 {
        let faults = u64::try_from(self.page_faults).unwrap();
        (faults << 30) / wide(volume)
    }
}

pub(crate) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let server = NullServer {
            delay: Duration::ZERO,
            reply: REPLY,
        };
        let address = server.start_beside().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let seam = Seam::default();
        let config = ClientConfigBuilder::default().controller_uri(address);
        let environment = Environment::system().with_dialer(Arc::new(seam.clone()));
        let factory = ClientFactory::in_environment(config.build().unwrap(), environment);
        Self {
            runtime,
            seam,
            factory,
            _alone: alone,
        }
    }

    pub(crate) fn writer(&self, mode: WriteMode) -> ByteWriter {
        let stream: ScopedStream = format!("counts/{mode:?}").parse().unwrap();
        let opening = self.factory.open_byte_writer(stream).mode(mode);
        self.runtime.block_on(async { opening.await.unwrap() })
    }

    /// A reader of a segment that has no end.
    pub(crate) fn reader(&self) -> ByteReader {
        let stream: ScopedStream = "endless/counts".parse().unwrap();
        let opening = self.factory.open_byte_reader(stream);
        let opening = opening.from(ReadFrom::Offset(0));
        self.runtime.block_on(async { opening.await.unwrap() })
    }

    /// Runs `work` on this thread and counts. What is still out from before is not counted.
    pub(crate) fn cost(&self, work: impl AsyncFnOnce()) -> Cost {
        let before = page_faults();
        let allocations = allocation_counter::measure(|| self.runtime.block_on(work()));
        Cost {
            allocations,
            page_faults: page_faults() - before,
        }
    }
}

fn page_faults() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.minor_page_faults()
}
