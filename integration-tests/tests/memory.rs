//! What writers and readers hold. A test binary of its own, because it counts for the whole process, and one test,
//! because two would count each other.

#![cfg(test)]

use std::{alloc::System, sync::Arc};

use cap::Cap;
use pravega_byte_stream::{ByteReader, ByteWriter, ReadFrom, WhenFull, WriteError, WriteMode};
use pravega_integration_tests::{Honest, ScriptedPravega};
use pravega_wire_protocol::{AppendSetup, Request};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;
/// What one writer may hold, bytes.
const BOUND: usize = 4 * MIB;
/// Idle readers at the tail, of which each may hold this many bytes with its share of everything else.
const READERS: usize = 1_200;
const READER: usize = 8 * 1024;
const CONNECTIONS: usize = 2;

#[tokio::test]
async fn t10_t49_memory_is_bounded_by_what_is_configured() {
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        for size in [1, 100, MIB] {
            a_silent_store_costs_a_writer_no_more_than_its_bound(mode, size).await;
        }
    }
    an_idle_reader_is_small().await;
}

/// A store that sets writers up, and then does nothing at all: it does not even take what is sent.
async fn silent() -> ScriptedPravega {
    ScriptedPravega::start(|mut wire| async move {
        let segment = Honest::open("");
        while let Some(request) = wire.next().await? {
            if let Request::SetupAppend(setup) = &request {
                let done = AppendSetup {
                    request_id: setup.request_id,
                    segment: Arc::clone(&setup.segment),
                    writer_id: setup.writer_id,
                    last_event_number: i64::MIN,
                };
                wire.send(done).await?;
                std::future::pending::<()>().await;
            }
            wire.send_all(segment.answer(&request)).await?;
        }
        Ok(())
    })
    .await
}

async fn a_silent_store_costs_a_writer_no_more_than_its_bound(mode: WriteMode, size: usize) {
    let pravega = silent().await;
    let factory = pravega.factory();
    let opening = factory.open_byte_writer(pravega.segment()).mode(mode);
    let opening = opening.max_unacked_bytes(BOUND).when_full(WhenFull::Refuse);
    let mut writer = opening.await.unwrap();
    let piece = vec![7; size];
    let before = MEMORY.allocated();
    let mut most = 0;
    let accepted = fill(&mut writer, &piece, || most = MEMORY.allocated().max(most)).await;
    let held = most - before;
    assert!(accepted > BOUND / 2, "{accepted} bytes accepted");
    assert!(
        held <= BOUND / 10 * 12,
        "{held} bytes for a bound of {BOUND}, in writes of {size}, {mode:?}"
    );
}

/// Writes until the writer refuses; returns the bytes accepted.
async fn fill(writer: &mut ByteWriter, piece: &[u8], mut look: impl FnMut()) -> usize {
    let mut accepted = 0;
    loop {
        match writer.write(piece).await {
            Ok(written) => accepted += written,
            Err(WriteError::Full { .. }) => return accepted,
            Err(error) => panic!("{error}"),
        }
        look();
        if accepted % 1_000 == 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn an_idle_reader_is_small() {
    let pravega = ScriptedPravega::honest(Honest::open("something")).await;
    let factory = pravega.factory_with(|config| config.max_connections_per_endpoint(CONNECTIONS));
    let before = MEMORY.allocated();
    let mut readers: Vec<ByteReader> = Vec::new();
    for _ in 0..READERS {
        let opening = factory.open_byte_reader(pravega.segment());
        readers.push(opening.from(ReadFrom::Tail).await.unwrap());
    }
    let mut waiting = Vec::new();
    for reader in &mut readers {
        waiting.push(Box::pin(reader.readable()));
    }
    for waiting in &mut waiting {
        assert!(futures::poll!(waiting).is_pending());
    }
    let record = pravega.seen(|record| record.reads().count() >= READERS);
    let record = record.await;
    let held = MEMORY.allocated() - before;
    assert!(held <= READERS * READER, "{held} bytes");
    assert!(
        record.connections <= CONNECTIONS,
        "{} connections",
        record.connections
    );
}
