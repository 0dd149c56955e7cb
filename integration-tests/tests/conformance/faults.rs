//! Connections that break, replies that are lost, segments that move: every byte is stored once and in
//! order all the same. All of it passes the relay, which stands before either server.

use std::time::Duration;

use bytes::Bytes;
use pravega_byte_stream::{Certainty, ClientFactory, WriteError, WriteMode};
use pravega_integration_tests::{
    Pattern,
    relay::{Armed, Direction, Fault, Frames, Gate, Relay, Seen},
};
use pravega_wire_protocol::{InvalidEventNumber, NoSuchSegment, Request, SetupAppend, WrongHost};

use crate::{
    support::{BOTH_MODES, content, in_a_hurry},
    writing::{offset, open},
};

/// Five appends, each with a length of its own.
const APPENDS: u8 = 5;

/// What five appends store.
fn expected() -> Vec<u8> {
    (1..=APPENDS)
        .flat_map(|number| vec![number; number.into()])
        .collect()
}

/// Opens a writer on a new segment and makes five appends, each flushed. A fault that strikes is to be
/// noticed by nobody.
async fn exchange(relay: &Relay, factory: &ClientFactory, mode: WriteMode, fault: &str) {
    let segment = relay
        .backend()
        .fresh_segment(&relay.backend().factory())
        .await;
    let mut writer = open(factory, &segment, mode).await;
    for number in 1..=APPENDS {
        writer
            .append(Bytes::from(vec![number; number.into()]))
            .await
            .unwrap();
        let flushed = writer.flush().await;
        assert!(flushed.is_ok(), "{mode:?}, {fault}: {flushed:?}");
    }
    assert_eq!(
        writer.durable_offset(),
        offset(expected().len()),
        "{mode:?}, {fault}"
    );
    assert_eq!(writer.stats().conflicts, 0, "{mode:?}, {fault}");
    let stored = content(&relay.backend().factory(), &segment).await;
    assert_eq!(stored, expected(), "{mode:?}, {fault}");
}

/// Runs the exchange with a fault at the first frame of a direction, at the second, and so on, until there
/// are no more frames. Returns how often it struck.
async fn at_every_frame(mode: WriteMode, direction: Direction, fault: Fault) -> u64 {
    let relay = Relay::start().await;
    let mut strikes = 0;
    for frame in 1.. {
        // A factory of its own for each run: the connections of the last one are gone.
        let factory = relay.factory_with(in_a_hurry);
        let armed = relay.arm(Frames::of(direction).nth(frame), fault.clone());
        let name = format!("{fault:?} at frame {frame}, {direction:?}");
        exchange(&relay, &factory, mode, &name).await;
        factory.shutdown().await;
        armed.disarm();
        if armed.strikes() == 0 {
            break;
        }
        strikes += 1;
    }
    strikes
}

#[tokio::test]
async fn t24_a_lost_acknowledgement_is_no_conflict_and_nothing_is_stored_twice() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        for number in 1..=20 {
            let lost = relay.arm(
                Frames::replies().named("DataAppended"),
                Fault::SwallowAndCut,
            );
            writer.write(b"0123456789").await.unwrap();
            assert_eq!(writer.flush().await.unwrap(), number * 10, "{mode:?}");
            assert_eq!(lost.strikes(), 1);
        }
        let stats = writer.stats();
        assert_eq!((stats.conflicts, stats.blocks_sent), (0, 20), "{mode:?}");
        assert_eq!((stats.reconnects, stats.bytes_acked), (20, 200), "{mode:?}");
        assert_eq!(content(&factory, &segment).await, b"0123456789".repeat(20));
    }
}

/// The append itself is lost, again and again.
#[tokio::test]
async fn t24_a_lost_append_is_sent_again_unchanged() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        writer.write(b"first ").await.unwrap();
        writer.flush().await.unwrap();
        let lost = relay.arm(appends_of(mode).times(3), Fault::SwallowAndCut);
        writer.write(b"second").await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(lost.strikes(), 3);
        assert_eq!(writer.stats().blocks_resent, 3, "{mode:?}");
        assert_eq!(
            content(&factory, &segment).await,
            "first second",
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn t29_cut_before_every_frame() {
    for mode in BOTH_MODES {
        // At least hello, the question for the tail, the setup, and five appends.
        for direction in [Direction::Request, Direction::Reply] {
            let strikes = at_every_frame(mode, direction, Fault::CutInside(0)).await;
            assert!(strikes >= 8, "{strikes} in {mode:?} mode, {direction:?}");
        }
    }
}

#[tokio::test]
async fn t29_cut_after_every_frame() {
    for mode in BOTH_MODES {
        for direction in [Direction::Request, Direction::Reply] {
            let strikes = at_every_frame(mode, direction, Fault::CutAfter).await;
            assert!(strikes >= 8, "{strikes} in {mode:?} mode, {direction:?}");
        }
    }
}

#[tokio::test]
async fn t29_cut_inside_every_frame_at_every_byte() {
    for mode in BOTH_MODES {
        // A stream for each byte: too many for a real one, before which the campaign cuts at some bytes only.
        let relay = Relay::embedded().await;
        let factory = relay.factory_with(in_a_hurry);
        exchange(&relay, &factory, mode, "no fault").await;
        factory.shutdown().await;
        let frames = relay.seen();
        for direction in [Direction::Request, Direction::Reply] {
            let lengths = frames.iter().filter(|seen| seen.direction == direction);
            for (number, &Seen { len, name, .. }) in (1..).zip(lengths) {
                for byte in 1..len {
                    let factory = relay.factory_with(in_a_hurry);
                    let cut = Fault::CutInside(byte);
                    let armed = relay.arm(Frames::of(direction).nth(number), cut);
                    let fault = format!("{name}, frame {number} cut at {byte} of {len}");
                    exchange(&relay, &factory, mode, &fault).await;
                    factory.shutdown().await;
                    assert_eq!(armed.strikes(), 1, "{fault}");
                }
            }
        }
    }
}

#[tokio::test]
async fn t31_an_invalid_event_number_is_mended_by_a_new_setup() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        writer.write(b"before ").await.unwrap();
        writer.flush().await.unwrap();
        let refusal = Fault::answer(|request| {
            let (writer_id, event_number) = match request {
                Request::ConditionalBlockEnd(block) => (block.writer_id, block.event_number),
                Request::AppendBlockEnd(block) => (block.writer_id, block.last_event_number),
                other => panic!("{other:?}"),
            };
            InvalidEventNumber {
                writer_id,
                request_id: request.request_id().unwrap(),
                server_stack_trace: String::new(),
                event_number,
            }
        });
        let refused = relay.arm(appends_of(mode), refusal);
        writer.write(b"after").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 12, "{mode:?}");
        assert_eq!(refused.strikes(), 1);
        assert_eq!(
            content(&factory, &segment).await,
            "before after",
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn t32_setups_refused_for_ever_end_with_an_error_after_a_few() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let refusals = relay.arm(
            Frames::requests().named("SetupAppend").times(u64::MAX),
            Fault::answer(|request| NoSuchSegment {
                request_id: request.request_id().unwrap(),
                segment: request.segment().unwrap().into(),
                server_stack_trace: String::new(),
                offset: 0,
            }),
        );
        writer.write(b"nowhere").await.unwrap();
        let error = writer.flush().await.unwrap_err();
        assert!(
            matches!(error, WriteError::NoSuchSegment { .. }),
            "{error:?}"
        );
        assert_eq!(error.certainty(), Certainty::Definite);
        assert!(refusals.strikes() <= 5, "{} setups", refusals.strikes());
        refusals.disarm();
    }
}

#[tokio::test]
async fn t34_wrong_host_twice_then_right() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let questions = relay.questions();
        let setups = Frames::requests().named("SetupAppend").times(2);
        let refused = relay.arm(setups, Fault::answer(wrong_host));
        writer.write(b"found at last").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 13, "{mode:?}");
        assert_eq!(refused.strikes(), 2);
        assert_eq!(
            relay.questions(),
            questions + 2,
            "asked once for each refusal"
        );
        assert_eq!(content(&factory, &segment).await, "found at last");
    }
}

fn wrong_host(request: &Request) -> WrongHost {
    WrongHost {
        request_id: request.request_id().unwrap(),
        segment: request.segment().unwrap_or_default().into(),
        correct_host: String::new(),
        server_stack_trace: String::new(),
    }
}

#[tokio::test]
async fn t34_a_segment_that_moves_again_and_again_is_followed() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let handle = factory.segment(segment.clone()).unwrap();
        let mut writer = open(&factory, &segment, mode).await;
        let mut reader = factory.open_byte_reader(segment.clone()).await.unwrap();
        let all = Pattern::new(34).bytes(0, 10_000);
        for (number, piece) in (1..).zip(all.chunks(1_000)) {
            relay.move_segments();
            writer.write(piece).await.unwrap();
            assert_eq!(writer.flush().await.unwrap(), number * 1_000, "{mode:?}");
            let mut read = vec![0; piece.len()];
            reader.read_exact(&mut read).await.unwrap();
            assert!(read == piece, "{mode:?}");
            assert_eq!(handle.info().await.unwrap().tail, number * 1_000);
        }
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn connections_killed_in_the_middle_of_writing() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    let all = Pattern::new(1).bytes(0, 8 << 20);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.max_unacked_bytes(1_500_000).await.unwrap();
        let mut cuts: Vec<Armed> = Vec::new();
        for (number, piece) in all.chunks(10_007).enumerate() {
            match number % 40 {
                5 => relay.cut_all(),
                15 => cuts.push(relay.arm(appends_of(mode), Fault::CutInside(5_000))),
                25 => {
                    let acks = Frames::replies().named("DataAppended");
                    cuts.push(relay.arm(acks, Fault::SwallowAndCut));
                }
                _ => {}
            }
            writer.write_all(piece).await.unwrap();
        }
        let in_flight = writer.stats().max_blocks_in_flight;
        assert_eq!(
            in_flight > 1,
            mode == WriteMode::Shared,
            "{in_flight} in {mode:?} mode"
        );
        assert_eq!(writer.close().await.unwrap(), offset(all.len()), "{mode:?}");
        let strikes: u64 = cuts.iter().map(Armed::strikes).sum();
        assert!(strikes >= 10, "{strikes} cuts in {mode:?} mode");
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn t33_a_store_that_accepts_and_closes_is_tried_until_it_does_not() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let hellos = relay.arm(
        Frames::requests().named("Hello").times(20),
        Fault::SwallowAndCut,
    );
    relay.cut_all();
    writer.write(b"in the end").await.unwrap();
    assert_eq!(writer.flush().await.unwrap(), 10);
    assert_eq!(hellos.strikes(), 20);
}

#[tokio::test]
async fn t37_a_silent_store_is_found_by_keep_alive() {
    let relay = Relay::start().await;
    let quick = |config| in_a_hurry(config).keep_alive_interval(Duration::from_millis(20));
    let factory = relay.factory_with(quick);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        writer.write(b"heard ").await.unwrap();
        writer.flush().await.unwrap();
        // What waits behind a held frame waits too: the store is never heard of again on this connection.
        let silence = relay.arm(appends_of(mode), Fault::Hold(Gate::default()));
        writer.write(b"once").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 10);
        assert_eq!(silence.strikes(), 1);
        assert!(writer.stats().reconnects >= 1);
        assert_eq!(content(&factory, &segment).await, "heard once", "{mode:?}");
    }
}

#[tokio::test]
async fn one_writer_id_for_all_connections() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    let ids = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = std::sync::Arc::clone(&ids);
    let segment = relay.backend().fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let setups = Frames::requests().named("SetupAppend").times(5);
    relay.arm(
        setups,
        Fault::answer(move |request| {
            if let Request::SetupAppend(SetupAppend { writer_id, .. }) = request {
                note.lock().unwrap().push(*writer_id);
            }
            wrong_host(request)
        }),
    );
    writer.write(b"x").await.unwrap();
    writer.flush().await.unwrap();
    let ids = ids.lock().unwrap();
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

/// The requests that carry the bytes of a writer.
pub(crate) fn appends_of(mode: WriteMode) -> Frames {
    let name = match mode {
        WriteMode::Exclusive => "ConditionalBlockEnd",
        _ => "AppendBlockEnd",
    };
    Frames::requests().named(name)
}
