//! A disk in memory that loses power after so many steps, and what is found on it afterwards.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use pravega_standalone::storage::{Folder, FolderLock, StoredFile};

use crate::tape::Tape;

/// Writes that were not synced survive in pieces of this size, bytes.
const SECTOR: usize = 512;

/// A folder on a disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    files: Vec<Content>,
    /// Steps until the power goes; for ever with none.
    steps_left: Option<usize>,
    is_locked: bool,
}

#[derive(Debug, Default, Clone)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// What was done since the last sync, in order.
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn make(&self, content: &mut Vec<u8>, mut keep: impl FnMut() -> bool) {
        match self {
            Self::Length(length) => {
                if keep() {
                    content.resize(*length, 0);
                }
            }
            Self::Write(offset, bytes) => {
                for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                    if keep() {
                        let at = offset + number * SECTOR;
                        let end = at + sector.len();
                        content.resize(content.len().max(end), 0);
                        content[at..end].copy_from_slice(sector);
                    }
                }
            }
        }
    }
}

impl Disk {
    /// A disk with these files, all of them durable.
    pub fn with(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut world = World::default();
        for (name, bytes) in files {
            world.names.insert(name.clone(), world.files.len());
            world.files.push(Content {
                now: bytes.clone(),
                durable: bytes.clone(),
                unsynced: Vec::new(),
            });
        }
        world.durable_names = world.names.clone();
        Self(Arc::new(Mutex::new(world)))
    }

    /// All files as they are now.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        let file = |(name, file): (&String, &usize)| (name.clone(), world.files[*file].now.clone());
        world.names.iter().map(file).collect()
    }

    /// The power goes after so many more steps.
    pub fn fail_after(&self, steps: usize) {
        self.world().steps_left = Some(steps);
    }

    /// True when the power is gone.
    pub fn has_failed(&self) -> bool {
        self.world().steps_left == Some(0)
    }

    /// What a restart finds: all that was synced, and any part of what was not.
    pub fn after_power_loss(&self, tape: &mut Tape<'_>) -> Self {
        let world = self.world();
        let names = match tape.one_in(2) {
            true => &world.names,
            false => &world.durable_names,
        };
        let files = names.iter().map(|(name, file)| {
            let content = &world.files[*file];
            let mut found = content.durable.clone();
            // Eight decisions a byte, so that a long write does not use up the tape.
            let (mut decisions, mut left) = (0, 0);
            let all = tape.one_in(4);
            for change in &content.unsynced {
                change.make(&mut found, || {
                    if left == 0 {
                        (decisions, left) = (tape.byte(), 8);
                    }
                    left -= 1;
                    let keep = all || decisions & 1 == 1;
                    decisions >>= 1;
                    keep
                });
            }
            (name.clone(), found)
        });
        Self::with(&files.collect())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn step(&self) -> io::Result<MutexGuard<'_, World>> {
        let mut world = self.world();
        match &mut world.steps_left {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(world)
    }
}

impl Folder for Disk {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn make(&self) -> io::Result<()> {
        Ok(())
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        let world = self.world();
        let file = world.names.get(name);
        Ok(file.map(|file| u64::try_from(world.files[*file].now.len()).unwrap()))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let known = self.world().names.get(name).copied();
        let file = match known {
            Some(file) => file,
            None => {
                let mut world = self.step()?;
                let file = world.files.len();
                world.files.push(Content::default());
                world.names.insert(name.to_owned(), file);
                file
            }
        };
        let disk = self.clone();
        Ok(Arc::new(DiskFile { disk, file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.step()?;
        let file = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?.names.remove(name);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.step()?;
        world.durable_names = world.names.clone();
        Ok(())
    }

    fn lock(&self, _name: &str) -> io::Result<Option<FolderLock>> {
        let mut world = self.world();
        if std::mem::replace(&mut world.is_locked, true) {
            return Ok(None);
        }
        Ok(Some(FolderLock::new(Lock(self.clone()))))
    }
}

#[derive(Debug)]
struct Lock(Disk);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.world().is_locked = false;
    }
}

#[derive(Debug)]
struct DiskFile {
    disk: Disk,
    file: usize,
}

impl DiskFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut world = self.disk.step()?;
        let content = &mut world.files[self.file];
        change.make(&mut content.now, || true);
        content.unsynced.push(change);
        Ok(())
    }
}

impl StoredFile for DiskFile {
    fn length(&self) -> io::Result<u64> {
        let world = self.disk.world();
        Ok(u64::try_from(world.files[self.file].now.len()).unwrap())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let world = self.disk.world();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = world.files[self.file].now.get(from..).unwrap_or_default();
        let count = into.len().min(there.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let offset = usize::try_from(offset).unwrap();
        self.change(Change::Write(offset, bytes.to_vec()))?;
        Ok(bytes.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        // A damaged file may ask for any size.
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length < 1 << 28);
        self.change(Change::Length(length.ok_or(io::ErrorKind::StorageFull)?))
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.step()?;
        let content = &mut world.files[self.file];
        content.unsynced.clear();
        content.durable.clone_from(&content.now);
        Ok(())
    }
}
