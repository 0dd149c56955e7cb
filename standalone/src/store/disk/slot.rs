//! The database, which is closed at the end and opened again after a failure.

use std::sync::{Arc, PoisonError, RwLock};

use redb::Database;
use snafu::ResultExt;

use super::{
    ContentSnafu, LibrarySnafu, OpenError,
    data_file::DataFile,
    folder::StoredFile,
    frozen::FrozenFile,
    recovery::{Recovered, recover},
    schema::{DATABASE_FILE, open_database},
};

/// What may be done to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anything.
    Writing,
    /// Reading alone: what the library writes stays in memory.
    Frozen,
}

/// An open database, and its file.
#[derive(Debug)]
pub(super) struct DatabaseSlot {
    file: Arc<dyn StoredFile>,
    cache: usize,
    database: RwLock<Option<Database>>,
}

impl DatabaseSlot {
    /// Opens the database in a file, and reads what is in it.
    pub(super) fn open(
        file: Arc<dyn StoredFile>,
        cache: usize,
    ) -> Result<(Self, Recovered), OpenError> {
        let slot = Self {
            file,
            cache,
            database: RwLock::new(None),
        };
        let recovered = slot.reopen(Access::Writing)?;
        Ok((slot, recovered))
    }

    /// Uses the database, if it is open.
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database
            .as_ref()
            .map_or(Err(redb::Error::DatabaseClosed), read)
    }

    /// Closes the database and opens it again: what is in it then was durable, or is on its way.
    pub(super) fn reopen(&self, access: Access) -> Result<Recovered, OpenError> {
        let database = self.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        *database = None;
        let opened = self.open_database(access).context(LibrarySnafu)?;
        let recovered = recover(&opened).context(ContentSnafu)?;
        *database = Some(opened);
        Ok(recovered)
    }

    fn open_database(&self, access: Access) -> Result<Database, redb::Error> {
        let file = Arc::clone(&self.file);
        let file = match access {
            Access::Writing => file,
            Access::Frozen => Arc::new(FrozenFile::over(file)?),
        };
        open_database(DataFile::open(DATABASE_FILE, file)?, self.cache)
    }

    /// Closes the database.
    pub(super) fn close(&self) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }
}
