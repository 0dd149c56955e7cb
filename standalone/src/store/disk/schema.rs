//! What stands in the database, and the one place where a database is opened.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `segments` | number | head, tail, seal, times, policy, name |
//! | `bytes` | number, offset of the first byte | up to [`MAX_CHUNK`] bytes |
//! | `attributes` | number, 128-bit id | a number: a writer's last event number, mostly |
//! | `garbage` | number of a deleted segment | nothing; its bytes and attributes are still to be removed |
//! | `catalog` | the controller's | the controller's |
//! | `groups` | nothing | how many groups of operations were committed |

use std::sync::Arc;

use bytes::{Buf, BufMut};
use pravega_client_shared::planted::{self, Bug};
use redb::{
    Database, ReadableDatabase, StorageBackend, Table, TableDefinition, TableError,
    WriteTransaction,
};

use crate::store::state::{Policy, SegmentState};

/// The file of the database.
pub(super) const DATABASE_FILE: &str = "segments.redb";

/// Numbers to records.
pub(super) const SEGMENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("segments");
/// Number and offset to bytes.
pub(super) const BYTES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("bytes");
/// Number and id to a number.
pub(super) const ATTRIBUTES: TableDefinition<'_, (u64, u128), i64> =
    TableDefinition::new("attributes");
/// Numbers of deleted segments.
pub(super) const GARBAGE: TableDefinition<'_, u64, ()> = TableDefinition::new("garbage");
/// The controller's.
pub(super) const CATALOG: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("catalog");

/// The number of the last group.
pub(super) const GROUPS: TableDefinition<'_, (), u64> = TableDefinition::new("groups");

/// The largest value in `bytes`, bytes: just under a power of two, because the library's pages are powers of
/// two and hold a little of their own.
pub(super) const MAX_CHUNK: usize = 64 * 1024 - 256;

/// A last chunk shorter than this is written again, together with what follows, instead of starting another,
/// bytes. It is what fits one page of the library, which is written again anyway.
pub(super) const SMALL_CHUNK: u64 = 4096 - 256;

/// What the library may keep of its file in memory, bytes. Its own default is 1 GiB.
pub(in crate::store) const CACHE: usize = 64 * 1024 * 1024;

/// Opens a database on any storage, and makes it on an empty one. Everything in it is read and compared with
/// the library's checksums, also after an end in order: a page that was damaged meanwhile must not be trusted
/// with where the free pages are.
pub(super) fn open_database(
    backend: impl StorageBackend,
    cache: usize,
) -> Result<Database, redb::Error> {
    let database = Database::builder()
        .set_cache_size(cache)
        // Planted: damage is passed over.
        .set_check_integrity_on_open(!planted::is_on(Bug::CutInMidLog))
        .create_with_backend(backend)?;
    if !has_tables(&database)? {
        let transaction = database.begin_write()?;
        Tables::open(&transaction)?;
        transaction.commit()?;
    }
    Ok(database)
}

/// True when the last of the tables is there; they are made in one transaction.
fn has_tables(database: &Database) -> Result<bool, redb::Error> {
    match database.begin_read()?.open_table(GROUPS) {
        Ok(_) => Ok(true),
        Err(TableError::TableDoesNotExist(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// All tables, open for writing.
pub(super) struct Tables<'txn> {
    pub(super) segments: Table<'txn, u64, &'static [u8]>,
    pub(super) bytes: Table<'txn, (u64, u64), &'static [u8]>,
    pub(super) attributes: Table<'txn, (u64, u128), i64>,
    pub(super) garbage: Table<'txn, u64, ()>,
    pub(super) catalog: Table<'txn, &'static [u8], &'static [u8]>,
    pub(super) groups: Table<'txn, (), u64>,
}

impl<'txn> Tables<'txn> {
    /// Opens, and on the first occasion makes, every table.
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            segments: transaction.open_table(SEGMENTS)?,
            bytes: transaction.open_table(BYTES)?,
            attributes: transaction.open_table(ATTRIBUTES)?,
            garbage: transaction.open_table(GARBAGE)?,
            catalog: transaction.open_table(CATALOG)?,
            groups: transaction.open_table(GROUPS)?,
        })
    }
}

/// The version of the record's layout, its first byte.
const RECORD_VERSION: u8 = 1;

/// A segment as the database has it.
pub(super) fn encode_record(name: &str, state: &SegmentState) -> Vec<u8> {
    let mut record = Vec::with_capacity(64 + name.len());
    record.put_u8(RECORD_VERSION);
    record.put_u8(state.sealed.into());
    record.put_u64(state.start);
    record.put_u64(state.length);
    record.put_i64(state.last_modified_ms);
    record.put_i64(state.created_ms);
    record.put_i64(state.event_count);
    record.put_i8(state.policy.scale_type);
    record.put_i32(state.policy.target_rate);
    record.put_i64(state.policy.rollover_bytes);
    record.put_slice(name.as_bytes());
    record
}

/// Reads a record; none when it is not one.
pub(super) fn decode_record(mut record: &[u8]) -> Option<(Arc<str>, SegmentState)> {
    let version = record.try_get_u8().ok()?;
    let sealed = record.try_get_u8().ok()?;
    if version != RECORD_VERSION || sealed > 1 {
        return None;
    }
    let state = SegmentState {
        sealed: sealed == 1,
        start: record.try_get_u64().ok()?,
        length: record.try_get_u64().ok()?,
        last_modified_ms: record.try_get_i64().ok()?,
        created_ms: record.try_get_i64().ok()?,
        event_count: record.try_get_i64().ok()?,
        policy: Policy {
            scale_type: record.try_get_i8().ok()?,
            target_rate: record.try_get_i32().ok()?,
            rollover_bytes: record.try_get_i64().ok()?,
        },
    };
    let name = std::str::from_utf8(record).ok()?;
    let sound = state.start <= state.length && i64::try_from(state.length).is_ok();
    sound.then(|| (name.into(), state))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_back(
            name in "[a-z0-9/.#]{0,40}", sealed: bool, start in 0..1000_u64, more in 0..1000_u64,
            times: (i64, i64, i64), scale_type: i8, target_rate: i32, rollover_bytes: i64,
        ) {
            let state = SegmentState {
                sealed, start, length: start + more,
                last_modified_ms: times.0, created_ms: times.1, event_count: times.2,
                policy: Policy { scale_type, target_rate, rollover_bytes },
            };
            let record = encode_record(&name, &state);
            let (read_name, read) = decode_record(&record).unwrap();
            prop_assert_eq!((&*read_name, read), (&*name, state));
        }

        #[test]
        fn no_bytes_make_it_panic(record in proptest::collection::vec(any::<u8>(), 0..100)) {
            decode_record(&record);
        }
    }
}
