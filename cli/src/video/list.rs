//! `GET /streams`: what there is, where it begins and ends, and how fast it grows.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use pravega_byte_stream::{ByteReader, ClientFactory, ScopedStream, SegmentInfo};
use serde::Serialize;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{
    opened::{first_bytes, is_telling, media_type, reader},
    problem::Problem,
    rate::Meter,
    router::App,
};
use crate::inspect::is_internal;

/// The most streams, and the most scopes, that are listed.
const MAX_LISTED: usize = 1_000;
/// How many streams are asked for their state at the same time.
const AT_ONCE: usize = 16;
/// How long one stream may take to tell its state. Without an answer it is left out.
const ASK_PATIENCE: Duration = Duration::from_secs(5);
/// How long a list is handed out again, so that many pages ask the stores no more often than one.
const FRESH: Duration = Duration::from_millis(500);

/// One stream of the list.
#[derive(Debug, Serialize)]
struct Entry {
    stream: String,
    /// The first readable offset.
    head: u64,
    /// Where the next byte goes.
    tail: u64,
    sealed: bool,
    /// Bytes for each second, lately; none as long as it was not watched for long enough.
    rate: Option<u64>,
    /// The media type, if it is one that is played.
    media: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    streams: Vec<Entry>,
    /// False when there are more streams than are listed, or some did not tell their state.
    complete: bool,
}

/// The list as it was made last, and what is remembered to make the next one.
#[derive(Debug, Default)]
pub(crate) struct Catalog(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    listing: Option<(Instant, Arc<Listing>)>,
    known: HashMap<ScopedStream, Known>,
}

/// What is remembered of a stream from one list to the next.
#[derive(Debug, Clone)]
struct Known {
    reader: Arc<ByteReader>,
    head: u64,
    first: Bytes,
    meter: Meter,
}

pub(crate) async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let listing = app.catalog.listing(&app.factory()).await?;
    Ok(Json(listing.as_ref()).into_response())
}

impl Catalog {
    /// The list of now, or of a moment ago. Who asks while one is being made waits for it.
    async fn listing(&self, factory: &ClientFactory) -> Result<Arc<Listing>, Problem> {
        let mut last = self.0.lock().await;
        if let Some((at, listing)) = &last.listing
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(listing));
        }
        let (names, mut complete) = names(factory).await?;
        let known = &last.known;
        let ask = |stream: ScopedStream| async move {
            let before = known.get(&stream).cloned();
            let asked = timeout(ASK_PATIENCE, look(factory, &stream, before)).await;
            (stream, asked)
        };
        let mut asked = futures::stream::iter(names).map(ask).buffered(AT_ONCE);
        let (mut streams, mut remembered) = (Vec::new(), HashMap::new());
        while let Some((stream, asked)) = asked.next().await {
            match asked {
                Ok(Ok((info, now))) => {
                    streams.push(entry(&stream, &info, &now));
                    remembered.insert(stream, now);
                }
                // Deleted a moment ago, or not a byte stream.
                Ok(Err(error)) if !error.status().is_server_error() => {}
                Ok(Err(_)) | Err(_) => complete = false,
            }
        }
        drop(asked);
        let listing = Arc::new(Listing { streams, complete });
        last.known = remembered;
        last.listing = Some((Instant::now(), Arc::clone(&listing)));
        Ok(listing)
    }
}

/// The names of the streams that are not Pravega's own, in order; false beside them when there are more.
async fn names(factory: &ClientFactory) -> Result<(Vec<ScopedStream>, bool), Problem> {
    let controller = factory.controller()?;
    let scopes: Vec<_> = controller
        .list_scopes()
        .take(MAX_LISTED)
        .try_collect()
        .await?;
    let mut names = Vec::new();
    for scope in scopes.iter().filter(|scope| !is_internal(scope.as_str())) {
        let room = (MAX_LISTED + 1).saturating_sub(names.len());
        let streams: Vec<ScopedStream> = controller
            .list_streams(scope)
            .take(room)
            .try_collect()
            .await?;
        names.extend(
            streams
                .into_iter()
                .filter(|stream| !is_internal(stream.stream().as_str())),
        );
    }
    names.sort();
    let complete = names.len() <= MAX_LISTED;
    names.truncate(MAX_LISTED);
    Ok((names, complete))
}

/// Asks a stream for its state.
async fn look(
    factory: &ClientFactory,
    stream: &ScopedStream,
    before: Option<Known>,
) -> Result<(SegmentInfo, Known), Problem> {
    let reader = match &before {
        Some(before) => Arc::clone(&before.reader),
        None => Arc::new(reader(factory, stream).await?),
    };
    let info = reader.info().await?;
    let now = Instant::now();
    let (first, meter) = match before {
        Some(before) => (
            Some(before.first).filter(|first| before.head == info.head && is_telling(first)),
            before.meter.seen(now, info.tail),
        ),
        None => (None, Meter::new(now, info.tail)),
    };
    let first = match first {
        Some(first) => first,
        None => first_bytes(&reader, &info).await?,
    };
    let head = info.head;
    Ok((
        info,
        Known {
            reader,
            head,
            first,
            meter,
        },
    ))
}

fn entry(stream: &ScopedStream, info: &SegmentInfo, known: &Known) -> Entry {
    Entry {
        stream: stream.to_string(),
        head: info.head,
        tail: info.tail,
        sealed: info.is_sealed,
        rate: known.meter.rate(),
        media: media_type(&known.first),
    }
}
