//! What a run came to.

use bytes::Bytes;

use super::record::Book;
use crate::{
    campaign::{Harm, Verdict, Violation},
    evidence::blocks_in,
    history::{Log, tiling},
};

/// Whether nothing went wrong while it ran.
pub(super) fn no_violation(book: &Book) -> Verdict {
    book.violations
        .first()
        .map_or(Ok(()), |violation| Err(violation.clone()))
}

/// Whether what was written, read and told agrees.
pub(super) fn judge(book: &Book) -> Verdict<u64> {
    let content = &book.kept;
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if book.sealed_at != Some(length) {
        let text = format!("{length} bytes kept of a segment of {:?}", book.sealed_at);
        return Err(Violation::broken(text));
    }
    book.ledger.judge(content)?;
    for (reader, chunks) in &book.reads {
        judge_reader(*reader, chunks, content)?;
    }
    for (reader, end) in &book.ends {
        if *end != length {
            let text = format!("reader {reader} was told of an end at {end} of {length}");
            return Err(Violation::new(Harm::FalselyReported, length - end, text));
        }
    }
    let log = Log::of_blocks(0, &blocks_in(content)?);
    tiling::check(book.history.operations(), &log)?;
    let mut trace = book.trace;
    trace.add_bytes(content);
    Ok(trace.value())
}

/// What a reader read is what is there, in order, and nothing is left out but what was truncated.
fn judge_reader(reader: u32, chunks: &[(u64, Bytes)], content: &[u8]) -> Verdict {
    let mut next = None;
    for (at, bytes) in chunks {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let harmed = |harm, what: &str| {
            let text = format!("reader {reader} at {at}, {len} bytes: {what}");
            Err(Violation::new(harm, len, text))
        };
        let from = usize::try_from(*at).unwrap_or(usize::MAX);
        if content.get(from..).and_then(|rest| rest.get(..bytes.len())) != Some(bytes.as_ref()) {
            return harmed(Harm::Reordered, "not what is there");
        }
        match next {
            Some(next) if *at < next => return harmed(Harm::Doubled, "read before"),
            _ => next = Some(at + len),
        }
    }
    Ok(())
}
