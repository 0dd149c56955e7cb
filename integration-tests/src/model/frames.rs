//! What goes over a connection, reduced to what matters here.

use std::sync::Arc;

use pravega_client_shared::WriterId;
use pravega_wire_protocol::{
    AppendSetup, ConditionalCheckFailed, DataAppended, InvalidEventNumber, Reply, Request,
};

use super::scenario::{Blocks, SEGMENT};
use crate::campaign::{Verdict, Violation};

/// A request of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    Setup { request_id: i64, writer: u128 },
    Append(Append),
}

/// A block on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Append {
    pub(super) request_id: i64,
    pub(super) writer: u128,
    pub(super) number: i64,
    pub(super) expected: Option<u64>,
    /// Which of its writer's blocks.
    pub(super) block: usize,
    pub(super) len: u64,
}

/// A reply to a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Setup {
        request_id: i64,
        writer: u128,
        number: i64,
    },
    Ack {
        request_id: i64,
        writer: u128,
        number: i64,
        previous: i64,
        tail: u64,
    },
    ConditionFailed {
        request_id: i64,
        writer: u128,
        number: i64,
    },
    InvalidNumber {
        request_id: i64,
        writer: u128,
        number: i64,
    },
}

impl Ask {
    /// Reads a request. The bytes of a block say which block it is.
    pub(super) fn of(request: Request, blocks: &Blocks) -> Verdict<Self> {
        let (writer_id, number, expected, data, request_id) = match request {
            Request::SetupAppend(setup) => {
                let (request_id, writer) = (setup.request_id, setup.writer_id.as_u128());
                return Ok(Self::Setup { request_id, writer });
            }
            Request::ConditionalBlockEnd(block) => (
                block.writer_id,
                block.event_number,
                u64::try_from(block.expected_offset).ok(),
                block.data,
                block.request_id,
            ),
            Request::AppendBlockEnd(block) => (
                block.writer_id,
                block.last_event_number,
                None,
                block.data,
                block.request_id,
            ),
            other => return Err(Violation::broken(format!("a writer sent {}", other.name()))),
        };
        let data = data.into_bytes();
        let block = blocks
            .position(&data)
            .ok_or_else(|| Violation::broken("a block that is none of those submitted"))?;
        Ok(Self::Append(Append {
            request_id,
            writer: writer_id.as_u128(),
            number,
            expected,
            block,
            len: blocks.len(block),
        }))
    }
}

impl Answer {
    /// The reply as it comes off the wire.
    pub(super) fn reply(self) -> Reply {
        match self {
            Self::Setup {
                request_id,
                writer,
                number,
            } => AppendSetup {
                request_id,
                segment: Arc::from(SEGMENT),
                writer_id: WriterId::from_wire(writer),
                last_event_number: number,
            }
            .into(),
            Self::Ack {
                request_id,
                writer,
                number,
                previous,
                tail,
            } => DataAppended {
                writer_id: WriterId::from_wire(writer),
                event_number: number,
                previous_event_number: previous,
                request_id,
                current_segment_write_offset: i64::try_from(tail).unwrap_or(i64::MAX),
            }
            .into(),
            Self::ConditionFailed {
                request_id,
                writer,
                number,
            } => ConditionalCheckFailed {
                writer_id: WriterId::from_wire(writer),
                event_number: number,
                request_id,
            }
            .into(),
            Self::InvalidNumber {
                request_id,
                writer,
                number,
            } => InvalidEventNumber {
                writer_id: WriterId::from_wire(writer),
                request_id,
                server_stack_trace: String::new(),
                event_number: number,
            }
            .into(),
        }
    }
}
