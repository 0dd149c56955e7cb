//! Reading bytes that are no longer in memory.

use bytes::Bytes;
use pravega_wire_protocol::Payload;
use redb::{Database, ReadableDatabase};

use super::schema::BYTES;
use crate::store::log::size;

/// Reads up to `max` bytes of a segment from `offset` on: fewer, or none, where a truncation was faster.
pub(super) fn read_bytes(
    database: &Database,
    number: u64,
    offset: u64,
    max: u64,
) -> Result<Payload, redb::Error> {
    let transaction = database.begin_read()?;
    let bytes = transaction.open_table(BYTES)?;
    let end = offset.saturating_add(max);
    let first = bytes.range((number, 0)..=(number, offset))?.next_back();
    let Some(first) = first.transpose()? else {
        return Ok(Payload::new());
    };
    let first = first.0.value().1;
    let mut next = offset;
    let mut parts = Vec::new();
    for entry in bytes.range((number, first)..(number, end))? {
        let (key, chunk) = entry?;
        let (start, chunk) = (key.value().1, chunk.value());
        let from = usize::try_from(next.saturating_sub(start)).unwrap_or(usize::MAX);
        let wanted = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX);
        let part = chunk.get(from..).unwrap_or_default();
        let part = part.get(..wanted).unwrap_or(part);
        if start > next || part.is_empty() {
            break;
        }
        parts.push(Bytes::copy_from_slice(part));
        next = next.saturating_add(size(part));
    }
    Ok(Payload::from_chunks(parts))
}
