//! The data directory: one owner, one format, and durable names.
//!
//! | file | holds |
//! | --- | --- |
//! | `format` | one line: the name and the version of the format |
//! | `lock` | nothing; locked while a server owns the directory |
//! | `segments.redb` | everything else |
//! | `reserve` | nothing; room for making room |
//!
//! Segments are numbers inside the database, so no name of a segment is ever part of a path.
//!
//! The first server makes the files in an order: the line of the format under another name, the database under
//! another name and then its own, and at last the format's own name. So a directory with a format has a
//! database, and one that has lost it is told from one that never had any.

use std::{io, path::Path, sync::Arc};

use pravega_client_shared::planted::{self, Bug};
use snafu::{OptionExt, ResultExt, ensure};

use super::{
    FORMAT_VERSION,
    data_file::DataFile,
    folder::{Folder, FolderLock, StoredFile},
    schema::{DATABASE_FILE, open_database},
};
use crate::store::error::{
    DamagedSnafu, DirectoryError, ForeignSnafu, IoSnafu, LockedSnafu, NewerFormatSnafu,
    OlderFormatSnafu,
};

const FORMAT_FILE: &str = "format";
const LOCK_FILE: &str = "lock";

/// The names of files that are not finished.
const UNFINISHED_FORMAT: &str = "format.new";
const UNFINISHED_DATABASE: &str = "segments.redb.new";

/// The first word of the format file.
const FORMAT_NAME: &str = "pravega-standalone";

/// A format file longer than this is not ours, bytes.
const MAX_FORMAT_FILE: u64 = 128;

/// What making an empty database needs of the library's cache, bytes.
const SMALL_CACHE: usize = 1024 * 1024;

/// A locked directory; dropping it gives it up.
#[derive(Debug)]
pub(in crate::store) struct Directory {
    folder: Arc<dyn Folder>,
    _lock: FolderLock,
}

impl Directory {
    /// Takes the directory, and makes it when it is not there.
    pub(in crate::store) fn open(folder: Arc<dyn Folder>) -> Result<Self, DirectoryError> {
        let path = folder.path();
        folder.make().context(io("create", path))?;
        // Before the lock file is made: a foreign directory stays as it is.
        let has_format = check_format(&*folder)?;
        let lock = folder.lock(LOCK_FILE);
        let lock = lock.context(io("lock", &path.join(LOCK_FILE)))?;
        let lock = lock.context(LockedSnafu { directory: path })?;
        if !has_format && !check_format(&*folder)? {
            make_store(&*folder)?;
        }
        let database = folder.length(DATABASE_FILE);
        let database = database.context(io("look for", &path.join(DATABASE_FILE)))?;
        if database.is_none() {
            let missing = format!("{DATABASE_FILE} is missing");
            return Err(missing.into()).context(DamagedSnafu { directory: path });
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// The folder.
    pub(in crate::store) fn folder(&self) -> &Arc<dyn Folder> {
        &self.folder
    }

    /// The file of the database.
    pub(in crate::store) fn database(&self) -> Result<Arc<dyn StoredFile>, DirectoryError> {
        let file = self.folder.open(DATABASE_FILE);
        file.context(io("open", &self.folder.path().join(DATABASE_FILE)))
    }
}

/// Makes the files of an empty store.
fn make_store(folder: &dyn Folder) -> Result<(), DirectoryError> {
    let path = folder.path();
    let line = format!("{FORMAT_NAME} {FORMAT_VERSION}\n");
    let format = path.join(FORMAT_FILE);
    write_whole(folder, UNFINISHED_FORMAT, line.as_bytes()).context(io("write", &format))?;
    // Left by a server that got no further.
    for unfinished in [DATABASE_FILE, UNFINISHED_DATABASE] {
        let file = path.join(unfinished);
        folder.remove(unfinished).context(io("remove", &file))?;
    }
    let database = path.join(DATABASE_FILE);
    let file = folder.open(UNFINISHED_DATABASE);
    let file = file.context(io("create", &database))?;
    let made = DataFile::make(UNFINISHED_DATABASE, file)
        .map_err(redb::Error::from)
        .and_then(|file| open_database(file, SMALL_CACHE));
    drop(made.map_err(Box::from).context(DamagedSnafu {
        directory: folder.path(),
    })?);
    folder
        .rename(UNFINISHED_DATABASE, DATABASE_FILE)
        .and_then(|()| sync_names(folder))
        .context(io("create", &database))?;
    folder
        .rename(UNFINISHED_FORMAT, FORMAT_FILE)
        .and_then(|()| sync_names(folder))
        .context(io("create", &format))
}

/// Writes a file that is there durably, and with all its content, when this returns.
fn write_whole(folder: &dyn Folder, name: &str, content: &[u8]) -> io::Result<()> {
    let file = folder.open(name)?;
    file.set_length(0)?;
    let mut at = 0;
    while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
        match file.write_at(u64::try_from(at).unwrap_or(u64::MAX), rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => at += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.sync()?;
    sync_names(folder)
}

fn sync_names(folder: &dyn Folder) -> io::Result<()> {
    // Planted: names are believed to be durable.
    match planted::is_on(Bug::NoDirectorySync) {
        true => Ok(()),
        false => folder.sync(),
    }
}

/// False for a directory without a store in it; an error for one with another's.
fn check_format(folder: &dyn Folder) -> Result<bool, DirectoryError> {
    let directory = folder.path();
    let path = directory.join(FORMAT_FILE);
    let Some(length) = folder.length(FORMAT_FILE).context(io("look for", &path))? else {
        let is_there = |name| folder.length(name).map(|length| length.is_some());
        let database = directory.join(DATABASE_FILE);
        let has_database = is_there(DATABASE_FILE).context(io("look for", &database))?;
        let is_begun = is_there(UNFINISHED_FORMAT).context(io("look for", &path))?;
        ensure!(is_begun || !has_database, ForeignSnafu { directory });
        return Ok(false);
    };
    ensure!(length <= MAX_FORMAT_FILE, ForeignSnafu { directory });
    let line = read_whole(folder, length).context(io("read", &path))?;
    let found = std::str::from_utf8(&line)
        .ok()
        .and_then(|line| line.strip_prefix(FORMAT_NAME)?.trim().parse::<u64>().ok())
        .context(ForeignSnafu { directory })?;
    ensure!(
        found <= FORMAT_VERSION,
        NewerFormatSnafu { directory, found }
    );
    ensure!(found > 0, ForeignSnafu { directory });
    ensure!(
        found == FORMAT_VERSION,
        OlderFormatSnafu { directory, found }
    );
    Ok(true)
}

fn read_whole(folder: &dyn Folder, length: u64) -> io::Result<Vec<u8>> {
    let file = folder.open(FORMAT_FILE)?;
    let mut content = vec![0; usize::try_from(length).unwrap_or_default()];
    let mut at = 0;
    while let Some(rest) = content.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match file.read_at(u64::try_from(at).unwrap_or(u64::MAX), rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => at += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(content)
}

fn io(action: &'static str, path: &Path) -> IoSnafu<&'static str, std::path::PathBuf> {
    IoSnafu {
        action,
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::folder::SystemFolder, *};

    fn open(path: &Path) -> Result<Directory, DirectoryError> {
        Directory::open(Arc::new(SystemFolder::new(path)))
    }

    #[test]
    fn d8_one_owner_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let first = open(temp.path()).unwrap();
        let second = open(temp.path()).unwrap_err();
        assert!(
            matches!(&second, DirectoryError::Locked { directory } if directory == temp.path())
        );
        assert!(second.is_retryable());
        drop(first);
        open(temp.path()).unwrap();
    }

    #[test]
    fn d10_foreign_and_other_formats_are_left_alone() {
        for (line, newer) in [
            ("pravega-standalone 3\n", true),
            ("pravega-standalone 0\n", false),
            ("pravega-standalone\n", false),
            ("something else 1\n", false),
            ("", false),
            (&"x".repeat(4096), false),
        ] {
            let temp = tempfile::tempdir().unwrap();
            fs::write(temp.path().join(FORMAT_FILE), line).unwrap();
            let error = open(temp.path()).unwrap_err();
            assert_eq!(
                matches!(error, DirectoryError::NewerFormat { found: 3, .. }),
                newer
            );
            assert_eq!(matches!(error, DirectoryError::Foreign { .. }), !newer);
            assert_eq!(
                fs::read_dir(temp.path()).unwrap().count(),
                1,
                "nothing was added"
            );
        }
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(FORMAT_FILE), "pravega-standalone 1\n").unwrap();
        let error = open(temp.path()).unwrap_err();
        assert!(matches!(
            error,
            DirectoryError::OlderFormat { found: 1, .. }
        ));
    }

    #[test]
    fn d10_a_database_without_a_format_is_foreign() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(DATABASE_FILE), "anything").unwrap();
        let error = open(temp.path()).unwrap_err();
        assert!(matches!(error, DirectoryError::Foreign { .. }));
    }

    #[test]
    fn d7_a_format_without_a_database_is_damage() {
        let temp = tempfile::tempdir().unwrap();
        drop(open(temp.path()).unwrap());
        fs::remove_file(temp.path().join(DATABASE_FILE)).unwrap();
        let error = open(temp.path()).unwrap_err();
        assert!(matches!(error, DirectoryError::Damaged { .. }));
        assert!(!temp.path().join(DATABASE_FILE).exists());
    }

    #[test]
    fn d7_an_unfinished_store_is_made_again() {
        let temp = tempfile::tempdir().unwrap();
        for (name, content) in [
            (UNFINISHED_FORMAT, "prav"),
            (UNFINISHED_DATABASE, "half a database"),
            (DATABASE_FILE, "another half"),
        ] {
            fs::write(temp.path().join(name), content).unwrap();
        }
        let directory = open(temp.path()).unwrap();
        let file = DataFile::open(DATABASE_FILE, directory.database().unwrap()).unwrap();
        open_database(file, SMALL_CACHE).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_an_error() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        assert!(open(temp.path()).is_err());
    }
}
