//! The field order of a message, stated once, drives both directions.

use bytes::Bytes;
use snafu::ensure;

use crate::{
    EncodeError, FrameQueue, MAX_SENT_PAYLOAD, error::DecodeError, error::MessageTooLargeSnafu,
    read::Reader,
};

/// A message with one type code and one field order. Implemented by [`layout!`] only.
pub(crate) trait Message: Sized {
    const CODE: i32;
    const NAME: &'static str;

    fn read(reader: &mut Reader) -> Result<Self, DecodeError>;

    /// The length of the payload, in bytes.
    fn width(&self) -> Result<usize, EncodeError>;

    fn write(&self, out: &mut FrameQueue);

    /// The field `request_id`, in messages that have it.
    fn request_id(&self) -> Option<i64>;

    /// The field `segment`, in messages that have it.
    fn segment(&self) -> Option<&str>;
}

/// Something a [`FrameQueue`] takes: a request, a reply, or one of their messages.
pub trait Encode: sealed::Sealed {
    /// Appends the message to `queue` as one frame.
    ///
    /// # Errors
    /// [`EncodeError`] when no peer would accept it; then nothing was appended.
    fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError>;
}

pub(crate) mod sealed {
    #[expect(
        unnameable_types,
        reason = "so that nobody else can implement `Encode`"
    )]
    pub trait Sealed {}
}

impl<M: Message> sealed::Sealed for M {}

impl<M: Message> Encode for M {
    fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError> {
        queue.put_header(M::NAME, M::CODE, self.width()?)?;
        self.write(queue);
        Ok(())
    }
}

/// Decodes a payload as message `M`.
pub(crate) fn decode<M: Message>(payload: Bytes) -> Result<M, DecodeError> {
    M::read(&mut Reader::new(M::NAME, payload))
}

/// Refuses payloads that some peer would not accept; returns the length in its form on the wire.
pub(crate) fn checked_length(message: &'static str, length: usize) -> Result<u32, EncodeError> {
    let max = MAX_SENT_PAYLOAD;
    let fits = u32::try_from(length).ok().filter(|length| *length <= max);
    ensure!(
        fits.is_some(),
        MessageTooLargeSnafu {
            message,
            length,
            max
        }
    );
    Ok(fits.unwrap_or(max))
}

/// Implements [`Message`]: type code and fields in wire order.
///
/// - `name` is a field that every peer sends, encoded as its type tells ([`Field`](crate::field::Field));
/// - `name or default` is one that older peers leave out at the end;
/// - `name as Shape` is user data in one of the shapes of [`crate::field`].
macro_rules! layout {
    ($message:ident = $code:ident {
        $($field:ident $(as $shape:ident)? $(or $default:expr)?),* $(,)?
    }) => {
        impl $crate::layout::Message for $message {
            const CODE: i32 = $crate::message_type::$code;
            const NAME: &'static str = stringify!($message);

            fn read(reader: &mut $crate::read::Reader) -> Result<Self, $crate::DecodeError> {
                let _ = &reader; // a message without fields reads nothing
                // Fields of a struct expression are evaluated in the order written here.
                Ok(Self {
                    $($field: layout!(@read reader, $field $(as $shape)? $(or $default)?)),*
                })
            }

            fn width(&self) -> Result<usize, $crate::EncodeError> {
                Ok(0_usize$(.saturating_add(layout!(@width self, $field $(as $shape)?)))*)
            }

            fn write(&self, out: &mut $crate::FrameQueue) {
                let _ = &out; // nor does it write
                $(layout!(@write self, out, $field $(as $shape)?);)*
            }

            fn request_id(&self) -> Option<i64> {
                None$(.or(layout!(@request_id self, $field)))*
            }

            fn segment(&self) -> Option<&str> {
                None$(.or(layout!(@segment self, $field)))*
            }
        }
    };

    (@read $reader:ident, $field:ident) => {
        $crate::field::Field::read($reader, stringify!($field))?
    };
    (@read $reader:ident, $field:ident or $default:expr) => {
        $crate::field::Field::read_or($reader, stringify!($field), $default)?
    };
    (@read $reader:ident, $field:ident as $shape:ident) => {
        $crate::field::$shape::read($reader, stringify!($field))?
    };

    (@width $message:ident, $field:ident) => {
        $crate::field::Field::width(
            &$message.$field,
            <Self as $crate::layout::Message>::NAME,
            stringify!($field),
        )?
    };
    (@width $message:ident, $field:ident as $shape:ident) => {
        $crate::field::$shape::width(&$message.$field)
    };

    (@write $message:ident, $out:ident, $field:ident) => {
        $crate::field::Field::write(&$message.$field, $out)
    };
    (@write $message:ident, $out:ident, $field:ident as $shape:ident) => {
        $crate::field::$shape::write(&$message.$field, $out)
    };

    (@request_id $message:ident, request_id) => { Some($message.request_id) };
    (@request_id $message:ident, $other:ident) => { None };
    (@segment $message:ident, segment) => { Some(&*$message.segment) };
    (@segment $message:ident, $other:ident) => { None };
}

pub(crate) use layout;
