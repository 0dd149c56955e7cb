//! What is in the two streams: known in advance, byte by byte.

use bytes::Bytes;
use pravega_byte_stream::{ScopedSegment, ScopedStream};

use crate::{
    Random,
    campaign::{Harm, Verdict, Violation},
    evidence::{Account, Block, Ledger},
};

/// The longest block, in bytes.
const MAX_BLOCK: usize = 16 << 10;

/// A stream with one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Its writer is in shared mode.
    Shared,
    /// Its writer is in exclusive mode.
    Exclusive,
}

impl Stream {
    pub(super) const BOTH: [Self; 2] = [Self::Shared, Self::Exclusive];

    /// Its name. A cluster of four containers puts both into the same one.
    pub(super) fn name(self) -> Verdict<ScopedStream> {
        let name = match self {
            Self::Shared => "byte-stream-tests/shared",
            Self::Exclusive => "byte-stream-tests/exclusive",
        };
        let name = name.parse::<ScopedStream>();
        name.map_err(|error| Violation::broken(error.to_string()))
    }

    fn writer(self) -> u32 {
        match self {
            Self::Shared => 1,
            Self::Exclusive => 2,
        }
    }

    /// The block of this number; the first one is 1.
    pub(super) fn block(self, number: u32) -> Block {
        let seed = u64::from(self.writer()) << 32 | u64::from(number);
        let len = Random::new(seed).below(MAX_BLOCK);
        Block::new(self.writer(), 0, number, len)
    }

    /// Whether the content of the stream is its first `durable` blocks, and nothing else.
    pub(super) fn judge(self, durable: u32, content: &[u8]) -> Verdict<Account> {
        let mut ledger = Ledger::default();
        for number in 1..=durable {
            let block = self.block(number);
            ledger.tried(block);
        }
        if durable > 0 {
            ledger.durable_through(self.block(durable));
        }
        ledger.judge(content)
    }
}

/// The first segments of both streams.
pub(super) fn segments() -> Verdict<Vec<ScopedSegment>> {
    let segment = |stream: Stream| {
        let name = format!("{}/0.#epoch.0", stream.name()?);
        let name = name.parse::<ScopedSegment>();
        name.map_err(|error| Violation::broken(error.to_string()))
    };
    Stream::BOTH.into_iter().map(segment).collect()
}

/// Compares what a reader gives, from the head on, with what is there.
#[derive(Debug)]
pub(super) struct Follower {
    stream: Stream,
    number: u32,
    rest: Bytes,
    position: u64,
}

impl Follower {
    /// At the head of a stream.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            number: 0,
            rest: Bytes::new(),
            position: 0,
        }
    }

    /// The reader gave these bytes.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Verdict {
        while !bytes.is_empty() {
            if self.rest.is_empty() {
                self.number += 1;
                self.rest = self.stream.block(self.number).bytes();
            }
            let len = bytes.len().min(self.rest.len());
            let (head, tail) = bytes.split_at(len);
            if self.rest.split_to(len) != head {
                let (number, at) = (self.number, self.position);
                let what = format!("{:?}: other bytes at {at}, block {number}", self.stream);
                let bytes = u64::try_from(len).unwrap_or(1);
                return Err(Violation::new(Harm::Reordered, bytes, what));
            }
            self.position += u64::try_from(len).unwrap_or_default();
            bytes = tail;
        }
        Ok(())
    }
}
