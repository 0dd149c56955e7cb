//! A Pravega that stores nothing: it speaks the protocol, throws appends away and reads from one buffer.
//!
//! What is measured against it is the client and the socket, for ours and for others alike. Its acknowledgements and
//! replies can be held back for a fixed time, as by a disk or by distance. In the scope [`ENDLESS`] every offset can be
//! read; elsewhere segments end where the appends have got to, and a read at the tail waits there.

mod connection;
mod controller;
mod delay;
mod inbox;
mod store;

use std::{future, io, sync::Arc, thread, time::Duration};

use tokio::{net::TcpListener, runtime::Builder};

use self::{delay::DelayLine, store::Store};

/// Segments of this scope have bytes at every offset.
pub const ENDLESS: &str = "endless";

/// Any free port, on this machine only.
const ANY_PORT: &str = "127.0.0.1:0";

/// How the server behaves.
#[derive(Debug, Clone, Copy)]
pub struct NullServer {
    /// How long acknowledgements and read replies are held back.
    pub delay: Duration,
    /// The most bytes in one read reply.
    pub reply: usize,
}

impl NullServer {
    /// Starts in tasks of this runtime, which it runs in until that ends. Returns the controller's address.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub async fn start(self) -> io::Result<String> {
        let listener = TcpListener::bind(ANY_PORT).await?;
        let address = listener.local_addr()?;
        let delay = DelayLine::start(self.delay)?;
        let store = Arc::new(Store::new(self.reply, delay));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(connection::serve(socket, Arc::clone(&store)));
            }
        });
        controller::serve(address).await
    }

    /// Starts on a thread of its own, for as long as the process lives. Returns the controller's address.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    ///
    /// # Panics
    /// Inside a runtime, which it would block.
    pub fn start_beside(self) -> io::Result<String> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let address = runtime.block_on(self.start())?;
        thread::Builder::new().spawn(move || runtime.block_on(future::pending::<()>()))?;
        Ok(address)
    }
}
