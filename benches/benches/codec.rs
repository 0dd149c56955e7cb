//! The codec alone: what a block costs before it reaches the socket, and a reply after it.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up ends")]

use std::hint::black_box;

use bytes::{Buf as _, Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    ConditionalBlockEnd, FrameDecoder, FrameLimits, FrameQueue, Payload, Reply, Request,
    SegmentRead,
};

const SIZES: [usize; 3] = [100, 64 << 10, 1 << 20];

fn append(len: usize) -> Request {
    let writer_id = WriterId::from_wire(1);
    let data = Payload::from(Bytes::from(vec![7; len]));
    ConditionalBlockEnd {
        writer_id,
        event_number: 1,
        expected_offset: 0,
        data,
        request_id: -1,
    }
    .into()
}

fn read_reply(len: usize) -> Reply {
    SegmentRead {
        segment: "scope/stream/0.#epoch.0".into(),
        offset: 0,
        at_tail: false,
        end_of_segment: false,
        data: Payload::from(Bytes::from(vec![7; len])),
        request_id: -1,
    }
    .into()
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode append");
    for len in SIZES {
        group.throughput(Throughput::Elements(1));
        let request = append(len);
        let mut queue = FrameQueue::new();
        group.bench_with_input(BenchmarkId::from_parameter(len), &request, |b, request| {
            b.iter(|| {
                queue
                    .push(black_box(request))
                    .expect("it fits into a frame");
                queue.advance(queue.len());
            });
        });
    }
    group.finish();
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode read reply");
    for len in SIZES {
        group.throughput(Throughput::Elements(1));
        let frame = read_reply(len)
            .encode_to_bytes()
            .expect("it fits into a frame");
        group.bench_with_input(BenchmarkId::from_parameter(len), &frame, |b, frame| {
            let fresh = || {
                (
                    FrameDecoder::new(FrameLimits::CLIENT),
                    BytesMut::from(&frame[..]),
                )
            };
            b.iter_batched(
                fresh,
                |(mut decoder, mut received)| {
                    let frame = decoder.decode_frame(&mut received).expect("a good frame");
                    black_box(Reply::decode(frame.expect("a whole frame")).expect("a good reply"))
                },
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(codec, encode, decode);
criterion_main!(codec);
