//! `GET /live/{scope}/{stream}`: from any offset on, and everything that is appended, until the stream is sealed.

use std::io;

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::Method,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use pravega_byte_stream::{ByteReader, ReadError, ReadFrom, ScopedStream};
use serde::Deserialize;
use snafu::ensure;

use super::{
    limits::{LIVE_READ_AHEAD, PIECE, Place},
    name::Named,
    opened::Opened,
    problem::{OutsideSnafu, Problem},
    router::App,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The offset to start at, counted from the first byte ever; the head if it is missing.
    from: Option<u64>,
}

/// Answers with a body of unknown length. Ranges are not for it.
pub(crate) async fn live(
    State(app): State<App>,
    Named(stream): Named,
    method: Method,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let place = app.places.live()?;
    let opened = Opened::open(&app.factory(), &stream).await?;
    let (head, tail) = (opened.info.head, opened.info.tail);
    let from = asked.from.unwrap_or(head);
    ensure!(from <= tail, OutsideSnafu { len: tail });
    if from < head {
        let segment = opened.reader.segment()?.clone();
        return Err(ReadError::Truncated {
            segment,
            requested: from,
            head,
        }
        .into());
    }
    let headers = opened.headers();
    if method == Method::HEAD {
        return Ok((headers, Body::empty()).into_response());
    }
    let following = Following {
        reader: open(&app, &stream, from).await?,
        app,
        stream,
        _place: place,
    };
    let body = futures::stream::try_unfold(following, Following::next);
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn open(app: &App, stream: &ScopedStream, from: u64) -> Result<ByteReader, Problem> {
    let factory = app.factory();
    let opening = factory
        .open_byte_reader(stream.clone())
        .from(ReadFrom::Offset(from))
        .read_ahead(LIVE_READ_AHEAD);
    Ok(opening.await?)
}

/// A live answer under way. It waits at the tail at the cost of one parked read, and ends with the client: hyper
/// drops it then.
struct Following {
    reader: ByteReader,
    app: App,
    stream: ScopedStream,
    _place: Place,
}

impl Following {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let closing = self.app.closing.clone();
        let next = async {
            loop {
                match self
                    .reader
                    .read_chunk(usize::try_from(PIECE).unwrap_or(usize::MAX))
                    .await
                {
                    Err(ReadError::Closed { .. }) => self.reopen().await?,
                    other => return other.map_err(io::Error::from),
                }
            }
        };
        let chunk = tokio::select! {
            chunk = next => chunk?,
            // An end that is none: an error tells the client that the stream has more.
            () = closing.cancelled() => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        Ok(chunk.map(|bytes| (bytes, self)))
    }

    /// The process that served the directory has ended and another session goes on in its place.
    async fn reopen(&mut self) -> io::Result<()> {
        let from = self.reader.position();
        let opened = open(&self.app, &self.stream, from).await;
        self.reader = opened.map_err(io::Error::other)?;
        Ok(())
    }
}
