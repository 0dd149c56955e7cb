//! Deadlines and bounds, on a connection without a socket and a clock that jumps.

mod append_limits;
mod guarded;
mod limits;
mod reply_limits;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, FrameDecoder, FrameLimits, Hello, KeepAlive, MAX_RECEIVED_PAYLOAD,
    ReadSegment, Reply, Request, SetupAppend,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Connection, Shared};
use crate::{Limits, append_memory::AppendMemory, handler::CloseReason, store::Segments};

const SEGMENT: &str = "s/b/0.#epoch.0";

struct Client {
    pipe: DuplexStream,
    connection: JoinHandle<CloseReason>,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
    buffer: BytesMut,
    began: Instant,
}

/// An empty store in memory.
pub(crate) fn shared(change: impl FnOnce(&mut Limits)) -> Shared {
    let mut limits = Limits::default();
    change(&mut limits);
    Shared {
        segments: Segments::in_memory(10, u64::MAX),
        append_memory: AppendMemory::new(limits.max_append_bytes),
        next_connection: AtomicU64::new(1),
        counters: Arc::default(),
        guard: None,
        limits,
    }
}

/// A connection over a pipe that holds `pipe` bytes in each direction.
async fn connect(pipe: usize, change: impl FnOnce(&mut Limits)) -> Client {
    let shared = shared(change);
    shared.segments.create(SEGMENT).await.unwrap();
    connect_to(pipe, Arc::new(shared)).await
}

async fn connect_to(pipe: usize, shared: Arc<Shared>) -> Client {
    let (pipe, socket) = duplex(pipe);
    let silent = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    let shutdown = CancellationToken::new();
    let connection = Connection::new(socket, 0, Arc::clone(&shared), silent);
    let connection = tokio::spawn(connection.run(shutdown.clone()));
    Client {
        pipe,
        connection,
        shared,
        shutdown,
        buffer: BytesMut::new(),
        began: Instant::now(),
    }
}

/// Until nothing happens any more. The clock stands still meanwhile.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

impl Client {
    async fn send(&mut self, request: impl Into<Request>) {
        let frame = request.into().encode_to_bytes().unwrap();
        self.pipe.write_all(&frame).await.unwrap();
    }

    async fn next(&mut self) -> Option<Reply> {
        let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD));
        loop {
            if let Some(frame) = decoder.decode_frame(&mut self.buffer).unwrap() {
                return Some(Reply::decode(frame).unwrap());
            }
            if self.pipe.read_buf(&mut self.buffer).await.unwrap() == 0 {
                return None;
            }
        }
    }

    async fn greet(&mut self) {
        self.send(Hello::current()).await;
        assert_eq!(self.next().await, Some(Hello::current().into()));
    }

    async fn set_up(&mut self) {
        self.send(setup(1)).await;
        assert!(matches!(self.next().await, Some(Reply::AppendSetup(_))));
    }

    /// How the connection ends, and after how long.
    async fn end(self) -> (CloseReason, Duration) {
        let Self {
            connection,
            began,
            pipe,
            ..
        } = self;
        let reason = connection.await.unwrap();
        drop(pipe);
        (reason, began.elapsed())
    }
}

fn setup(writer: u128) -> SetupAppend {
    SetupAppend {
        request_id: 1,
        writer_id: WriterId::from_wire(writer),
        segment: SEGMENT.into(),
        delegation_token: DelegationToken::default(),
    }
}

fn append(number: i64, data: Bytes) -> Request {
    append_of(1, number, data)
}

fn append_of(writer: u128, number: i64, data: Bytes) -> Request {
    AppendBlockEnd {
        writer_id: WriterId::from_wire(writer),
        size_of_whole_events: 0,
        data: data.into(),
        num_events: 1,
        last_event_number: number,
        request_id: number,
    }
    .into()
}

fn read(offset: i64) -> Request {
    ReadSegment {
        segment: SEGMENT.into(),
        offset,
        suggested_length: i32::MAX,
        delegation_token: DelegationToken::default(),
        request_id: 1,
    }
    .into()
}

fn seconds(range: std::ops::Range<u64>) -> std::ops::Range<Duration> {
    Duration::from_secs(range.start)..Duration::from_secs(range.end)
}

#[tokio::test(start_paused = true)]
async fn n10_a_silent_peer_has_ten_seconds() {
    let client = connect(1024, |_| {}).await;
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::NoHello);
    assert!(seconds(10..11).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn n10_half_a_hello_is_none() {
    let mut client = connect(1024, |_| {}).await;
    client.pipe.write_all(&[0xff, 0xff]).await.unwrap();
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::NoHello);
    assert!(seconds(10..11).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn n4_a_silent_client_is_given_up_after_five_minutes() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    client.send(read(0)).await; // parked
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::Idle);
    assert!(seconds(300..302).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_keep_a_connection() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    for _ in 0..20 {
        sleep(Duration::from_secs(250)).await;
        client.send(KeepAlive).await;
        assert_eq!(client.next().await, Some(KeepAlive.into()));
    }
    drop(client.pipe);
    assert_eq!(client.connection.await.unwrap(), CloseReason::PeerClosed);
}

#[tokio::test(start_paused = true)]
async fn n6_a_frame_has_thirty_seconds_from_its_header_however_it_drips() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    let frame = append(1, vec![0; 100].into()).encode_to_bytes().unwrap();
    let dripping = async {
        for byte in &frame {
            if client.pipe.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    dripping.await;
    let reason = client.connection.await.unwrap();
    assert_eq!(reason, CloseReason::SlowFrame);
}

#[tokio::test(start_paused = true)]
async fn n6_the_second_half_of_an_append_is_a_part_of_it_whatever_comes_between() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    let writer_id = WriterId::from_wire(1);
    let data = Bytes::from_static(b"the first half").into();
    client.send(AppendBlock { writer_id, data }).await;
    for _ in 0..2 {
        sleep(Duration::from_secs(14)).await;
        client.send(KeepAlive).await;
        assert_eq!(client.next().await, Some(KeepAlive.into()));
    }
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::SlowFrame);
    assert!(seconds(30..31).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn complete_frames_never_run_into_the_frame_deadline() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    let frame = Request::from(KeepAlive).encode_to_bytes().unwrap();
    // Each write ends one frame and begins the next.
    client.pipe.write_all(&frame[..4]).await.unwrap();
    for _ in 0..10 {
        sleep(Duration::from_secs(20)).await;
        client.pipe.write_all(&frame[4..]).await.unwrap();
        client.pipe.write_all(&frame[..4]).await.unwrap();
        assert_eq!(client.next().await, Some(KeepAlive.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn n5_a_peer_that_takes_nothing_is_given_up() {
    let mut client = connect(256, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    client.send(append(1, vec![7; 10_000].into())).await;
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    client.send(read(0)).await;
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::NotReading);
    assert!(seconds(30..32).contains(&after), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn n5_a_slow_peer_gets_everything() {
    let mut client = connect(256, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    client.send(append(1, vec![7; 2_000].into())).await;
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    client.send(read(0)).await;
    let mut got = 0;
    while got < 2_000 {
        sleep(Duration::from_secs(25)).await;
        let mut some = [0; 200];
        got += client.pipe.read(&mut some).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a3_announced_bytes_need_memory_before_they_are_read() {
    let mut first = connect(1 << 20, |limits| limits.max_append_bytes = 1_000_000).await;
    first.greet().await;
    let frame = append(1, vec![0; 900_000].into())
        .encode_to_bytes()
        .unwrap();
    // Most of the memory goes to a frame that is announced and does not come.
    first.pipe.write_all(&frame[..100]).await.unwrap();
    let mut second = connect_to(1 << 20, Arc::clone(&first.shared)).await;
    second.greet().await;
    second.set_up().await;
    second.send(append(1, vec![1; 900_000].into())).await;
    // Small requests of others need none of it.
    let mut third = connect_to(1 << 20, Arc::clone(&first.shared)).await;
    third.greet().await;
    third.send(KeepAlive).await;
    assert_eq!(third.next().await, Some(KeepAlive.into()));
    // The frame deadline takes the memory back, and the waiting append was never late.
    let (reason, after) = first.end().await;
    assert_eq!(reason, CloseReason::SlowFrame);
    assert!(seconds(30..32).contains(&after), "{after:?}");
    assert!(matches!(second.next().await, Some(Reply::DataAppended(_))));
    assert_eq!(second.shared.append_memory.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_says_goodbye() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    client.send(read(0)).await;
    client.send(KeepAlive).await;
    assert_eq!(client.next().await, Some(KeepAlive.into()));
    client.shutdown.cancel();
    assert_eq!(client.next().await, None);
    // A peer that does not close its side holds nobody up for long.
    let (reason, after) = client.end().await;
    assert_eq!(reason, CloseReason::Shutdown);
    assert!(after < Duration::from_secs(3), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_stops_sending_still_gets_its_replies() {
    let mut client = connect(1 << 20, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    client.send(append(1, vec![1; 100].into())).await;
    client.pipe.shutdown().await.unwrap();
    assert!(matches!(client.next().await, Some(Reply::DataAppended(_))));
    assert_eq!(client.next().await, None);
    assert_eq!(client.end().await.0, CloseReason::PeerClosed);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_connection_that_ended() {
    let mut client = connect(1024, |_| {}).await;
    client.greet().await;
    client.set_up().await;
    client.send(read(0)).await;
    client.send(KeepAlive).await;
    client.next().await;
    let shared = Arc::clone(&client.shared);
    drop(client.pipe);
    client.connection.await.unwrap();
    let segment = shared.segments.find(SEGMENT).unwrap();
    assert_eq!(Arc::strong_count(&segment), 2, "the table's and ours");
}
