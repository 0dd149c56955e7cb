//! Tests that need nothing but the public interface: recorded and worked frames, round trips, hostile
//! bytes, the outgoing queue.

#![cfg(test)]

mod hostile;
mod optional;
mod queue;
mod recorded;
mod roundtrip;
mod strategy;
mod words;
mod worked;

use bytes::{Bytes, BytesMut};
use pravega_wire_protocol::{Frame, FrameDecoder, FrameLimits, MAX_RECEIVED_PAYLOAD};

/// The bytes of a text of hexadecimal digits.
fn unhex(digits: &str) -> Bytes {
    assert!(digits.len().is_multiple_of(2), "odd number of digits");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Cuts off the one frame that `bytes` are.
fn only_frame(bytes: &[u8]) -> Frame {
    let mut buffer = BytesMut::from(bytes);
    let frame = FrameDecoder::new(FrameLimits::new(MAX_RECEIVED_PAYLOAD))
        .decode_frame(&mut buffer)
        .unwrap()
        .expect("a whole frame");
    assert!(buffer.is_empty(), "{} bytes left over", buffer.len());
    frame
}
