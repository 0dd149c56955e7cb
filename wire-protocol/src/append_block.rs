//! Puts an append together that came as [`AppendBlock`] and [`AppendBlockEnd`]. For the server's side.

use bytes::{Buf, Bytes};
use pravega_client_shared::WriterId;
use snafu::{OptionExt, Snafu, ensure};

use crate::{AppendBlock, AppendBlockEnd, Payload, Request, message_type};

/// A complete, atomic append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Who writes.
    pub writer_id: WriterId,
    /// The bytes to store.
    pub data: Payload,
    /// How many events they hold, at least 1.
    pub num_events: i32,
    /// The event number of the append.
    pub event_number: i64,
    /// The id to answer with.
    pub request_id: i64,
}

/// A client broke the rules of append blocks: close the connection without a reply.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[non_exhaustive]
pub enum AppendBlockError {
    /// A message of the append family came while a block was open.
    #[snafu(display("{message} while an append block is open"))]
    BlockOpen {
        /// Which message.
        message: &'static str,
    },
    /// The block's end is by another writer than the block.
    #[snafu(display("append block of {opened} ended by {ended}"))]
    OtherWriter {
        /// Who opened it.
        opened: WriterId,
        /// Who ended it.
        ended: WriterId,
    },
    /// The size of the whole events is below zero or above the size of the block.
    #[snafu(display("append block of {block} bytes said to hold {whole} whole ones"))]
    WholeSize {
        /// The data of the block, in bytes.
        block: usize,
        /// The announced size, in bytes.
        whole: i32,
    },
    /// Behind the whole events there is no nested padding or partial event.
    #[snafu(display("append block ends in {tail} bytes that are no nested frame"))]
    BadTail {
        /// How many bytes follow the whole events.
        tail: usize,
    },
    /// A padded block is followed by data.
    #[snafu(display("padded append block goes on with {extra} bytes"))]
    DataAfterPadding {
        /// How many bytes.
        extra: usize,
    },
    /// An append without events.
    #[snafu(display("append of {num_events} events"))]
    NoEvents {
        /// The announced number.
        num_events: i32,
    },
}

/// Assembles the appends of one connection.
///
/// A block may be open for one writer at a time; it holds at most one frame of data. Every request of the
/// connection passes [`Assembler::admit`], blocks go to [`Assembler::begin`] and ends to
/// [`Assembler::finish`].
///
/// | block | its tail | stored |
/// | --- | --- | --- |
/// | none | | the end's data |
/// | as large as the whole events | | the block; the end's data is dropped, as upstream does |
/// | larger | padding | the whole events; the end has no data |
/// | larger | partial event | the whole events, the partial event, the end's data |
///
/// **Source**: the Java server's decoder; all four tried on a 0.13.0 server.
#[derive(Debug, Default)]
pub struct Assembler {
    open: Option<AppendBlock>,
}

impl Assembler {
    /// An assembler for a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held by an open block.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |block| block.data.len())
    }

    /// Whether `request` may come now. Only messages of the append family are refused while a block is
    /// open.
    ///
    /// # Errors
    /// [`AppendBlockError::BlockOpen`].
    pub fn admit(&self, request: &Request) -> Result<(), AppendBlockError> {
        let interrupts = matches!(
            request,
            Request::SetupAppend(_)
                | Request::AppendBlock(_)
                | Request::Padding(_)
                | Request::ConditionalAppend(_)
                | Request::ConditionalBlockEnd(_)
        );
        let message = request.name();
        ensure!(
            self.open.is_none() || !interrupts,
            BlockOpenSnafu { message }
        );
        Ok(())
    }

    /// Parks a block until its end comes.
    ///
    /// # Errors
    /// [`AppendBlockError::BlockOpen`] when one is open already; it stays open.
    pub fn begin(&mut self, block: AppendBlock) -> Result<(), AppendBlockError> {
        ensure!(
            self.open.is_none(),
            BlockOpenSnafu {
                message: "AppendBlock"
            }
        );
        self.open = Some(block);
        Ok(())
    }

    /// Completes the append. Afterwards no block is open, whatever the outcome.
    ///
    /// # Errors
    /// [`AppendBlockError`] when the end does not fit the block.
    pub fn finish(&mut self, end: AppendBlockEnd) -> Result<Append, AppendBlockError> {
        let open = self.open.take();
        let num_events = end.num_events;
        ensure!(num_events >= 1, NoEventsSnafu { num_events });
        let data = match open {
            None => end.data,
            Some(block) => {
                ensure!(
                    block.writer_id == end.writer_id,
                    OtherWriterSnafu {
                        opened: block.writer_id,
                        ended: end.writer_id
                    }
                );
                join(block.data.into_bytes(), end.size_of_whole_events, &end.data)?
            }
        };
        Ok(Append {
            writer_id: end.writer_id,
            data,
            num_events,
            event_number: end.last_event_number,
            request_id: end.request_id,
        })
    }
}

/// The bytes of a block with `whole` bytes of whole events and an end that carries `rest`.
fn join(mut block: Bytes, whole: i32, rest: &Payload) -> Result<Payload, AppendBlockError> {
    let size = usize::try_from(whole)
        .ok()
        .filter(|size| *size <= block.len())
        .context(WholeSizeSnafu {
            block: block.len(),
            whole,
        })?;
    let mut tail = block.split_off(size);
    if tail.is_empty() {
        return Ok(block.into());
    }
    let bad_tail = BadTailSnafu { tail: tail.len() };
    let (Ok(code), Ok(length)) = (tail.try_get_i32(), tail.try_get_i32()) else {
        return bad_tail.fail();
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= tail.len())
        .context(bad_tail)?;
    match code {
        message_type::PADDING => {
            let extra = rest.len();
            ensure!(extra == 0, DataAfterPaddingSnafu { extra });
            Ok(block.into())
        }
        message_type::PARTIAL_EVENT => {
            let mut chunks = vec![block, tail.split_to(length)];
            chunks.extend_from_slice(rest.chunks());
            Ok(Payload::from_chunks(chunks))
        }
        _ => bad_tail.fail(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(data: &'static [u8]) -> AppendBlock {
        AppendBlock {
            writer_id: WriterId::from_wire(1),
            data: data.into(),
        }
    }

    fn end(whole: i32, rest: &'static [u8]) -> AppendBlockEnd {
        AppendBlockEnd {
            writer_id: WriterId::from_wire(1),
            size_of_whole_events: whole,
            data: rest.into(),
            num_events: 1,
            last_event_number: 1,
            request_id: 1,
        }
    }

    fn stored(data: &'static [u8], end: AppendBlockEnd) -> Result<Bytes, AppendBlockError> {
        let mut assembler = Assembler::new();
        assembler.begin(block(data)).unwrap();
        let append = assembler.finish(end);
        assert_eq!(assembler.held_bytes(), 0);
        append.map(|append| append.data.into_bytes())
    }

    #[test]
    fn an_exact_block_drops_the_data_of_its_end() {
        assert_eq!(stored(b"hello", end(5, b"dropped")).unwrap(), "hello");
    }

    #[test]
    fn bytes_behind_the_nested_frame_are_ignored() {
        let padded = b"a\xff\xff\xff\xff\0\0\0\x01xyz";
        assert_eq!(stored(padded, end(1, b"")).unwrap(), "a");
        let partial = b"\xff\xff\xff\xfe\0\0\0\x01xyz";
        assert_eq!(stored(partial, end(0, b"!")).unwrap(), "x!");
    }

    #[test]
    fn refuses_an_end_that_does_not_fit() {
        let other = AppendBlockEnd {
            writer_id: WriterId::from_wire(2),
            ..end(5, b"")
        };
        assert!(matches!(
            stored(b"hello", other),
            Err(AppendBlockError::OtherWriter { .. })
        ));
        for whole in [-1, 6, i32::MIN, i32::MAX] {
            assert_eq!(
                stored(b"hello", end(whole, b"")),
                Err(AppendBlockError::WholeSize { block: 5, whole })
            );
        }
        let tails: [&[u8]; 5] = [
            b"hello\xff\xff\xff",
            b"hello\xff\xff\xff\xff\0\0\0",
            b"hello\xff\xff\xff\xff\0\0\0\x01",
            b"hello\xff\xff\xff\xff\xff\xff\xff\xff",
            b"hello\0\0\0\0\0\0\0\0",
        ];
        for tail in tails {
            assert!(
                matches!(
                    stored(tail, end(5, b"")),
                    Err(AppendBlockError::BadTail { .. })
                ),
                "{tail:x?}"
            );
        }
        let padded = b"hello\xff\xff\xff\xff\0\0\0\0";
        assert_eq!(
            stored(padded, end(5, b"more")),
            Err(AppendBlockError::DataAfterPadding { extra: 4 })
        );
    }

    #[test]
    fn refuses_an_append_of_no_events() {
        for num_events in [0, -1] {
            let end = AppendBlockEnd {
                num_events,
                ..end(0, b"a")
            };
            assert_eq!(
                Assembler::new().finish(end),
                Err(AppendBlockError::NoEvents { num_events })
            );
        }
    }

    #[test]
    fn an_open_block_admits_nothing_else_of_its_family() {
        let mut assembler = Assembler::new();
        let padding = Request::from(crate::Padding { len: 0 });
        assert_eq!(assembler.admit(&padding), Ok(()));
        assembler.begin(block(b"hello")).unwrap();
        assert_eq!(assembler.held_bytes(), 5);
        assert_eq!(
            assembler.admit(&padding),
            Err(AppendBlockError::BlockOpen { message: "Padding" })
        );
        assert!(assembler.begin(block(b"again")).is_err());
        assert_eq!(assembler.admit(&crate::KeepAlive.into()), Ok(()));
        assert_eq!(assembler.admit(&end(5, b"").into()), Ok(()));
        assert!(assembler.finish(end(5, b"")).is_ok());
    }
}
