//! `GET /streams/{scope}/{stream}`: what is recorded so far, or a part of it.

use std::ops::Range;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use axum_extra::headers::{AcceptRanges, ContentRange, HeaderMapExt as _};
use futures::StreamExt as _;
use pravega_byte_stream::ByteReader;

use super::{
    limits::{PIECE, Place},
    name::Named,
    opened::Opened,
    problem::{OutsideSnafu, Problem},
    range::{Part, part, pieces},
    router::App,
};

/// Answers with the bytes from the head to the tail as it is now. Byte 0 of the answer, and of ranges, is the head.
pub(crate) async fn play(
    State(app): State<App>,
    Named(stream): Named,
    method: Method,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.places.play().await?;
    let opened = Opened::open(&app.factory(), &stream).await?;
    let len = opened.len();
    let mut headers = opened.headers();
    headers.typed_insert(AcceptRanges::bytes());
    // A range is defined for GET alone; HEAD tells of the whole.
    let asked_part = match opened.tag() {
        Some(tag) => {
            headers.typed_insert(tag.clone());
            if method == Method::GET {
                part(&asked, &tag, len)
            } else {
                Part::Whole
            }
        }
        None => Part::Whole,
    };
    let (status, bytes) = match asked_part {
        Part::Whole => (StatusCode::OK, 0..len),
        Part::Bytes(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Part::Nothing => return OutsideSnafu { len }.fail(),
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let sent = ContentRange::bytes(bytes.clone(), len).map_err(Problem::bad_request)?;
        headers.typed_insert(sent);
    }
    headers.insert(header::CONTENT_LENGTH, (bytes.end - bytes.start).into());
    let head = opened.info.head;
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        body(opened.reader, head + bytes.start..head + bytes.end, place)
    };
    Ok((status, headers, body).into_response())
}

/// The bytes of `range`, one piece asked for at a time, and only when the client has taken the one before. It
/// ends with the client: hyper drops it then, and the place with it.
fn body(reader: ByteReader, range: Range<u64>, place: Place) -> Body {
    let read = move |piece| {
        let _held = &place;
        reader.stream_range(piece)
    };
    Body::from_stream(
        futures::stream::iter(pieces(range, PIECE))
            .map(read)
            .flatten(),
    )
}
