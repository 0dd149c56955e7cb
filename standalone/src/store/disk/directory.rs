//! The data directory: one owner, one format, and durable names.
//!
//! | file | holds |
//! | --- | --- |
//! | `format` | one line: the name and the version of the format |
//! | `lock` | nothing; locked while a server owns the directory |
//! | `segments.redb` | everything else |
//!
//! Segments are numbers inside the last one, so no name of a segment is ever part of a path.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use redb::{Database, backends::FileBackend};
use snafu::{OptionExt, ResultExt, ensure};

use super::{
    FORMAT_VERSION,
    schema::{DatabaseOpener, open_database},
};
use crate::store::error::{
    DamagedSnafu, DirectoryError, ForeignSnafu, IoSnafu, LockedSnafu, NewerFormatSnafu,
};

const FORMAT_FILE: &str = "format";
const LOCK_FILE: &str = "lock";
const DATABASE_FILE: &str = "segments.redb";

/// The first word of the format file.
const FORMAT_NAME: &str = "pravega-standalone";

/// A format file longer than this is not ours, bytes.
const MAX_FORMAT_FILE: u64 = 128;

/// A locked directory; dropping it gives it up.
#[derive(Debug)]
pub(in crate::store) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory, and makes it when it is not there.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, DirectoryError> {
        let is_new = !path.try_exists().context(io("look for", path))?;
        if is_new {
            fs::create_dir_all(path).context(io("create", path))?;
            if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                sync(parent)?;
            }
        }
        // Before the lock file is made: a foreign directory stays as it is.
        let has_format = check_format(path)?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .context(io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return LockedSnafu { directory: path }.fail(),
            Err(TryLockError::Error(error)) => return Err(error).context(io("lock", &lock_path)),
        }
        if !has_format && !check_format(path)? {
            let line = format!("{FORMAT_NAME} {FORMAT_VERSION}\n");
            create_whole(path, FORMAT_FILE, |file| file.write_all(line.as_bytes()))?;
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// How to open the database in it, also a second time after a failure.
    pub(in crate::store) fn database(&self) -> Result<DatabaseOpener, DirectoryError> {
        let path = self.path.join(DATABASE_FILE);
        if !path.try_exists().context(io("look for", &path))? {
            // A database that was begun and not finished would not open again: make it under another name.
            let unfinished = self.path.join(temporary(DATABASE_FILE));
            remove_if_there(&unfinished)?;
            let made = open_file(&unfinished);
            drop(made.map_err(Box::from).context(DamagedSnafu {
                directory: &self.path,
            })?);
            fs::rename(&unfinished, &path).context(io("create", &path))?;
            sync(&self.path)?;
        }
        Ok(Box::new(move || open_file(&path)))
    }
}

fn open_file(path: &Path) -> Result<Database, redb::Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    open_database(FileBackend::new(file)?)
}

/// False for a directory without a store in it; an error for one with another's.
fn check_format(directory: &Path) -> Result<bool, DirectoryError> {
    let path = directory.join(FORMAT_FILE);
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let database = directory.join(DATABASE_FILE);
            let foreign = database.try_exists().context(io("look for", &database))?;
            ensure!(!foreign, ForeignSnafu { directory });
            return Ok(false);
        }
        Err(error) => return Err(error).context(io("look for", &path)),
    };
    ensure!(length <= MAX_FORMAT_FILE, ForeignSnafu { directory });
    let line = fs::read(&path).context(io("read", &path))?;
    let found = std::str::from_utf8(&line)
        .ok()
        .and_then(|line| line.strip_prefix(FORMAT_NAME)?.trim().parse::<u64>().ok())
        .context(ForeignSnafu { directory })?;
    ensure!(
        found <= FORMAT_VERSION,
        NewerFormatSnafu { directory, found }
    );
    ensure!(found > 0, ForeignSnafu { directory });
    Ok(true)
}

/// Writes a file that is there with all its content or not at all.
fn create_whole(
    directory: &Path,
    name: &str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), DirectoryError> {
    let unfinished = directory.join(temporary(name));
    let path = directory.join(name);
    let mut file = File::create(&unfinished).context(io("create", &unfinished))?;
    write(&mut file)
        .and_then(|()| file.sync_all())
        .context(io("write", &unfinished))?;
    fs::rename(&unfinished, &path).context(io("create", &path))?;
    sync(directory)
}

fn remove_if_there(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context(io("remove", path))
        }
        _ => Ok(()),
    }
}

fn temporary(name: &str) -> String {
    format!("{name}.new")
}

/// Makes created and renamed names in a directory durable.
fn sync(directory: &Path) -> Result<(), DirectoryError> {
    let open = File::open(directory).and_then(|file| file.sync_all());
    open.context(io("sync", directory))
}

fn io(action: &'static str, path: &Path) -> IoSnafu<&'static str, PathBuf> {
    IoSnafu {
        action,
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let first = Directory::open(temp.path()).unwrap();
        let second = Directory::open(temp.path()).unwrap_err();
        assert!(
            matches!(&second, DirectoryError::Locked { directory } if directory == temp.path())
        );
        assert!(second.is_retryable());
        drop(first);
        Directory::open(temp.path()).unwrap();
    }

    #[test]
    fn foreign_and_newer_formats_are_left_alone() {
        for (line, newer) in [
            ("pravega-standalone 2\n", true),
            ("pravega-standalone 0\n", false),
            ("pravega-standalone\n", false),
            ("something else 1\n", false),
            ("", false),
            (&"x".repeat(4096), false),
        ] {
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join(FORMAT_FILE), line).unwrap();
            let error = Directory::open(temp.path()).unwrap_err();
            assert_eq!(
                matches!(error, DirectoryError::NewerFormat { found: 2, .. }),
                newer
            );
            assert_eq!(matches!(error, DirectoryError::Foreign { .. }), !newer);
            assert_eq!(
                fs::read_dir(temp.path()).unwrap().count(),
                1,
                "nothing was added"
            );
        }
    }

    #[test]
    fn a_database_without_a_format_is_foreign() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(DATABASE_FILE), "anything").unwrap();
        let error = Directory::open(temp.path()).unwrap_err();
        assert!(matches!(error, DirectoryError::Foreign { .. }));
    }

    #[test]
    fn an_unfinished_database_is_made_again() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::open(temp.path()).unwrap();
        fs::write(
            temp.path().join(temporary(DATABASE_FILE)),
            "half a database",
        )
        .unwrap();
        let open = directory.database().unwrap();
        drop(open().unwrap());
        open().unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_an_error() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        assert!(Directory::open(temp.path()).is_err());
    }
}
