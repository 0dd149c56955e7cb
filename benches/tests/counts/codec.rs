//! What the codec costs.

use bytes::{Buf as _, Bytes, BytesMut};
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendBlockEnd, ConditionalBlockEnd, FrameDecoder, FrameLimits, FrameQueue, Reply, Request,
    SegmentRead,
};

use crate::seam::addresses;

const SIZES: [usize; 3] = [100, 64 << 10, 1 << 20];

pub(crate) fn appends(data: &Bytes) -> [Request; 2] {
    let writer_id = WriterId::from_wire(1);
    let conditional = ConditionalBlockEnd {
        writer_id,
        event_number: 1,
        expected_offset: 0,
        data: data.clone().into(),
        request_id: -1,
    };
    let plain = AppendBlockEnd {
        writer_id,
        size_of_whole_events: 0,
        data: data.clone().into(),
        num_events: 1,
        last_event_number: 1,
        request_id: -1,
    };
    [conditional.into(), plain.into()]
}

pub(crate) fn read_reply(size: usize) -> Reply {
    SegmentRead {
        segment: "scope/stream/0.#epoch.0".into(),
        offset: 0,
        at_tail: false,
        end_of_segment: false,
        data: Bytes::from(vec![7; size]).into(),
        request_id: -1,
    }
    .into()
}

#[test]
fn encoding_an_append_neither_allocates_nor_copies_a_large_payload() {
    for size in SIZES {
        let data = Bytes::from(vec![7; size]);
        for append in appends(&data) {
            let mut queue = FrameQueue::new();
            let mut encode = || {
                queue.push(&append).unwrap();
                queue.advance(queue.len());
            };
            // The queue has the buffers that it uses in turns then.
            (0..16).for_each(|_| encode());
            let cost = allocation_counter::measure(|| (0..1_000).for_each(|_| encode()));
            assert_eq!(cost.count_total, 0, "{size} bytes: {cost:?}");
            queue.push(&append).unwrap();
            let mut slices = [std::io::IoSlice::new(&[]); 3];
            let parts = queue.chunks_vectored(&mut slices);
            let is_shared = slices[..parts]
                .iter()
                .any(|part| part.as_ptr() == data.as_ptr());
            assert_eq!(is_shared, size >= pravega_wire_protocol::MERGE_LIMIT);
        }
    }
}

#[test]
fn decoding_a_read_reply_copies_no_payload() {
    for size in SIZES {
        let frame = read_reply(size).encode_to_bytes().unwrap();
        let mut received = BytesMut::from(&frame[..]);
        let memory = addresses(&received);
        let mut decoder = FrameDecoder::new(FrameLimits::CLIENT);
        let frame = decoder.decode_frame(&mut received).unwrap().unwrap();
        let Reply::SegmentRead(read) = Reply::decode(frame).unwrap() else {
            panic!("no read reply");
        };
        assert_eq!(read.data.len(), size);
        let data = addresses(&read.data.into_bytes());
        assert!(
            memory.start <= data.start && data.end <= memory.end,
            "{size} bytes"
        );
    }
}
