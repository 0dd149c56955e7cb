//! T87: what decoding may allocate. A test binary of its own, because it counts for the whole process.

#![cfg(test)]

use std::alloc::System;

use bytes::{Bytes, BytesMut};
use cap::Cap;
use pravega_wire_protocol::{FrameDecoder, FrameLimits, Reply, Request};
use serde::Deserialize;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const RECORDED: &str = include_str!("golden/pravega-0.13.0-frames.jsonl");

/// Beside three times the bytes received: some messages are larger in memory than on the wire.
const CONSTANT: usize = 1024;

#[derive(Deserialize)]
struct Recorded {
    frame: String,
}

/// The frames recorded from a real server and its client.
fn recorded() -> Vec<Vec<u8>> {
    let frame = |line: &str| {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        let hex = recorded.frame.as_bytes().chunks(2);
        hex.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    RECORDED.lines().map(frame).collect()
}

/// Numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// A frame as no peer sends it: some bytes changed, lengths that lie, cut, or with another behind it.
fn mutated(random: &mut Random, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = frames[random.below(frames.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(8) {
            0 | 1 => bytes[at] = random.byte(),
            2 => bytes[at] ^= 1 << random.below(8),
            3 => {
                let length = [-1, i32::MIN, i32::MAX, 0x00ff_ffff, 65_536][random.below(5)];
                bytes.splice(4..8, length.to_be_bytes());
            }
            4 if at + 2 <= bytes.len() => drop(bytes.splice(at..at + 2, [0xff, 0xff])),
            5 => bytes.truncate(at.max(8)),
            6 => bytes.extend_from_slice(&frames[random.below(frames.len())]),
            _ => bytes.insert(at, random.byte()),
        }
    }
    bytes
}

/// Decodes everything that is in there, in one direction or the other.
fn decode(bytes: BytesMut, limits: FrameLimits, is_request: bool) {
    let mut buffer = bytes;
    let mut decoder = FrameDecoder::new(limits);
    while let Ok(Some(frame)) = decoder.decode_frame(&mut buffer) {
        if is_request {
            drop(Request::decode(frame));
        } else {
            drop(Reply::decode(frame));
        }
    }
}

#[test]
fn t87_random_and_mutated_frames_cost_no_more_memory_than_they_bring() {
    let frames = recorded();
    let mut random = Random(87);
    for _ in 0..50_000 {
        let bytes = match random.below(8) {
            0 => (0..random.below(200)).map(|_| random.byte()).collect(),
            _ => mutated(&mut random, &frames),
        };
        let bytes = Bytes::from(bytes);
        for (limits, is_request) in [(FrameLimits::CLIENT, false), (FrameLimits::SERVER, true)] {
            let buffer = BytesMut::from(&bytes[..]);
            let before = MEMORY.total_allocated();
            decode(buffer, limits, is_request);
            let allocated = MEMORY.total_allocated() - before;
            let most = CONSTANT + 3 * bytes.len();
            assert!(allocated <= most, "{allocated} bytes for {bytes:x?}");
        }
    }
}
