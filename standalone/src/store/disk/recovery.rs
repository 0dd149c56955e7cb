//! What a database says when it is opened: segments, garbage, and whether the bytes are all there.

use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable};
use snafu::Snafu;

use super::{
    garbage::Garbage,
    schema::{BYTES, GARBAGE, GROUPS, SEGMENTS, decode_record},
};
use crate::store::{log::size, segment::Segment};
use pravega_client_shared::planted::{self, Bug};

/// What a server starts with.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) garbage: Garbage,
    /// Numbers from here on were never used, or nothing of them is left.
    pub(super) next_number: u64,
    /// The number of the last group that was committed.
    pub(super) groups: u64,
}

/// The database was read, and does not say what it must.
#[derive(Debug, Snafu)]
#[non_exhaustive]
pub(in crate::store) enum RecoverError {
    /// The storage library failed.
    #[snafu(display("the database cannot be read"), context(false))]
    Database {
        /// What it says.
        source: redb::Error,
    },
    /// A record is not one.
    #[snafu(display("the record of segment {number} is damaged"))]
    BadRecord {
        /// The segment's number.
        number: u64,
    },
    /// The bytes of a segment do not end at its tail.
    #[snafu(display("segment {number} ends at {length}, its bytes end at {found}"))]
    BadTail {
        /// The segment's number.
        number: u64,
        /// Its tail.
        length: u64,
        /// The end of its last chunk.
        found: u64,
    },
}

/// Reads all records, and checks each segment's last chunk against its tail.
pub(super) fn recover(database: &Database) -> Result<Recovered, RecoverError> {
    let transaction = database.begin_read().map_err(redb::Error::from)?;
    let table = |error: redb::TableError| redb::Error::from(error);
    let storage = |error: redb::StorageError| redb::Error::from(error);
    let bytes = transaction.open_table(BYTES).map_err(table)?;
    let mut recovered = Recovered {
        segments: Vec::new(),
        garbage: Garbage::default(),
        next_number: 0,
        groups: 0,
    };
    let groups = transaction.open_table(GROUPS).map_err(table)?;
    if let Some(number) = groups.get(()).map_err(storage)? {
        recovered.groups = number.value();
    }
    let garbage = transaction.open_table(GARBAGE).map_err(table)?;
    for entry in garbage.iter().map_err(storage)? {
        let number = entry.map_err(storage)?.0.value();
        recovered.garbage.deleted.insert(number);
        recovered.saw(number);
    }
    let records = transaction.open_table(SEGMENTS).map_err(table)?;
    for entry in records.iter().map_err(storage)? {
        let (key, record) = entry.map_err(storage)?;
        let number = key.value();
        let Some((name, mut state)) = decode_record(record.value()) else {
            return BadRecordSnafu { number }.fail();
        };
        let chunks = (number, 0)..=(number, u64::MAX);
        let mut chunks = bytes.range(chunks).map_err(storage)?;
        let mut found = state.start;
        if let Some(last) = chunks.next_back() {
            let (key, chunk) = last.map_err(storage)?;
            found = key.value().1.saturating_add(size(chunk.value()));
        }
        // Planted: bytes that are missing are taken for an end.
        if found < state.length && planted::is_on(Bug::CutInMidLog) {
            state.length = found;
        }
        let length = state.length;
        // A segment truncated up to its tail may have lost all its chunks, its head is its tail then.
        snafu::ensure!(
            found == length,
            BadTailSnafu {
                number,
                length,
                found
            }
        );
        if state.start > 0 {
            recovered.garbage.truncated.insert(number, state.start);
        }
        recovered.saw(number);
        recovered
            .segments
            .push(Arc::new(Segment::new(number, name, state)));
    }
    Ok(recovered)
}

impl Recovered {
    fn saw(&mut self, number: u64) {
        self.next_number = self.next_number.max(number.saturating_add(1));
    }
}
