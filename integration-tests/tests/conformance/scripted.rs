//! Reading from a segment store that answers in unusual ways, and the requests that reading costs.

use std::{
    collections::VecDeque,
    io::{self, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::FutureExt as _;
use pravega_byte_stream::{ByteReader, ReadError, ReadFrom, ReadUntil};
use pravega_integration_tests::{Honest, Pattern, ScriptedPravega, Wire};
use pravega_wire_protocol::{
    Payload, ReadSegment, Reply, Request, SegmentIsSealed, SegmentRead, WrongHost,
};
use tokio::{io::AsyncSeekExt as _, sync::Notify};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The bytes that the store holds in most of these tests.
fn content(len: usize) -> Vec<u8> {
    Pattern::new(0).bytes(0, len)
}

/// A store that does nothing unusual.
async fn honest(segment: Honest) -> ScriptedPravega {
    ScriptedPravega::start(move |mut wire| {
        let segment = segment.clone();
        async move { serve(&mut wire, &segment).await }
    })
    .await
}

async fn serve(wire: &mut Wire, segment: &Honest) -> io::Result<()> {
    while let Some(request) = wire.next().await? {
        wire.send_all(segment.answer(&request)).await?;
    }
    Ok(())
}

/// A store that answers each request with what `answer` makes of it.
async fn answering<A>(answer: A) -> ScriptedPravega
where
    A: Fn(&Request, usize) -> Vec<Reply> + Clone + Send + Sync + 'static,
{
    ScriptedPravega::start(move |mut wire| {
        let answer = answer.clone();
        async move {
            let mut number = 0;
            while let Some(request) = wire.next().await? {
                wire.send_all(answer(&request, number)).await?;
                number += 1;
            }
            Ok(())
        }
    })
    .await
}

async fn rest_of(mut reader: ByteReader) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = reader.read_chunk(usize::MAX).await.unwrap() {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    all
}

fn empty(read: &ReadSegment) -> SegmentRead {
    SegmentRead {
        segment: Arc::clone(&read.segment),
        offset: read.offset,
        at_tail: true,
        end_of_segment: false,
        data: Payload::new(),
        request_id: read.request_id,
    }
}

#[tokio::test]
async fn t38_replies_of_one_byte() {
    let segment = Honest::sealed(content(700));
    let pravega = answering(move |request, _| match request {
        Request::ReadSegment(read) => segment.read(read, 1).into_iter().collect(),
        other => segment.answer(other).into_iter().collect(),
    })
    .await;
    let reader = pravega.factory().open_byte_reader(pravega.segment()).await.unwrap();
    assert_eq!(rest_of(reader).await, content(700));
}

/// Whatever requests are there are answered in random order, each with a random part of what it asks for.
async fn shuffle(mut wire: Wire, segment: Honest) -> io::Result<()> {
    let mut state = 1_u64;
    let mut dice = move |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % sides
    };
    while let Some(request) = wire.next().await? {
        let mut waiting = VecDeque::from([request]);
        while let Some(another) = wire.next().now_or_never() {
            waiting.extend(another?);
        }
        while !waiting.is_empty() {
            let picked = waiting.remove(dice(waiting.len())).unwrap();
            let reply = match &picked {
                Request::ReadSegment(read) => segment.read(read, 1 + dice(400 * KIB)),
                other => segment.answer(other),
            };
            wire.send_all(reply).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn t38_replies_of_random_sizes_in_random_order() {
    let segment = Honest::sealed(content(12 * MIB + 5));
    let expected = segment.bytes.clone();
    let pravega = ScriptedPravega::start(move |wire| shuffle(wire, segment.clone())).await;
    let reader = pravega.factory().open_byte_reader(pravega.segment()).await.unwrap();
    assert!(rest_of(reader).await == expected);
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert!(reader.read_range(3..11 * 1024 * 1024).await.unwrap() == expected[3..11 * MIB]);
}

#[tokio::test]
async fn t38_replies_longer_than_asked_for() {
    let segment = Honest::sealed(content(100));
    let pravega = honest(segment.clone()).await;
    // A store gives at least 8 bytes, whatever is asked for.
    let until = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .from(ReadFrom::Offset(90))
        .until(ReadUntil::Offset(93))
        .await
        .unwrap();
    assert_eq!(rest_of(until).await, segment.bytes[90..93]);
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(reader.read_at(50, 3).await.unwrap(), segment.bytes[50..53]);
}

#[tokio::test]
async fn t40_an_empty_reply_is_neither_data_nor_the_end() {
    let segment = Honest::sealed(content(100));
    let pravega = answering(move |request, number| match request {
        Request::ReadSegment(read) if number < 3 => vec![empty(read).into()],
        other => segment.answer(other).into_iter().collect(),
    })
    .await;
    let mut reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    let mut buffer = [0; 100];
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 100);
    assert_eq!(buffer[..], content(100));
}

#[tokio::test]
async fn t40_an_empty_reply_to_a_read_beside_the_position() {
    let segment = Honest::sealed(content(100));
    let pravega = answering(move |request, number| match request {
        Request::ReadSegment(read) if number < 4 => vec![empty(read).into()],
        other => segment.answer(other).into_iter().collect(),
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(reader.read_at(10, 20).await.unwrap(), content(100)[10..30]);
}

#[tokio::test]
async fn t40_empty_replies_without_end_run_into_the_deadline() {
    let segment = Honest::open(content(100));
    let pravega = answering(move |request, _| match request {
        Request::ReadSegment(read) => vec![empty(read).into()],
        other => segment.answer(other).into_iter().collect(),
    })
    .await;
    let factory =
        pravega.factory_with(|config| config.operation_timeout(Duration::from_millis(200)));
    let reader = factory.create_byte_reader(pravega.segment()).await;
    let error = reader.read_at(10, 20).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

/// The first connection's first read is answered with what `spoil` makes of the right reply; everything
/// else is answered as it should be.
async fn spoiling<S>(segment: Honest, spoil: S) -> ScriptedPravega
where
    S: Fn(SegmentRead) -> Vec<Reply> + Clone + Send + Sync + 'static,
{
    ScriptedPravega::start(move |mut wire| {
        let (segment, spoil) = (segment.clone(), spoil.clone());
        async move {
            let mut is_to_spoil = wire.number() == 0;
            while let Some(request) = wire.next().await? {
                match segment.answer(&request) {
                    Some(Reply::SegmentRead(read)) if is_to_spoil => {
                        is_to_spoil = false;
                        wire.send_all(spoil(read)).await?;
                    }
                    other => wire.send_all(other).await?,
                }
            }
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn t41_a_reply_at_another_offset() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        vec![SegmentRead { offset: read.offset + 1, ..read }.into()]
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(rest_of(reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_reply_that_comes_twice() {
    let pravega = spoiling(Honest::sealed(content(3 * MIB)), |read| {
        vec![read.clone().into(), read.into()]
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert!(rest_of(reader).await == content(3 * MIB));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_reply_for_another_segment() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        vec![SegmentRead { segment: "scripted/other/0.#epoch.0".into(), ..read }.into()]
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(rest_of(reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

/// An id that no request had.
fn unknown(id: i64) -> i64 {
    id ^ (1 << 50)
}

#[tokio::test]
async fn t41_a_success_with_an_unknown_id_is_ignored() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        let other = SegmentRead { request_id: unknown(read.request_id), ..read.clone() };
        vec![other.into(), read.into()]
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(rest_of(reader).await, content(100));
    assert_eq!(pravega.record().connections, 1);
}

#[tokio::test]
async fn t41_a_failure_with_an_unknown_id_ends_the_connection() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        let failure = WrongHost {
            request_id: unknown(read.request_id),
            segment: read.segment,
            correct_host: String::new(),
            server_stack_trace: String::new(),
        };
        vec![failure.into()]
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(rest_of(reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_store_that_never_answers_right_is_an_error() {
    let pravega = answering(|request, _| match request {
        Request::ReadSegment(read) => vec![
            SegmentRead { offset: read.offset + 1, data: content(10).into(), ..empty(read) }.into(),
        ],
        _ => Vec::new(),
    })
    .await;
    let mut reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    let error = reader.read(&mut [0; 10]).await.unwrap_err();
    assert!(matches!(error, ReadError::ReadFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn t41_a_connection_that_ends_inside_of_a_reply() {
    let segment = Honest::sealed(content(3 * MIB));
    let pravega = ScriptedPravega::start(move |mut wire| {
        let segment = segment.clone();
        async move {
            if wire.number() > 2 {
                return serve(&mut wire, &segment).await;
            }
            while let Some(request) = wire.next().await? {
                match segment.answer(&request) {
                    Some(reply @ Reply::SegmentRead(_)) => {
                        let frame = reply.encode_to_bytes().unwrap();
                        return wire.send_bytes(&frame[..frame.len() / 2]).await;
                    }
                    other => wire.send_all(other).await?,
                }
            }
            Ok(())
        }
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert!(rest_of(reader).await == content(3 * MIB));
}

#[tokio::test]
async fn t45_positioned_reads_and_a_sequential_reader_share_the_connections() {
    let segment = Honest::sealed(content(4 * MIB));
    let pravega = honest(segment.clone()).await;
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
    let sequential = factory.create_byte_reader(pravega.segment()).await;
    let (sequential, beside) = tokio::join!(
        rest_of(sequential),
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
                        wire.send(SegmentRead { data: content(5).into(), ..empty(&read) }).await?;
                    }
                }
            }
        }
    })
    .await;
    // The shortest periods that there are, so that many of them pass. Requests have no time to lose either.
    let factory = pravega.factory_with(|config| {
        config
            .keep_alive_interval(Duration::from_millis(10))
            .request_timeout(Duration::from_millis(50))
            .operation_timeout(Duration::from_millis(50))
            .connection_idle_timeout(Duration::from_millis(10))
    });
    let mut reader = factory.create_byte_reader(pravega.segment()).await;
    let mut buffer = [0; 10];
    reader.read_exact(&mut buffer).await.unwrap();
    let sent = tokio::join!(reader.read_chunk(100), async {
        let before = pravega.seen(|seen| seen.reads().any(|read| read.offset == 10)).await;
        let after = pravega.seen(|seen| seen.keep_alives >= before.keep_alives + 30).await;
        waker.notify_one();
        after
    });
    assert_eq!(sent.0.unwrap().unwrap(), content(5));
    assert_eq!(sent.1.connections, 1);
    assert_eq!(sent.1.reads().filter(|read| read.offset == 10).count(), 1);
}

#[tokio::test]
async fn t52_a_waiting_read_that_is_told_of_the_seal_only() {
    let segment = Honest::sealed(content(10));
    let pravega = answering(move |request, _| match request {
        Request::ReadSegment(read) if read.offset == 10 => {
            let sealed = SegmentIsSealed {
                request_id: read.request_id,
                segment: Arc::clone(&read.segment),
                server_stack_trace: String::new(),
                offset: 10,
            };
            vec![sealed.into()]
        }
        Request::ReadSegment(read) => {
            let open = Honest { is_sealed: false, ..segment.clone() };
            open.read(read, usize::MAX).into_iter().collect()
        }
        other => segment.answer(other).into_iter().collect(),
    })
    .await;
    let reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(rest_of(reader).await, content(10));
}

#[tokio::test]
async fn t58_seeking_to_where_one_is_costs_nothing() {
    let pravega = honest(Honest::sealed(content(3 * MIB))).await;
    let mut reader = pravega.factory().create_byte_reader(pravega.segment()).await;
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
    assert_eq!((pravega.record().requests.len(), reader.available()), (before, available));
}

#[tokio::test]
async fn t59_seeking_inside_of_what_is_received_costs_nothing() {
    let segment = Honest::sealed(content(900 * KIB));
    let pravega = honest(segment.clone()).await;
    let mut reader = pravega.factory().create_byte_reader(pravega.segment()).await;
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
    assert_eq!(pravega.record().requests.len(), 1, "{:?}", pravega.record().requests);
}

#[tokio::test]
async fn t63_opening_at_an_offset_and_reading_is_one_request() {
    let pravega = honest(Honest::open(content(3 * MIB))).await;
    let factory = pravega.factory();
    for offset in [0, 7] {
        let before = pravega.record().requests.len();
        let from = ReadFrom::Offset(offset);
        let mut reader = factory.open_byte_reader(pravega.segment()).from(from).await.unwrap();
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
    let pravega = honest(Honest::open(content(100))).await;
    let mut reader = pravega.factory().create_byte_reader(pravega.segment()).await;
    assert_eq!(pravega.record().connections, 0);
    reader.read_exact(&mut [0; 100]).await.unwrap();
    assert_eq!(pravega.record().requests.len(), 1);
}

#[tokio::test]
async fn reading_until_an_offset_asks_for_nothing_behind_it() {
    let pravega = honest(Honest::sealed(content(5 * MIB))).await;
    let limit = 2 * 1024 * 1024 + 77;
    let reader = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .until(ReadUntil::Offset(limit))
        .await
        .unwrap();
    assert!(rest_of(reader).await == content(2 * MIB + 77));
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
    let (segment, seen, ahead) =
        (Honest::sealed(content(16 * MIB)), Arc::clone(&consumed), Arc::clone(&furthest));
    let pravega = answering(move |request, _| {
        if let Request::ReadSegment(read) = request {
            let end = u64::try_from(read.offset + i64::from(read.suggested_length)).unwrap();
            ahead.fetch_max(end - seen.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        segment.answer(request).into_iter().collect()
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
    assert!(furthest <= u64::try_from(AHEAD + PIECE).unwrap(), "{furthest} bytes ahead");
}
