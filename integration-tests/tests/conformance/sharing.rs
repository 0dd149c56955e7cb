//! Several writers in shared mode on one segment: all go on, and every append stays whole.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use pravega_byte_stream::{WriteError, WriteMode};
use pravega_integration_tests::{Backend, Pattern};

use crate::{support::content, writing::offset};

/// A record that explains itself: writer, number, length, pattern.
fn record(writer: u32, number: u32) -> Bytes {
    let len = u16::try_from(1 + (writer * 7919 + number * 104_729) % 3_000).unwrap();
    let mut record = BytesMut::new();
    record.put_u32(writer);
    record.put_u32(number);
    record.put_u16(len);
    record.put_slice(&Pattern::new(writer.into()).bytes(number.into(), len.into()));
    record.freeze()
}

#[tokio::test]
async fn shared_writers_interleave_whole_appends_in_order() {
    const WRITERS: usize = 4;
    const RECORDS: u32 = 300;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let tasks = (0..).take(WRITERS).map(|name| {
        let opening = factory
            .open_byte_writer(segment.clone())
            .mode(WriteMode::Shared);
        tokio::spawn(async move {
            let mut writer = opening.await.unwrap();
            for number in 0..RECORDS {
                writer.append(record(name, number)).await.unwrap();
                if number % 16 == name {
                    writer.flush().await.unwrap();
                }
            }
            let durable = writer.flush().await.unwrap();
            assert_eq!(writer.unflushed_bytes(), 0);
            (durable, writer.stats())
        })
    });
    let mut ends = Vec::new();
    let mut foreign = 0;
    for task in futures::future::join_all(tasks).await {
        let (durable, stats) = task.unwrap();
        assert_eq!(stats.conflicts, 0);
        foreign += stats.foreign_bytes;
        ends.push(durable);
    }
    assert!(foreign > 0, "nobody noticed the others");

    let mut stored = content(&factory, &segment).await;
    assert_eq!(ends.into_iter().max(), Some(offset(stored.len())));
    let mut next = [0; WRITERS];
    while stored.has_remaining() {
        let (name, number) = (stored.slice(0..4).get_u32(), stored.slice(4..8).get_u32());
        let next = &mut next[usize::try_from(name).unwrap()];
        assert_eq!(number, *next, "writer {name}");
        let expected = record(name, number);
        assert_eq!(
            stored.split_to(expected.len()),
            expected,
            "writer {name}, record {number}"
        );
        *next += 1;
    }
    assert_eq!(next, [RECORDS; WRITERS]);
}

#[tokio::test]
async fn a_shared_writer_makes_an_exclusive_one_conflict_and_goes_on_itself() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut exclusive = factory.open_byte_writer(segment.clone()).await.unwrap();
    let shared = factory
        .open_byte_writer(segment.clone())
        .mode(WriteMode::Shared);
    let mut shared = shared.await.unwrap();
    shared.write(b"shared ").await.unwrap();
    shared.flush().await.unwrap();
    exclusive.write(b"lost").await.unwrap();
    let conflict = exclusive.flush().await.unwrap_err();
    assert!(
        matches!(conflict, WriteError::Conflict { .. }),
        "{conflict:?}"
    );
    exclusive.resync().await.unwrap();
    exclusive.write(b"exclusive ").await.unwrap();
    exclusive.flush().await.unwrap();
    shared.write(b"shared").await.unwrap();
    assert_eq!(shared.flush().await.unwrap(), 23);
    assert_eq!(shared.stats().foreign_bytes, 10);
    assert_eq!(content(&factory, &segment).await, "shared exclusive shared");
}
