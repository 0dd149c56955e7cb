//! Room kept for the day on which the disk is full.
//!
//! Making room takes room: a truncation is a transaction, and the library writes pages before it can give
//! others back. A file of bytes without meaning is removed when the disk is full, and what it took is there
//! for truncations, deletions and seals.

use std::{io, sync::Arc};

use super::folder::{Folder, StoredFile};

/// The name of the file.
const RESERVE_FILE: &str = "reserve";

/// What is kept, bytes: some dozens of transactions of the largest kind that make room.
pub(in crate::store) const RESERVE: u64 = 4 * 1024 * 1024;

/// What is written at a time, bytes.
const PIECE: usize = 64 * 1024;

/// The file, if there is one.
#[derive(Debug)]
pub(super) struct Reserve {
    folder: Arc<dyn Folder>,
    bytes: u64,
    is_held: bool,
}

impl Reserve {
    /// The reserve of a folder, of so many bytes; taken unless the disk is full.
    pub(super) fn open(folder: Arc<dyn Folder>, bytes: u64) -> io::Result<Self> {
        let is_held = folder.length(RESERVE_FILE)? == Some(bytes);
        let mut reserve = Self {
            folder,
            bytes,
            is_held,
        };
        match reserve.take() {
            Err(error) if !is_full(&error) => Err(error),
            _ => Ok(reserve),
        }
    }

    /// How many bytes it keeps.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True while there is something to release.
    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Takes the room, unless it is taken.
    pub(super) fn take(&mut self) -> io::Result<()> {
        if self.is_held {
            return Ok(());
        }
        let file = self.folder.open(RESERVE_FILE)?;
        match fill(&*file, self.bytes) {
            Ok(()) => {
                self.is_held = true;
                Ok(())
            }
            Err(error) => {
                drop(file);
                self.folder.remove(RESERVE_FILE)?;
                Err(error)
            }
        }
    }

    /// Gives the room to whoever needs it next.
    pub(super) fn release(&mut self) -> io::Result<()> {
        self.is_held = false;
        self.folder.remove(RESERVE_FILE)?;
        self.folder.sync()
    }
}

/// Fills a file with bytes that no file system can make smaller.
fn fill(file: &dyn StoredFile, bytes: u64) -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut piece = Vec::with_capacity(PIECE);
    while piece.len() < PIECE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        piece.extend_from_slice(&state.to_le_bytes());
    }
    let mut at = 0;
    while at < bytes {
        let left = usize::try_from(bytes - at).unwrap_or(PIECE);
        let part = piece.get(..left).unwrap_or(&piece);
        match file.write_at(at, part) {
            Ok(0) => return Err(io::ErrorKind::StorageFull.into()),
            Ok(written) => at += u64::try_from(written).unwrap_or(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.set_length(bytes)?;
    file.sync()
}

/// True for what a system says when there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
