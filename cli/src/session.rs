//! The way to the streams: a controller, or the data directory of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use etcetera::BaseStrategy as _;
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory};
use pravega_standalone::{DirectoryError, Standalone, StandaloneHandle, StartError};
use snafu::{OptionExt as _, ResultExt as _};
use tokio::time::{Instant, sleep};

use crate::{
    args::Place,
    error::{CliError, IoSnafu, NoDataDirSnafu, OccupiedSnafu, StartSnafu},
    secure::Identity,
};

/// The file in a data directory that holds the controller address of the process that has it open.
const ADDRESS_FILE: &str = "controller-uri";

/// How long a process that has just opened the directory may take to write its address.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(5);
/// How often its address is looked for meanwhile.
const ADDRESS_PAUSE: Duration = Duration::from_millis(20);

/// How often it is looked whether the process that has the directory open is still there.
const OWNER_PAUSE: Duration = Duration::from_secs(1);

/// A client, and the server in this process if there is one.
pub(crate) struct Session {
    pub(crate) factory: ClientFactory,
    server: Option<Embedded>,
    /// The directory, when its owner is another process that may go away.
    guest_of: Option<PathBuf>,
}

/// The server in this process and the note it left for others.
struct Embedded {
    handle: StandaloneHandle,
    address_file: PathBuf,
}

impl Session {
    pub(crate) async fn open(place: &Place) -> Result<Self, CliError> {
        match &place.controller {
            Some(uri) => Self::to(uri, &place.identity, None, None),
            None => Self::embedded(&data_dir(place)?, &place.identity).await,
        }
    }

    fn to(
        uri: &str,
        identity: &Identity,
        server: Option<Embedded>,
        guest_of: Option<PathBuf>,
    ) -> Result<Self, CliError> {
        let config = ClientConfigBuilder::default()
            .with_env()
            .controller_uri(uri);
        let config = identity.apply(config)?.build()?;
        Ok(Self {
            factory: ClientFactory::new(config),
            server,
            guest_of,
        })
    }

    /// Opens the directory, or finds the process that has it open.
    async fn embedded(dir: &Path, identity: &Identity) -> Result<Self, CliError> {
        let give_up = Instant::now() + ADDRESS_PATIENCE;
        loop {
            if let Some(own) = Self::serving(dir).await? {
                return Ok(own);
            }
            if let Ok(uri) = fs::read_to_string(dir.join(ADDRESS_FILE)) {
                return Self::to(uri.trim(), identity, None, Some(dir.to_owned()));
            }
            if Instant::now() >= give_up {
                return OccupiedSnafu { path: dir }.fail();
            }
            sleep(ADDRESS_PAUSE).await;
        }
    }

    /// Serves the directory from this process; none while another one has it open.
    async fn serving(dir: &Path) -> Result<Option<Self>, CliError> {
        let handle = match Standalone::builder().data_dir(dir).start().await {
            Ok(handle) => handle,
            Err(error) if is_locked(&error) => return Ok(None),
            Err(error) => return Err(error).context(StartSnafu),
        };
        let uri = handle.controller_uri();
        let address_file = announce(dir, &uri)?;
        let server = Embedded {
            handle,
            address_file,
        };
        // It is ours, and asks for nothing.
        Self::to(&uri, &Identity::default(), Some(server), None).map(Some)
    }

    /// The session that goes on when the process that had the directory open has ended; none while it
    /// has not, or when there is no such process.
    pub(crate) async fn take_over(&self) -> Result<Option<Self>, CliError> {
        match &self.guest_of {
            Some(dir) => Self::serving(dir).await,
            None => Ok(None),
        }
    }

    /// Waits until the process that had the directory open has ended, and gives the session that goes on;
    /// waits for ever when there is no such process.
    ///
    /// # Cancel safety
    /// Cancel safe: a server that was started is ended again.
    pub(crate) async fn successor(&self) -> Result<Self, CliError> {
        loop {
            sleep(OWNER_PAUSE).await;
            if let Some(next) = self.take_over().await? {
                return Ok(next);
            }
        }
    }

    /// Closes connections, then the server if it is in this process.
    pub(crate) async fn close(self) {
        self.factory.shutdown().await;
        if let Some(server) = self.server {
            withdraw(&server.address_file);
            server.handle.shutdown().await;
        }
    }
}

/// True when another process has the directory open.
fn is_locked(error: &StartError) -> bool {
    matches!(
        error,
        StartError::DataDirectory { source } if matches!(**source, DirectoryError::Locked { .. })
    )
}

/// Leaves the controller's address for other processes that want this directory.
pub(crate) fn announce(dir: &Path, uri: &str) -> Result<PathBuf, CliError> {
    let path = dir.join(ADDRESS_FILE);
    let draft = dir.join(format!("{ADDRESS_FILE}.{}", std::process::id()));
    // Renamed into place, so that nobody reads half an address.
    fs::write(&draft, uri)
        .and_then(|()| fs::rename(&draft, &path))
        .with_context(|_| IoSnafu {
            what: format!("writing {}", path.display()),
        })?;
    Ok(path)
}

/// Takes the address back. A stale one does no harm: it is only read while the directory is locked.
pub(crate) fn withdraw(address_file: &Path) {
    fs::remove_file(address_file).ok();
}

/// The directory given, or the platform's place for a user's data.
pub(crate) fn data_dir(place: &Place) -> Result<PathBuf, CliError> {
    if let Some(dir) = &place.data_dir {
        return Ok(dir.clone());
    }
    let strategy = etcetera::choose_base_strategy()
        .ok()
        .context(NoDataDirSnafu)?;
    Ok(strategy.data_dir().join("pravega-bytes"))
}
