//! What reading costs: requests, connections, bytes held. Counted at the store.

use std::{
    io::SeekFrom,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pravega_byte_stream::{ReadFrom, ReadUntil};
use pravega_integration_tests::{Honest, Pattern, ScriptedPravega};
use pravega_wire_protocol::{Request, SegmentRead};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncSeekExt as _},
    sync::Notify,
};

use crate::reading::rest_of;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The bytes that the store holds in these tests.
fn content(len: usize) -> Vec<u8> {
    Pattern::new(0).bytes(0, len)
}

#[tokio::test]
async fn t45_positioned_reads_and_a_sequential_reader_share_the_connections() {
    let segment = Honest::sealed(content(4 * MIB));
    let pravega = ScriptedPravega::honest(segment.clone()).await;
    let factory = pravega.factory_with(|config| config.max_connections_per_endpoint(3));
    let reader = Arc::new(factory.create_byte_reader(pravega.segment()).await);
    let all_at_once = (0..64_u64).map(|task| {
        let (reader, segment) = (Arc::clone(&reader), segment.clone());
        tokio::spawn(async move {
            let (at, len) = (task * 60_000, 70_000);
            let bytes = reader.read_at(at, len).await.unwrap();
            let from = usize::try_from(at).unwrap();
            assert!(bytes == segment.bytes[from..from + len]);
        })
    });
    let mut sequential = factory.create_byte_reader(pravega.segment()).await;
    let (sequential, beside) = tokio::join!(
        rest_of(&mut sequential),
        futures::future::try_join_all(all_at_once)
    );
    beside.unwrap();
    assert!(sequential == segment.bytes);
    assert_eq!(reader.position(), 0);
    let connections = pravega.record().connections;
    assert!(connections <= 3, "{connections} connections");
}

#[tokio::test]
async fn t46_a_range_is_asked_for_in_several_requests_at_once() {
    let segment = Honest::sealed(content(8 * MIB));
    let expected = segment.bytes.clone();
    let pravega = ScriptedPravega::start(move |mut wire| {
        let segment = segment.clone();
        async move {
            let mut held = Vec::new();
            while let Some(request) = wire.next().await? {
                let Request::ReadSegment(read) = request else {
                    wire.send_all(segment.answer(&request)).await?;
                    continue;
                };
                // Nobody is answered before all of them have asked.
                held.push(read);
                if held.len() == 4 {
                    for read in held.drain(..).rev() {
                        wire.send_all(segment.read(&read, usize::MAX)).await?;
                    }
                }
            }
            Ok(())
        }
    })
    .await;
    let factory = pravega.factory_with(|config| config.max_connections_per_endpoint(1));
    let reader = factory.create_byte_reader(pravega.segment()).await;
    assert!(reader.read_range(0..8 * 1024 * 1024).await.unwrap() == expected);
    assert_eq!(pravega.record().reads().count(), 4);
}

#[tokio::test]
async fn t51_an_idle_tail_reader_costs_one_request_and_one_connection() {
    let go = Arc::new(Notify::new());
    let (waker, segment) = (Arc::clone(&go), Honest::open(content(10)));
    let pravega = ScriptedPravega::start(move |mut wire| {
        let (go, segment) = (Arc::clone(&go), segment.clone());
        async move {
            let mut parked = None;
            loop {
                tokio::select! {
                    request = wire.next() => match request? {
                        Some(Request::ReadSegment(read)) if read.offset == 10 => parked = Some(read),
                        Some(other) => wire.send_all(segment.answer(&other)).await?,
                        None => return Ok(()),
                    },
                    () = go.notified() => {
                        let read = parked.take().unwrap();
                        wire.send(SegmentRead { data: content(5).into(), ..Honest::nothing(&read) }).await?;
                    }
                }
            }
        }
    })
    .await;
    // Short periods, so that many of them pass, and longer than a busy machine may stop a test for. Against
    // a paused clock the read session is tested, which is what decides here.
    let factory = pravega.factory_with(|config| {
        config
            .keep_alive_interval(Duration::from_millis(40))
            .request_timeout(Duration::from_millis(50))
            .operation_timeout(Duration::from_millis(50))
            .connection_idle_timeout(Duration::from_millis(10))
    });
    let mut reader = factory.create_byte_reader(pravega.segment()).await;
    let mut buffer = [0; 10];
    reader.read_exact(&mut buffer).await.unwrap();
    let sent = tokio::join!(reader.read_chunk(100), async {
        let before = pravega
            .seen(|seen| seen.reads().any(|read| read.offset == 10))
            .await;
        let after = pravega
            .seen(|seen| seen.keep_alives >= before.keep_alives + 15)
            .await;
        waker.notify_one();
        after
    });
    assert_eq!(sent.0.unwrap().unwrap(), content(5));
    assert_eq!(sent.1.connections, 1);
    assert_eq!(sent.1.reads().filter(|read| read.offset == 10).count(), 1);
}

#[tokio::test]
async fn t58_seeking_to_where_one_is_costs_nothing() {
    let pravega = ScriptedPravega::honest(Honest::sealed(content(3 * MIB))).await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    for _ in 0..100 {
        assert_eq!(reader.seek(SeekFrom::Current(0)).await.unwrap(), 0);
        assert_eq!(reader.stream_position().await.unwrap(), 0);
    }
    assert_eq!(pravega.record().connections, 0);

    reader.read_exact(&mut [0; 100]).await.unwrap();
    let (before, available) = (pravega.record().requests.len(), reader.available());
    for _ in 0..100 {
        assert_eq!(reader.seek(SeekFrom::Current(0)).await.unwrap(), 100);
        assert_eq!(reader.stream_position().await.unwrap(), 100);
    }
    assert_eq!(
        (pravega.record().requests.len(), reader.available()),
        (before, available)
    );
}

#[tokio::test]
async fn t59_seeking_inside_of_what_is_received_costs_nothing() {
    let segment = Honest::sealed(content(900 * KIB));
    let pravega = ScriptedPravega::honest(segment.clone()).await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    let mut buffer = [0; 1000];
    reader.read_exact(&mut buffer).await.unwrap();
    for offset in [500_000, 0, 899_000, 1, 400_000, 399_999] {
        reader.seek(SeekFrom::Start(offset)).await.unwrap();
        reader.read_exact(&mut buffer).await.unwrap();
        assert_eq!(Pattern::new(0).differs(offset, &buffer), None);
        reader.seek(SeekFrom::Current(-1000)).await.unwrap();
        reader.read_exact(&mut buffer).await.unwrap();
        assert_eq!(Pattern::new(0).differs(offset, &buffer), None);
    }
    assert_eq!(
        pravega.record().requests.len(),
        1,
        "{:?}",
        pravega.record().requests
    );
}

#[tokio::test]
async fn t63_opening_at_an_offset_and_reading_is_one_request() {
    let pravega = ScriptedPravega::honest(Honest::open(content(3 * MIB))).await;
    let factory = pravega.factory();
    for offset in [0, 7] {
        let before = pravega.record().requests.len();
        let from = ReadFrom::Offset(offset);
        let mut reader = factory
            .open_byte_reader(pravega.segment())
            .from(from)
            .await
            .unwrap();
        assert_eq!(pravega.record().requests.len(), before);
        let mut buffer = [0; 100];
        reader.read_exact(&mut buffer).await.unwrap();
        assert_eq!(Pattern::new(0).differs(offset, &buffer), None);
        let requests = pravega.record().requests.split_off(before);
        let offset = i64::try_from(offset).unwrap();
        assert!(
            matches!(&requests[..], [Request::ReadSegment(read)] if read.offset == offset),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn t63_a_lazy_reader_asks_for_nothing_before_it_is_used() {
    let pravega = ScriptedPravega::honest(Honest::open(content(100))).await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(pravega.record().connections, 0);
    reader.read_exact(&mut [0; 100]).await.unwrap();
    assert_eq!(pravega.record().requests.len(), 1);
}

#[tokio::test]
async fn reading_until_an_offset_asks_for_nothing_behind_it() {
    let pravega = ScriptedPravega::honest(Honest::sealed(content(5 * MIB))).await;
    let limit = 2 * 1024 * 1024 + 77;
    let mut reader = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .until(ReadUntil::Offset(limit))
        .await
        .unwrap();
    assert!(rest_of(&mut reader).await == content(2 * MIB + 77));
    for read in pravega.record().reads() {
        let end = read.offset + i64::from(read.suggested_length);
        assert!(u64::try_from(end).unwrap() <= limit, "{read:?}");
    }
}

#[tokio::test]
async fn a_slow_consumer_asks_for_no_more_than_the_read_ahead() {
    const AHEAD: usize = 2 * MIB;
    const PIECE: usize = 50_000;
    let consumed = Arc::new(AtomicU64::new(0));
    let furthest = Arc::new(AtomicU64::new(0));
    let (segment, seen, ahead) = (
        Honest::sealed(content(16 * MIB)),
        Arc::clone(&consumed),
        Arc::clone(&furthest),
    );
    let pravega = ScriptedPravega::answering(move |request, _| {
        if let Request::ReadSegment(read) = request {
            let end = u64::try_from(read.offset + i64::from(read.suggested_length)).unwrap();
            ahead.fetch_max(end - seen.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        segment.answer(request)
    })
    .await;
    let opening = pravega.factory().open_byte_reader(pravega.segment());
    let mut reader = opening.read_ahead(AHEAD).await.unwrap();
    let mut piece = vec![0; PIECE];
    loop {
        let at = reader.position();
        let n = reader.read(&mut piece).await.unwrap();
        assert!(reader.available() <= AHEAD);
        assert_eq!(Pattern::new(0).differs(at, &piece[..n]), None);
        // The reader may have asked on before this is noted: hence one piece of tolerance below.
        consumed.store(reader.position(), Ordering::SeqCst);
        if n == 0 {
            break;
        }
    }
    assert_eq!(reader.position(), 16 * 1024 * 1024);
    let furthest = furthest.load(Ordering::SeqCst);
    assert!(
        furthest <= u64::try_from(AHEAD + PIECE).unwrap(),
        "{furthest} bytes ahead"
    );
}

#[tokio::test]
async fn t48_mixing_buffered_and_plain_reads_fetches_nothing_twice() {
    let content = content(3 * MIB);
    let pravega = ScriptedPravega::honest(Honest::sealed(content.clone())).await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    // The first request from here on is longer than what is kept behind the position.
    reader.seek(SeekFrom::Start(700_000)).await.unwrap();
    let mut all = Vec::new();
    let mut piece = [0; 100];
    loop {
        let shown = reader.fill_buf().await.unwrap();
        let taken = &shown[..shown.len().min(70_000)];
        all.extend_from_slice(taken);
        let taken = taken.len();
        reader.consume(taken);
        match reader.read(&mut piece).await.unwrap() {
            0 => break,
            n => all.extend_from_slice(&piece[..n]),
        }
    }
    assert!(all == content[700_000..]);
    let mut asked: Vec<_> = pravega.record().reads().map(|read| read.offset).collect();
    let requests = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), requests, "some bytes were asked for twice");
}
