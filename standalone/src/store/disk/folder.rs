//! What a store needs of a file system: one folder, a few files in it, and an order to keep.

use std::{
    any::Any,
    fmt::Debug,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A folder that one store has for itself.
///
/// What was written to a file is safe from a loss of power when [`StoredFile::sync`] has returned, and what
/// was made, renamed or removed here when [`Folder::sync`] has. The names are the store's own, a handful of
/// words; no name that comes from a client is among them.
pub trait Folder: Debug + Send + Sync + 'static {
    /// Where it is, for messages.
    fn path(&self) -> &Path;

    /// Makes the folder unless it is there; it can no longer be lost when this returns.
    ///
    /// # Errors
    /// What the file system says.
    fn make(&self) -> io::Result<()>;

    /// The length of a file in bytes; none when there is no such file.
    ///
    /// # Errors
    /// What the file system says.
    fn length(&self, name: &str) -> io::Result<Option<u64>>;

    /// Opens a file for reading and writing, and makes it, empty, unless it is there.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>>;

    /// Gives a file another name, in the place of a file that has it.
    ///
    /// # Errors
    /// What the file system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// What the file system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names of the files durable.
    ///
    /// # Errors
    /// What the file system says. What has become of the names is unknown then.
    fn sync(&self) -> io::Result<()>;

    /// Takes the exclusive right to the folder, for as long as the lock lives; none when it is taken.
    ///
    /// # Errors
    /// What the file system says.
    fn lock(&self, name: &str) -> io::Result<Option<FolderLock>>;
}

/// A file of a [`Folder`]. Reads and writes are those of the system: they may move fewer bytes than asked, and
/// may be interrupted; the store goes on with the rest.
pub trait StoredFile: Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the file system says.
    fn length(&self) -> io::Result<u64>;

    /// Reads bytes at an offset; returns how many, 0 at the end of the file.
    ///
    /// # Errors
    /// What the file system says.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes bytes at an offset; returns how many.
    ///
    /// # Errors
    /// What the file system says; [`io::ErrorKind::StorageFull`] where there is no room for them.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file, or adds zeros.
    ///
    /// # Errors
    /// What the file system says.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// What the file system says. What has become of the writes is unknown then, and stays so: another sync
    /// that succeeds says nothing about them.
    fn sync(&self) -> io::Result<()>;
}

/// The exclusive right to a [`Folder`]; dropping it gives the right up.
#[derive(Debug)]
pub struct FolderLock {
    _held: Box<dyn Held>,
}

trait Held: Debug + Any + Send {}

impl<T: Debug + Any + Send> Held for T {}

impl FolderLock {
    /// The right that lasts as long as `held`.
    pub fn new(held: impl Debug + Send + 'static) -> Self {
        Self {
            _held: Box::new(held),
        }
    }
}

/// A directory of the system.
#[derive(Debug)]
pub struct SystemFolder(PathBuf);

impl SystemFolder {
    /// The directory at this path, which need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl Folder for SystemFolder {
    fn path(&self) -> &Path {
        &self.0
    }

    fn make(&self) -> io::Result<()> {
        make_all(&self.0)
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.0.join(name)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let file = open_or_make(&self.0.join(name))?;
        Ok(Arc::new(SystemFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.0)
    }

    fn lock(&self, name: &str) -> io::Result<Option<FolderLock>> {
        let file = open_or_make(&self.0.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FolderLock::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Makes a directory and all above it, each of them durable in the one above.
fn make_all(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
        None => Path::new("/"),
    };
    make_all(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_directory(above)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows has no such thing, and makes names durable by itself.
    match cfg!(unix) {
        true => File::open(path)?.sync_all(),
        false => Ok(()),
    }
}

#[derive(Debug)]
struct SystemFile(File);

impl StoredFile for SystemFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, into, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, into, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_directory_is_made() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b/c");
        let folder = SystemFolder::new(&path);
        folder.make().unwrap();
        folder.make().unwrap();
        assert!(path.is_dir());
        assert_eq!(folder.length("file").unwrap(), None);
        let file = folder.open("file").unwrap();
        assert_eq!(file.write_at(3, b"xyz").unwrap(), 3);
        assert_eq!(folder.length("file").unwrap(), Some(6));
        folder.remove("file").unwrap();
        folder.remove("file").unwrap();
    }
}
