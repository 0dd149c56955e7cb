//! Many clients on real sockets, half of whom go away in the middle.

use std::{
    io,
    net::SocketAddr,
    ops::Range,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures::{StreamExt as _, future::BoxFuture};
use hyper::{body::Body as _, client::conn::http1};
use hyper_util::rt::TokioIo;
use pravega_byte_stream::{ConnectError, Dial, Dialed, Endpoint, Environment};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, ReadBuf},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    runtime::Handle,
    task::{AbortHandle, JoinHandle, yield_now},
};

use super::{MAX_STORE_CONNECTIONS, Site, noise, request};
use crate::video::{
    limits::{MAX_LIVE, MAX_PLAYS},
    server,
};

/// The length of the stream that is played, and of the two kinds of range that are asked for, in bytes. The long one
/// is more than one piece.
const LEN: usize = 3 << 20;
const LONG: usize = 3 << 19;
const SHORT: usize = 1 << 16;
/// How many range requests are made, and how many of them at the same time.
const REQUESTS: usize = 1_000;
const AT_ONCE: usize = 100;

/// Opens connections to the server behind, and counts those that are open.
#[derive(Clone, Default)]
struct Counting {
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Dial for Counting {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Dialed, ConnectError>> {
        Box::pin(async move {
            let address = (endpoint.host(), endpoint.port());
            let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
            let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(open, Ordering::SeqCst);
            Ok(Dialed::new(Counted(reader, Arc::clone(&self.open)), writer))
        })
    }
}

struct Counted(OwnedReadHalf, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A listening web server, whose way to the store is counted.
struct Open {
    site: Site,
    address: SocketAddr,
    store: Counting,
    server: JoinHandle<()>,
}

impl Open {
    async fn new() -> Self {
        let store = Counting::default();
        let environment = Environment::system().with_dialer(Arc::new(store.clone()));
        let site = Site::with(false, &[], environment).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (recordings, closing) = (site.app.recordings.clone(), site.app.closing.clone());
        let server = server::run(
            server::tcp(listener),
            site.router.clone(),
            recordings,
            closing,
        );
        Self {
            server: tokio::spawn(server),
            site,
            address,
            store,
        }
    }

    async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let task = tokio::spawn(async move { connection.await.ok() });
        Client {
            sender,
            connection: task.abort_handle(),
        }
    }

    /// Waits until no request holds a place.
    async fn settle(&self) {
        let places = &self.site.app.places;
        let all = |places: usize| u32::try_from(places).unwrap();
        drop(places.plays.acquire_many(all(MAX_PLAYS)).await.unwrap());
        drop(places.live.acquire_many(all(MAX_LIVE)).await.unwrap());
    }
}

/// A connection to the web server; cut when dropped.
struct Client {
    sender: http1::SendRequest<Body>,
    connection: AbortHandle,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// What a client does with its answer.
#[derive(Clone, Copy)]
enum Ending {
    Reads,
    LeavesBeforeTheAnswer,
    LeavesInTheMiddle,
}

/// Asks for a range, and gives what came if it was read to the end.
async fn play(open: &Open, range: Range<usize>, ending: Ending) -> Option<Vec<u8>> {
    let mut client = open.connect().await;
    let asked = format!("bytes={}-{}", range.start, range.end - 1);
    let asked = request(
        "GET",
        "/streams/demo/film",
        &[("range", &asked)],
        Body::empty(),
    );
    let answer = client.sender.send_request(asked);
    if let Ending::LeavesBeforeTheAnswer = ending {
        // The request is on its way, or is not: both happen.
        tokio::select! {
            biased;
            answer = answer => drop(answer),
            () = yield_now() => {}
        }
        return None;
    }
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else {
            return Some(bytes);
        };
        let data: Bytes = frame.unwrap().into_data().unwrap_or_default();
        bytes.extend_from_slice(&data);
        if let Ending::LeavesInTheMiddle = ending {
            return None;
        }
    }
}

async fn crowd(open: &Open, film: &[u8], requests: usize) -> usize {
    let playing = futures::stream::iter(0..requests).map(async |number| {
        let start = number * 7_919 % (LEN - LONG);
        let (ending, len) = match number % 8 {
            0 | 4 => (Ending::LeavesBeforeTheAnswer, LONG),
            1 | 5 => (Ending::LeavesInTheMiddle, LONG),
            2 => (Ending::Reads, LONG),
            _ => (Ending::Reads, SHORT),
        };
        let range = start..start + len;
        let came = play(open, range.clone(), ending).await;
        if let Some(bytes) = &came {
            assert!(
                bytes == &film[range],
                "the bytes of request {number} differ"
            );
        }
        usize::from(came.is_some())
    });
    playing
        .buffer_unordered(AT_ONCE)
        .fold(0, async |sum, one| sum + one)
        .await
}

#[tokio::test]
async fn a_thousand_range_requests_half_of_them_cancelled_leave_nothing_behind() {
    let open = Open::new().await;
    let film = noise(LEN);
    open.site.hold("demo/film", &film).await;
    // Whatever is opened once and kept is there afterwards.
    crowd(&open, &film, AT_ONCE).await;
    open.settle().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let read = crowd(&open, &film, REQUESTS).await;
    assert_eq!(read, REQUESTS / 2);
    open.settle().await;
    // The server, its keep-alives, and one task at each end of each connection to the store.
    let before = 12 + 4 * MAX_STORE_CONNECTIONS;
    while tasks() > before {
        yield_now().await;
    }
    // Each port has its own connections: the store, and one for the controller.
    let most = open.store.most.load(Ordering::SeqCst);
    assert!(
        most <= MAX_STORE_CONNECTIONS + 1,
        "{most} connections to the server behind"
    );
    open.site.app.closing.cancel();
    open.server.await.unwrap();
    open.site.factory.shutdown().await;
    // The controller's goes with the factory itself.
    while open.store.open.load(Ordering::SeqCst) > 1 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_live_player_that_goes_away_while_it_waits_ends_its_reading() {
    let open = Open::new().await;
    open.site.hold("demo/live", b"some").await;
    let mut client = open.connect().await;
    let asked = request("GET", "/live/demo/live", &[], Body::empty());
    let answer = client.sender.send_request(asked).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(open.site.app.places.live.available_permits(), MAX_LIVE - 1);
    drop((answer, client));
    open.settle().await;
}

#[tokio::test]
async fn a_recorder_whose_connection_breaks_has_stored_what_it_sent() {
    let open = Open::new().await;
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    let head = "PUT /streams/demo/film?seal=true HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"some").await.unwrap();
    let recorded = async || open.site.get("/streams/demo/film", &[]).await;
    while recorded().await.body != "some" {
        yield_now().await;
    }
    drop(stream);
    let all = u32::try_from(crate::video::limits::MAX_RECORDINGS).unwrap();
    drop(
        open.site
            .app
            .places
            .recordings
            .acquire_many(all)
            .await
            .unwrap(),
    );
    let answer = recorded().await;
    assert_eq!(
        (&answer.body[..], answer.header("pravega-sealed")),
        (&b"some"[..], "false")
    );
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_server_goes_on() {
    let open = Open::new().await;
    open.site.hold("demo/film", b"some").await;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    for garbage in ["\0\0\0\0", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", &long] {
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        stream.write_all(garbage.as_bytes()).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
            .await
            .ok();
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{garbage:.40}");
    }
    let bytes = play(&open, 0..4, Ending::Reads).await;
    assert_eq!(bytes.unwrap(), b"some");
}
