//! A relay in front of a Pravega, embedded or real: it understands the frames that pass and spoils those it is
//! told to.
//!
//! ```text
//!   client ──► controller of the relay ──► the Pravega's controller
//!     │            names one of the relay's two doors as the segment store
//!     └──────► door ──► faults ──► the segment store that the Pravega's controller names
//! ```
//!
//! A fault is armed for frames of one direction, of one name or of any, from the n-th on. What happened can
//! be asked of the [`Armed`] handle, so that a test knows whether its fault took effect.
//!
//! ```
//! use pravega_integration_tests::relay::{Fault, Frames, Relay};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let relay = Relay::start().await;
//! let factory = relay.factory();
//! let (mut writer, _reader) = relay.backend().pair(&factory).await;
//!
//! let lost_ack = relay.arm(Frames::replies().named("DataAppended"), Fault::SwallowAndCut);
//! writer.write(b"stored once").await?;
//! assert_eq!(writer.flush().await?, 11);
//! assert_eq!(lost_ack.strikes(), 1);
//! # Ok(()) }
//! ```

mod controller;
mod faults;
mod pump;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::{BufMut as _, Bytes, BytesMut};
use pravega_byte_stream::{ClientConfig, ClientConfigBuilder, ClientFactory};
use pravega_wire_protocol::{Frame, HEADER_BYTES};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::faults::Treatment;
pub use self::faults::{Armed, Direction, Fault, Frames, Garbling, Gate, Substitute};
use crate::{Backend, backend};

/// Any free port, on this machine only.
const ANY_PORT: &str = "127.0.0.1:0";

/// A relay and what it stands in front of. The relay ends when this is dropped, and so does an embedded server.
#[derive(Debug)]
pub struct Relay {
    backend: Backend,
    uri: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// A frame that has passed, or was meant to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Which way it went.
    pub direction: Direction,
    /// Its name in the protocol.
    pub name: &'static str,
    /// Its length with its header, in bytes.
    pub len: usize,
}

/// What doors, connections and controller share.
#[derive(Debug)]
struct Shared {
    /// Host and port of the segment store behind the relay: the one that the controller behind it has named last.
    store: Mutex<(String, u16)>,
    /// Where the relay listens for what is meant for the store.
    doors: [SocketAddr; 2],
    /// The door that the controller names.
    home: AtomicUsize,
    /// Another store that the controller names instead.
    elsewhere: Mutex<Option<(String, i32)>>,
    is_shut: AtomicBool,
    is_controller_down: AtomicBool,
    /// What all calls to the controller wait for.
    controller_gate: Mutex<Option<Gate>>,
    faults: Mutex<Vec<Arc<faults::Arming>>>,
    seen: Mutex<Vec<Seen>>,
    connections: watch::Sender<u64>,
    questions: watch::Sender<u64>,
    /// Cancelled to end the connections of now; then another one takes its place.
    cut: Mutex<CancellationToken>,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up fails"
)]
impl Relay {
    /// Starts a relay in front of the Pravega that the environment names, or else of an embedded one of its own.
    pub async fn start() -> Self {
        Self::before(Backend::start().await).await
    }

    /// Starts a relay in front of an embedded server of its own, whatever the environment says.
    pub async fn embedded() -> Self {
        Self::before(Backend::embedded().await).await
    }

    /// Starts a relay in front of this one.
    pub async fn before(backend: Backend) -> Self {
        let first = TcpListener::bind(ANY_PORT).await.expect("a port");
        let second = TcpListener::bind(ANY_PORT).await.expect("a port");
        let address = |door: &TcpListener| door.local_addr().expect("a bound port has an address");
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            doors: [address(&first), address(&second)],
            home: AtomicUsize::new(0),
            elsewhere: Mutex::default(),
            is_shut: AtomicBool::new(false),
            is_controller_down: AtomicBool::new(false),
            controller_gate: Mutex::default(),
            faults: Mutex::default(),
            seen: Mutex::default(),
            connections: watch::Sender::new(0),
            questions: watch::Sender::new(0),
            cut: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for (door, listener) in [first, second].into_iter().enumerate() {
            tasks.spawn(pump::serve(Arc::clone(&shared), door, listener));
        }
        let uri = controller::serve(
            Arc::clone(&shared),
            backend.controller_uri().to_owned(),
            &mut tasks,
        )
        .await
        .expect("the relay's controller starts");
        Self {
            backend,
            uri,
            shared,
            _tasks: tasks,
        }
    }
}

impl Relay {
    /// What is behind the relay. Its own factories do not pass the relay; its streams can be
    /// made with any factory.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The address of the relay's controller.
    pub fn controller_uri(&self) -> &str {
        &self.uri
    }

    /// A factory whose connections pass the relay, with the default configuration.
    pub fn factory(&self) -> ClientFactory {
        self.factory_with(|config| config)
    }

    /// A factory whose connections pass the relay, with a configuration that `change` changes.
    pub fn factory_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientFactory {
        backend::factory_at(&self.uri, change)
    }

    /// The configuration of such a factory.
    pub fn config_with(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> ClientConfig {
        backend::config_at(&self.uri, change)
    }

    /// From now on does `fault` to those of `frames` that come, until it has struck as often as they say.
    pub fn arm(&self, frames: Frames, fault: Fault) -> Armed {
        let arming = Arc::new(faults::Arming::new(frames, fault));
        lock(&self.shared.faults).push(Arc::clone(&arming));
        Armed(arming)
    }

    /// Ends all connections of now. New ones are taken.
    pub fn cut_all(&self) {
        std::mem::take(&mut *lock(&self.shared.cut)).cancel();
    }

    /// Shuts the doors: connections are accepted and end at once. Those of now go on.
    pub fn shut(&self) {
        self.shared.is_shut.store(true, Ordering::Relaxed);
    }

    /// Opens the doors again.
    pub fn reopen(&self) {
        self.shared.is_shut.store(false, Ordering::Relaxed);
    }

    /// The controller answers every call with `UNAVAILABLE`, or works again.
    pub fn set_controller_down(&self, is_down: bool) {
        self.shared
            .is_controller_down
            .store(is_down, Ordering::Relaxed);
    }

    /// Calls to the controller wait until the gate opens; none lets them pass again.
    pub fn hold_controller(&self, gate: Option<Gate>) {
        *lock(&self.shared.controller_gate) = gate;
    }

    /// Moves all segments to the other door. At the old one every request is answered with "wrong host",
    /// and nothing is passed on any more.
    pub fn move_segments(&self) {
        self.shared.home.fetch_xor(1, Ordering::Relaxed);
    }

    /// The controller names `store` for every segment, whatever listens there.
    pub fn name_another_store(&self, store: SocketAddr) {
        self.name_another_host(&store.ip().to_string(), store.port().into());
    }

    /// The controller names this host and port for every segment, whatever they are.
    pub fn name_another_host(&self, host: &str, port: i32) {
        *lock(&self.shared.elsewhere) = Some((host.to_owned(), port));
    }

    /// The controller names the relay again.
    pub fn name_the_doors(&self) {
        *lock(&self.shared.elsewhere) = None;
    }

    /// How often the controller was asked where a segment is.
    pub fn questions(&self) -> u64 {
        *self.shared.questions.borrow()
    }

    /// Waits until it was asked that often in all.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn asked(&self, questions: u64) {
        let mut count = self.shared.questions.subscribe();
        // It ends only with the relay.
        count.wait_for(|count| *count >= questions).await.ok();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        *self.shared.connections.borrow()
    }

    /// Waits until that many connections were accepted in all.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn accepted(&self, connections: u64) {
        let mut count = self.shared.connections.subscribe();
        // It ends only with the relay.
        count.wait_for(|count| *count >= connections).await.ok();
    }

    /// The frames so far, without keep-alives, in the order in which they came.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }
}

impl Shared {
    /// Where clients are sent.
    fn address(&self) -> (String, i32) {
        let home = self.home.load(Ordering::Relaxed);
        let door = self.doors.get(home).or(self.doors.first());
        let own = || door.map(|door| (door.ip().to_string(), door.port().into()));
        lock(&self.elsewhere)
            .clone()
            .or_else(own)
            .unwrap_or_default()
    }

    /// The controller behind the relay has named its store.
    fn found(&self, host: String, port: i32) {
        *lock(&self.store) = (host, u16::try_from(port).unwrap_or_default());
    }

    fn is_home(&self, door: usize) -> bool {
        self.home.load(Ordering::Relaxed) == door
    }

    /// Notes a frame and decides what becomes of it: the first armed fault that it meets.
    fn judge(&self, direction: Direction, frame: &Frame) -> (faults::Message, Treatment) {
        let message = faults::Message::of(direction, frame);
        if message.is_sign_of_life() {
            return (message, Treatment::Pass);
        }
        lock(&self.seen).push(Seen {
            direction,
            name: message.name(),
            len: HEADER_BYTES + frame.body.len(),
        });
        let struck = lock(&self.faults)
            .iter()
            .find_map(|armed| armed.meets(direction, frame, &message));
        (message, struck.unwrap_or(Treatment::Pass))
    }
}

/// A frame as it came.
fn bytes_of(frame: &Frame) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + frame.body.len());
    bytes.put_i32(frame.code);
    bytes.put_u32(u32::try_from(frame.body.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&frame.body);
    bytes.freeze()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
