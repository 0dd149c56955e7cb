//! What can go wrong in the segment store, apart from the wire.

use std::{io, path::PathBuf, sync::Arc};

use snafu::Snafu;

/// A failure of the disk or of the storage library, shared by all that wait for it.
#[derive(Debug, Clone, Snafu)]
#[snafu(display("the storage library failed"))]
pub struct DiskError {
    source: Arc<redb::Error>,
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        Self {
            source: Arc::new(error),
        }
    }
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, Snafu)]
#[non_exhaustive]
pub enum StoreError {
    /// No segment has this name, or it was deleted meanwhile.
    #[snafu(display("there is no such segment"))]
    NoSuchSegment,
    /// The segment takes no more changes of this kind.
    #[snafu(display("the segment is sealed"))]
    Sealed,
    /// The head cannot be moved there.
    #[snafu(display("offset {offset} lies outside the segment, which starts at {start}"))]
    OutOfRange {
        /// The first readable offset.
        start: u64,
        /// The offset asked for.
        offset: u64,
    },
    /// A bound of the store is reached.
    #[snafu(display("the store keeps at most {limit} {what}"))]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// How many the store keeps.
        limit: usize,
    },
    /// The disk is full. What makes room is still done.
    #[snafu(display("the disk is full"))]
    DiskFull,
    /// The disk failed; since then the store only reads.
    #[snafu(display("the store stopped writing after a failure of its disk"))]
    Stopped {
        /// The failure.
        source: DiskError,
    },
    /// A read failed.
    #[snafu(display("the store could not read its data"))]
    Unreadable {
        /// The failure.
        source: DiskError,
    },
    /// The store is shutting down.
    #[snafu(display("the store is shutting down"))]
    ShuttingDown,
}

impl StoreError {
    /// True when the same request may succeed later without anybody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreadable { .. } => true,
            Self::NoSuchSegment
            | Self::Sealed
            | Self::OutOfRange { .. }
            | Self::Full { .. }
            | Self::DiskFull
            | Self::Stopped { .. }
            | Self::ShuttingDown => false,
        }
    }
}

/// Why a data directory cannot be used. Nothing in it was changed.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another server owns the directory.
    #[snafu(display("{} is in use by another server", directory.display()))]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory was written by a later version of this server.
    #[snafu(display(
        "{} has format {found}, this server knows {}",
        directory.display(),
        crate::store::FORMAT_VERSION
    ))]
    NewerFormat {
        /// The directory.
        directory: PathBuf,
        /// The version found.
        found: u64,
    },
    /// The directory was written by an earlier version of this server, with another layout of its file.
    #[snafu(display(
        "{} has format {found}, this server knows {} alone",
        directory.display(),
        crate::store::FORMAT_VERSION
    ))]
    OlderFormat {
        /// The directory.
        directory: PathBuf,
        /// The version found.
        found: u64,
    },
    /// The directory holds something else.
    #[snafu(display("{} was not written by this server", directory.display()))]
    Foreign {
        /// The directory.
        directory: PathBuf,
    },
    /// The file system said no.
    #[snafu(display("cannot {action} {}", path.display()))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The storage library cannot open its file, or the file does not say what it must.
    #[snafu(display("cannot read the segments in {}", directory.display()))]
    Damaged {
        /// The directory.
        directory: PathBuf,
        /// What the storage library or the check of its content says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DirectoryError {
    /// True when the same directory may open later without anybody's help: another server may end.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Locked { .. } => true,
            Self::NewerFormat { .. }
            | Self::OlderFormat { .. }
            | Self::Foreign { .. }
            | Self::Io { .. }
            | Self::Damaged { .. } => false,
        }
    }
}
