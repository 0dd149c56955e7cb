//! Which bytes a request asks for, by RFC 9110. Pure: the header is parsed by a library, the rest is decided here.

use std::ops::Range;

use axum::http::{HeaderMap, header::RANGE};
use axum_extra::headers::{ETag, HeaderMapExt as _, IfRange};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};

/// What of a representation is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it, with status 200.
    Whole,
    /// These bytes of it, at least one, with status 206.
    Bytes(Range<u64>),
    /// Nothing: the range lies outside. Status 416.
    Nothing,
}

/// The part that a GET asks for, of a representation with `len` bytes and this tag.
///
/// A header that is no range of bytes is ignored, as the RFC demands. One that asks for several parts is ignored
/// too, which the RFC permits: players do not ask so. `If-Range` with another tag, or with a date, makes it all.
pub(crate) fn part(headers: &HeaderMap, tag: &ETag, len: u64) -> Part {
    let mut values = headers.get_all(RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Part::Whole;
    };
    if !is_current(headers, tag) {
        return Part::Whole;
    }
    let Ok(value) = value.to_str() else {
        return Part::Whole;
    };
    match parse_range_header(value).and_then(|ranges| ranges.validate(len)) {
        Ok(ranges) => match ranges.as_slice() {
            [one] => Part::Bytes(*one.start()..one.end().saturating_add(1)),
            _ => Part::Whole,
        },
        Err(RangeUnsatisfiableError::Unsatisfiable) => Part::Nothing,
        Err(_) => Part::Whole,
    }
}

/// False when the client wants a part only of something that this is no more.
fn is_current(headers: &HeaderMap, tag: &ETag) -> bool {
    match headers.typed_try_get::<IfRange>() {
        Ok(None) => true,
        Ok(Some(condition)) => !condition.is_modified(Some(tag), None),
        Err(_) => false,
    }
}

/// `range` cut into pieces of at most `piece` bytes.
pub(crate) fn pieces(range: Range<u64>, piece: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let next = move |start: u64| {
        let end = range.end.min(start.saturating_add(piece));
        (start < end).then_some(start..end)
    };
    std::iter::successors(next(range.start), move |before| next(before.end))
}
