//! Prints the frames that a client or a segment store has sent, one a line: `dump client < bytes`.
//!
//! Without an argument it prints a conversation of its own making.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::io::Read as _;

use bytes::BytesMut;
use pravega_wire_protocol::{
    FrameDecoder, FrameLimits, Hello, KeepAlive, Reply, Request, SealSegment,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    let sender = std::env::args().nth(1);
    match &sender {
        Some(_) => drop(std::io::stdin().read_to_end(&mut bytes)?),
        None => own(&mut bytes)?,
    }
    let mut received = BytesMut::from(bytes.as_slice());
    let mut decoder = FrameDecoder::new(FrameLimits::SERVER);
    while let Some(frame) = decoder.decode_frame(&mut received)? {
        if sender.as_deref() == Some("store") {
            println!("{:?}", Reply::decode(frame)?);
        } else {
            println!("{:?}", Request::decode(frame)?);
        }
    }
    if !received.is_empty() {
        println!("{} bytes of a frame that is not whole", received.len());
    }
    Ok(())
}

fn own(bytes: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    let seal = SealSegment {
        request_id: 7,
        segment: "camera/front/0.#epoch.0".into(),
        delegation_token: Default::default(),
    };
    let conversation: [Request; 3] = [Hello::current().into(), seal.into(), KeepAlive.into()];
    for request in conversation {
        bytes.extend_from_slice(&request.encode_to_bytes()?);
    }
    Ok(())
}
