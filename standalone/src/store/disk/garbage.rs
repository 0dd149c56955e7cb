//! Removing what nobody can reach any more, a little in each transaction.

use std::collections::{HashMap, HashSet};

use redb::ReadableTable;

use super::{chunks::remove_bytes, group::DiskResult, schema::Tables};

/// Bytes and attributes that nobody can reach any more.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    /// Deleted segments.
    pub(super) deleted: HashSet<u64>,
    /// Truncated segments, and the head below which chunks can go.
    pub(super) truncated: HashMap<u64, u64>,
}

impl Garbage {
    /// True when nothing is left to remove.
    pub(super) fn is_empty(&self) -> bool {
        self.deleted.is_empty() && self.truncated.is_empty()
    }

    /// Removes at most `limit` entries; true when it removed something.
    pub(super) fn sweep(
        &mut self,
        tables: &mut Tables<'_>,
        last_chunks: &mut HashMap<u64, u64>,
        limit: usize,
    ) -> DiskResult<bool> {
        if let Some(number) = self.deleted.iter().next().copied() {
            let mut removed = remove_bytes(tables, number, u64::MAX, limit)?;
            removed += remove_attributes(tables, number, limit.saturating_sub(removed))?;
            if removed < limit {
                tables.garbage.remove(number)?;
                self.deleted.remove(&number);
            }
            return Ok(true);
        }
        let Some((&number, &head)) = self.truncated.iter().next() else {
            return Ok(false);
        };
        let removed = remove_bytes(tables, number, head, limit)?;
        if removed < limit {
            self.truncated.remove(&number);
        }
        if last_chunks.get(&number).is_some_and(|start| *start < head) {
            last_chunks.remove(&number);
        }
        Ok(removed > 0)
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
