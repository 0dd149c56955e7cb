//! Blocks: how submissions are grouped, when they go out, what they carry.

use std::time::Duration;

use bytes::Bytes;
use pravega_segment_session::{AppendEvent, AppendOptions, SubmitError, WriteMode};
use pravega_wire_protocol::Request;

use crate::support::script::{Script, sent, sent_plain};

#[test]
fn an_idle_session_asks_for_nothing() {
    let mut script = Script::exclusive();
    script.session.flush(script.now);
    script.session.handle_timeout(script.now);
    assert!(script.events().is_empty());
    assert_eq!(script.session.poll_timeout(), None);
    assert_eq!(script.session.poll_transmit(), None);
}

#[test]
fn the_first_submission_asks_for_a_connection_once() {
    let mut script = Script::exclusive();
    script.submit(b"one");
    script.submit(b"two");
    script.needs(false, false);
    script.submit(b"three");
    assert!(script.events().is_empty(), "one attempt at a time");
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"onetwothree")]);
}

#[test]
fn attach_is_possible_with_nothing_to_send() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.needs(false, false);
    script.open(0);
    assert!(matches!(script.events()[..], [AppendEvent::Attached]));
    assert!(script.session.is_attached());
    assert!(script.sent().is_empty());
    script.submit(b"x");
    assert!(script.events().is_empty());
    assert_eq!(script.sent(), [sent(1, 0, b"x")]);
}

#[test]
fn exclusive_one_block_is_in_flight_and_the_rest_becomes_the_next() {
    let mut script = Script::exclusive();
    script.submit(b"first");
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"first")]);
    for byte in b"second" {
        script.submit(&[*byte]);
        script.session.flush(script.now);
        assert!(script.sent().is_empty());
    }
    script.ack(1, 0, 5);
    assert_eq!(script.sent(), [sent(2, 5, b"second")]);
    script.ack(2, 1, 11);
    assert_eq!(script.session.stats().max_blocks_in_flight, 1);
    assert_eq!(script.session.stats().blocks_sent, 2);
}

#[test]
fn exclusive_blocks_end_at_their_limit_and_never_inside_a_submission() {
    let mut script = Script::new(AppendOptions::default().with_max_block_bytes(10));
    script.submit(b"0123456");
    script.submit(b"789");
    script.submit(b"a");
    script.submit(b"bcdefghijk");
    script.open(0);
    assert_eq!(script.sent(), [sent(1, 0, b"0123456789")]);
    script.ack(1, 0, 10);
    assert_eq!(script.sent(), [sent(2, 10, b"a")]);
    script.ack(2, 1, 11);
    assert_eq!(script.sent(), [sent(3, 11, b"bcdefghijk")]);
}

#[test]
fn shared_blocks_are_plain_and_wait_only_behind_others() {
    let mut script = Script::new(
        AppendOptions::default()
            .with_mode(WriteMode::Shared)
            .with_pipeline_block_bytes(4),
    );
    script.submit(b"a");
    script.open(0);
    assert_eq!(script.sent(), [sent_plain(1, b"a")]);
    script.submit(b"b");
    script.submit(b"c");
    assert!(
        script.sent().is_empty(),
        "little bytes wait for the ack of what is in flight"
    );
    script.submit(b"de");
    assert_eq!(
        script.sent(),
        [sent_plain(2, b"bcde")],
        "enough bytes do not"
    );
    script.submit(b"f");
    script.session.flush(script.now);
    assert_eq!(
        script.sent(),
        [sent_plain(3, b"f")],
        "nor what a flush asks for"
    );
    script.submit(b"g");
    script.ack(3, 0, 6);
    assert_eq!(script.sent(), [sent_plain(4, b"g")], "nothing is in flight");
    assert_eq!(script.session.stats().max_blocks_in_flight, 3);
}

#[test]
fn lingering_ends_by_time_size_or_flush() {
    let linger = Duration::from_millis(5);
    let options = AppendOptions::default()
        .with_linger(linger)
        .with_pipeline_block_bytes(4);
    for mode in [WriteMode::Exclusive, WriteMode::Shared] {
        let mut script = Script::new(options.with_mode(mode));
        script.session.attach(script.now);
        script.open(0);
        script.submit(b"a");
        assert!(script.sent().is_empty());
        assert_eq!(script.session.poll_timeout(), Some(script.now + linger));
        assert_eq!(script.wait(), linger);
        assert_eq!(script.sent().len(), 1);
        script.ack(1, 0, 1);
        script.submit(b"bc");
        assert!(script.sent().is_empty());
        script.submit(b"de");
        assert_eq!(script.sent().len(), 1, "large enough");
        script.ack(2, 1, 5);
        script.submit(b"f");
        script.session.flush(script.now);
        assert_eq!(script.sent().len(), 1, "flushed");
        script.ack(3, 2, 6);
        script.wait();
        assert_eq!(script.session.poll_timeout(), None, "memory given back");
    }
}

#[test]
fn lingering_in_shared_mode_does_not_wait_for_acks() {
    let linger = Duration::from_millis(5);
    let options = AppendOptions::default()
        .with_mode(WriteMode::Shared)
        .with_linger(linger);
    let mut script = Script::new(options);
    script.session.attach(script.now);
    script.open(0);
    script.submit(b"a");
    script.wait();
    assert_eq!(script.sent(), [sent_plain(1, b"a")]);
    script.submit(b"b");
    script.wait();
    assert_eq!(script.sent(), [sent_plain(2, b"b")]);
}

#[test]
fn t06_sizes_from_nothing_to_too_large() {
    let max = 8 << 20;
    let mut script = Script::exclusive();
    assert_eq!(script.submit(b""), 0..0);
    assert!(script.events().is_empty(), "no bytes, no connection");
    for len in [1, 7, max - 1] {
        script.submit(&vec![7; len]);
    }
    let error = script
        .session
        .submit(script.now, &vec![7; max + 1])
        .unwrap_err();
    assert!(
        matches!(error, SubmitError::TooLarge { max: 8_388_608 }),
        "{error:?}"
    );
    assert_eq!(script.session.accepted(), 1 + 7 + 8_388_607);
    script.open(0);
    assert_eq!(
        script.sent()[0].data.len(),
        8,
        "the large one is a block of its own"
    );
    script.ack(1, 0, 8);
    assert_eq!(script.sent()[0].data.len(), max - 1);
}

#[test]
fn large_owned_bytes_ride_as_they_are_and_small_ones_are_merged() {
    let mut script = Script::shared();
    let large = Bytes::from(vec![9; 20_000]);
    let now = script.now;
    script.submit(b"before");
    script.session.submit_bytes(now, large.clone()).unwrap();
    script
        .session
        .submit_bytes(now, Bytes::from_static(b"after"))
        .unwrap();
    script.submit(b" that");
    script.open(0);
    let Some(Request::AppendBlockEnd(block)) = script.session.poll_transmit() else {
        panic!("no block");
    };
    let chunks = block.data.chunks();
    assert_eq!(chunks.len(), 3);
    assert_eq!(
        chunks[1].as_ptr(),
        large.as_ptr(),
        "the very bytes, not a copy"
    );
    assert_eq!(
        (&*chunks[0], &*chunks[2]),
        (&b"before"[..], &b"after that"[..])
    );
}

#[test]
fn t08_million_one_byte_writes_make_few_blocks() {
    let mut script = Script::exclusive();
    let mut expected = Vec::new();
    let mut stored = Vec::new();
    script.session.attach(script.now);
    script.open(0);
    let mut number = 0;
    for i in 0..1_000_000_u32 {
        let byte = i.to_le_bytes()[0] ^ i.to_le_bytes()[1];
        expected.push(byte);
        script.submit(&[byte]);
        // The server answers once in 20,000 writes.
        for block in script.sent() {
            number = block.number;
            stored.extend(block.data);
        }
        if i % 20_000 == 19_999 {
            let tail = i64::try_from(stored.len()).unwrap();
            script.ack(number, number - 1, tail);
        }
    }
    script.session.flush(script.now);
    while script.session.durable() < 1_000_000 {
        for block in script.sent() {
            number = block.number;
            stored.extend(block.data);
        }
        script.ack(number, number - 1, i64::try_from(stored.len()).unwrap());
    }
    assert_eq!(stored, expected);
    assert!(script.session.stats().blocks_sent <= 52);
    assert!(
        script
            .events()
            .iter()
            .any(|event| matches!(event, AppendEvent::Drained))
    );
}

#[test]
fn t10_the_window_bounds_bytes_and_overhead() {
    for piece in [1, 100, 1 << 20] {
        let bound = 16 << 20;
        let mut script = Script::shared();
        script.session.attach(script.now);
        script.open(0);
        let data = Bytes::from(vec![1; piece]);
        let mut accepted = 0;
        let full = loop {
            match script.session.submit_bytes(script.now, data.clone()) {
                Ok(_) => accepted += piece,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(full, SubmitError::Full { room } if room < piece),
            "{full:?}"
        );
        assert!(full.is_retryable());
        assert!(
            accepted <= bound && accepted >= bound - (1 << 20) - 1_000,
            "{accepted}"
        );
    }
}

#[test]
fn t10_tiny_flushed_blocks_cannot_blow_up_the_queues() {
    let mut script = Script::new(
        AppendOptions::default()
            .with_mode(WriteMode::Shared)
            .with_max_unacked_bytes(1 << 20),
    );
    script.session.attach(script.now);
    script.open(0);
    let mut blocks = 0;
    while script.session.submit(script.now, b"x").is_ok() {
        script.session.flush(script.now);
        blocks += script.sent().len();
    }
    assert!(
        blocks <= (1 << 20) / 256,
        "{blocks} blocks for a window of 1 MiB"
    );
}

#[test]
fn t11_a_full_writer_goes_on_after_an_ack() {
    let mut script = Script::new(AppendOptions::default().with_max_unacked_bytes(1_000));
    script.session.attach(script.now);
    script.open(0);
    assert_eq!(script.session.room(), 1_000);
    script.submit(&[1; 1_000]);
    assert_eq!(script.session.room(), 0);
    let position = script.session.position();
    assert!(matches!(
        script.session.submit(script.now, b"x"),
        Err(SubmitError::Full { room: 0 })
    ));
    assert_eq!(
        script.session.position(),
        position,
        "a refused call moves nothing"
    );
    assert_eq!(script.sent().len(), 1);
    script.ack(1, 0, 1_000);
    assert_eq!(script.session.room(), 1_000);
    script.submit(b"x");
    assert_eq!(script.sent(), [sent(2, 1_000, b"x")]);
}

#[test]
fn what_room_promises_is_accepted() {
    let options = AppendOptions::default().with_max_unacked_bytes(100_000);
    let mut script = Script::new(options.with_max_block_bytes(30_000));
    loop {
        let room = script.session.room();
        if room == 0 {
            break;
        }
        let piece = Bytes::from(vec![0; room.div_ceil(3)]);
        script
            .session
            .submit_bytes(script.now, piece)
            .expect("there was room");
    }
}

#[test]
fn debug_prints_no_user_bytes() {
    let mut script = Script::exclusive();
    script.submit(b"MARKERMARKER");
    let text = format!("{:?}", script.session);
    assert!(
        !text.contains("MARKER") && !text.contains("77, 65"),
        "{text}"
    );
}

#[test]
fn a_session_that_stays_drained_holds_no_buffers() {
    let mut script = Script::exclusive();
    script.session.attach(script.now);
    script.open(0);
    script.submit(&[1; 100_000]);
    script.sent();
    let buffers = |script: &Script| !format!("{:?}", script.session).contains("arena_bytes: 0");
    assert!(buffers(&script));
    script.ack(1, 0, 100_000);
    let kept = Duration::from_secs(1);
    assert_eq!(
        script.session.poll_timeout(),
        Some(script.now + kept),
        "for those who flush each write"
    );
    script.now += kept / 2;
    script.submit(b"more");
    script.sent();
    assert_eq!(script.session.poll_timeout(), None, "they are in use");
    script.ack(2, 1, 100_004);
    assert!(buffers(&script));
    assert_eq!(script.wait(), kept);
    assert!(!buffers(&script));
    assert_eq!(script.session.poll_timeout(), None);
    assert!(
        size_of_val(&script.session) <= 768,
        "ten thousand idle sessions cost little"
    );
}

#[test]
fn a_block_that_lingered_behind_another_goes_out_with_the_ack() {
    let linger = Duration::from_millis(5);
    let mut script = Script::new(AppendOptions::default().with_linger(linger));
    script.session.attach(script.now);
    script.open(0);
    script.submit(b"a");
    script.wait();
    assert_eq!(script.sent(), [sent(1, 0, b"a")]);
    script.submit(b"b");
    assert_eq!(
        script.session.poll_timeout(),
        None,
        "only the ack can send it"
    );
    script.now += linger;
    script.ack(1, 0, 1);
    assert_eq!(script.sent(), [sent(2, 1, b"b")]);
}
