//! A server for one test.

use std::path::PathBuf;

use pravega_standalone::{Limits, Standalone, StandaloneHandle};
use tempfile::TempDir;

use crate::peer::Peer;

/// A running server and, on disk, the directory it owns.
pub(crate) struct Server {
    pub(crate) handle: StandaloneHandle,
    directory: Option<TempDir>,
}

impl Server {
    pub(crate) async fn in_memory() -> Self {
        let handle = Standalone::builder().memory().start().await.unwrap();
        Self {
            handle,
            directory: None,
        }
    }

    pub(crate) async fn on_disk() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let builder = Standalone::builder().data_dir(directory.path());
        Self {
            handle: builder.start().await.unwrap(),
            directory: Some(directory),
        }
    }

    pub(crate) async fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let handle = Standalone::builder().limits(limits).start().await.unwrap();
        Self {
            handle,
            directory: None,
        }
    }

    /// Takes over a running server.
    pub(crate) fn over(handle: StandaloneHandle, directory: Option<TempDir>) -> Self {
        Self { handle, directory }
    }

    /// Drops the server and keeps its directory.
    pub(crate) fn abort(self) -> Option<TempDir> {
        self.directory
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().to_owned()
    }

    /// A connection that has said hello.
    pub(crate) async fn connect(&self) -> Peer {
        let mut peer = self.connect_silently().await;
        peer.greet().await;
        peer
    }

    /// A connection that has said nothing.
    pub(crate) async fn connect_silently(&self) -> Peer {
        Peer::connect(self.handle.store_addr()).await
    }

    /// Ends the server in order and starts another on the same directory and ports.
    pub(crate) async fn restart(self) -> Self {
        let (store, controller) = (self.handle.store_addr(), self.handle.controller_addr());
        let path = self.path();
        self.handle.shutdown().await;
        let builder = Standalone::builder()
            .data_dir(path)
            .store_listen(store)
            .controller_listen(controller);
        Self {
            handle: builder.start().await.unwrap(),
            directory: self.directory,
        }
    }
}

/// Makes two tests of one: in memory and on disk.
macro_rules! on_both {
    ($(#[$note:meta])* async fn $name:ident($server:ident) $body:block) => {
        $(#[$note])*
        mod $name {
            use super::*;

            async fn body($server: Server) $body

            #[tokio::test]
            async fn in_memory() {
                body(Server::in_memory().await).await;
            }

            #[tokio::test]
            async fn on_disk() {
                body(Server::on_disk().await).await;
            }
        }
    };
}

pub(crate) use on_both;
