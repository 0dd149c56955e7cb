//! A reader of a run: it follows the writer to the end.

use std::io::SeekFrom;

use bytes::Bytes;
use pravega_byte_stream::{ByteReader, ClientFactory, ReadError, ReadFrom, ScopedSegment};
use tokio::sync::watch;

use super::{
    stage::{Allowed, broken},
    writing::story,
};
use crate::campaign::{Harm, Verdict, Violation};

/// The most bytes that a reader takes at once.
const MAX_CHUNK: usize = 8 * 1024;

/// What a reader has read: pieces, each with its offset.
pub(super) type Pieces = Vec<(u64, Bytes)>;

/// Reads from `from` on until the goal, once that is known.
pub(super) async fn follow(
    factory: ClientFactory,
    segment: ScopedSegment,
    from: ReadFrom,
    mut goal: watch::Receiver<Option<u64>>,
    allowed: Allowed,
) -> Verdict<Pieces> {
    let mut pieces = Pieces::new();
    let Some(mut reader) = open(&factory, segment, from, allowed).await? else {
        return Ok(pieces);
    };
    loop {
        let known = *goal.borrow_and_update();
        if known.is_some_and(|goal| reader.position() >= goal) {
            return Ok(pieces);
        }
        let at = reader.position();
        let read = tokio::select! {
            read = reader.read_chunk(MAX_CHUNK) => read,
            // It changes once, before it goes away.
            Ok(()) = goal.changed() => continue,
        };
        match read {
            Ok(Some(chunk)) => pieces.push((at, chunk)),
            Ok(None) if allowed.early_end => return Ok(pieces),
            Ok(None) if allowed.is_sealed && ends_there(&mut goal, at).await => return Ok(pieces),
            Ok(None) => {
                let what = format!("an end at {at}, the goal is {:?}", *goal.borrow());
                return Err(Violation::new(Harm::FalselyReported, 1, what));
            }
            Err(error) if error.is_retryable() => {}
            Err(error) if (allowed.read)(&error) => match error {
                ReadError::Truncated { head, .. } => skip(&mut reader, head).await?,
                _ => return Ok(pieces),
            },
            Err(error) => return Err(broken(format!("a reader failed: {}", story(&error)))),
        }
    }
}

/// Whether the goal, once it is known, is here.
async fn ends_there(goal: &mut watch::Receiver<Option<u64>>, at: u64) -> bool {
    let known = goal.wait_for(Option::is_some).await;
    known.is_ok_and(|goal| *goal == Some(at))
}

async fn open(
    factory: &ClientFactory,
    segment: ScopedSegment,
    from: ReadFrom,
    allowed: Allowed,
) -> Verdict<Option<ByteReader>> {
    loop {
        match factory.open_byte_reader(segment.clone()).from(from).await {
            Ok(reader) => return Ok(Some(reader)),
            Err(error) if error.is_retryable() => {}
            Err(error) if (allowed.read)(&ReadError::from(error.clone())) => return Ok(None),
            Err(error) => return Err(broken(format!("no reader: {}", story(&error)))),
        }
    }
}

async fn skip(reader: &mut ByteReader, head: u64) -> Verdict {
    match reader.seek(SeekFrom::Start(head)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(broken(format!("no seek: {}", story(&error)))),
    }
}

/// Whether what was read is what is there.
pub(super) fn compare(pieces: &Pieces, content: &[u8]) -> Verdict {
    let mut end = 0;
    for (at, piece) in pieces {
        let from = usize::try_from(*at).unwrap_or(usize::MAX);
        let there = content.get(from..).unwrap_or_default();
        if *at < end || !there.starts_with(piece) {
            let what = format!(
                "{} bytes read at {at}, behind {end}, are others",
                piece.len()
            );
            let len = u64::try_from(piece.len()).unwrap_or(1);
            return Err(Violation::new(Harm::Reordered, len, what));
        }
        end = at.saturating_add(u64::try_from(piece.len()).unwrap_or_default());
    }
    Ok(())
}
