//! The file under the storage library: whole reads and writes, errors that say where, pages that are compared
//! with what they were, and a header that a loss of power cannot tear.
//!
//! The library keeps one header, in the first sector of its file, and writes it again with every commit. A
//! sector that is garbage after a loss of power would take the whole file with it. So the header stands here
//! twice, each copy in a page of its own, with a number and a checksum; the copy that was synced last is
//! never written to.
//!
//! ```text
//! page 0          page 1          page 2 ...
//! header, copy 0  header, copy 1  the library's page 1 ...
//! ```

use std::{
    io,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pravega_client_shared::planted::{self, Bug};
use redb::{BackendError, StorageBackend};

use super::{folder::StoredFile, pages::Pages};

/// A page of the library, bytes. Its header has the first one for itself.
pub(super) const PAGE: u64 = 4096;

/// What a copy of the header takes, bytes: what a disk writes whole or not at all, if all goes well.
const SECTOR: usize = 512;

/// The part of it that the library may use, bytes; it uses the first 320.
const CONTENT: usize = SECTOR - 12;

/// A [`StoredFile`] as the library wants it.
#[derive(Debug)]
pub(super) struct DataFile {
    name: &'static str,
    file: Arc<dyn StoredFile>,
    header: Mutex<Header>,
    pages: Pages,
}

/// The header as it is now, and where.
#[derive(Debug)]
struct Header {
    content: [u8; CONTENT],
    /// Grows with every write.
    number: u64,
    /// The copy that no write may touch: 0 or 1.
    safe: u64,
    /// The other copy was written since the last sync.
    is_written: bool,
}

impl DataFile {
    /// Begins a new file, in the place of what is in this one. The name is for errors.
    pub(super) fn make(name: &'static str, file: Arc<dyn StoredFile>) -> io::Result<Self> {
        let header = Mutex::new(Header {
            content: [0; CONTENT],
            number: 0,
            safe: 1,
            is_written: false,
        });
        let made = Self {
            name,
            file,
            header,
            pages: Pages::default(),
        };
        made.file.set_length(0).map_err(|e| made.at(0, 0, &e))?;
        Ok(made)
    }

    /// Opens a file that was made before. The name is for errors.
    pub(super) fn open(name: &'static str, file: Arc<dyn StoredFile>) -> io::Result<Self> {
        let header = Mutex::new(Header {
            content: [0; CONTENT],
            number: 0,
            safe: 0,
            is_written: false,
        });
        let opened = Self {
            name,
            file,
            header,
            pages: Pages::default(),
        };
        let damaged = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let length = opened.file.length().map_err(|e| opened.at(0, 0, &e))?;
        // The library would take an empty file for a new one.
        if length <= 2 * PAGE {
            return Err(damaged(format!("{name}: cut to {length} bytes")));
        }
        // After the end of a process the newest copy may be in the system's memory alone. It is not safe
        // before it is synced.
        opened.sync_file()?;
        let copies = [opened.read_copy(0)?, opened.read_copy(1)?];
        let newest = copies.into_iter().flatten().max_by_key(|copy| copy.number);
        let Some(newest) = newest else {
            let what = format!("{name}: neither header, at 0 and {PAGE}, has its checksum");
            return Err(damaged(what));
        };
        *opened.header() = newest;
        Ok(opened)
    }

    /// Reads a copy; none where there is no whole one.
    fn read_copy(&self, copy: u64) -> io::Result<Option<Header>> {
        let mut sector = [0; SECTOR];
        match self.read_whole(copy * PAGE, &mut sector) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let Some((body, sum)) = sector.split_last_chunk::<4>() else {
            return Ok(None);
        };
        let Some((content, number)) = body.split_last_chunk::<8>() else {
            return Ok(None);
        };
        let is_sound = crc32fast::hash(body) == u32::from_be_bytes(*sum);
        let content: Option<[u8; CONTENT]> = content.try_into().ok();
        Ok(content.filter(|_| is_sound).map(|content| Header {
            content,
            number: u64::from_be_bytes(*number),
            safe: copy,
            is_written: false,
        }))
    }

    fn write_header(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut header = self.header();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = from
            .checked_add(data.len())
            .and_then(|to| header.content.get_mut(from..to));
        let Some(part) = part else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{}: no room in the header", self.name),
            ));
        };
        part.copy_from_slice(data);
        header.number += 1;
        header.is_written = true;
        let mut sector = Vec::with_capacity(SECTOR);
        sector.extend_from_slice(&header.content);
        sector.extend_from_slice(&header.number.to_be_bytes());
        sector.extend_from_slice(&crc32fast::hash(&sector).to_be_bytes());
        self.write_whole((1 - header.safe) * PAGE, &sector)
    }

    fn read_whole(&self, mut offset: u64, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            match self.file.read_at(offset, into) {
                Ok(0) => {
                    let end = io::ErrorKind::UnexpectedEof.into();
                    return Err(self.at(offset, into.len(), &end));
                }
                Ok(read) => {
                    into = into.get_mut(read..).unwrap_or_default();
                    offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.at(offset, into.len(), &error)),
            }
        }
        Ok(())
    }

    fn write_whole(&self, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            match self.file.write_at(offset, data) {
                Ok(0) => {
                    let none = io::ErrorKind::WriteZero.into();
                    return Err(self.at(offset, data.len(), &none));
                }
                Ok(written) => {
                    data = data.get(written..).unwrap_or_default();
                    offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.at(offset, data.len(), &error)),
            }
        }
        Ok(())
    }

    /// Syncs. The error is never one of a full disk: what has become of the writes is unknown.
    fn sync_file(&self) -> io::Result<()> {
        let mut synced = self.file.sync();
        // Planted: a second sync is believed.
        if synced.is_err() && planted::is_on(Bug::SecondSyncAfterAFailedOne) {
            synced = self.file.sync();
        }
        synced.map_err(|error| io::Error::other(format!("{}: cannot sync: {error}", self.name)))
    }

    /// An error of the system, with file and place.
    fn at(&self, offset: u64, length: usize, error: &io::Error) -> io::Error {
        let what = format!("{}: {length} bytes at {offset}: {error}", self.name);
        io::Error::new(error.kind(), what)
    }

    fn header(&self) -> MutexGuard<'_, Header> {
        // Nothing panics while it holds the lock.
        self.header.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for DataFile {
    fn len(&self) -> io::Result<u64> {
        let length = self.file.length().map_err(|e| self.at(0, 0, &e))?;
        Ok(length.saturating_sub(PAGE))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset >= PAGE {
            let at = offset.saturating_add(PAGE);
            self.read_whole(at, out)?;
            return match self.pages.compare(at, out) {
                Ok(()) => Ok(()),
                Err(page) => {
                    let what = format!("{}: the page at {page} is not what it was", self.name);
                    Err(io::Error::new(io::ErrorKind::InvalidData, what))
                }
            };
        }
        let header = self.header();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let known = header.content.get(from..).unwrap_or_default();
        out.fill(0);
        for (to, byte) in out.iter_mut().zip(known) {
            *to = *byte;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let length = len.saturating_add(PAGE);
        self.pages.forget_from(length);
        let set = self.file.set_length(length);
        set.map_err(|error| self.at(length, 0, &error))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut header = self.header();
        self.sync_file()?;
        if header.is_written {
            header.safe = 1 - header.safe;
            header.is_written = false;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match offset < PAGE {
            true => self.write_header(offset, data),
            false => {
                let at = offset.saturating_add(PAGE);
                self.pages.forget(at, data);
                self.write_whole(at, data)?;
                self.pages.note(at, data);
                Ok(())
            }
        }
    }

    // The folder has one owner, and the owner one database at a time.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
