//! The commands that look at streams and change them, without moving bytes.

use futures::TryStreamExt as _;
use pravega_byte_stream::{ScopeName, ScopedStream, SegmentHandle};
use serde::Serialize;

use crate::{args::Stat, error::CliError, output, session::Session};

/// What Pravega keeps for itself begins with this.
const INTERNAL: char = '_';

/// What `create` prints.
#[derive(Serialize)]
struct Created {
    stream: String,
    created: bool,
}

pub(crate) async fn create(
    session: &Session,
    stream: &ScopedStream,
    json: bool,
) -> Result<(), CliError> {
    let is_new = session.factory.ensure_byte_stream(stream).await?;
    if json {
        return output::json(&Created {
            stream: stream.to_string(),
            created: is_new,
        });
    }
    output::note(&format!(
        "{stream} {}",
        if is_new { "created" } else { "exists" }
    ));
    Ok(())
}

pub(crate) async fn list(
    session: &Session,
    scope: Option<&ScopeName>,
    all: bool,
    json: bool,
) -> Result<(), CliError> {
    let controller = session.factory.controller()?;
    let mut names: Vec<String> = match scope {
        None => {
            controller
                .list_scopes()
                .map_ok(|scope| scope.to_string())
                .try_collect()
                .await?
        }
        Some(scope) => {
            let streams = controller.list_streams(scope);
            streams
                .map_ok(|stream| stream.to_string())
                .try_collect()
                .await?
        }
    };
    names.retain(|name| all || !is_internal(name));
    names.sort();
    if json {
        return output::json(&names);
    }
    names.iter().try_for_each(|name| output::line(name))
}

/// True for the name of something that Pravega keeps for itself.
pub(crate) fn is_internal(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|last| last.starts_with(INTERNAL))
}

/// What `stat` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    stream: String,
    segment: String,
    pub(crate) head: u64,
    pub(crate) tail: u64,
    pub(crate) sealed: bool,
    last_modified_ms: i64,
}

impl Facts {
    pub(crate) async fn of(
        handle: &SegmentHandle,
        stream: &ScopedStream,
    ) -> Result<Self, CliError> {
        let info = handle.info().await?;
        Ok(Self {
            stream: stream.to_string(),
            segment: handle.segment().to_string(),
            head: info.head,
            tail: info.tail,
            sealed: info.is_sealed,
            last_modified_ms: info.last_modified_ms,
        })
    }

    /// For people, in several lines.
    pub(crate) fn text(&self) -> String {
        let Self {
            stream,
            segment,
            head,
            tail,
            sealed,
            ..
        } = self;
        format!(
            "stream   {stream}\nsegment  {segment}\nhead     {head}\ntail     {tail}\nsealed   {sealed}"
        )
    }
}

pub(crate) async fn stat(session: &Session, options: &Stat) -> Result<(), CliError> {
    let handle = segment_of(session, &options.stream).await?;
    let facts = Facts::of(&handle, &options.stream).await?;
    if options.json {
        return output::json(&facts);
    }
    output::line(&facts.text())
}

pub(crate) async fn truncate(
    session: &Session,
    stream: &ScopedStream,
    offset: u64,
) -> Result<(), CliError> {
    Ok(segment_of(session, stream)
        .await?
        .truncate_data_before(offset)
        .await?)
}

pub(crate) async fn seal(session: &Session, stream: &ScopedStream) -> Result<(), CliError> {
    Ok(segment_of(session, stream).await?.seal().await?)
}

/// Seals the stream at the controller, which a deletion asks for, and deletes it.
pub(crate) async fn remove(session: &Session, stream: &ScopedStream) -> Result<(), CliError> {
    let controller = session.factory.controller()?;
    controller.seal_stream(stream).await?;
    controller.delete_stream(stream).await?;
    Ok(())
}

pub(crate) async fn segment_of(
    session: &Session,
    stream: &ScopedStream,
) -> Result<SegmentHandle, CliError> {
    let segment = session.factory.segment_of(stream).await?;
    Ok(session.factory.segment(segment)?)
}
