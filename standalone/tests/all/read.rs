//! Reads: sizes, flags, waiting at the tail.

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    DeleteSegment, NoSuchSegment, Payload, Reply, SegmentIsSealed, SegmentIsTruncated, SegmentRead,
};

use crate::{
    peer::{Peer, read_request},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";
const TWENTY: &str = "0123456789abcdefghij";

async fn with_twenty_bytes(server: &Server) -> Peer {
    let mut peer = server.connect().await;
    peer.create(S).await;
    peer.set_up(1, S).await;
    peer.append(1, 1, TWENTY).await;
    peer
}

on_both! {
    async fn sizes_and_flags_at_every_boundary(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let reads = [
            (0, 20, TWENTY, false, false),
            (0, 10, "0123456789", false, false),
            (0, 1, "01234567", false, false),
            (0, 0, "01234567", false, false),
            (0, -1, "01234567", false, false),
            (12, 8, "cdefghij", false, false),
            (13, 8, "defghij", true, false),
            (19, 100, "j", true, false),
        ];
        for (offset, length, data, at_tail, end) in reads {
            let read = peer.read(S, offset, length).await;
            assert_eq!(read.data.clone().into_bytes(), data);
            assert_eq!((read.at_tail, read.end_of_segment), (at_tail, end), "{read:?}");
        }
        peer.seal(S).await;
        for (offset, length, data, end) in [
            (12, 8, "cdefghij", false), (13, 8, "defghij", true), (16, 4, "ghij", true), (20, 8, "", true),
        ] {
            let read = peer.read(S, offset, length).await;
            assert_eq!(read.data.clone().into_bytes(), data);
            assert_eq!((read.at_tail, read.end_of_segment), (false, end), "{read:?}");
        }
    }
}

on_both! {
    async fn an_empty_sealed_segment_has_ended(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.seal(S).await;
        let read = peer.read(S, 0, 100).await;
        assert!(read.data.is_empty() && read.end_of_segment && !read.at_tail);
    }
}

on_both! {
    async fn parked_reads_wait_for_their_byte(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let mut reader = server.connect().await;
        reader.send(read_request(S, 20, 100, 1)).await;
        reader.send(read_request(S, 24, 100, 2)).await;
        reader.assert_nothing_comes().await;
        // An empty append wakes nobody.
        peer.append(1, 2, "").await;
        reader.assert_nothing_comes().await;
        peer.append(1, 3, "ABC").await;
        let woken = |offset, data: &'static [u8], request_id| Reply::from(SegmentRead {
            segment: S.into(),
            offset,
            at_tail: true,
            end_of_segment: false,
            data: Payload::from(data),
            request_id,
        });
        assert_eq!(reader.receive().await, woken(20, b"ABC", 1));
        reader.assert_nothing_comes().await;
        peer.append(1, 4, "DEF").await;
        assert_eq!(reader.receive().await, woken(24, b"EF", 2));
    }
}

on_both! {
    async fn a_woken_read_says_at_tail_even_when_it_is_full(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let mut reader = server.connect().await;
        reader.send(read_request(S, 20, 8, 1)).await;
        reader.assert_nothing_comes().await;
        peer.append(1, 2, "0123456789").await;
        let Reply::SegmentRead(read) = reader.receive().await else { panic!() };
        assert!(read.at_tail && read.data.len() == 8, "{read:?}");
    }
}

on_both! {
    async fn sealing_answers_parked_reads(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let mut reader = server.connect().await;
        reader.send(read_request(S, 20, 100, 1)).await;
        reader.send(read_request(S, 99, 100, 2)).await;
        reader.assert_nothing_comes().await;
        peer.seal(S).await;
        for (offset, request_id) in [(20, 1), (99, 2)] {
            let sealed = SegmentIsSealed {
                request_id,
                segment: S.into(),
                server_stack_trace: String::new(),
                offset,
            };
            assert_eq!(reader.receive().await, sealed.into());
        }
    }
}

on_both! {
    async fn deleting_answers_parked_reads_with_nothing(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let mut reader = server.connect().await;
        reader.send(read_request(S, 20, 100, 1)).await;
        reader.assert_nothing_comes().await;
        peer.call(DeleteSegment {
            request_id: 4,
            segment: S.into(),
            delegation_token: DelegationToken::default(),
        }).await;
        let Reply::SegmentRead(read) = reader.receive().await else { panic!() };
        assert!(read.data.is_empty() && read.at_tail && !read.end_of_segment, "{read:?}");
        let gone = NoSuchSegment {
            request_id: 9,
            segment: S.into(),
            server_stack_trace: String::new(),
            offset: 20,
        };
        assert_eq!(reader.call(read_request(S, 20, 100, 9)).await, gone.into());
    }
}

on_both! {
    async fn truncation_up_to_the_tail_leaves_reads_parked(server) {
        let mut peer = with_twenty_bytes(&server).await;
        let mut reader = server.connect().await;
        reader.send(read_request(S, 20, 100, 1)).await;
        reader.assert_nothing_comes().await;
        peer.truncate(S, 20).await;
        reader.assert_nothing_comes().await;
        peer.append(1, 2, "next").await;
        let Reply::SegmentRead(read) = reader.receive().await else { panic!() };
        assert_eq!((read.offset, read.data.into_bytes().as_ref()), (20, &b"next"[..]));
    }
}

on_both! {
    async fn reads_below_the_head_name_it(server) {
        let mut peer = with_twenty_bytes(&server).await;
        peer.truncate(S, 4).await;
        let truncated = SegmentIsTruncated {
            request_id: 9,
            segment: S.into(),
            start_offset: 4,
            server_stack_trace: String::new(),
            offset: 3,
        };
        assert_eq!(peer.call(read_request(S, 3, 100, 9)).await, truncated.into());
        assert_eq!(peer.read(S, 4, 8).await.data.into_bytes(), "456789ab");
    }
}

on_both! {
    async fn impossible_offsets_close(server) {
        let mut peer = with_twenty_bytes(&server).await;
        peer.seal(S).await;
        for offset in [-1, i64::MIN, 21, i64::MAX] {
            let mut peer = server.connect().await;
            peer.send(read_request(S, offset, 100, 1)).await;
            peer.assert_closed().await;
        }
    }
}

on_both! {
    async fn many_chunks_come_back_in_order(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let mut expected = Vec::new();
        for number in 1..60_i64 {
            let size = usize::try_from(number * number * 37 % 90_000).unwrap();
            let block: Vec<u8> = (0..size).map(|i| u8::try_from((i * 3 + size) % 255).unwrap()).collect();
            expected.extend_from_slice(&block);
            peer.append(1, number, block).await;
        }
        assert_eq!(peer.read_to_tail(S, 0).await, expected);
        peer.truncate(S, 123_456).await;
        assert_eq!(peer.read_to_tail(S, 123_456).await, expected[123_456..]);
    }
}

#[tokio::test]
async fn too_many_parked_reads_are_refused() {
    let server = Server::with_limits(|limits| limits.max_parked_reads = 2).await;
    let mut peer = with_twenty_bytes(&server).await;
    let mut reader = server.connect().await;
    for id in 1..3 {
        reader.send(read_request(S, 20, 100, id)).await;
    }
    let reply = reader.call(read_request(S, 20, 100, 3)).await;
    assert!(
        matches!(&reply, Reply::ErrorMessage(error) if error.request_id == 3),
        "{reply:?}"
    );
    peer.append(1, 2, "x").await;
    for _ in 1..3 {
        assert!(matches!(reader.receive().await, Reply::SegmentRead(_)));
    }
    reader.send(read_request(S, 21, 100, 4)).await;
    reader.assert_nothing_comes().await;
}
