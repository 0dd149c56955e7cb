//! What goes out comes back, for every message.

use bytes::{Buf, Bytes, BytesMut};
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, FrameQueue, MAX_RECEIVED_PAYLOAD, Reply, Request,
};
use proptest::prelude::*;

use crate::{
    only_frame,
    strategy::{replies, reply, request, requests},
};

proptest! {
    #[test]
    fn requests_come_back(request in request()) {
        let bytes = request.encode_to_bytes().unwrap();
        prop_assert_eq!(Request::decode(only_frame(&bytes)), Ok(request));
    }

    #[test]
    fn replies_come_back(reply in reply()) {
        let bytes = reply.encode_to_bytes().unwrap();
        prop_assert_eq!(Reply::decode(only_frame(&bytes)), Ok(reply));
    }

    /// However the bytes arrive, the same messages come out, and `missing` never asks for too much.
    #[test]
    fn a_stream_in_pieces_gives_the_same_messages(
        sent in proptest::collection::vec(request(), 1..6),
        pieces in proptest::collection::vec(1..300_usize, 1..8),
    ) {
        let mut queue = FrameQueue::new();
        for request in &sent {
            queue.push(request).unwrap();
        }
        let mut decoder = FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD));
        let (mut buffer, mut got) = (BytesMut::new(), Vec::new());
        for piece in pieces.iter().cycle() {
            while let Some(frame) = decoder.decode_frame(&mut buffer).unwrap() {
                got.push(Request::decode(frame).unwrap());
            }
            if queue.is_empty() {
                break;
            }
            prop_assert!((1..=queue.len()).contains(&decoder.missing(&buffer)));
            buffer.extend_from_slice(&queue.copy_to_bytes((*piece).min(queue.len())));
        }
        prop_assert!(buffer.is_empty());
        prop_assert_eq!(got, sent);
    }
}

/// The strategies above draw every variant: otherwise the properties would say less than they seem to.
#[test]
fn every_variant_is_drawn() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut drawn_requests, mut drawn_replies) = (Vec::new(), Vec::new());
    for strategy in requests() {
        let request = strategy.new_tree(&mut runner).unwrap().current();
        drawn_requests.push(request.name());
    }
    for strategy in replies() {
        let reply = strategy.new_tree(&mut runner).unwrap().current();
        drawn_replies.push(reply.name());
    }
    for names in [&mut drawn_requests, &mut drawn_replies] {
        names.sort_unstable();
        names.dedup();
    }
    assert_eq!((drawn_requests.len(), drawn_replies.len()), (20, 26));
}

/// Ids and segments are found wherever the layout puts them.
#[test]
fn ids_and_segments_are_found() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for strategy in requests() {
        let request = strategy.new_tree(&mut runner).unwrap().current();
        let has_id = !matches!(
            request,
            Request::Hello(_)
                | Request::KeepAlive(_)
                | Request::AppendBlock(_)
                | Request::Padding(_)
                | Request::Foreign(_)
                | Request::Unknown(_)
        );
        assert_eq!(request.request_id().is_some(), has_id, "{request:?}");
    }
    for strategy in replies() {
        let reply = strategy.new_tree(&mut runner).unwrap().current();
        let has_none = matches!(
            reply,
            Reply::Hello(_) | Reply::KeepAlive(_) | Reply::Foreign(_) | Reply::Unknown(_)
        );
        assert_eq!(reply.request_id().is_none(), has_none, "{reply:?}");
        assert!(!reply.is_failure() || reply.request_id().is_some());
    }
}

#[test]
fn decoded_payloads_are_slices_of_the_frame() {
    let data = Bytes::from(vec![7; 100_000]);
    let sent = pravega_wire_protocol::SegmentRead {
        segment: "s/b/0.#epoch.0".into(),
        offset: 0,
        at_tail: false,
        end_of_segment: false,
        data: data.into(),
        request_id: 1,
    };
    let frame = only_frame(&Reply::from(sent).encode_to_bytes().unwrap());
    let whole = frame.body.as_ptr_range();
    let Ok(Reply::SegmentRead(read)) = Reply::decode(frame) else {
        panic!("no read reply");
    };
    let slice = read.data.into_bytes().as_ptr_range();
    assert!(
        whole.start <= slice.start && slice.end <= whole.end,
        "the payload was copied"
    );
}
