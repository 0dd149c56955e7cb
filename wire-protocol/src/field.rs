//! How each type of field travels: one implementation per type drives both directions.

use std::sync::Arc;

use pravega_client_shared::{DelegationToken, WriterId};
use snafu::ensure;

use crate::{
    EncodeError, FrameQueue, Payload,
    error::{BadNestingSnafu, DecodeError, TextTooLongSnafu},
    message_type,
    read::Reader,
    text,
};

/// A type with one representation on the wire.
pub(crate) trait Field: Sized {
    /// An optional field of this type is there when at least this many bytes are left.
    ///
    /// **Source**: the Java decoder, which tests for one byte in front of strings and for the whole
    /// number in front of numbers.
    const PRESENT_FROM: usize;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError>;

    /// Its length on the wire, in bytes. `message` and `field` are for the error.
    fn width(&self, message: &'static str, field: &'static str) -> Result<usize, EncodeError>;

    fn write(&self, out: &mut FrameQueue);

    /// A field that older peers do not send.
    fn read_or(
        reader: &mut Reader,
        field: &'static str,
        default: impl Into<Self>,
    ) -> Result<Self, DecodeError> {
        if reader.left() >= Self::PRESENT_FROM {
            Self::read(reader, field)
        } else {
            Ok(default.into())
        }
    }
}

/// Implements [`Field`] for a number whose reader method has the name of its type.
macro_rules! number {
    ($($type:ident),*) => {$(
        impl Field for $type {
            const PRESENT_FROM: usize = size_of::<Self>();

            fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
                reader.$type(field)
            }

            fn width(&self, _: &'static str, _: &'static str) -> Result<usize, EncodeError> {
                Ok(size_of::<Self>())
            }

            fn write(&self, out: &mut FrameQueue) {
                out.put_slice(&self.to_be_bytes());
            }
        }
    )*};
}

number!(i8, i32, i64, u128);

/// Any byte but 0 is true, as in Java; we send 0 and 1 only, since the Rust client takes no other.
impl Field for bool {
    const PRESENT_FROM: usize = 1;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
        Ok(reader.i8(field)? != 0)
    }

    fn width(&self, _: &'static str, _: &'static str) -> Result<usize, EncodeError> {
        Ok(1)
    }

    fn write(&self, out: &mut FrameQueue) {
        i8::from(*self).write(out);
    }
}

impl Field for WriterId {
    const PRESENT_FROM: usize = u128::PRESENT_FROM;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
        reader.u128(field).map(Self::from_wire)
    }

    fn width(&self, message: &'static str, field: &'static str) -> Result<usize, EncodeError> {
        self.as_u128().width(message, field)
    }

    fn write(&self, out: &mut FrameQueue) {
        self.as_u128().write(out);
    }
}

/// A segment's name.
impl Field for Arc<str> {
    const PRESENT_FROM: usize = 1;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
        reader.name(field, |name| name.into())
    }

    fn width(&self, message: &'static str, field: &'static str) -> Result<usize, EncodeError> {
        text_width(self, message, field)
    }

    fn write(&self, out: &mut FrameQueue) {
        out.put_text(self);
    }
}

impl Field for DelegationToken {
    const PRESENT_FROM: usize = 1;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
        reader.name(field, Self::new)
    }

    fn width(&self, message: &'static str, field: &'static str) -> Result<usize, EncodeError> {
        text_width(self.expose(), message, field)
    }

    fn write(&self, out: &mut FrameQueue) {
        out.put_text(self.expose());
    }
}

/// Text for people, such as a stack trace: cut when it is too long, so that a failure can always be told.
impl Field for String {
    const PRESENT_FROM: usize = 1;

    fn read(reader: &mut Reader, field: &'static str) -> Result<Self, DecodeError> {
        reader.prose(field)
    }

    fn width(&self, message: &'static str, field: &'static str) -> Result<usize, EncodeError> {
        text_width(text::shorten(self), message, field)
    }

    fn write(&self, out: &mut FrameQueue) {
        out.put_text(text::shorten(self));
    }
}

fn text_width(
    text: &str,
    message: &'static str,
    field: &'static str,
) -> Result<usize, EncodeError> {
    let length = text::encoded_len(text);
    ensure!(
        length <= usize::from(text::MAX_TEXT),
        TextTooLongSnafu {
            message,
            field,
            length,
            max: text::MAX_TEXT
        }
    );
    Ok(size_of::<u16>().saturating_add(length))
}

/// User bytes with an `i32` length in front.
pub(crate) struct Blob;

impl Blob {
    pub(crate) fn read(reader: &mut Reader, field: &'static str) -> Result<Payload, DecodeError> {
        reader.blob(field).map(Payload::from)
    }

    pub(crate) fn width(data: &Payload) -> usize {
        size_of::<i32>().saturating_add(data.len())
    }

    pub(crate) fn write(data: &Payload, out: &mut FrameQueue) {
        out.put_length(data.len());
        out.put_payload(data);
    }
}

/// User bytes that run to the end of the frame.
pub(crate) struct Rest;

impl Rest {
    pub(crate) fn read(reader: &mut Reader, _: &'static str) -> Result<Payload, DecodeError> {
        Ok(reader.rest().into())
    }

    pub(crate) fn width(data: &Payload) -> usize {
        data.len()
    }

    pub(crate) fn write(data: &Payload, out: &mut FrameQueue) {
        out.put_payload(data);
    }
}

/// User bytes inside a nested frame of type Event.
pub(crate) struct Nested;

impl Nested {
    pub(crate) fn read(reader: &mut Reader, field: &'static str) -> Result<Payload, DecodeError> {
        let found = reader.i32(field)?;
        ensure!(
            found == message_type::EVENT,
            BadNestingSnafu {
                message: reader.message(),
                field,
                found
            }
        );
        Blob::read(reader, field)
    }

    pub(crate) fn width(data: &Payload) -> usize {
        size_of::<i32>().saturating_add(Blob::width(data))
    }

    pub(crate) fn write(data: &Payload, out: &mut FrameQueue) {
        message_type::EVENT.write(out);
        Blob::write(data, out);
    }
}

/// Bytes that mean nothing: all that is left, of which only the count is kept. Sent as zeros.
pub(crate) struct Filler;

impl Filler {
    pub(crate) fn read(reader: &mut Reader, _: &'static str) -> Result<usize, DecodeError> {
        Ok(reader.rest().len())
    }

    pub(crate) fn width(length: &usize) -> usize {
        *length
    }

    pub(crate) fn write(length: &usize, out: &mut FrameQueue) {
        out.put_zeros(*length);
    }
}
