//! Reading bytes that are no longer in memory.

use bytes::Bytes;
use pravega_wire_protocol::Payload;
use redb::{Database, ReadableDatabase};
use tokio::sync::OwnedSemaphorePermit;

use super::schema::BYTES;
use crate::store::log::size;

/// Reads up to `max` bytes of a segment from `offset` on: fewer, or none, where a truncation was faster.
pub(super) fn read_bytes(
    database: &Database,
    number: u64,
    offset: u64,
    max: u64,
) -> Result<Vec<u8>, redb::Error> {
    let mut read = Vec::new();
    let transaction = database.begin_read()?;
    let bytes = transaction.open_table(BYTES)?;
    let end = offset.saturating_add(max);
    let first = bytes.range((number, 0)..=(number, offset))?.next_back();
    let Some(first) = first.transpose()? else {
        return Ok(read);
    };
    let first = first.0.value().1;
    read.reserve_exact(index(max));
    for entry in bytes.range((number, first)..(number, end))? {
        let (key, chunk) = entry?;
        let (start, chunk) = (key.value().1, chunk.value());
        let next = offset.saturating_add(size(&read));
        let part = chunk
            .get(index(next.saturating_sub(start))..)
            .unwrap_or_default();
        let part = part.get(..index(end.saturating_sub(next))).unwrap_or(part);
        if start > next || part.is_empty() {
            break;
        }
        read.extend_from_slice(part);
    }
    Ok(read)
}

/// Bytes that give their share of the memory for such reads back when the last of them was sent.
pub(super) fn hold(bytes: Vec<u8>, share: OwnedSemaphorePermit) -> Payload {
    if bytes.is_empty() {
        return Payload::new();
    }
    Bytes::from_owner(Held {
        bytes,
        _share: share,
    })
    .into()
}

struct Held {
    bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Read sizes and offsets inside a chunk fit any `usize`.
fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
