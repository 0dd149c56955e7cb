//! Append sessions: numbers, conditions, acks, failures.

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, DeleteSegment, KeepAlive, MAX_APPEND_BYTES, NO_EVENT_NUMBER,
    NoSuchSegment, Reply, SegmentIsSealed,
};

use crate::{
    peer::{append_request, conditional_request, read_request, setup_request, writer},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

on_both! {
    async fn acks_chain_and_carry_the_tail(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        assert_eq!(peer.set_up(1, S).await, NO_EVENT_NUMBER);
        peer.send_all([
            append_request(1, 0, "hello").into(),
            append_request(1, 5, "world").into(),
            append_request(1, 6, "").into(),
        ]).await;
        for (number, previous, tail) in [(0, NO_EVENT_NUMBER, 5), (5, 0, 10), (6, 5, 10)] {
            let ack = peer.acked(number).await;
            assert_eq!(ack.writer_id, writer(1));
            assert_eq!((ack.previous_event_number, ack.current_segment_write_offset), (previous, tail));
        }
        assert_eq!(peer.set_up(1, S).await, 6);
        assert_eq!(peer.read_to_tail(S, 0).await, b"helloworld");
    }
}

on_both! {
    async fn an_ack_can_be_read_at_once_from_another_connection(server) {
        let mut writer = server.connect().await;
        let mut reader = server.connect().await;
        writer.create(S).await;
        writer.set_up(1, S).await;
        for number in 1..50 {
            let tail = writer.append(1, number, "0123456789").await;
            assert_eq!(reader.info(S).await.write_offset, tail);
            assert_eq!(reader.read(S, tail - 10, 10).await.data.into_bytes(), "0123456789");
        }
    }
}

on_both! {
    async fn appends_right_behind_the_setup_are_taken(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.send_all([
            setup_request(1, S, 2).into(),
            append_request(1, 1, "a").into(),
            setup_request(1, S, 2).into(),
            append_request(1, 2, "b").into(),
        ]).await;
        assert!(matches!(peer.receive().await, Reply::AppendSetup(setup) if setup.last_event_number == NO_EVENT_NUMBER));
        assert_eq!(peer.acked(1).await.previous_event_number, NO_EVENT_NUMBER);
        assert!(matches!(peer.receive().await, Reply::AppendSetup(setup) if setup.last_event_number == 1));
        assert_eq!(peer.acked(2).await.previous_event_number, 1);
    }
}

on_both! {
    async fn the_last_number_again_is_stored_and_not_acked(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 3, "aa").await;
        peer.send(append_request(1, 3, "bb")).await;
        assert_eq!(peer.append(1, 4, "cc").await, 6);
        assert_eq!(peer.read_to_tail(S, 0).await, b"aabbcc");
    }
}

on_both! {
    async fn bad_numbers_close_without_a_reply(server) {
        let mut first = server.connect().await;
        first.create(S).await;
        first.set_up(9, S).await;
        first.append(9, 7, "x").await;
        let no_events = AppendBlockEnd { num_events: 0, ..append_request(1, 8, "y") };
        let requests = [
            append_request(1, -5, "y"),      // negative
            append_request(2, 1, "y"),       // unknown writer
            no_events,
        ];
        for request in requests {
            let mut peer = server.connect().await;
            peer.set_up(1, S).await;
            peer.send(request).await;
            peer.assert_closed().await;
        }
        let mut peer = server.connect().await;
        peer.set_up(9, S).await;
        peer.send(append_request(9, 6, "y")).await; // stale
        peer.assert_closed().await;
        assert_eq!(server.connect().await.info(S).await.write_offset, 1);
    }
}

on_both! {
    async fn p15_acks_of_earlier_appends_come_before_the_end(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.send_all([append_request(1, 5, "a").into(), append_request(1, 4, "b").into()]).await;
        peer.acked(5).await;
        peer.assert_closed().await;
    }
}

on_both! {
    async fn a_reserved_id_is_set_up_but_never_writes(server) {
        let id = 0x8000_0000_0000_0000_u128 << 64 | 0x4d;
        let mut peer = server.connect().await;
        peer.create(S).await;
        assert_eq!(peer.set_up(id, S).await, NO_EVENT_NUMBER);
        let reply = peer.call(append_request(id, 1, "a")).await;
        assert!(matches!(reply, Reply::InvalidEventNumber(_)), "{reply:?}");
        peer.assert_closed().await;
    }
}

on_both! {
    async fn rule_7_a_new_setup_fences_older_connections(server) {
        let mut old = server.connect().await;
        old.create(S).await;
        old.set_up(1, S).await;
        old.set_up(2, S).await;
        old.append(1, 1, "a").await;
        let mut new = server.connect().await;
        assert_eq!(new.set_up(1, S).await, 1);
        // By its number this append would be welcome; its connection is not any more.
        old.send(append_request(2, 1, "b")).await;
        old.acked(1).await;
        let reply = old.call(append_request(1, 2, "late")).await;
        assert!(matches!(reply, Reply::InvalidEventNumber(_)), "{reply:?}");
        old.assert_closed().await;
        assert_eq!(new.append(1, 2, "c").await, 3);
        assert_eq!(new.read_to_tail(S, 0).await, b"abc");
        // A connection that ended holds no right.
        let mut third = server.connect().await;
        assert_eq!(third.set_up(2, S).await, 1);
        third.append(2, 2, "d").await;
    }
}

on_both! {
    async fn sealing_fails_appends_with_their_number_and_keeps_the_connection(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 1, "a").await;
        server.connect().await.seal(S).await;
        for number in 2..4 {
            let expected = SegmentIsSealed {
                request_id: number + 1000,
                segment: S.into(),
                server_stack_trace: String::new(),
                offset: number,
            };
            assert_eq!(peer.call(append_request(1, number, "b")).await, expected.into());
        }
        assert_eq!(peer.set_up(1, S).await, 1);
        let conditional = peer.call(conditional_request(1, 9, 77, "b")).await;
        assert!(matches!(conditional, Reply::SegmentIsSealed(_)), "sealed is checked first");
        peer.assert_nothing_comes().await;
    }
}

on_both! {
    async fn acks_come_before_the_seal_that_follows(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let mut sealer = server.connect().await;
        for number in 1..200 {
            peer.send(append_request(1, number, "x")).await;
        }
        sealer.seal(S).await;
        peer.send(append_request(1, 200, "x")).await;
        let mut acked = 0;
        let tail = loop {
            match peer.receive().await {
                Reply::DataAppended(ack) => {
                    assert_eq!(ack.event_number, acked + 1);
                    acked = ack.event_number;
                }
                Reply::SegmentIsSealed(sealed) => break sealed.offset,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(tail, acked + 1);
        assert_eq!(sealer.info(S).await.write_offset, acked);
        assert_eq!(sealer.set_up(1, S).await, acked);
    }
}

on_both! {
    async fn appends_to_a_deleted_segment_find_none(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 1, "a").await;
        let delete = DeleteSegment {
            request_id: 4,
            segment: S.into(),
            delegation_token: DelegationToken::default(),
        };
        assert!(matches!(peer.call(delete).await, Reply::SegmentDeleted(_)));
        // Also when a new segment has its name.
        peer.create(S).await;
        let gone = NoSuchSegment {
            request_id: 1002,
            segment: S.into(),
            server_stack_trace: String::new(),
            offset: -1,
        };
        assert_eq!(peer.call(append_request(1, 2, "b")).await, gone.into());
        assert_eq!(peer.set_up(1, S).await, NO_EVENT_NUMBER);
        assert_eq!(peer.append(1, 1, "c").await, 1);
    }
}

on_both! {
    async fn setups_of_no_segment_are_refused(server) {
        let mut peer = server.connect().await;
        let reply = peer.call(setup_request(1, "s/none/0.#epoch.0", 2)).await;
        assert!(matches!(&reply, Reply::NoSuchSegment(no) if no.offset == -1 && no.request_id == 2));
        peer.send(append_request(1, 1, "a")).await;
        peer.assert_closed().await;
    }
}

on_both! {
    async fn blocks_are_put_together_as_java_sends_them(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let block = |data: &'static [u8]| AppendBlock { writer_id: writer(1), data: data.into() };
        let end = |number, whole, rest: &'static [u8]| AppendBlockEnd {
            size_of_whole_events: whole,
            ..append_request(1, number, rest)
        };
        let padded = b"hello\xff\xff\xff\xff\0\0\0\x03\0\0\0";
        let partial = b"hello\xff\xff\xff\xfe\0\0\0\x03wor";
        peer.send_all([
            block(b"hello").into(), end(1, 5, b"").into(),
            block(b"hello").into(), end(2, 5, b"dropped").into(),
            block(padded).into(), KeepAlive.into(), end(3, 5, b"").into(),
            block(partial).into(), end(4, 5, b"ld").into(),
            end(5, 99, b"hello").into(),
        ]).await;
        let mut tails = Vec::new();
        let mut echoes = 0;
        while tails.len() < 5 {
            match peer.receive().await {
                Reply::DataAppended(ack) => tails.push(ack.current_segment_write_offset),
                Reply::KeepAlive(_) => echoes += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((tails, echoes), (vec![5, 10, 15, 25, 30], 1));
        assert_eq!(peer.read_to_tail(S, 0).await, b"hellohellohellohelloworldhello");
        for bad in [setup_request(1, S, 2).into(), block(b"x").into(), conditional_request(1, 9, 0, "").into()] {
            let mut peer = server.connect().await;
            peer.set_up(1, S).await;
            peer.send_all([block(b"hello").into(), bad]).await;
            peer.assert_closed().await;
        }
    }
}

on_both! {
    async fn the_largest_append_fits(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let data = vec![7; MAX_APPEND_BYTES];
        let size = i64::try_from(MAX_APPEND_BYTES).unwrap();
        assert_eq!(peer.append(1, 1, data.clone()).await, size);
        peer.send(conditional_request(1, 2, size, data)).await;
        assert_eq!(peer.acked(2).await.current_segment_write_offset, 2 * size);
        let read = peer.read(S, 5, i32::MAX).await;
        assert_eq!(read.data.len(), 2 * 1024 * 1024);
        assert!(!read.at_tail);
    }
}

on_both! {
    async fn many_writers_share_a_connection(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        for id in 1..100 {
            assert_eq!(peer.set_up(id, S).await, NO_EVENT_NUMBER);
        }
        let mut tail = 0;
        for number in 1..4 {
            for id in 1..100 {
                tail += 3;
                assert_eq!(peer.append(id, number, "abc").await, tail);
            }
        }
    }
}

on_both! {
    async fn a_writer_can_move_to_another_segment(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.create("s/b/1.#epoch.0").await;
        peer.set_up(1, S).await;
        peer.append(1, 1, "a").await;
        assert_eq!(peer.set_up(1, "s/b/1.#epoch.0").await, NO_EVENT_NUMBER);
        assert_eq!(peer.append(1, 1, "bb").await, 2);
        assert_eq!(peer.info(S).await.write_offset, 1);
    }
}

#[tokio::test]
async fn too_many_writers_on_a_connection_are_refused() {
    let server = Server::with_limits(|limits| limits.max_writers = 2).await;
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    peer.set_up(2, S).await;
    let reply = peer.call(setup_request(3, S, 2)).await;
    assert!(
        matches!(&reply, Reply::ErrorMessage(error) if error.request_id == 2),
        "{reply:?}"
    );
    peer.append(1, 1, "a").await;
    peer.set_up(1, S).await;
    // A writer whose session failed leaves its place.
    peer.seal(S).await;
    peer.call(append_request(1, 2, "b")).await;
    peer.set_up(3, S).await;
}

#[tokio::test]
async fn a_full_memory_refuses_appends_and_goes_on_reading() {
    let server = Server::with_limits(|limits| limits.max_memory_bytes = 1000).await;
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    peer.append(1, 1, vec![1; 600]).await;
    let reply = peer.call(append_request(1, 2, vec![1; 600])).await;
    assert!(matches!(reply, Reply::OperationUnsupported(_)), "{reply:?}");
    assert_eq!(peer.read_to_tail(S, 0).await.len(), 600);
    peer.truncate(S, 600).await;
    assert_eq!(peer.set_up(1, S).await, 1);
    assert_eq!(peer.append(1, 2, vec![2; 600]).await, 1200);
}

#[tokio::test]
async fn d11_writers_without_end_are_refused_and_none_is_forgotten() {
    let server = Server::with_limits(|limits| limits.max_memory_bytes = 640).await;
    let mut peer = server.connect().await;
    peer.create(S).await;
    for id in 1..=10 {
        peer.set_up(id, S).await;
        peer.append(id, 5, "").await;
    }
    peer.set_up(11, S).await;
    let reply = peer.call(append_request(11, 1, "")).await;
    assert!(matches!(reply, Reply::OperationUnsupported(_)), "{reply:?}");
    for id in 1..=10 {
        assert_eq!(peer.set_up(id, S).await, 5);
    }
}

on_both! {
    async fn a_tail_reader_follows_every_append(server) {
        let mut peer = server.connect().await;
        let mut reader = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let mut at = 0;
        for number in 1..100 {
            reader.send(read_request(S, at, 100, 9)).await;
            let tail = peer.append(1, number, vec![1; 17]).await;
            let Reply::SegmentRead(read) = reader.receive().await else { panic!() };
            at += i64::try_from(read.data.len()).unwrap();
            assert_eq!(at, tail);
        }
    }
}
