//! Reading at given offsets, beside any reader's position.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use pravega_client_shared::{DelegationToken, RequestId};
use pravega_segment_session::{Backoff, Trouble};
use pravega_wire_protocol::{ReadSegment, Reply, Request};
use tokio::time::sleep;

use crate::{
    call::Patience,
    error::{
        BeyondEndSnafu, IncompleteSnafu, ReadError, ReadNoSuchSegmentSnafu, SegmentError,
        TruncatedSnafu,
    },
    offsets::{from_wire, to_wire},
    segment::SegmentHandle,
};

/// The most that one request asks for, in bytes: no segment store answers with more.
const PIECE: u64 = 2 << 20;

/// How many requests of one range are under way at the same time.
const PIECES_AT_ONCE: usize = 4;

/// What a store says to one read.
enum Answer {
    Data(Bytes),
    Truncated(u64),
    End,
}

/// Reads at most `len` bytes at `offset`; fewer only at the tail.
pub(crate) async fn read_at(
    handle: &SegmentHandle,
    offset: u64,
    len: usize,
) -> Result<Bytes, ReadError> {
    if len == 0 {
        return Ok(Bytes::new());
    }
    let wanted = offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    let end = if wanted <= handle.link().known_tail() {
        wanted
    } else {
        check(handle, offset).await?
    };
    read_whole(handle.clone(), offset..wanted.min(end)).await
}

/// The tail, if `offset` is not beyond it.
async fn check(handle: &SegmentHandle, offset: u64) -> Result<u64, ReadError> {
    let info = handle.info().await.map_err(ReadError::from)?;
    if offset <= info.tail {
        return Ok(info.tail);
    }
    let segment = handle.segment().clone();
    if info.is_sealed {
        BeyondEndSnafu {
            segment,
            offset,
            length: info.tail,
        }
        .fail()
    } else {
        IncompleteSnafu {
            segment,
            wanted: offset,
            tail: info.tail,
        }
        .fail()
    }
}

/// The bytes of `range`, which must be there already, in pieces.
pub(crate) async fn stream(
    handle: SegmentHandle,
    range: Range<u64>,
) -> Result<impl Stream<Item = Result<Bytes, ReadError>> + Send, ReadError> {
    if range.end > handle.link().known_tail() && !range.is_empty() {
        let tail = check(&handle, range.start).await?;
        if range.end > tail {
            let segment = handle.segment().clone();
            return IncompleteSnafu {
                segment,
                wanted: range.end,
                tail,
            }
            .fail();
        }
    }
    let pieces = std::iter::successors(piece_at(&range, range.start), move |piece| {
        piece_at(&range, piece.end)
    });
    let read = move |piece| read_whole(handle.clone(), piece);
    Ok(futures::stream::iter(pieces)
        .map(read)
        .buffered(PIECES_AT_ONCE))
}

fn piece_at(range: &Range<u64>, start: u64) -> Option<Range<u64>> {
    let piece = start..range.end.min(start.saturating_add(PIECE));
    (!piece.is_empty()).then_some(piece)
}

/// Reads a range whose bytes exist. One reply is handed on as it came; several are put together.
async fn read_whole(handle: SegmentHandle, range: Range<u64>) -> Result<Bytes, ReadError> {
    let mut whole = BytesMut::new();
    let mut at = range.start;
    while at < range.end {
        let mut data = read_once(&handle, at, range.end - at).await?;
        let missing = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        // A store rounds small requests up, so it may send more than was asked for.
        data.truncate(missing);
        if whole.is_empty() && data.len() == missing {
            return Ok(data);
        }
        at += u64::try_from(data.len()).unwrap_or_default();
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Sends one read for bytes that exist, so that it is answered soon. An empty answer that is not the end
/// says nothing: after a pause the store is asked again.
async fn read_once(handle: &SegmentHandle, offset: u64, len: u64) -> Result<Bytes, ReadError> {
    let segment = || handle.segment().clone();
    match request(handle, offset, len, Patience::Deadline).await {
        Ok(Answer::Data(data)) => Ok(data),
        Ok(Answer::Truncated(head)) => TruncatedSnafu {
            segment: segment(),
            requested: offset,
            head,
        }
        .fail(),
        Ok(Answer::End) => BeyondEndSnafu {
            segment: segment(),
            offset,
            length: offset,
        }
        .fail(),
        Err(SegmentError::NoSuchSegment { segment }) => ReadNoSuchSegmentSnafu { segment }.fail(),
        Err(error) => Err(error.into()),
    }
}

async fn request(
    handle: &SegmentHandle,
    offset: u64,
    len: u64,
    patience: Patience,
) -> Result<Answer, SegmentError> {
    let link = handle.link();
    let wire_offset = to_wire(offset).unwrap_or(i64::MAX);
    let build = |id: RequestId, token: &DelegationToken| {
        Request::from(ReadSegment {
            segment: link.wire_name(),
            offset: wire_offset,
            suggested_length: i32::try_from(len.min(PIECE)).unwrap_or(i32::MAX),
            delegation_token: token.clone(),
            request_id: id.to_wire(),
        })
    };
    let read = |reply| match reply {
        Reply::SegmentRead(read) if read.offset == wire_offset && !read.data.is_empty() => {
            Ok(Answer::Data(read.data.into_bytes()))
        }
        Reply::SegmentRead(read) if read.offset == wire_offset && read.end_of_segment => {
            Ok(Answer::End)
        }
        Reply::SegmentIsTruncated(refused) => {
            Ok(Answer::Truncated(from_wire(refused.start_offset)))
        }
        Reply::SegmentIsSealed(_) => Ok(Answer::End),
        other => Err(other),
    };
    link.call("reading", patience, build, read).await
}

/// Waits until the tail is at or behind `offset`: by a read of the byte in front of it, which a store
/// answers when the byte is there.
///
/// A real store closes the connection of a read beyond the end of a sealed segment, so after a loss the segment is looked at
/// first.
pub(crate) async fn wait_for_tail(handle: &SegmentHandle, offset: u64) -> Result<u64, ReadError> {
    let mut backoff = Backoff::new(handle.link().core().backoff_policy(), 0);
    loop {
        let info = handle.info().await?;
        if info.tail >= offset {
            return Ok(info.tail);
        }
        if info.is_sealed {
            let segment = handle.segment().clone();
            return BeyondEndSnafu {
                segment,
                offset,
                length: info.tail,
            }
            .fail();
        }
        match request(handle, offset - 1, 1, Patience::Parked).await {
            Ok(_) => {}
            Err(SegmentError::NoSuchSegment { segment }) => {
                return ReadNoSuchSegmentSnafu { segment }.fail();
            }
            Err(SegmentError::Unavailable { .. }) => {
                sleep(backoff.next_pause(Trouble::Failing)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
