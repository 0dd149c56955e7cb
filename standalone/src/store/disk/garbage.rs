//! Removing what nobody can reach any more, a little in each transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pravega_client_shared::planted::{self, Bug};
use redb::ReadableTable;

use super::{
    chunks::{Removed, remove_bytes},
    group::DiskResult,
    schema::Tables,
};

/// Bytes and attributes that nobody can reach any more.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    /// Deleted segments.
    pub(super) deleted: BTreeSet<u64>,
    /// Truncated segments, and the head below which chunks can go.
    pub(super) truncated: BTreeMap<u64, u64>,
}

impl Garbage {
    /// True when nothing is left to remove.
    pub(super) fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.truncated.is_empty()
    }

    /// Removes at most `limit` entries; none when there was nothing to remove.
    pub(super) fn sweep(
        &mut self,
        tables: &mut Tables<'_>,
        last_chunks: &mut HashMap<u64, u64>,
        limit: usize,
    ) -> DiskResult<Option<Removed>> {
        if let Some(number) = self.deleted.first().copied() {
            let mut removed = remove_bytes(tables, number, u64::MAX, limit)?;
            let left = limit.saturating_sub(removed.entries);
            removed.entries += remove_attributes(tables, number, left)?;
            if removed.entries < limit {
                tables.garbage.remove(number)?;
                self.deleted.remove(&number);
            }
            return Ok(Some(removed));
        }
        let Some((number, head)) = self.truncated.first_key_value().map(|(n, h)| (*n, *h)) else {
            return Ok(None);
        };
        let removed = remove_bytes(tables, number, head, limit)?;
        // Planted: a truncation forgets who wrote.
        if planted::is_on(Bug::WriterNumberForgotten) {
            remove_attributes(tables, number, limit)?;
        }
        if removed.entries < limit {
            self.truncated.remove(&number);
        }
        if last_chunks.get(&number).is_some_and(|start| *start < head) {
            last_chunks.remove(&number);
        }
        Ok((removed.entries > 0).then_some(removed))
    }
}

fn remove_attributes(tables: &mut Tables<'_>, number: u64, limit: usize) -> DiskResult<usize> {
    let mut keys = Vec::new();
    for entry in tables
        .attributes
        .range((number, 0)..=(number, u128::MAX))?
        .take(limit)
    {
        keys.push(entry?.0.value());
    }
    for key in &keys {
        tables.attributes.remove(key)?;
    }
    Ok(keys.len())
}
