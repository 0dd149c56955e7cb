//! Bytes from a client, as a segment store meets them.
//!
//! Oracle: no panic; what decodes encodes again, and that decodes to the same request.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pravega_wire_protocol::{
    EncodeError, FrameDecoder, FrameLimits, Request, append_block::Assembler,
};

fuzz_target!(|input: &[u8]| {
    let mut decoder = FrameDecoder::new(FrameLimits::SERVER);
    let mut assembler = Assembler::new();
    let mut buffer = BytesMut::from(input);
    while let Ok(Some(frame)) = decoder.decode_frame(&mut buffer) {
        let Ok(request) = Request::decode(frame) else {
            continue;
        };
        decodes_to_itself(&request);
        if assembler.admit(&request).is_err() {
            continue;
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
});

fn decodes_to_itself(request: &Request) {
    let bytes = match request.encode_to_bytes() {
        Ok(bytes) => bytes,
        // A name in standard UTF-8 can be longer in Java's form.
        Err(EncodeError::TextTooLong { .. }) => return,
        Err(error) => panic!("{request:?} does not encode: {error}"),
    };
    let mut buffer = BytesMut::from(&bytes[..]);
    let mut decoder = FrameDecoder::new(FrameLimits::new(u32::MAX));
    let frame = decoder.decode_frame(&mut buffer).unwrap().unwrap();
    assert!(buffer.is_empty());
    assert_eq!(Request::decode(frame).as_ref(), Ok(request));
}
