//! Bytes off a socket, as frames and then as messages: once as a client reads them, once as a segment store does.
//!
//! Oracles: no panic; what decodes encodes again, and that decodes to the same message; a message in memory costs
//! a small multiple of its frame; a negotiated version is in the peer's range; an assembled append holds no more
//! than came.
#![no_main]

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use pravega_fuzz::memory;
use pravega_wire_protocol::{
    EncodeError, Frame, FrameDecoder, FrameLimits, Reply, Request, append_block::Assembler,
    negotiate,
};

/// What decoding one frame may allocate beside three times its bytes: a name becomes a text, and for a moment
/// both its forms are there.
const CONSTANT: usize = 1024;

fuzz_target!(|input: &[u8]| {
    let mut replies = FrameDecoder::new(FrameLimits::CLIENT);
    let mut buffer = BytesMut::from(input);
    while let Some(frame) = next(&mut replies, &mut buffer) {
        reply(frame);
    }
    let mut requests = FrameDecoder::new(FrameLimits::SERVER);
    let mut assembler = Assembler::new();
    let mut buffer = BytesMut::from(input);
    while let Some(frame) = next(&mut requests, &mut buffer) {
        request(frame, &mut assembler);
    }
});

fn next(decoder: &mut FrameDecoder, buffer: &mut BytesMut) -> Option<Frame> {
    memory::within(CONSTANT, || decoder.decode_frame(buffer))
        .ok()
        .flatten()
}

fn reply(frame: Frame) {
    let Ok(reply) = memory::within(bound(&frame), || Reply::decode(frame)) else {
        return;
    };
    decodes_to_itself(&reply, reply.encode_to_bytes(), Reply::decode);
    if let Reply::Hello(peer) = reply
        && let Ok(version) = negotiate(&peer)
    {
        assert!((peer.low_version..=peer.high_version).contains(&version));
    }
}

fn request(frame: Frame, assembler: &mut Assembler) {
    let Ok(request) = memory::within(bound(&frame), || Request::decode(frame)) else {
        return;
    };
    decodes_to_itself(&request, request.encode_to_bytes(), Request::decode);
    if assembler.admit(&request).is_err() {
        return;
    }
    match request {
        Request::AppendBlock(block) => assembler.begin(block).unwrap(),
        Request::AppendBlockEnd(end) => {
            let most = assembler.held_bytes() + end.data.len();
            if let Ok(append) = assembler.finish(end) {
                assert!(append.data.len() <= most);
            }
        }
        _ => {}
    }
}

fn bound(frame: &Frame) -> usize {
    CONSTANT + 3 * frame.body.len()
}

fn decodes_to_itself<M: PartialEq + Debug, E: PartialEq + Debug>(
    message: &M,
    encoded: Result<Bytes, EncodeError>,
    decode: impl FnOnce(Frame) -> Result<M, E>,
) {
    let bytes = match encoded {
        Ok(bytes) => bytes,
        // A name in standard UTF-8 can be longer in Java's form.
        Err(EncodeError::TextTooLong { .. }) => return,
        Err(error) => panic!("{message:?} does not encode: {error}"),
    };
    let mut buffer = BytesMut::from(bytes);
    let mut decoder = FrameDecoder::new(FrameLimits::new(u32::MAX));
    let frame = decoder.decode_frame(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty());
    assert_eq!(decode(frame).as_ref(), Ok(message));
}
