//! `PUT /streams/{scope}/{stream}`: a recording, appended as it comes.

use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header::CONTENT_RANGE},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use pravega_byte_stream::{ByteWriter, MAX_ATOMIC_WRITE, ScopedStream, WriteError};
use serde::{Deserialize, Serialize};
use snafu::{OptionExt as _, ensure};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    limits::{Place, RECORD_PATIENCE, RECORD_WINDOW},
    name::Named,
    problem::{BadRequestSnafu, BrokenSnafu, Cut, EndingSnafu, Problem, QuietSnafu, StoppedSnafu},
    router::App,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The offset where the stream must end now. So a recorder that was cut off goes on exactly once.
    at: Option<u64>,
    /// Whether the stream is sealed when the body ends.
    #[serde(default)]
    seal: bool,
}

/// What became of a recording.
#[derive(Debug, Serialize)]
struct Recorded {
    stream: String,
    /// Where the recording begins.
    from: u64,
    /// Where it ends. All of it is durable.
    tail: u64,
    sealed: bool,
}

/// Appends the body; makes the stream if it is missing. The answer comes when everything is durable.
pub(crate) async fn record(
    State(app): State<App>,
    Named(stream): Named,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let detail = "a part cannot be put: say with ?at=OFFSET where the stream ends now";
    ensure!(
        !headers.contains_key(CONTENT_RANGE),
        BadRequestSnafu { detail }
    );
    let place = app.places.recording()?;
    let factory = app.factory();
    let is_new = factory.ensure_byte_stream(&stream).await?;
    let mut opening = factory
        .open_byte_writer(stream.clone())
        .max_unacked_bytes(RECORD_WINDOW);
    if let Some(offset) = asked.at {
        opening = opening.expect_at(offset);
    }
    let recording = Recording {
        writer: opening.await?,
        app: app.clone(),
        _place: place,
    };
    // A task of its own, because the answer is dropped when the client goes away, and what it sent before is
    // to be made durable all the same.
    let running = app
        .recordings
        .spawn(recording.run(body.into_data_stream(), stream, asked.seal));
    let Ok(recorded) = running.await else {
        return EndingSnafu.fail();
    };
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(recorded?)).into_response())
}

struct Recording {
    writer: ByteWriter,
    app: App,
    _place: Place,
}

impl Recording {
    async fn run(
        mut self,
        body: BodyDataStream,
        stream: ScopedStream,
        seal: bool,
    ) -> Result<Recorded, Problem> {
        let from = self.writer.position();
        let copied = self.copy(body).await;
        // What came is made durable, whatever ended it.
        let flushed = self.writer.flush().await;
        let durable = self.writer.durable_offset();
        let cut = |source| Problem::Recording { durable, source };
        copied.map_err(cut)?;
        let tail = flushed.map_err(Cut::from).map_err(cut)?;
        if seal {
            self.writer.seal().await.map_err(Cut::from).map_err(cut)?;
        }
        Ok(Recorded {
            stream: stream.to_string(),
            from,
            tail,
            sealed: seal,
        })
    }

    /// Appends what comes. While the writer is full the body is not read, and TCP holds the client back.
    async fn copy(&mut self, mut body: BodyDataStream) -> Result<(), Cut> {
        while let Some(bytes) = next(&mut body, &self.app.closing).await? {
            self.append(bytes).await?;
        }
        Ok(())
    }

    async fn append(&mut self, mut bytes: Bytes) -> Result<(), WriteError> {
        let most = MAX_ATOMIC_WRITE.min(RECORD_WINDOW / 2);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(most));
            self.writer.append(piece).await?;
        }
        Ok(())
    }
}

/// What comes next of a body; none at its end.
async fn next<E>(
    body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    closing: &CancellationToken,
) -> Result<Option<Bytes>, Cut> {
    let next = tokio::select! {
        next = timeout(RECORD_PATIENCE, body.next()) => next,
        () = closing.cancelled() => return StoppedSnafu.fail(),
    };
    let Ok(next) = next else {
        return QuietSnafu.fail();
    };
    next.transpose().ok().context(BrokenSnafu)
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use tokio::time::{Duration, Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_recording_may_be_silent_for_five_minutes_again_and_again() {
        assert_eq!(RECORD_PATIENCE.as_secs(), 300);
        let (camera, mut body) = mpsc::unbounded();
        let closing = CancellationToken::new();
        tokio::spawn(async move {
            for piece in ["one", "two"] {
                sleep(RECORD_PATIENCE - Duration::from_millis(1)).await;
                camera.unbounded_send(Ok::<_, ()>(piece.into())).unwrap();
            }
            std::future::pending::<()>().await;
            drop(camera);
        });
        for piece in ["one", "two"] {
            let came = next(&mut body, &closing).await;
            assert_eq!(came.unwrap().unwrap(), piece);
        }
        let silent = Instant::now();
        assert!(matches!(next(&mut body, &closing).await, Err(Cut::Quiet)));
        assert_eq!(silent.elapsed().as_secs(), 300);
    }
}
