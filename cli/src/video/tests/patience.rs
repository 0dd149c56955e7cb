//! How long clients may take, and how many are served: on connections without sockets and a clock that jumps.

use std::{io, time::Duration};

use axum::{http::StatusCode, serve::Listener};
use pravega_byte_stream::{ClientConfigBuilder, ClientFactory};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::video::{
    limits::{
        ASK_ALIVE, END_PATIENCE, HEAD_PATIENCE, MAX_CONNECTIONS, MAX_PLAYS, PLACE_PATIENCE, Places,
        STALL_PATIENCE,
    },
    router::{App, router},
    server,
};

const TICK: Duration = Duration::from_millis(1);
/// Bytes in a pipe: fewer than the page has.
const PIPE: usize = 256;
const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Connections that are made in this process.
struct Door(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Door {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A web server whose store is nowhere: the page needs none.
struct Open {
    door: mpsc::UnboundedSender<DuplexStream>,
    closing: CancellationToken,
    server: JoinHandle<()>,
}

impl Open {
    fn new() -> Self {
        let config = ClientConfigBuilder::default().controller_uri("tcp://127.0.0.1:1");
        let factory = ClientFactory::new(config.build().unwrap());
        let app = App::new(watch::channel(factory).1, &[]);
        let (recordings, closing) = (app.recordings.clone(), app.closing.clone());
        let (door, accepted) = mpsc::unbounded_channel();
        let server = server::run(
            Door(accepted),
            router(app, true),
            recordings,
            closing.clone(),
        );
        Self {
            door,
            closing,
            server: tokio::spawn(server),
        }
    }

    fn connect(&self) -> Client {
        let (pipe, accepted) = duplex(PIPE);
        self.door.send(accepted).unwrap();
        let began = Instant::now();
        Client { pipe, began }
    }
}

/// The end of a connection that a client has.
struct Client {
    pipe: DuplexStream,
    began: Instant,
}

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        self.pipe.write_all(bytes).await.unwrap();
    }

    /// The page, asked for and read.
    async fn loads_the_page(&mut self) {
        self.send(HEAD).await;
        self.is_answered().await;
    }

    async fn is_answered(&mut self) {
        let mut answer = Vec::new();
        while !answer.ends_with(b"</html>\n") {
            let came = self.pipe.read_buf(&mut answer).await.unwrap();
            assert_ne!(came, 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }

    /// Whether the server has let go of it.
    async fn is_let_go(&mut self) -> bool {
        // A pipe takes nothing any more when its other end is gone.
        self.pipe.write_all(b"\r").await.is_err()
    }

    /// It is served until then, and no longer.
    async fn has_until(mut self, since_connected: Duration) {
        sleep_until(self.began + since_connected - TICK).await;
        assert!(!self.is_let_go().await, "early");
        sleep_until(self.began + since_connected + 2 * TICK).await;
        assert!(self.is_let_go().await, "late");
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_has_thirty_seconds() {
    assert_eq!(HEAD_PATIENCE.as_secs(), 30);
    Open::new().connect().has_until(HEAD_PATIENCE).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_head_has_thirty_seconds_however_it_drips() {
    let mut client = Open::new().connect();
    for byte in &HEAD[..28] {
        client.send(&[*byte]).await;
        sleep(Duration::from_secs(1)).await;
    }
    client.has_until(HEAD_PATIENCE).await;
}

#[tokio::test(start_paused = true)]
async fn there_are_thirty_seconds_for_the_next_request() {
    let mut client = Open::new().connect();
    let mut answered = Duration::ZERO;
    for _ in 0..3 {
        sleep(HEAD_PATIENCE - TICK).await;
        client.loads_the_page().await;
        answered = client.began.elapsed();
    }
    client.has_until(answered + HEAD_PATIENCE).await;
}

#[tokio::test(start_paused = true)]
async fn who_announces_a_body_and_sends_none_is_answered_and_let_go() {
    let mut client = Open::new().connect();
    let head = b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n";
    client.send(head).await;
    client.is_answered().await;
    sleep(HEAD_PATIENCE).await;
    assert!(client.is_let_go().await);
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_an_answer_has_a_minute() {
    assert_eq!(STALL_PATIENCE.as_secs(), 60);
    let mut client = Open::new().connect();
    client.send(HEAD).await;
    client.has_until(STALL_PATIENCE).await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_answer_slowly_gets_all_of_it() {
    let mut client = Open::new().connect();
    client.send(HEAD).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"</html>\n") {
        sleep(STALL_PATIENCE - TICK).await;
        let mut some = [0; PIPE];
        let came = client.pipe.read(&mut some).await.unwrap();
        assert_ne!(came, 0);
        answer.extend_from_slice(&some[..came]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_does_not_keep_the_server() {
    let open = Open::new();
    let mut client = open.connect();
    client.send(HEAD).await;
    sleep(TICK).await;
    let began = Instant::now();
    open.closing.cancel();
    open.server.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), END_PATIENCE.as_secs());
    assert!(client.is_let_go().await);
}

#[tokio::test(start_paused = true)]
async fn five_hundred_and_twelve_connections_are_served_and_the_next_one_waits() {
    assert_eq!(MAX_CONNECTIONS, 512);
    let open = Open::new();
    let mut clients: Vec<_> = (0..MAX_CONNECTIONS).map(|_| open.connect()).collect();
    for client in &mut clients {
        client.loads_the_page().await;
    }
    let mut next = open.connect();
    next.send(HEAD).await;
    let waits = async |client: &mut Client| {
        sleep(TICK).await;
        let answer = timeout(TICK, client.pipe.read_u8()).await;
        answer.is_err()
    };
    assert!(waits(&mut next).await);
    // One that leaves makes room for one.
    clients.pop();
    next.is_answered().await;
    let mut last = open.connect();
    last.send(HEAD).await;
    assert!(waits(&mut last).await);
    // So do those that are idle for too long, and nobody has to leave.
    let answered = timeout(HEAD_PATIENCE, last.is_answered()).await;
    assert!(answered.is_ok());
    for client in &mut clients {
        assert!(client.is_let_go().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_waits_ten_seconds_for_a_place() {
    assert_eq!(PLACE_PATIENCE.as_secs(), 10);
    let places = Places::new();
    let mut taken = Vec::new();
    for _ in 0..MAX_PLAYS {
        taken.push(places.play().await.unwrap());
    }
    let began = Instant::now();
    let refused = places.play().await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(began.elapsed().as_secs(), PLACE_PATIENCE.as_secs());
    let leaving = async {
        sleep(PLACE_PATIENCE - TICK).await;
        taken.pop();
    };
    let (place, ()) = tokio::join!(places.play(), leaving);
    drop(place.unwrap());
}

#[tokio::test]
async fn clients_that_have_vanished_are_found_out_by_the_system() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut listener = server::tcp(listener);
    let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(address));
    connected.unwrap();
    let stream = accepted.0;
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), ASK_ALIVE);
}
