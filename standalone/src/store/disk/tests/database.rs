//! Looking into a database behind the store's back.

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::super::schema::BYTES;

/// How many chunks there are in all.
pub(super) fn chunks(database: &Database) -> u64 {
    let transaction = database.begin_read().unwrap();
    transaction.open_table(BYTES).unwrap().len().unwrap()
}

/// Takes the last chunk of the last segment away.
pub(super) fn remove_last_chunk(database: &Database) {
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(BYTES).unwrap();
    let last = table.last().unwrap().unwrap().0.value();
    table.remove(last).unwrap();
    drop(table);
    transaction.commit().unwrap();
}
