//! How many appends, and how many bytes of them, may be on their way to the disk, of one connection and of all together.
//! The disk writes when a test says so.

use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use futures::FutureExt as _;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, GetSegmentAttribute, KeepAlive, Reply, Request, message_type,
};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::{Client, SEGMENT, Shared, append_of, connect_to, settle, setup, shared};
use crate::{
    Limits,
    append_memory::APPEND_OVERHEAD,
    limits::{MAX_APPENDS_IN_FLIGHT, MAX_CALLS},
    store::{SteppedOptions, SteppedStore, SystemFolder},
};

/// What a pipe holds, bytes: all that a test sends.
const PIPE: usize = 32 << 20;

/// A store whose disk writes in [`Disk::write`] only.
struct Disk {
    store: SteppedStore,
    shared: Arc<Shared>,
    _directory: TempDir,
}

impl Disk {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let folder = Arc::new(SystemFolder::new(directory.path()));
        let mut store = SteppedStore::open(folder, &SteppedOptions::default()).unwrap();
        let mut created = store.requests().create(SEGMENT);
        store.turn();
        assert!(created.take().unwrap().unwrap());
        let shared = Shared {
            segments: store.segments(),
            ..shared(change)
        };
        Self {
            store,
            shared: Arc::new(shared),
            _directory: directory,
        }
    }

    /// Writes all that waits, and gives everybody the time to take that in.
    async fn write(&mut self) {
        settle().await;
        while self.store.turn() {
            settle().await;
        }
    }

    /// A connection with one writer.
    async fn connect(&mut self, writer: u128) -> Client {
        let mut client = connect_to(PIPE, Arc::clone(&self.shared)).await;
        client.greet().await;
        client.send(setup(writer)).await;
        self.write().await;
        assert!(matches!(client.next().await, Some(Reply::AppendSetup(_))));
        client
    }

    /// Memory for appends that somebody holds, bytes.
    fn held(&self) -> usize {
        self.shared.append_memory.held()
    }

    async fn length(&self) -> u64 {
        self.shared.segments.info(SEGMENT).await.unwrap().length
    }
}

fn append(writer: u128, number: i64, bytes: usize) -> Request {
    append_of(writer, number, vec![7; bytes].into())
}

/// Whether a connection takes a request now; it is answered at once then.
async fn takes_a_request(client: &mut Client) -> bool {
    client.send(KeepAlive).await;
    settle().await;
    match client.next().now_or_never() {
        Some(Some(Reply::KeepAlive(_))) => true,
        None => false,
        Some(other) => panic!("{other:?}"),
    }
}

async fn acked(client: &mut Client) -> i64 {
    loop {
        match client.next().await {
            Some(Reply::DataAppended(acked)) => return acked.event_number,
            Some(Reply::KeepAlive(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Whether a connection takes a request while it has appends of these sizes in flight. Everything is stored in the
/// end, what was sent meanwhile too.
async fn takes_beside(appends: &[usize], limit: usize) -> bool {
    let mut disk = Disk::new(|limits| limits.max_connection_bytes = limit);
    let mut client = disk.connect(1).await;
    let mut last = 0;
    for bytes in appends {
        last += 1;
        client.send(append(1, last, *bytes)).await;
        settle().await;
    }
    let is_taken = takes_a_request(&mut client).await;
    client.send(append(1, last + 1, 3)).await;
    disk.write().await;
    while acked(&mut client).await <= last {}
    let sum = appends.iter().sum::<usize>() + 3;
    assert_eq!(disk.length().await, u64::try_from(sum).unwrap());
    assert_eq!(disk.held(), 0);
    is_taken
}

#[tokio::test(start_paused = true)]
async fn a3_a_request_is_taken_while_appends_in_flight_are_below_half_of_a_connections_bytes() {
    const HALF: usize = 10_000;
    for (bytes, is_taken) in [(HALF - 1, true), (HALF, false), (HALF + 1, false)] {
        let appends = [4_000, bytes - 4_000];
        assert_eq!(takes_beside(&appends, 2 * HALF).await, is_taken, "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a3_sixteen_mebibytes_and_one_message_may_be_on_their_way_from_a_connection() {
    const LARGE: usize = 8 << 20;
    let limit = Limits::default().max_connection_bytes;
    assert_eq!(limit, 32 << 20);
    for (bytes, is_taken) in [(LARGE - 1, true), (LARGE, false), (LARGE + 1, false)] {
        let taken = takes_beside(&[LARGE, bytes], limit).await;
        assert_eq!(taken, is_taken, "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a3_a_request_is_taken_beside_8191_appends_in_flight() {
    assert_eq!(MAX_APPENDS_IN_FLIGHT, 8_192);
    for (appends, is_taken) in [(8_191, true), (8_192, false), (8_193, false)] {
        let taken = takes_beside(&vec![1; appends], 32 << 20).await;
        assert_eq!(taken, is_taken, "{appends}");
    }
}

/// Whether a connection takes a request while so many others wait for the disk. They are answered in the end.
async fn takes_beside_calls(calls: usize, parked_reads: usize) -> bool {
    let mut disk = Disk::new(|limits| limits.max_parked_reads = parked_reads);
    let mut client = disk.connect(1).await;
    let question = GetSegmentAttribute {
        request_id: 1,
        segment: SEGMENT.into(),
        attribute_id: 1,
        delegation_token: DelegationToken::default(),
    };
    for _ in 0..calls {
        client.send(question.clone()).await;
    }
    let is_taken = takes_a_request(&mut client).await;
    disk.write().await;
    let mut answered = 0;
    while answered < calls {
        match client.next().await {
            Some(Reply::SegmentAttribute(_)) => answered += 1,
            Some(Reply::KeepAlive(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    is_taken
}

#[tokio::test(start_paused = true)]
async fn a4_a_request_is_taken_beside_255_that_wait_and_as_many_as_reads_may() {
    assert_eq!(MAX_CALLS, 256);
    for parked_reads in [0, Limits::default().max_parked_reads] {
        let most = MAX_CALLS + parked_reads;
        for (calls, is_taken) in [(most - 1, true), (most, false), (most + 1, false)] {
            let taken = takes_beside_calls(calls, parked_reads).await;
            assert_eq!(taken, is_taken, "{calls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a3_an_append_goes_to_the_disk_only_with_memory_for_all_of_it() {
    const BYTES: usize = 1_000;
    let both = 2 * (BYTES + APPEND_OVERHEAD);
    for (memory, both_fit) in [(both - 1, false), (both, true), (both + 1, true)] {
        let mut disk = Disk::new(|limits| limits.max_append_bytes = memory);
        let (mut first, mut second) = (disk.connect(1).await, disk.connect(2).await);
        first.send(append(1, 1, BYTES)).await;
        settle().await;
        second.send(append(2, 1, BYTES)).await;
        // A connection whose append waits takes nothing.
        assert_eq!(takes_a_request(&mut second).await, both_fit, "{memory}");
        disk.write().await;
        assert_eq!((acked(&mut first).await, acked(&mut second).await), (1, 1));
        assert_eq!(disk.held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a3_a_connection_that_ends_gives_back_the_memory_of_what_it_was_sending() {
    let mut disk = Disk::new(|_| {});
    let mut client = disk.connect(1).await;
    let frame = append(1, 1, 1 << 20).encode_to_bytes().unwrap();
    client.pipe.write_all(&frame[..100]).await.unwrap();
    settle().await;
    assert_eq!(disk.held(), frame.len() + APPEND_OVERHEAD);
    drop(client);
    settle().await;
    assert_eq!(disk.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a3_what_a_connection_left_to_the_disk_holds_memory_until_it_is_stored() {
    let mut disk = Disk::new(|_| {});
    let mut client = disk.connect(1).await;
    for (number, bytes) in [(1, 1_000), (2, 1 << 20)] {
        client.send(append(1, number, bytes)).await;
    }
    settle().await;
    drop(client);
    settle().await;
    assert!(disk.held() >= 1_000 + (1 << 20) + 2 * APPEND_OVERHEAD);
    disk.write().await;
    assert_eq!(disk.held(), 0);
    assert_eq!(disk.length().await, 1_000 + (1 << 20));
}

#[tokio::test(start_paused = true)]
async fn a3_a_connection_that_ends_while_its_append_waits_for_memory_leaves_it_to_others() {
    const BYTES: usize = 1_000;
    const NEEDED: usize = BYTES + APPEND_OVERHEAD;
    let mut disk = Disk::new(|limits| limits.max_append_bytes = NEEDED);
    let mut first = disk.connect(1).await;
    let (mut second, mut third) = (disk.connect(2).await, disk.connect(3).await);
    for (writer, client) in [(1, &mut first), (2, &mut second), (3, &mut third)] {
        client.send(append(writer, 1, BYTES)).await;
        settle().await;
    }
    assert_eq!(disk.held(), NEEDED);
    second.shutdown.cancel();
    settle().await;
    disk.write().await;
    assert_eq!((acked(&mut first).await, acked(&mut third).await), (1, 1));
    assert_eq!(disk.length().await, 2 * u64::try_from(BYTES).unwrap());
    assert_eq!(disk.held(), 0);
}

/// Whoever has received all of an append waits for nobody who has not.
#[tokio::test(start_paused = true)]
async fn a3_an_append_that_was_received_goes_ahead_of_those_that_wait_to_be() {
    const BYTES: usize = 1 << 20;
    let mut disk = Disk::new(|limits| limits.max_append_bytes = BYTES + BYTES / 2);
    let (mut first, mut second) = (disk.connect(1).await, disk.connect(2).await);
    let frame = append(1, 1, BYTES).encode_to_bytes().unwrap();
    let (front, rest) = frame.split_at(100);
    first.pipe.write_all(front).await.unwrap();
    settle().await;
    second.send(append(2, 1, BYTES)).await;
    settle().await;
    first.pipe.write_all(rest).await.unwrap();
    disk.write().await;
    assert_eq!(disk.length().await, 2 * u64::try_from(BYTES).unwrap());
    assert_eq!((acked(&mut first).await, acked(&mut second).await), (1, 1));
}

/// A block, of as many bytes and a little more, that is the beginning of an append.
fn block(writer: u128, bytes: usize) -> Request {
    let mut data = BytesMut::new();
    data.put_i32(message_type::PARTIAL_EVENT);
    data.put_u32(u32::try_from(bytes).unwrap());
    data.put_bytes(7, bytes);
    let data = data.freeze().into();
    let writer_id = WriterId::from_wire(writer);
    AppendBlock { writer_id, data }.into()
}

#[tokio::test(start_paused = true)]
async fn a3_an_append_of_which_half_was_received_goes_ahead_too() {
    const BLOCK: usize = 1 << 20;
    // Two of them are more than there is for second halves.
    const END: usize = 10 << 20;
    let mut disk = Disk::new(|limits| limits.max_append_bytes = 3 * BLOCK);
    let (mut first, mut second) = (disk.connect(1).await, disk.connect(2).await);
    let mut third = disk.connect(3).await;
    first.send(block(1, BLOCK)).await;
    second.send(block(2, BLOCK)).await;
    settle().await;
    third.send(append(3, 1, BLOCK)).await;
    settle().await;
    first.send(append(1, 1, END)).await;
    second.send(append(2, 1, END)).await;
    disk.write().await;
    assert_eq!((acked(&mut first).await, acked(&mut second).await), (1, 1));
    assert_eq!(acked(&mut third).await, 1);
    let sum = u64::try_from(3 * BLOCK + 2 * END).unwrap();
    assert_eq!(disk.length().await, sum);
    assert_eq!(disk.held(), 0);
}
