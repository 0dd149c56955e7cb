//! A file that takes writes and keeps them to itself.
//!
//! After a sync that failed nobody knows which writes have reached the disk, and a system may take those it
//! gave up for written. One more write and one more sync could then make a header durable whose pages never
//! were. So nothing is written any more; but the library wants to write before it reads a database that was
//! not closed, and gets a file for that which forgets.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::folder::StoredFile;

/// The unit of what is kept, bytes.
const BLOCK: u64 = 4096;

/// What is kept at most, bytes. A library that opens a database writes a few pages.
const MOST: usize = 64 * 1024 * 1024;

/// A file under writes that never reach it.
#[derive(Debug)]
pub(super) struct FrozenFile {
    below: Arc<dyn StoredFile>,
    above: Mutex<Above>,
}

#[derive(Debug)]
struct Above {
    length: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl FrozenFile {
    /// The file as it is now.
    pub(super) fn over(below: Arc<dyn StoredFile>) -> io::Result<Self> {
        let length = below.length()?;
        let blocks = BTreeMap::new();
        Ok(Self {
            below,
            above: Mutex::new(Above { length, blocks }),
        })
    }

    /// The content of a block below, with zeros behind its end.
    fn block_below(&self, block: u64) -> io::Result<Vec<u8>> {
        let mut content = vec![0; usize::try_from(BLOCK).unwrap_or_default()];
        let mut filled = 0;
        loop {
            let rest = content.get_mut(filled..).unwrap_or_default();
            let at = block * BLOCK + u64::try_from(filled).unwrap_or_default();
            match self.below.read_at(at, rest) {
                _ if rest.is_empty() => return Ok(content),
                Ok(0) => return Ok(content),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The block of an offset, and the place in it.
fn place(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset % BLOCK).unwrap_or_default();
    (offset / BLOCK, within)
}

impl StoredFile for FrozenFile {
    fn length(&self) -> io::Result<u64> {
        let above = self.above.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(above.length)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let above = self.above.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, from) = place(offset);
        let left = usize::try_from(above.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let in_block = usize::try_from(BLOCK).unwrap_or_default() - from;
        let count = into.len().min(left).min(in_block);
        let into = into.get_mut(..count).unwrap_or_default();
        match above.blocks.get(&block) {
            Some(content) => {
                let known = content.get(from..from + count).unwrap_or_default();
                into.copy_from_slice(known);
                Ok(count)
            }
            None if into.is_empty() => Ok(0),
            None => match self.below.read_at(offset, into)? {
                // Added since, in memory alone.
                0 => {
                    into.fill(0);
                    Ok(count)
                }
                read => Ok(read),
            },
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut above = self.above.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, from) = place(offset);
        let in_block = usize::try_from(BLOCK).unwrap_or_default() - from;
        let bytes = bytes.get(..in_block).unwrap_or(bytes);
        let is_full = above.blocks.len() >= MOST / usize::try_from(BLOCK).unwrap_or(MOST);
        let content = match above.blocks.entry(block) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if is_full => return Err(io::ErrorKind::OutOfMemory.into()),
            Entry::Vacant(entry) => entry.insert(self.block_below(block)?),
        };
        let part = content.get_mut(from..from + bytes.len());
        part.unwrap_or_default().copy_from_slice(bytes);
        let end = offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        above.length = above.length.max(end);
        Ok(bytes.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut above = self.above.lock().unwrap_or_else(PoisonError::into_inner);
        above.length = length;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
