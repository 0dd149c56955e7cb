//! Frames: an eight-byte header and a payload, cut off a receive buffer.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use pravega_client_shared::planted::{self, Bug};
use snafu::ensure;

use crate::{
    error::{DecodeError, FrameTooLargeSnafu, NegativeFrameSnafu},
    message_type as code,
};

/// Bytes in front of every payload: the type code and the payload's length.
pub const HEADER_BYTES: usize = 8;

/// The largest frame a segment store accepts, header included, in bytes.
///
/// **Source**: the server's frame decoder; tried on a 0.13.0 server, where one byte more resets the
/// connection.
pub const MAX_FRAME: u32 = 0x00FF_FFFF;

/// The largest payload we send: what every peer accepts, since servers count the header and clients do not.
pub const MAX_SENT_PAYLOAD: u32 = MAX_FRAME - 8;

/// The largest payload we accept, in bytes: what the other clients accept.
pub const MAX_RECEIVED_PAYLOAD: u32 = MAX_FRAME;

/// The most data one append can carry, in bytes, in an `AppendBlockEnd` or a `ConditionalBlockEnd`:
/// both spend 44 bytes on their other fields.
///
/// **Source**: tried on a 0.13.0 server.
pub const MAX_APPEND_BYTES: usize = 16_777_163;

/// The most data a segment store puts into one read reply, in bytes.
///
/// **Source**: the Java server's limit; tried on a 0.13.0 server.
pub const MAX_READ_BYTES: usize = 2 * 1024 * 1024;

/// The limit for messages that carry no user data, in bytes. Names, tokens and error texts are far below.
pub const MAX_CONTROL_PAYLOAD: u32 = 64 * 1024;

/// The limit before the peer's hello was seen, in bytes. A hello has 8; the rest is room for new fields.
pub const MAX_HELLO_PAYLOAD: u32 = 64;

/// One frame off the wire: its type and its payload, not yet decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The type code, see [`message_type`](crate::message_type).
    pub code: i32,
    /// The payload: a slice of the receive buffer.
    pub body: Bytes,
}

/// Which payload lengths a [`FrameDecoder`] lets pass, decided from the header alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The limit for every type not in `bulk`, in bytes.
    pub max_payload: u32,
    /// The limit for the types in `bulk`, in bytes.
    pub max_bulk_payload: u32,
    /// The type codes of messages that carry user data.
    pub bulk: &'static [i32],
}

impl FrameLimits {
    /// Before the peer's hello: nothing but small frames.
    pub const HELLO: Self = Self::new(MAX_HELLO_PAYLOAD);

    /// What a client accepts: large frames only as read replies.
    pub const CLIENT: Self = Self {
        max_payload: MAX_CONTROL_PAYLOAD,
        max_bulk_payload: MAX_RECEIVED_PAYLOAD,
        bulk: &[code::SEGMENT_READ],
    };

    /// What a segment store accepts: large frames only as appends.
    pub const SERVER: Self = Self {
        max_payload: MAX_CONTROL_PAYLOAD,
        max_bulk_payload: MAX_SENT_PAYLOAD,
        bulk: &[
            code::APPEND_BLOCK,
            code::APPEND_BLOCK_END,
            code::CONDITIONAL_APPEND,
            code::CONDITIONAL_BLOCK_END,
            code::PADDING,
        ],
    };

    /// One limit for all types, in bytes.
    #[must_use]
    pub const fn new(max_payload: u32) -> Self {
        Self {
            max_payload,
            max_bulk_payload: max_payload,
            bulk: &[],
        }
    }

    /// The limit for one type code, in bytes.
    #[must_use]
    pub fn max_payload_of(&self, code: i32) -> u32 {
        if self.bulk.contains(&code) {
            self.max_bulk_payload
        } else {
            self.max_payload
        }
    }
}

/// Cuts frames off a receive buffer, and refuses those above its limits as soon as their header is there.
///
/// It never reserves memory itself: [`FrameDecoder::missing`] says how much a reader may reserve. After an
/// error the buffer is left as it is and every further call returns the same error.
///
/// ```
/// use bytes::BytesMut;
/// use pravega_wire_protocol::{FrameDecoder, FrameLimits, KeepAlive, Reply};
///
/// let mut decoder = FrameDecoder::new(FrameLimits::CLIENT);
/// let mut buffer = BytesMut::from(&[0, 0, 0, 100, 0, 0, 0][..]);
/// assert_eq!(decoder.decode_frame(&mut buffer)?, None);
/// assert_eq!(decoder.missing(&buffer), 1);
/// buffer.extend_from_slice(&[0]);
/// let frame = decoder.decode_frame(&mut buffer)?.unwrap();
/// assert_eq!(Reply::decode(frame)?, Reply::KeepAlive(KeepAlive));
/// # Ok::<(), pravega_wire_protocol::DecodeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    limits: FrameLimits,
}

impl FrameDecoder {
    /// A decoder that lets pass what `limits` allow.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> FrameLimits {
        self.limits
    }

    /// Other limits from the next frame on, as when the peer's hello has been checked.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// One limit for all types from the next frame on, in bytes.
    pub fn set_max_payload(&mut self, max_payload: u32) {
        self.limits = FrameLimits::new(max_payload);
    }

    /// Cuts the next frame off the front of `buffer`; none when it is not all there yet.
    ///
    /// # Errors
    /// [`DecodeError::NegativeFrame`] or [`DecodeError::FrameTooLarge`], judged from the header, before
    /// any of the payload has arrived.
    pub fn decode_frame(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        if planted::is_on(Bug::AllocationByAnnouncedLength) {
            let announced = buffer.get(4..8).map_or(0, |mut length| length.get_u32());
            buffer.reserve(usize::try_from(announced).unwrap_or_default().min(64 << 20));
        }
        let Some(header) = self.header(buffer)? else {
            return Ok(None);
        };
        if buffer.len() < header.frame_bytes() {
            return Ok(None);
        }
        let mut body = buffer.split_to(header.frame_bytes()).freeze();
        body.advance(HEADER_BYTES);
        let code = header.code;
        Ok(Some(Frame { code, body }))
    }

    /// How many more bytes must arrive behind `buffer` before its first frame, or the header of it, is
    /// complete: 0 when it is, or when the frame will be refused.
    ///
    /// It is at most [`HEADER_BYTES`] plus the limit for the type, so a reader may reserve this much.
    #[must_use]
    pub fn missing(&self, buffer: &[u8]) -> usize {
        match self.header(buffer) {
            Ok(Some(header)) => header.frame_bytes().saturating_sub(buffer.len()),
            Ok(None) => HEADER_BYTES.saturating_sub(buffer.len()),
            Err(_) => 0,
        }
    }

    fn header(&self, buffer: &[u8]) -> Result<Option<Header>, DecodeError> {
        let mut front = buffer;
        let (Ok(code), Ok(announced)) = (front.try_get_i32(), front.try_get_i32()) else {
            return Ok(None);
        };
        let Ok(length) = u32::try_from(announced) else {
            return NegativeFrameSnafu { code, announced }.fail();
        };
        let max = self.limits.max_payload_of(code);
        ensure!(
            length <= max,
            FrameTooLargeSnafu {
                code,
                announced: length,
                max
            }
        );
        Ok(Some(Header { code, length }))
    }
}

impl fmt::Debug for Frame {
    /// The body may hold user data and tokens: its length only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame(type {}, {} bytes)", self.code, self.body.len())
    }
}

struct Header {
    code: i32,
    length: u32,
}

impl Header {
    /// Header and payload, in bytes. On a machine too small to count them the frame never completes.
    fn frame_bytes(&self) -> usize {
        usize::try_from(self.length)
            .unwrap_or(usize::MAX)
            .saturating_add(HEADER_BYTES)
    }
}
