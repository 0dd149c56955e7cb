//! Bytes from a segment store, as a client meets them.
//!
//! Oracle: no panic; what decodes encodes again, and that decodes to the same reply.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pravega_wire_protocol::{EncodeError, FrameDecoder, FrameLimits, Reply, negotiate};

fuzz_target!(|input: &[u8]| {
    let mut decoder = FrameDecoder::new(FrameLimits::CLIENT);
    let mut buffer = BytesMut::from(input);
    while let Ok(Some(frame)) = decoder.decode_frame(&mut buffer) {
        let Ok(reply) = Reply::decode(frame) else {
            continue;
        };
        decodes_to_itself(&reply);
        if let Reply::Hello(peer) = reply
            && let Ok(version) = negotiate(&peer)
        {
            assert!((peer.low_version..=peer.high_version).contains(&version));
        }
    }
});

fn decodes_to_itself(reply: &Reply) {
    let bytes = match reply.encode_to_bytes() {
        Ok(bytes) => bytes,
        // A name in standard UTF-8 can be longer in Java's form.
        Err(EncodeError::TextTooLong { .. }) => return,
        Err(error) => panic!("{reply:?} does not encode: {error}"),
    };
    let mut buffer = BytesMut::from(&bytes[..]);
    let mut decoder = FrameDecoder::new(FrameLimits::new(u32::MAX));
    let frame = decoder.decode_frame(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty());
    assert_eq!(Reply::decode(frame).as_ref(), Ok(reply));
}
