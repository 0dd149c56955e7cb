//! A disk in memory: it remembers every step, so that any loss of power can be played, and fails as told.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pravega_standalone::storage::{Folder, FolderLock, StoredFile};

use super::{
    faults::{Fault, Faults},
    image::{Image, Recording, Step},
};

/// Called before a file is synced, with the number of steps so far.
pub(super) type Watcher = Box<dyn FnMut(usize) + Send>;

/// A folder on a simulated disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct SimulatedFolder(Arc<Mutex<World>>);

#[derive(Default)]
struct World {
    names: BTreeMap<String, usize>,
    files: Vec<Vec<u8>>,
    start: Image,
    steps: Vec<Step>,
    faults: Faults,
    is_locked: bool,
    watcher: Option<Watcher>,
}

impl SimulatedFolder {
    /// What a machine finds that starts with this on its disk.
    pub(super) fn from_image(image: &Image) -> Self {
        let files = image.files();
        let files = files.map(|(name, content)| (name.to_owned(), content.to_vec()));
        let mut world = World {
            start: Image::new(files),
            ..World::default()
        };
        for (name, content) in image.files() {
            world.names.insert(name.to_owned(), world.files.len());
            world.files.push(content.to_vec());
        }
        Self(Arc::new(Mutex::new(world)))
    }

    /// How many steps were made so far.
    pub(super) fn steps(&self) -> usize {
        self.world().steps.len()
    }

    /// Everything that was done so far.
    pub(super) fn recording(&self) -> Recording {
        let world = self.world();
        Recording::new(&world.start, world.steps.clone())
    }

    /// What is there now, as a process that starts after a kill finds it.
    pub(super) fn now(&self) -> Image {
        let world = self.world();
        let file = |(name, file): (&String, &usize)| {
            let content = world.files.get(*file).cloned().unwrap_or_default();
            (name.clone(), content)
        };
        Image::new(world.names.iter().map(file))
    }

    /// Has somebody look before each sync; nobody any more with none.
    pub(super) fn watch(&self, watcher: Option<Watcher>) {
        let before = std::mem::replace(&mut self.world().watcher, watcher);
        drop(before);
    }

    /// What is to go wrong from now on.
    pub(super) fn set_faults(&self, faults: Faults) {
        self.world().faults = faults;
    }

    /// The faults as they are now, with what has become of them.
    pub(super) fn faults(&self) -> Faults {
        self.world().faults.clone()
    }

    /// Blocks that are taken, of all files.
    pub(super) fn blocks(&self) -> usize {
        self.world().blocks()
    }

    /// Flips a bit of a file behind everybody's back; false where there is none.
    pub(super) fn flip(&self, name: &str, bit: usize) -> bool {
        let mut world = self.world();
        let world = &mut *world;
        let Some(file) = world.names.get(name).copied() else {
            return false;
        };
        let content = world.files.get_mut(file);
        match content.and_then(|content| content.get_mut(bit / 8)) {
            Some(byte) => {
                *byte ^= 1 << (bit % 8);
                true
            }
            None => false,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Puts bytes into a file unless the disk has no room for them.
    fn put_if_room(&mut self, file: usize, offset: usize, bytes: &[u8], most: usize) -> bool {
        let Some(content) = self.files.get_mut(file) else {
            return false;
        };
        let before = content.clone();
        put(content, offset, bytes);
        let has_room = self.blocks() <= most;
        if let Some(content) = self.files.get_mut(file).filter(|_| !has_room) {
            *content = before;
        }
        has_room
    }

    /// Blocks that hold bytes, of all files: what a full disk counts.
    fn blocks(&self) -> usize {
        let blocks = |file: &usize| {
            let content = self.files.get(*file).map(Vec::as_slice).unwrap_or_default();
            let is_used = |block: &&[u8]| block.iter().any(|byte| *byte != 0);
            content.chunks(BLOCK).filter(is_used).count()
        };
        self.names.values().map(blocks).sum()
    }
}

/// The unit of room, bytes.
const BLOCK: usize = 4096;

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("World");
        debug
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}

/// A file on the simulated disk.
#[derive(Debug)]
struct SimulatedFile {
    folder: SimulatedFolder,
    file: usize,
}

/// A lock that is given up when the server that held it is gone.
#[derive(Debug)]
struct Lock(SimulatedFolder);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.world().is_locked = false;
    }
}

impl Folder for SimulatedFolder {
    fn path(&self) -> &Path {
        Path::new("simulated")
    }

    fn make(&self) -> io::Result<()> {
        Ok(())
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        let world = self.world();
        let content = world
            .names
            .get(name)
            .and_then(|file| world.files.get(*file));
        Ok(content.map(|content| long(content.len())))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let mut world = self.world();
        let known = world.names.get(name).copied();
        world.faults.check(Fault::Open)?;
        let file = match known {
            Some(file) => file,
            None => {
                world.faults.check(Fault::Make)?;
                let file = world.files.len();
                world.files.push(Vec::new());
                world.names.insert(name.to_owned(), file);
                let name = name.to_owned();
                world.steps.push(Step::Make { name, file });
                file
            }
        };
        let folder = self.clone();
        Ok(Arc::new(SimulatedFile { folder, file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world();
        world.faults.check(Fault::Rename)?;
        let file = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), file);
        world.steps.push(Step::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.world();
        world.faults.check(Fault::Remove)?;
        if world.names.remove(name).is_some() {
            let name = name.to_owned();
            world.steps.push(Step::Remove { name });
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.world();
        world.faults.check(Fault::SyncNames)?;
        world.steps.push(Step::SyncNames);
        Ok(())
    }

    fn lock(&self, name: &str) -> io::Result<Option<FolderLock>> {
        self.open(name)?;
        let mut world = self.world();
        if std::mem::replace(&mut world.is_locked, true) {
            return Ok(None);
        }
        Ok(Some(FolderLock::new(Lock(self.clone()))))
    }
}

impl StoredFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let world = self.folder.world();
        let content = world.files.get(self.file);
        Ok(content.map_or(0, |content| long(content.len())))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut world = self.folder.world();
        let most = world.faults.reading(into.len())?;
        let content = world.files.get(self.file).map(Vec::as_slice);
        let from = content.unwrap_or_default().get(short(offset)..);
        let from = from.unwrap_or_default();
        let count = most.min(from.len());
        for (to, byte) in into.iter_mut().zip(from.iter().take(count)) {
            *to = *byte;
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut world = self.folder.world();
        let world = &mut *world;
        let most = world.faults.writing(bytes.len())?;
        let bytes = bytes.get(..most).unwrap_or(bytes);
        let Some(content) = world.files.get_mut(self.file) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let has_room = match world.faults.capacity() {
            None => {
                put(content, short(offset), bytes);
                true
            }
            Some(most) => world.put_if_room(self.file, short(offset), bytes, most),
        };
        if !has_room {
            world.faults.count_full();
            return Err(io::ErrorKind::StorageFull.into());
        }
        world.steps.push(Step::Write {
            file: self.file,
            offset: short(offset),
            data: bytes.to_vec(),
        });
        Ok(bytes.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut world = self.folder.world();
        world.faults.check(Fault::SetLength)?;
        let length = short(length);
        if let Some(content) = world.files.get_mut(self.file) {
            content.resize(length, 0);
        }
        let file = self.file;
        world.steps.push(Step::SetLength { file, length });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.folder.world();
        if let Some(mut watcher) = world.watcher.take() {
            watcher(world.steps.len());
            world.watcher = Some(watcher);
        }
        let file = self.file;
        if let Err(error) = world.faults.check(Fault::Sync) {
            world.steps.push(Step::FailedSync { file });
            return Err(error);
        }
        world.steps.push(Step::Sync { file });
        Ok(())
    }
}

/// Puts bytes into a file, which grows with zeros where it must.
pub(super) fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(part) = content.get_mut(offset..end) {
        part.copy_from_slice(bytes);
    }
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn short(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
