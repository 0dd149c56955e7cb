//! From type code to message and back, for the two enums of messages.

/// Implements what [`Request`](crate::Request) and [`Reply`](crate::Reply) have in common. The compiler
/// checks the list against the enum: a variant left out does not compile.
macro_rules! dispatch {
    ($enum:ident { $($message:ident),* $(,)? }) => {
        impl $enum {
            /// Decodes a frame. Payloads of the message are slices of the frame's.
            ///
            /// Types that are not for this direction become
            #[doc = concat!("[`", stringify!($enum), "::Foreign`] and [`", stringify!($enum), "::Unknown`],")]
            /// which is no error here: whether the connection survives them is for the caller to say.
            ///
            /// # Errors
            /// [`DecodeError`] when the payload is not what its type promises.
            pub fn decode(frame: Frame) -> Result<Self, DecodeError> {
                let Frame { code, body } = frame;
                match code {
                    $(<$message as Message>::CODE => layout::decode(body).map(Self::$message),)*
                    _ => Ok(match message_type::lookup(code) {
                        Some((name, _)) => Self::Foreign(Foreign { code, name, body }),
                        None => Self::Unknown(Unknown { code, body }),
                    }),
                }
            }

            /// Appends the message to `queue` as one frame. Chunks of user data from
            /// [`MERGE_LIMIT`](crate::MERGE_LIMIT) on are not copied.
            ///
            /// # Errors
            /// [`EncodeError`] when no peer would accept it; then nothing was appended.
            pub fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError> {
                match self {
                    $(Self::$message(message) => message.encode(queue),)*
                    Self::Foreign(message) => message.encode(queue),
                    Self::Unknown(message) => message.encode(queue),
                }
            }

            /// The message as one frame in one piece, for tests and tools.
            ///
            /// # Errors
            /// [`EncodeError`] when no peer would accept it.
            pub fn encode_to_bytes(&self) -> Result<Bytes, EncodeError> {
                let mut queue = FrameQueue::new();
                self.encode(&mut queue)?;
                Ok(queue.copy_to_bytes(queue.len()))
            }

            /// The type code on the wire.
            #[must_use]
            pub fn code(&self) -> i32 {
                match self {
                    $(Self::$message(_) => <$message as Message>::CODE,)*
                    Self::Foreign(message) => message.code,
                    Self::Unknown(message) => message.code,
                }
            }

            /// The protocol's name for this type of message.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$message(_) => <$message as Message>::NAME,)*
                    Self::Foreign(message) => message.name,
                    Self::Unknown(_) => UNKNOWN,
                }
            }

            /// The request id, in messages that carry one.
            #[must_use]
            pub fn request_id(&self) -> Option<i64> {
                match self {
                    $(Self::$message(message) => message.request_id(),)*
                    Self::Foreign(_) | Self::Unknown(_) => None,
                }
            }

            /// The segment's name, in messages that carry one.
            #[must_use]
            pub fn segment(&self) -> Option<&str> {
                match self {
                    $(Self::$message(message) => message.segment(),)*
                    Self::Foreign(_) | Self::Unknown(_) => None,
                }
            }
        }

        impl Sealed for $enum {}

        impl Encode for $enum {
            fn encode(&self, queue: &mut FrameQueue) -> Result<(), EncodeError> {
                Self::encode(self, queue)
            }
        }

        dispatch!(@from $enum { $($message,)* Foreign, Unknown });
    };

    (@from $enum:ident { $($message:ident),* }) => {$(
        impl From<$message> for $enum {
            fn from(message: $message) -> Self {
                Self::$message(message)
            }
        }
    )*};
}

pub(crate) use dispatch;
