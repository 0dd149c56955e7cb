//! A bounded reader over one payload: it cannot read past the end, and hands out slices, not copies.

use bytes::{Buf, Bytes, TryGetError};
use snafu::{OptionExt, ensure};

use crate::error::{BadTextSnafu, DecodeError, NegativeFieldSnafu, ShortSnafu};
use crate::text;

/// Reads the fields of one message in their order. What is left over at the end is ignored: that is how
/// new fields are added to the protocol.
#[derive(Debug)]
pub(crate) struct Reader {
    message: &'static str,
    rest: Bytes,
}

impl Reader {
    pub(crate) fn new(message: &'static str, payload: Bytes) -> Self {
        Self {
            message,
            rest: payload,
        }
    }

    /// The message being read, for errors.
    pub(crate) fn message(&self) -> &'static str {
        self.message
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn i8(&mut self, field: &'static str) -> Result<i8, DecodeError> {
        let value = self.rest.try_get_i8();
        self.number(value, field)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        let value = self.rest.try_get_u16();
        self.number(value, field)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        let value = self.rest.try_get_i32();
        self.number(value, field)
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let value = self.rest.try_get_i64();
        self.number(value, field)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        let value = self.rest.try_get_u128();
        self.number(value, field)
    }

    /// The next `length` bytes, as a slice of the payload.
    pub(crate) fn slice(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<Bytes, DecodeError> {
        ensure!(
            length <= self.rest.len(),
            ShortSnafu {
                message: self.message,
                field,
                needed: length,
                left: self.rest.len(),
            }
        );
        Ok(self.rest.split_to(length))
    }

    /// Bytes with an `i32` length in front.
    pub(crate) fn blob(&mut self, field: &'static str) -> Result<Bytes, DecodeError> {
        let length = self.i32(field)?;
        let message = self.message;
        let length = usize::try_from(length).ok().context(NegativeFieldSnafu {
            message,
            field,
            length,
        })?;
        self.slice(length, field)
    }

    /// All bytes that are left.
    pub(crate) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    /// A name or token: bytes that are no text are an error. `make` turns it into its type, so that the
    /// text is copied once.
    pub(crate) fn name<T>(
        &mut self,
        field: &'static str,
        make: impl FnOnce(&str) -> T,
    ) -> Result<T, DecodeError> {
        let length = self.u16(field)?;
        let bytes = self.slice(length.into(), field)?;
        let message = self.message;
        let text = text::decode(&bytes).context(BadTextSnafu { message, field })?;
        Ok(make(&text))
    }

    /// Text for people: what cannot be decoded is replaced.
    pub(crate) fn prose(&mut self, field: &'static str) -> Result<String, DecodeError> {
        let length = self.u16(field)?;
        let bytes = self.slice(length.into(), field)?;
        Ok(text::decode_lossy(&bytes))
    }

    fn number<T>(
        &self,
        value: Result<T, TryGetError>,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        value.or_else(|short| {
            ShortSnafu {
                message: self.message,
                field,
                needed: short.requested,
                left: short.available,
            }
            .fail()
        })
    }
}
