//! What stands in the file, and what a store makes of it. What becomes of it when the disk fails is a matter of
//! the fault campaigns.

use std::{error::Error, path::Path, sync::Arc};

use bytes::Bytes;
use pravega_client_shared::WriterId;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::{
    data_file::DataFile,
    folder::{Folder, SystemFolder},
    schema::{BYTES, CACHE, DATABASE_FILE, open_database},
};
use crate::store::{
    DirectoryError, NO_VALUE,
    log::size,
    stepped::{NewAppend, Pending, Read, SteppedOptions, SteppedStore, Writer},
};

const SEGMENT: &str = "s/b/0.#epoch.0";

fn open(path: &Path) -> SteppedStore {
    try_open(path).unwrap()
}

fn try_open(path: &Path) -> Result<SteppedStore, DirectoryError> {
    let folder = Arc::new(SystemFolder::new(path));
    SteppedStore::open(folder, &SteppedOptions::default())
}

/// The database behind the store's back.
fn database(path: &Path) -> Database {
    let file = SystemFolder::new(path).open(DATABASE_FILE).unwrap();
    open_database(DataFile::open(DATABASE_FILE, file).unwrap(), CACHE).unwrap()
}

fn chunks(path: &Path) -> u64 {
    let database = database(path);
    let transaction = database.begin_read().unwrap();
    transaction.open_table(BYTES).unwrap().len().unwrap()
}

/// Takes the answer after a turn.
fn answer<T>(store: &mut SteppedStore, mut pending: Pending<T>) -> T {
    store.turn();
    pending.take().unwrap().unwrap()
}

fn set_up(store: &mut SteppedStore) -> Writer {
    let pending = store.requests().set_up(SEGMENT, WriterId::from_wire(7), 1);
    answer(store, pending)
}

/// Writes blocks behind each other, two in a group.
fn write(store: &mut SteppedStore, blocks: impl Iterator<Item = Bytes>) {
    let pending = store.requests().create(SEGMENT);
    answer(store, pending);
    let writer = set_up(store);
    let mut after = writer.last_number();
    let mut appending = Vec::new();
    for (number, data) in (after.max(0) + 1..).zip(blocks) {
        let append = NewAppend {
            after,
            number,
            at: None,
            data,
        };
        appending.push(store.requests().append(&writer, append));
        if number % 2 == 0 {
            store.turn();
        }
        after = number;
    }
    store.turn();
    for mut append in appending {
        append.take().unwrap().unwrap();
    }
}

/// Blocks that fill less than a page, some pages, and more than a chunk.
fn blocks(count: usize) -> impl Iterator<Item = Bytes> {
    (0..count).map(|number| {
        let size = [1, 40, 3000, 5000, 70_000][number % 5];
        let byte = |i| u8::try_from((i + number * 31) % 251).unwrap();
        (0..size).map(byte).collect()
    })
}

#[test]
fn old_bytes_are_read_from_the_disk() {
    let temp = tempfile::tempdir().unwrap();
    let mut store = open(temp.path());
    write(&mut store, blocks(20));
    let expected: Vec<u8> = blocks(20).flatten().collect();
    for _ in 0..2 {
        for (offset, max) in [
            (0, 8),
            (1, 70_000),
            (65_279, 2),
            (65_280, 9),
            (100_000, 60_000),
        ] {
            let Read::Bytes(read) = store.requests().read(SEGMENT, offset, max).unwrap() else {
                panic!("no data at {offset}");
            };
            let from = usize::try_from(offset).unwrap();
            let to = expected.len().min(from + usize::try_from(max).unwrap());
            assert_eq!(&read[..], &expected[from..to]);
        }
        drop(store);
        store = open(temp.path());
    }
}

#[test]
fn truncation_and_deletion_free_the_bytes() {
    let temp = tempfile::tempdir().unwrap();
    let mut store = open(temp.path());
    write(&mut store, blocks(40));
    let tail = store.requests().extent(SEGMENT).unwrap().tail;
    let pending = store.requests().truncate(SEGMENT, tail);
    answer(&mut store, pending);
    let truncated = Read::Truncated { head: tail };
    assert_eq!(store.requests().read(SEGMENT, 0, 8).unwrap(), truncated);
    while store.turn() {}
    drop(store);
    assert_eq!(chunks(temp.path()), 0);

    let mut store = open(temp.path());
    let extent = store.requests().extent(SEGMENT).unwrap();
    assert_eq!((extent.head, extent.tail), (tail, tail));
    assert_eq!(set_up(&mut store).last_number(), 40);
    write(&mut store, blocks(1));
    let pending = store.requests().delete(SEGMENT);
    answer(&mut store, pending);
    let pending = store.requests().create(SEGMENT);
    assert!(answer(&mut store, pending));
    let writer = set_up(&mut store);
    assert_eq!(
        writer.last_number(),
        NO_VALUE,
        "a new incarnation knows no writer"
    );
    while store.turn() {}
    drop((writer, store));
    assert_eq!(chunks(temp.path()), 0);
}

#[test]
fn small_appends_share_chunks() {
    let temp = tempfile::tempdir().unwrap();
    let mut store = open(temp.path());
    let block = Bytes::from_static(&[7; 100]);
    write(&mut store, (0..200).map(|_| block.clone()));
    let tail = store.requests().extent(SEGMENT).unwrap().tail;
    assert_eq!(tail, 200 * size(&block));
    drop(store);
    assert!(chunks(temp.path()) < 10);
}

#[test]
fn missing_bytes_are_found_when_the_database_is_opened() {
    let temp = tempfile::tempdir().unwrap();
    let mut store = open(temp.path());
    write(&mut store, blocks(10));
    drop(store);
    let database = database(temp.path());
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(BYTES).unwrap();
    let last = table.last().unwrap().unwrap().0.value();
    table.remove(last).unwrap();
    drop(table);
    transaction.commit().unwrap();
    drop(database);
    let error = try_open(temp.path()).map(drop).unwrap_err();
    let source = error.source().unwrap().source().unwrap().to_string();
    assert!(source.starts_with("segment 0 ends at "), "{source}");
}
