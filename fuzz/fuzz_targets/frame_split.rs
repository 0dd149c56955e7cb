//! One stream of bytes, cut into pieces in two ways: whole, and as a network happens to.
//!
//! Oracles: the same frames come out, and the same error at the same place; a decoder that waits has taken
//! nothing, and says how many bytes are missing; that is never more than a header and the limit; an error is
//! final and leaves the buffer alone; the decoder itself allocates nothing to speak of.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use pravega_fuzz::memory;
use pravega_wire_protocol::{DecodeError, Frame, FrameDecoder, FrameLimits, HEADER_BYTES};

/// What taking a frame off a buffer may allocate: the handle that two buffers come to share.
const CONSTANT: usize = 256;

struct Input<'a> {
    /// Which limits: of a `h`ello, a `c`lient, a `s`erver, or else 64 bytes for each unit.
    limits: u8,
    /// The lengths of the pieces, one less than they are, over and over.
    pieces: &'a [u8; 4],
    stream: &'a [u8],
}

impl<'a> Input<'a> {
    fn new(input: &'a [u8]) -> Option<Self> {
        let (&limits, rest) = input.split_first()?;
        let (pieces, stream) = rest.split_first_chunk()?;
        Some(Self {
            limits,
            pieces,
            stream,
        })
    }

    fn decoder(&self) -> FrameDecoder {
        FrameDecoder::new(match self.limits {
            b'h' => FrameLimits::HELLO,
            b'c' => FrameLimits::CLIENT,
            b's' => FrameLimits::SERVER,
            units => FrameLimits::new(u32::from(units) * 64),
        })
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<Frame>,
    error: Option<DecodeError>,
    /// Bytes that no frame was made of.
    rest: usize,
}

fuzz_target!(|input: &[u8]| {
    let Some(input) = Input::new(input) else {
        return;
    };
    let mut whole = input.decoder();
    let mut expected = outcome(&mut whole, BytesMut::from(input.stream));
    let mut split = in_pieces(&input);
    if expected.error.is_some() {
        // How much of what follows had arrived when it was found is the network's affair.
        (expected.rest, split.rest) = (0, 0);
    }
    assert_eq!(split, expected);
});

fn outcome(decoder: &mut FrameDecoder, mut buffer: BytesMut) -> Outcome {
    let mut frames = Vec::new();
    let error = take(decoder, &mut buffer, &mut frames);
    Outcome {
        frames,
        error,
        rest: buffer.len(),
    }
}

fn in_pieces(input: &Input<'_>) -> Outcome {
    let mut decoder = input.decoder();
    let (mut frames, mut buffer) = (Vec::new(), BytesMut::new());
    let mut stream = input.stream;
    let mut error = None;
    for length in input.pieces.iter().cycle() {
        if stream.is_empty() || error.is_some() {
            break;
        }
        let (piece, rest) = stream.split_at(stream.len().min(1 + usize::from(*length)));
        stream = rest;
        buffer.extend_from_slice(piece);
        error = take(&mut decoder, &mut buffer, &mut frames);
    }
    Outcome {
        frames,
        error,
        rest: buffer.len(),
    }
}

/// Takes all frames that are there, and checks what the decoder says of the rest.
fn take(
    decoder: &mut FrameDecoder,
    buffer: &mut BytesMut,
    frames: &mut Vec<Frame>,
) -> Option<DecodeError> {
    loop {
        let before = buffer.clone();
        match memory::within(CONSTANT, || decoder.decode_frame(buffer)) {
            Ok(Some(frame)) => {
                assert_eq!(
                    before.len() - buffer.len(),
                    HEADER_BYTES + frame.body.len(),
                    "a frame is what left the buffer"
                );
                frames.push(frame);
            }
            Ok(None) => {
                assert_eq!(*buffer, before);
                waits(decoder, buffer);
                return None;
            }
            Err(error) => {
                assert_eq!(*buffer, before);
                assert_eq!(decoder.missing(buffer), 0);
                assert_eq!(decoder.decode_frame(buffer), Err(error.clone()));
                return Some(error);
            }
        }
    }
}

fn waits(decoder: &FrameDecoder, buffer: &BytesMut) {
    let missing = decoder.missing(buffer);
    assert!(missing > 0, "it waits for nothing");
    let most = match buffer.first_chunk() {
        Some(code) => decoder.limits().max_payload_of(i32::from_be_bytes(*code)),
        None => 0,
    };
    let most = usize::try_from(most).unwrap().saturating_add(HEADER_BYTES);
    assert!(missing <= most, "{missing} of at most {most}");
}
