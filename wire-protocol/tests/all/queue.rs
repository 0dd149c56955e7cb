//! The outgoing queue against a naive encoding, and what it may cost.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendBlockEnd, FrameQueue, KeepAlive, MERGE_LIMIT, PartialEvent, Payload, Request,
};
use proptest::prelude::*;

use crate::strategy::payload;

fn append(data: Payload) -> AppendBlockEnd {
    AppendBlockEnd {
        writer_id: WriterId::from_wire(0x0102_0304),
        size_of_whole_events: 0,
        data,
        num_events: 1,
        last_event_number: 2,
        request_id: 3,
    }
}

/// The same frame, written field by field.
fn naive(append: &AppendBlockEnd) -> Vec<u8> {
    let data = append.data.clone().into_bytes();
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut bytes = 4_u32.to_be_bytes().to_vec();
    bytes.extend_from_slice(&length(16 + 4 + 4 + data.len() + 4 + 8 + 8));
    bytes.extend_from_slice(&append.writer_id.as_u128().to_be_bytes());
    bytes.extend_from_slice(&append.size_of_whole_events.to_be_bytes());
    bytes.extend_from_slice(&length(data.len()));
    bytes.extend_from_slice(&data);
    bytes.extend_from_slice(&append.num_events.to_be_bytes());
    bytes.extend_from_slice(&append.last_event_number.to_be_bytes());
    bytes.extend_from_slice(&append.request_id.to_be_bytes());
    bytes
}

/// What a vectored write of `slices` slices would be given.
fn vectored(queue: &FrameQueue, slices: usize) -> Vec<Vec<u8>> {
    let mut places = vec![IoSlice::new(&[]); slices];
    let filled = queue.chunks_vectored(&mut places);
    places[..filled]
        .iter()
        .map(|slice| slice.to_vec())
        .collect()
}

#[derive(Debug, Clone)]
enum Step {
    Push(Payload),
    Advance(usize),
    /// Moves another queue, of which some bytes are gone already, to the end.
    Append(Vec<Payload>, usize),
    /// Replaces the queue by what `split` gives, after checking what is left.
    Split,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![0..100_usize, 0..2 * MERGE_LIMIT];
    prop_oneof![
        6 => payload().prop_map(Step::Push),
        6 => count.clone().prop_map(Step::Advance),
        2 => (proptest::collection::vec(payload(), 0..3), count)
            .prop_map(|(payloads, gone)| Step::Append(payloads, gone)),
        1 => Just(Step::Split),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #[test]
    fn the_queue_holds_what_a_naive_one_holds(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let (mut queue, mut model) = (FrameQueue::new(), VecDeque::new());
        for step in steps {
            match step {
                Step::Push(data) => {
                    let append = append(data);
                    queue.push(&append).unwrap();
                    model.extend(naive(&append));
                }
                Step::Advance(count) => {
                    queue.advance(count);
                    model.drain(..count.min(model.len()));
                }
                Step::Append(payloads, gone) => {
                    let (mut other, mut bytes) = (FrameQueue::new(), Vec::new());
                    for append in payloads.into_iter().map(append) {
                        other.push(&append).unwrap();
                        bytes.extend(naive(&append));
                    }
                    other.advance(gone);
                    model.extend(&bytes[gone.min(bytes.len())..]);
                    queue.append(&mut other);
                    prop_assert!(other.is_empty());
                    other.push(&KeepAlive).unwrap();
                    prop_assert_eq!(other.len(), 8);
                }
                Step::Split => {
                    let taken = queue.split();
                    prop_assert!(queue.is_empty() && queue.chunk().is_empty());
                    queue = taken;
                }
                Step::Clear => {
                    queue.clear();
                    model.clear();
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.has_remaining(), !queue.is_empty());
            prop_assert_eq!(vectored(&queue, 1000).concat(), Vec::from_iter(model.clone()));
            let front = vectored(&queue, 1).concat();
            prop_assert_eq!(queue.chunk(), &front[..]);
            prop_assert_eq!(queue.is_empty(), front.is_empty());
        }
    }
}

#[test]
fn header_payload_and_trailer_go_out_in_one_write() {
    let data = Bytes::from(vec![5; MERGE_LIMIT]);
    let append = append(data.clone().into());
    let mut queue = FrameQueue::new();
    queue.push(&Request::from(append)).unwrap();
    let mut places = [IoSlice::new(&[]); 8];
    assert_eq!(queue.chunks_vectored(&mut places), 3);
    assert_eq!(
        places.each_ref().map(|slice| slice.len())[..3],
        [32, MERGE_LIMIT, 20]
    );
    assert_eq!(places[1].as_ptr(), data.as_ptr(), "the payload was copied");
}

#[test]
fn small_payloads_are_merged_into_one_slice() {
    let mut queue = FrameQueue::new();
    for _ in 0..10 {
        queue
            .push(&append(Bytes::from(vec![5; 100]).into()))
            .unwrap();
    }
    assert_eq!(vectored(&queue, 8).len(), 1);
    assert_eq!(queue.len(), 10 * (52 + 100));
}

/// A queue that is filled and drained again and again stays in the buffers of its first round.
#[test]
fn buffers_are_used_again() {
    let data = Payload::from(Bytes::from(vec![5; 2 * MERGE_LIMIT]));
    let mut queue = FrameQueue::new();
    let mut buffers = Vec::new();
    for round in 0..100 {
        for _ in 0..4 {
            queue.push(&append(data.clone())).unwrap();
        }
        let mut places = [IoSlice::new(&[]); 16];
        let filled = queue.chunks_vectored(&mut places);
        let merged = places[..filled]
            .iter()
            .filter(|slice| slice.len() < MERGE_LIMIT);
        for buffer in merged.map(|slice| slice.as_ptr()) {
            if !buffers.contains(&buffer) {
                assert!(round < 2, "a new buffer in round {round}");
                buffers.push(buffer);
            }
        }
        // Partial writes, as a socket does them.
        while queue.has_remaining() {
            queue.advance(1000);
        }
    }
}

/// The same through two queues, as when one thread fills and another drains.
#[test]
fn buffers_travel_back_to_the_queue_that_is_filled() {
    let data = Payload::from(Bytes::from(vec![5; 2 * MERGE_LIMIT]));
    let (mut filled, mut drained) = (FrameQueue::new(), FrameQueue::new());
    let mut buffers = Vec::new();
    for round in 0..100 {
        for _ in 0..2 {
            filled.push(&append(data.clone())).unwrap();
        }
        drained.append(&mut filled);
        assert!(filled.is_empty());
        let mut places = [IoSlice::new(&[]); 16];
        let count = drained.chunks_vectored(&mut places);
        for slice in places[..count]
            .iter()
            .filter(|slice| slice.len() < MERGE_LIMIT)
        {
            if !buffers.contains(&slice.as_ptr()) {
                assert!(round < 4, "a new buffer in round {round}");
                buffers.push(slice.as_ptr());
            }
        }
        drained.clear();
    }
}

#[test]
fn debug_shows_no_bytes() {
    let mut queue = FrameQueue::new();
    queue
        .push(&PartialEvent {
            data: Payload::from(&b"secret"[..]),
        })
        .unwrap();
    assert_eq!(
        format!("{queue:?}"),
        "FrameQueue { bytes: 14, parts: 0, .. }"
    );
}
