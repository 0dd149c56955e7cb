//! Reading from a segment store that answers in unusual ways.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use futures::FutureExt as _;
use pravega_byte_stream::{ReadError, ReadFrom, ReadUntil};
use pravega_integration_tests::{Honest, Pattern, ScriptedPravega, Wire};
use pravega_wire_protocol::{Reply, Request, SegmentIsSealed, SegmentRead, WrongHost};

use crate::reading::rest_of;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The bytes that the store holds in most of these tests.
fn content(len: usize) -> Vec<u8> {
    Pattern::new(0).bytes(0, len)
}

#[tokio::test]
async fn t38_replies_of_one_byte() {
    let segment = Honest::sealed(content(700));
    let pravega = ScriptedPravega::answering(move |request, _| match request {
        Request::ReadSegment(read) => segment.read(read, 1),
        other => segment.answer(other),
    })
    .await;
    let mut reader = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .await
        .unwrap();
    assert_eq!(rest_of(&mut reader).await, content(700));
}

/// Whatever requests are there are answered in random order, each with a random part of what it asks for.
async fn shuffle(mut wire: Wire, segment: Honest) -> io::Result<()> {
    let mut state = 1_u64;
    let mut dice = move |sides: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
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
    let mut reader = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .await
        .unwrap();
    assert!(rest_of(&mut reader).await == expected);
    let reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert!(reader.read_range(3..11 * 1024 * 1024).await.unwrap() == expected[3..11 * MIB]);
}

#[tokio::test]
async fn t38_replies_longer_than_asked_for() {
    let segment = Honest::sealed(content(100));
    let pravega = ScriptedPravega::honest(segment.clone()).await;
    // A store gives at least 8 bytes, whatever is asked for.
    let mut until = pravega
        .factory()
        .open_byte_reader(pravega.segment())
        .from(ReadFrom::Offset(90))
        .until(ReadUntil::Offset(93))
        .await
        .unwrap();
    assert_eq!(rest_of(&mut until).await, segment.bytes[90..93]);
    let reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(reader.read_at(50, 3).await.unwrap(), segment.bytes[50..53]);
}

#[tokio::test]
async fn t40_an_empty_reply_is_neither_data_nor_the_end() {
    let segment = Honest::sealed(content(100));
    let pravega = ScriptedPravega::answering(move |request, number| match request {
        Request::ReadSegment(read) if number < 3 => Some(Honest::nothing(read).into()),
        other => segment.answer(other),
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    let mut buffer = [0; 100];
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 100);
    assert_eq!(buffer[..], content(100));
}

#[tokio::test]
async fn t40_an_empty_reply_to_a_read_beside_the_position() {
    let segment = Honest::sealed(content(100));
    let pravega = ScriptedPravega::answering(move |request, number| match request {
        Request::ReadSegment(read) if number < 4 => Some(Honest::nothing(read).into()),
        other => segment.answer(other),
    })
    .await;
    let reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(reader.read_at(10, 20).await.unwrap(), content(100)[10..30]);
}

#[tokio::test]
async fn t40_empty_replies_without_end_run_into_the_deadline() {
    let segment = Honest::open(content(100));
    let pravega = ScriptedPravega::answering(move |request, _| match request {
        Request::ReadSegment(read) => Some(Honest::nothing(read).into()),
        other => segment.answer(other),
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
        vec![
            SegmentRead {
                offset: read.offset + 1,
                ..read
            }
            .into(),
        ]
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(rest_of(&mut reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_reply_that_comes_twice() {
    let pravega = spoiling(Honest::sealed(content(3 * MIB)), |read| {
        vec![read.clone().into(), read.into()]
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert!(rest_of(&mut reader).await == content(3 * MIB));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_reply_for_another_segment() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        vec![
            SegmentRead {
                segment: "scripted/other/0.#epoch.0".into(),
                ..read
            }
            .into(),
        ]
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(rest_of(&mut reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

/// An id that no request had.
fn unknown(id: i64) -> i64 {
    id ^ (1 << 50)
}

#[tokio::test]
async fn t41_a_success_with_an_unknown_id_is_ignored() {
    let pravega = spoiling(Honest::sealed(content(100)), |read| {
        let other = SegmentRead {
            request_id: unknown(read.request_id),
            ..read.clone()
        };
        vec![other.into(), read.into()]
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(rest_of(&mut reader).await, content(100));
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
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(rest_of(&mut reader).await, content(100));
    assert_eq!(pravega.record().connections, 2);
}

#[tokio::test]
async fn t41_a_store_that_never_answers_right_is_an_error() {
    let pravega = ScriptedPravega::answering(|request, _| match request {
        Request::ReadSegment(read) => Some(Reply::from(SegmentRead {
            offset: read.offset + 1,
            data: content(10).into(),
            ..Honest::nothing(read)
        })),
        _ => None,
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    let error = reader.read(&mut [0; 10]).await.unwrap_err();
    assert!(matches!(error, ReadError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn t41_a_connection_that_ends_inside_of_a_reply() {
    let segment = Honest::sealed(content(3 * MIB));
    let pravega = ScriptedPravega::start(move |mut wire| {
        let segment = segment.clone();
        async move {
            if wire.number() > 2 {
                while let Some(request) = wire.next().await? {
                    wire.send_all(segment.answer(&request)).await?;
                }
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
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert!(rest_of(&mut reader).await == content(3 * MIB));
}

#[tokio::test]
async fn t52_a_waiting_read_that_is_told_of_the_seal_only() {
    let segment = Honest::sealed(content(10));
    let pravega = ScriptedPravega::answering(move |request, _| match request {
        Request::ReadSegment(read) if read.offset == 10 => {
            let sealed = SegmentIsSealed {
                request_id: read.request_id,
                segment: Arc::clone(&read.segment),
                server_stack_trace: String::new(),
                offset: 10,
            };
            Some(sealed.into())
        }
        Request::ReadSegment(read) => {
            let open = Honest {
                is_sealed: false,
                ..segment.clone()
            };
            open.read(read, usize::MAX)
        }
        other => segment.answer(other),
    })
    .await;
    let mut reader = pravega
        .factory()
        .create_byte_reader(pravega.segment())
        .await;
    assert_eq!(rest_of(&mut reader).await, content(10));
}
