//! `serve`: the embedded server for other processes.

use pravega_standalone::{Standalone, StandaloneHandle};
use snafu::ResultExt as _;
use tokio::signal;

use crate::{
    args::{Place, Serve},
    error::{CliError, IoSnafu, StartSnafu},
    metrics, output,
    session::{announce, data_dir, withdraw},
};

pub(crate) async fn run(place: &Place, options: &Serve) -> Result<(), CliError> {
    let mut builder = Standalone::builder()
        .controller_listen(options.listen)
        .store_listen(options.store_listen);
    if let Some(host) = &options.advertised_host {
        builder = builder.advertised_host(host);
    }
    builder = options.protection.apply(builder)?;
    let dir = if options.memory {
        None
    } else {
        Some(data_dir(place)?)
    };
    let builder = match &dir {
        Some(dir) => builder.data_dir(dir),
        None => builder.memory(),
    };
    let server = builder.start().await.context(StartSnafu)?;
    let address_file = dir
        .map(|dir| announce(&dir, &server.controller_uri()))
        .transpose()?;
    output::line(&format!("controller {}", server.controller_uri()))?;
    output::line(&format!("store {}", server.store_addr()))?;
    let ended = until_end(&server, options).await;
    if let Some(path) = address_file {
        withdraw(&path);
    }
    server.shutdown().await;
    ended
}

/// Serves the numbers too, if that is wanted, until a signal comes.
async fn until_end(server: &StandaloneHandle, options: &Serve) -> Result<(), CliError> {
    let Some(address) = options.metrics else {
        return until_signal().await;
    };
    let page = metrics::Page::open(address, server.meter()).await?;
    output::line(&format!("metrics http://{}/metrics", page.address))?;
    tokio::select! {
        ended = until_signal() => ended,
        () = page.serve() => Ok(()),
    }
}

/// Waits until the process is asked to end.
pub(crate) async fn until_signal() -> Result<(), CliError> {
    let what = "waiting for a signal";
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context(IoSnafu { what })?;
        tokio::select! {
            interrupted = signal::ctrl_c() => interrupted.context(IoSnafu { what }),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await.context(IoSnafu { what })
}
