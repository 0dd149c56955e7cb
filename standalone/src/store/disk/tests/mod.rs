//! The disk backend against a disk that fails: what was acknowledged is there after every crash.

mod database;
mod simulated;

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use pravega_client_shared::WriterId;
use pravega_wire_protocol::Payload;
use tokio::sync::{Semaphore, oneshot};

use self::simulated::SimulatedDisk;
use super::schema::open_database;
use crate::store::{
    Append, AppendCheck, AppendError, AppendOutcome, AppendSink, AppendTag, Appended, NO_VALUE,
    ReadOutcome, Segments, StorageThread, StoreError, Submitted, Ticket, WriterLease, log::size,
};

const SEGMENT: &str = "s/b/0.#epoch.0";

fn writer() -> WriterId {
    WriterId::from_wire(7)
}

/// A small generator, so that a failing run can be repeated from its seed.
fn generator(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Tells a waiting test.
#[derive(Debug)]
struct Told(Mutex<Option<oneshot::Sender<AppendOutcome>>>);

impl AppendSink for Told {
    fn appended(&self, appended: Appended) {
        if let Some(sender) = self.0.lock().unwrap().take() {
            sender.send(appended.outcome).ok();
        }
    }
}

fn open(disk: &SimulatedDisk) -> Result<(Segments, StorageThread), impl Error> {
    let disk = disk.clone();
    let opener = Box::new(move || open_database(disk.clone()));
    Segments::in_database(opener, 100, 1 << 24, ())
}

async fn close((segments, thread): (Segments, StorageThread)) {
    drop(segments);
    thread.ended().await;
}

fn append(
    segments: &Segments,
    lease: &WriterLease,
    expected_number: i64,
    number: i64,
    data: Bytes,
) -> oneshot::Receiver<AppendOutcome> {
    let (sender, receiver) = oneshot::channel();
    let append = Append {
        segment: Arc::clone(lease.segment()),
        right: Arc::clone(lease.right()),
        check: AppendCheck {
            writer: writer(),
            expected_number,
            expected_offset: -1,
            bytes: size(&data),
            events: 1,
        },
        number,
        data: Payload::from(data),
    };
    let tag = AppendTag {
        writer: writer(),
        session: 0,
        number,
        request_id: 0,
        bytes: 0,
    };
    let sink = Arc::new(Told(Mutex::new(Some(sender))));
    let submitted = segments.append(append, || Ticket::new(tag, sink));
    assert!(matches!(submitted, Submitted::Queued));
    receiver
}

async fn read(segments: &Segments, offset: u64, max: u64) -> ReadOutcome {
    let parking = Semaphore::new(0);
    let offset = i64::try_from(offset).unwrap();
    segments.read(SEGMENT, offset, max, &parking).await
}

async fn read_all(segments: &Segments) -> Vec<u8> {
    let info = segments.info(SEGMENT).await.unwrap();
    let mut all = Vec::new();
    while info.start + size(&all) < info.length {
        match read(segments, info.start + size(&all), 100_000).await {
            ReadOutcome::Data { data, .. } => all.extend_from_slice(&data.into_bytes()),
            other => panic!("{other:?} in the middle of the segment"),
        }
    }
    all
}

/// Block `number`, which explains itself: its size and bytes follow from the number.
fn block(number: i64) -> Bytes {
    let number = usize::try_from(number).unwrap();
    let size = [1, 40, 3000, 5000, 70_000][number % 5];
    (0..size)
        .map(|i| u8::try_from((i + number * 31) % 251).unwrap())
        .collect()
}

fn blocks(count: i64) -> Vec<u8> {
    (1..=count).flat_map(block).collect()
}

/// Writes blocks, two at a time, until the disk fails. Returns the last number acknowledged, or none when
/// not even the segment was made.
async fn work(segments: &Segments, count: i64) -> Option<i64> {
    segments.create(SEGMENT).await.ok()?;
    let Ok((lease, last)) = segments.set_up(SEGMENT, writer(), 1).await else {
        return Some(0);
    };
    assert_eq!(last, NO_VALUE);
    let mut stored = last;
    let mut acked = 0;
    for number in (1..count).step_by(2) {
        let first = append(segments, &lease, stored, number, block(number));
        let second = append(segments, &lease, number, number + 1, block(number + 1));
        stored = number + 1;
        for (number, outcome) in [(number, first), (number + 1, second)] {
            match outcome.await.unwrap() {
                Ok(_) => acked = number,
                Err(AppendError::Lost | AppendError::ReadOnly) => return Some(acked),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    Some(acked)
}

/// What every restart must find.
async fn check(segments: &Segments, acked: Option<i64>) {
    let Some(acked) = acked else {
        return;
    };
    let last = segments
        .attribute(SEGMENT, writer().as_u128())
        .await
        .unwrap();
    let last = if last == NO_VALUE { 0 } else { last };
    assert!(last >= acked, "acknowledged {acked}, found {last}");
    assert_eq!(
        read_all(segments).await,
        blocks(last),
        "bytes and number belong together"
    );
}

#[tokio::test]
async fn d1_d2_every_crash_point_keeps_what_was_acknowledged() {
    let whole = SimulatedDisk::default();
    let store = open(&whole).unwrap();
    let after_open = whole.operations();
    assert_eq!(work(&store.0, 12).await, Some(12));
    close(store).await;
    let total = whole.operations();
    assert!(total > after_open + 12);
    for point in after_open..total {
        let disk = SimulatedDisk::default();
        let store = open(&disk).unwrap();
        disk.fail_from(point);
        let acked = work(&store.0, 12).await;
        close(store).await;
        for seed in 0..3 {
            let mut random = generator(seed * 1000 + u64::try_from(point).unwrap());
            let found = disk.after_crash(&mut random);
            let store = open(&found).unwrap_or_else(|error| panic!("at {point}, {seed}: {error}"));
            check(&store.0, acked).await;
            close(store).await;
        }
    }
}

#[tokio::test]
async fn d4_d5_a_failure_stops_writing_and_not_reading() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    let segments = &store.0;
    assert_eq!(work(segments, 6).await, Some(6));
    let (lease, last) = segments.set_up(SEGMENT, writer(), 2).await.unwrap();
    disk.fail_once(disk.operations());
    let lost = append(segments, &lease, last, 7, block(7));
    assert_eq!(lost.await.unwrap(), Err(AppendError::Lost));
    // The disk works again, but nobody knows what it holds.
    let refused = append(segments, &lease, last, 7, block(7));
    assert_eq!(refused.await.unwrap(), Err(AppendError::ReadOnly));
    assert!(matches!(
        segments.create("other").await,
        Err(StoreError::Stopped { .. })
    ));
    assert!(matches!(
        segments.set_up(SEGMENT, writer(), 3).await,
        Err(StoreError::Stopped { .. })
    ));
    assert_eq!(read_all(segments).await, blocks(6));
    segments.find(SEGMENT).unwrap().forget_below(u64::MAX);
    assert_eq!(read_all(segments).await, blocks(6), "from the disk as well");
    close(store).await;
    let store = open(&disk).unwrap();
    check(&store.0, Some(6)).await;
    close(store).await;
}

#[tokio::test]
async fn old_bytes_are_read_from_the_disk() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    assert_eq!(work(&store.0, 20).await, Some(20));
    close(store).await;
    let store = open(&disk).unwrap();
    let expected = blocks(20);
    assert_eq!(read_all(&store.0).await, expected);
    // Odd places and sizes.
    for (offset, max) in [
        (0, 8),
        (1, 70_000),
        (65_279, 2),
        (65_280, 9),
        (100_000, 200_000),
    ] {
        let ReadOutcome::Data { data, .. } = read(&store.0, offset, max).await else {
            panic!("no data at {offset}");
        };
        let from = usize::try_from(offset).unwrap();
        let to = expected.len().min(from + usize::try_from(max).unwrap());
        assert_eq!(&data.into_bytes()[..], &expected[from..to]);
    }
    close(store).await;
}

#[tokio::test]
async fn truncation_and_deletion_free_the_bytes() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    assert_eq!(work(&store.0, 40).await, Some(40));
    let length = store.0.info(SEGMENT).await.unwrap().length;
    store.0.truncate(SEGMENT, length).await.unwrap();
    assert!(matches!(
        read(&store.0, 0, 8).await,
        ReadOutcome::Truncated { .. }
    ));
    // The next transaction sweeps; the one after it finds nothing more.
    store.0.create("other").await.unwrap();
    store.0.delete("other").await.unwrap();
    close(store).await;
    let store = open(&disk).unwrap();
    let info = store.0.info(SEGMENT).await.unwrap();
    assert_eq!((info.start, info.length), (length, length));
    let (lease, last) = store.0.set_up(SEGMENT, writer(), 1).await.unwrap();
    assert_eq!(last, 40);
    let tail = append(&store.0, &lease, last, 41, block(41)).await.unwrap();
    assert_eq!(tail, Ok(length + size(&block(41))));
    drop(lease);
    close(store).await;
    let database = open_database(disk.clone()).unwrap();
    assert_eq!(database::chunks(&database), 1);
    drop(database);
    let store = open(&disk).unwrap();
    store.0.delete(SEGMENT).await.unwrap();
    store.0.create(SEGMENT).await.unwrap();
    let (_lease, last) = store.0.set_up(SEGMENT, writer(), 1).await.unwrap();
    assert_eq!(last, NO_VALUE, "a new incarnation knows no writer");
    close(store).await;
    let database = open_database(disk).unwrap();
    assert_eq!(database::chunks(&database), 0);
}

#[tokio::test]
async fn small_appends_share_chunks() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    store.0.create(SEGMENT).await.unwrap();
    let (lease, mut last) = store.0.set_up(SEGMENT, writer(), 1).await.unwrap();
    for number in 1..=200 {
        let outcome = append(
            &store.0,
            &lease,
            last,
            number,
            Bytes::from_static(&[7; 100]),
        );
        outcome.await.unwrap().unwrap();
        last = number;
    }
    drop(lease);
    close(store).await;
    let database = open_database(disk).unwrap();
    assert!(database::chunks(&database) < 10);
}

#[tokio::test]
async fn the_catalog_is_atomic_and_survives() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()));
    let changes = vec![pair("b", "2"), pair("a", "1"), pair("c", "3")];
    store.0.write_catalog(changes).await.unwrap();
    store
        .0
        .write_catalog(vec![(b"b".to_vec(), None)])
        .await
        .unwrap();
    close(store).await;
    let store = open(&disk).unwrap();
    let catalog = store.0.load_catalog().await.unwrap();
    let expected = [("a", "1"), ("c", "3")];
    let expected = expected.map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()));
    assert_eq!(catalog, expected);
    close(store).await;
}

#[tokio::test]
async fn damage_is_found_when_the_database_is_opened() {
    let disk = SimulatedDisk::default();
    let store = open(&disk).unwrap();
    assert_eq!(work(&store.0, 10).await, Some(10));
    close(store).await;
    database::remove_last_chunk(&open_database(disk.clone()).unwrap());
    let error = open(&disk).map(drop).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.starts_with("segment 0 ends at "), "{source}");
}
