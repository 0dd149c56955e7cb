//! Bytes of segments as values of the database: chunks under the offset of their first byte.

use std::collections::HashMap;

use bytes::Bytes;
use redb::{AccessGuard, ReadableTable};

use super::{
    group::{DiskResult, Draft},
    schema::{MAX_CHUNK, SMALL_CHUNK, Tables},
};
use crate::store::log::size;

/// Cuts the new bytes of a segment into chunks. A short last chunk is written again, longer.
pub(super) fn write_bytes(
    tables: &mut Tables<'_>,
    last_chunks: &mut HashMap<u64, u64>,
    number: u64,
    draft: &Draft,
) -> DiskResult<()> {
    let mut rope: &[Bytes] = &draft.data;
    let mut left = rope.iter().map(Bytes::len).sum::<usize>();
    if left == 0 {
        return Ok(());
    }
    let mut at = draft.visible_length;
    let mut carried = Vec::new();
    if let Some(start) = last_chunk(tables, last_chunks, number)?
        && at.saturating_sub(start) < SMALL_CHUNK
        && let Some(short) = tables.bytes.get((number, start))?
    {
        carried.extend_from_slice(short.value());
        at = start;
        left += carried.len();
    }
    let mut carried = &carried[..];
    let mut skip = 0;
    while left > 0 {
        let length = left.min(MAX_CHUNK);
        let mut guard = tables.bytes.insert_reserve((number, at), length)?;
        let mut room: &mut [u8] = guard.as_mut();
        room = fill(room, &mut carried);
        while !room.is_empty() {
            let Some((first, rest)) = rope.split_first() else {
                break;
            };
            let mut piece = first.get(skip..).unwrap_or_default();
            room = fill(room, &mut piece);
            skip = first.len() - piece.len();
            if piece.is_empty() {
                (rope, skip) = (rest, 0);
            }
        }
        last_chunks.insert(number, at);
        at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        left -= length;
    }
    Ok(())
}

/// Moves bytes from the front of `from` to the front of `room`; returns the room that is left.
fn fill<'a>(room: &'a mut [u8], from: &mut &[u8]) -> &'a mut [u8] {
    let count = room.len().min(from.len());
    let (now, later) = room.split_at_mut(count);
    let (head, tail) = from.split_at(count);
    now.copy_from_slice(head);
    *from = tail;
    later
}

/// Where the last chunk of a segment begins, if it has one.
fn last_chunk(
    tables: &Tables<'_>,
    last_chunks: &mut HashMap<u64, u64>,
    number: u64,
) -> DiskResult<Option<u64>> {
    if let Some(start) = last_chunks.get(&number) {
        return Ok(Some(*start));
    }
    let mut last = tables.bytes.range((number, 0)..=(number, u64::MAX))?;
    let last = last.next_back().transpose()?;
    let start = last.map(|(key, _)| key.value().1);
    if let Some(start) = start {
        last_chunks.insert(number, start);
    }
    Ok(start)
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Removed {
    /// Entries of a table.
    pub(super) entries: usize,
    /// The bytes in them.
    pub(super) bytes: u64,
}

/// Removes chunks that end at or below `head`.
pub(super) fn remove_bytes(
    tables: &mut Tables<'_>,
    number: u64,
    head: u64,
    limit: usize,
) -> DiskResult<Removed> {
    let mut keys = Vec::new();
    let mut bytes = 0_u64;
    for entry in tables
        .bytes
        .range((number, 0)..=(number, head))?
        .take(limit)
    {
        let (key, value): (AccessGuard<'_, (u64, u64)>, AccessGuard<'_, &[u8]>) = entry?;
        let (_, start) = key.value();
        let length = size(value.value());
        if start.saturating_add(length) > head {
            break;
        }
        bytes = bytes.saturating_add(length);
        keys.push((number, start));
    }
    for key in &keys {
        tables.bytes.remove(key)?;
    }
    let entries = keys.len();
    Ok(Removed { entries, bytes })
}
