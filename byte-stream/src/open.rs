//! Options of writers and readers, and the builders that open them.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use pravega_client_shared::{ScopedSegment, ScopedStream};
use pravega_controller_client::Access;
use pravega_segment_session::{AppendOptions, ReadOptions};
pub use pravega_segment_session::{OnTruncation, WriteMode};
use snafu::ensure;
use tracing::{debug, instrument};

use crate::{
    ClientFactory,
    core::Core,
    error::{SealedSnafu, SegmentError, TailConflictSnafu},
    reader::{self, ByteReader, Start},
    resolve::{segment_to_read, segment_to_write},
    segment::{SegmentHandle, SegmentInfo},
    writer::{self, ByteWriter},
};

/// What is opened: a stream, whose one segment is looked up, or a segment by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The one segment of this stream.
    Stream(ScopedStream),
    /// This segment.
    Segment(ScopedSegment),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => stream.fmt(f),
            Self::Segment(segment) => segment.fmt(f),
        }
    }
}

impl From<ScopedStream> for Target {
    fn from(stream: ScopedStream) -> Self {
        Self::Stream(stream)
    }
}

impl From<ScopedSegment> for Target {
    fn from(segment: ScopedSegment) -> Self {
        Self::Segment(segment)
    }
}

/// What a write does while the writer's buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// Waits, at most the operation time-out.
    #[default]
    Wait,
    /// Waits at most this long.
    WaitAtMost(Duration),
    /// Returns [`WriteError::Full`](crate::WriteError::Full) at once.
    Refuse,
}

/// Where a reader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReadFrom {
    /// At the first readable byte.
    #[default]
    Head,
    /// At the next byte to be written.
    Tail,
    /// At this offset.
    Offset(u64),
    /// This many bytes before the tail, but not before the head.
    BeforeTail(u64),
}

/// Where a reader ends, which is where `read` returns 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReadUntil {
    /// At the end of the sealed segment; until then it waits at the tail.
    #[default]
    Sealed,
    /// At this offset, or at the end of the sealed segment if that comes first.
    Offset(u64),
    /// Where the tail is when the reader is opened.
    TailAtOpen,
}

/// Opens a [`ByteWriter`]; made by [`ClientFactory::open_byte_writer`]. Await it.
///
/// | option | default |
/// | --- | --- |
/// | [`mode`](Self::mode) | [`WriteMode::Exclusive`] |
/// | [`expect_at`](Self::expect_at) | the tail, wherever it is |
/// | [`max_unacked_bytes`](Self::max_unacked_bytes) | from the configuration, 16 MiB |
/// | [`when_full`](Self::when_full) | [`WhenFull::Wait`] |
/// | [`linger`](Self::linger) | 0: bytes go out as soon as the connection is free |
/// | [`operation_timeout`](Self::operation_timeout) | from the configuration, 60 s |
#[must_use = "a writer is opened by awaiting this"]
pub struct OpenByteWriter {
    factory: ClientFactory,
    target: Target,
    mode: WriteMode,
    expected_tail: Option<u64>,
    max_unacked_bytes: Option<usize>,
    when_full: WhenFull,
    linger: Duration,
    operation_timeout: Option<Duration>,
}

impl OpenByteWriter {
    pub(crate) fn new(factory: ClientFactory, target: Target) -> Self {
        Self {
            factory,
            target,
            mode: WriteMode::Exclusive,
            expected_tail: None,
            max_unacked_bytes: None,
            when_full: WhenFull::default(),
            linger: Duration::ZERO,
            operation_timeout: None,
        }
    }

    /// Whether other writers are noticed and refused, or tolerated.
    pub fn mode(self, mode: WriteMode) -> Self {
        Self { mode, ..self }
    }

    /// Starts at the tail, wherever it is. This is the default.
    pub fn at_tail(self) -> Self {
        Self {
            expected_tail: None,
            ..self
        }
    }

    /// Starts at `offset`, which must be the tail: opening fails with [`SegmentError::TailConflict`] if
    /// it is not. That is how a restarted process goes on exactly once behind what it knows to be durable.
    pub fn expect_at(self, offset: u64) -> Self {
        Self {
            expected_tail: Some(offset),
            ..self
        }
    }

    /// The most bytes that the writer holds unacknowledged, its own overhead included, in bytes.
    pub fn max_unacked_bytes(self, bytes: usize) -> Self {
        Self {
            max_unacked_bytes: Some(bytes),
            ..self
        }
    }

    /// What a write does while the buffer is full.
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// How long small writes may wait for company before they are sent. A flush does not wait.
    pub fn linger(self, linger: Duration) -> Self {
        Self { linger, ..self }
    }

    /// The deadline of every waiting call of the writer.
    pub fn operation_timeout(self, timeout: Duration) -> Self {
        Self {
            operation_timeout: Some(timeout),
            ..self
        }
    }

    #[instrument(name = "writer.open", level = "debug", skip_all, fields(target = %self.target))]
    async fn open(self) -> Result<ByteWriter, SegmentError> {
        let core = self.factory.core()?;
        let segment = match self.target {
            Target::Stream(stream) => segment_to_write(&core, &stream).await?,
            Target::Segment(segment) => segment,
        };
        let defaults = append_options(&core);
        let window = self.max_unacked_bytes.unwrap_or(defaults.max_unacked_bytes);
        let options = defaults
            .with_mode(self.mode)
            .with_max_unacked_bytes(window)
            .with_linger(self.linger);
        let settings = writer::Settings {
            when_full: self.when_full,
            operation_timeout: self
                .operation_timeout
                .unwrap_or(core.config.operation_timeout()),
        };
        let inner = writer::Inner::new(core, segment, options, settings);
        let info = inner.handle.info().await?;
        let segment = inner.handle.segment();
        ensure!(
            !info.is_sealed,
            SealedSnafu {
                segment: segment.clone()
            }
        );
        if let Some(expected) = self.expected_tail.filter(|&expected| expected != info.tail) {
            let (segment, actual) = (segment.clone(), info.tail);
            return TailConflictSnafu {
                segment,
                expected,
                actual,
            }
            .fail();
        }
        // A session that has accepted nothing can always be moved.
        inner
            .driver
            .drive(|appending, _| appending.resync(info.tail))
            .ok();
        debug!(name: "writer.opened", segment = %inner.handle.segment(), tail = info.tail, "a writer is open");
        Ok(ByteWriter::opened(inner))
    }
}

impl IntoFuture for OpenByteWriter {
    type Output = Result<ByteWriter, SegmentError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for OpenByteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenByteWriter")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Opens a [`ByteReader`]; made by [`ClientFactory::open_byte_reader`]. Await it.
///
/// | option | default |
/// | --- | --- |
/// | [`from`](Self::from) | [`ReadFrom::Head`] |
/// | [`until`](Self::until) | [`ReadUntil::Sealed`] |
/// | [`read_ahead`](Self::read_ahead) | from the configuration, 4 MiB |
/// | [`on_truncation`](Self::on_truncation) | [`OnTruncation::Error`] |
/// | [`idle_timeout`](Self::idle_timeout) | none: a read waits at the tail for ever |
#[must_use = "a reader is opened by awaiting this"]
pub struct OpenByteReader {
    factory: ClientFactory,
    target: Target,
    from: ReadFrom,
    until: ReadUntil,
    read_ahead: Option<usize>,
    on_truncation: OnTruncation,
    idle_timeout: Option<Duration>,
}

impl OpenByteReader {
    pub(crate) fn new(factory: ClientFactory, target: Target) -> Self {
        Self {
            factory,
            target,
            from: ReadFrom::default(),
            until: ReadUntil::default(),
            read_ahead: None,
            on_truncation: OnTruncation::Error,
            idle_timeout: None,
        }
    }

    /// Where to start.
    pub fn from(self, from: ReadFrom) -> Self {
        Self { from, ..self }
    }

    /// Where to end.
    pub fn until(self, until: ReadUntil) -> Self {
        Self { until, ..self }
    }

    /// The most bytes asked for and held ahead of the caller, in bytes.
    pub fn read_ahead(self, bytes: usize) -> Self {
        Self {
            read_ahead: Some(bytes),
            ..self
        }
    }

    /// What to do when the bytes to be read next were truncated.
    pub fn on_truncation(self, on_truncation: OnTruncation) -> Self {
        Self {
            on_truncation,
            ..self
        }
    }

    /// How long a read waits for a byte before it returns [`ReadError::Idle`](crate::ReadError::Idle).
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        Self {
            idle_timeout: Some(timeout),
            ..self
        }
    }

    #[instrument(name = "reader.open", level = "debug", skip_all, fields(target = %self.target))]
    async fn open(self) -> Result<ByteReader, SegmentError> {
        let core = self.factory.core()?;
        let segment = match self.target {
            Target::Stream(stream) => segment_to_read(&core, &stream).await?,
            Target::Segment(segment) => segment,
        };
        let handle = SegmentHandle::new(Arc::clone(&core), segment, Access::Read);
        // An offset needs no question: the first read tells whether it is there.
        let info = match (self.from, self.until) {
            (ReadFrom::Offset(_), ReadUntil::Sealed | ReadUntil::Offset(_)) => None,
            _ => Some(handle.info().await?),
        };
        let start = start_of(self.from, info.as_ref());
        let limit = match self.until {
            ReadUntil::Sealed => None,
            ReadUntil::Offset(offset) => Some(offset),
            ReadUntil::TailAtOpen => info.as_ref().map(|info| info.tail),
        };
        let options = read_options(&core, start, self.read_ahead)
            .with_until(limit)
            .with_on_truncation(self.on_truncation);
        let opened = reader::Inner::new(core, handle, &options, Start::Offset, self.idle_timeout);
        if let Some(info) = info {
            opened.note_info(&info);
        }
        debug!(name: "reader.opened", segment = %opened.segment(), start, "a reader is open");
        Ok(ByteReader::opened(opened))
    }
}

fn start_of(from: ReadFrom, info: Option<&SegmentInfo>) -> u64 {
    let (head, tail) = info.map_or((0, 0), |info| (info.head, info.tail));
    match from {
        ReadFrom::Head => head,
        ReadFrom::Tail => tail,
        ReadFrom::Offset(offset) => offset,
        ReadFrom::BeforeTail(bytes) => tail.saturating_sub(bytes).max(head),
    }
}

/// The options of a writer where the caller did not choose.
pub(crate) fn append_options(core: &Core) -> AppendOptions {
    AppendOptions::default()
        .with_max_unacked_bytes(core.config.max_unacked_bytes())
        .with_backoff(core.backoff_policy())
}

/// The options of a reader where the caller did not choose.
pub(crate) fn read_options(core: &Core, start: u64, read_ahead: Option<usize>) -> ReadOptions {
    ReadOptions::default()
        .with_offset(start)
        .with_max_read_ahead_bytes(read_ahead.unwrap_or(core.config.max_read_ahead_bytes()))
        .with_backoff(core.backoff_policy())
}

impl IntoFuture for OpenByteReader {
    type Output = Result<ByteReader, SegmentError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for OpenByteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenByteReader")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
