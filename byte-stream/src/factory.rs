//! [`ClientFactory`], where everything begins.

use std::{fmt, sync::Arc};

use pravega_client_config::ClientConfig;
use pravega_client_shared::{ScopedSegment, ScopedStream};
use pravega_controller_client::{ControllerClient, StreamConfiguration};
use snafu::IntoError as _;
use tokio_util::sync::CancellationToken;

use crate::{
    core::Core,
    environment::Environment,
    error::{Cause, SegmentError, SetupSnafu},
    measure::Meters,
    open::{OpenByteReader, OpenByteWriter, Target},
    reader::ByteReader,
    resolve::{controller_failed, segment_to_read},
    segment::SegmentHandle,
    writer::ByteWriter,
};

/// Makes writers, readers and handles that share connections, addresses and tokens.
///
/// Cloning is cheap and shares everything. Making a factory does no I/O and needs no runtime; what its
/// children do runs on the tokio runtime that calls them, of any flavour.
///
/// A writer or reader belongs to the runtime in which it was first used, and is closed when that ends. The factory
/// works on in any other.
///
/// Dropping the last clone does not end the children: they hold what they need. [`shutdown`](Self::shutdown)
/// does end them.
#[derive(Clone)]
pub struct ClientFactory {
    core: Result<Arc<Core>, SegmentError>,
}

impl ClientFactory {
    /// Makes a factory. No I/O takes place; what is wrong with the configuration's surroundings, such as
    /// trust roots that cannot be loaded, is reported by the first operation.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self::in_environment(config, Environment::system())
    }

    /// Makes a factory that takes its byte streams, or its random numbers, from elsewhere: a tunnel, a
    /// simulation. No I/O takes place.
    #[must_use]
    pub fn in_environment(config: ClientConfig, environment: Environment) -> Self {
        Self {
            core: Self::set_up(config, environment),
        }
    }

    /// A factory of which every operation returns `error`.
    pub(crate) fn failed(error: SegmentError) -> Self {
        Self { core: Err(error) }
    }

    fn set_up(config: ClientConfig, environment: Environment) -> Result<Arc<Core>, SegmentError> {
        let failed = |cause: Cause| SetupSnafu.into_error(cause);
        let controller = environment.controller(&config);
        let controller = controller.map_err(|e| failed(Arc::new(e)))?;
        let meters = Meters::new();
        let pool = environment.pool(&config, &meters);
        let pool = pool.map_err(|e| failed(Arc::new(e)))?;
        Ok(Arc::new(Core {
            config,
            controller,
            pool,
            chance: environment.chance,
            meters,
            shutdown: CancellationToken::new(),
        }))
    }

    pub(crate) fn core(&self) -> Result<Arc<Core>, SegmentError> {
        self.core.clone()
    }

    /// A writer to `segment` in [exclusive mode](crate::WriteMode::Exclusive), at offset 0.
    ///
    /// Nothing is opened here: the first operation does, and reports what is wrong. On a segment that
    /// holds data, [`seek_to_tail`](ByteWriter::seek_to_tail) comes first. Use
    /// [`open_byte_writer`](Self::open_byte_writer) to choose options, to start at the tail, and to hear
    /// of errors at once.
    #[must_use]
    pub fn create_byte_writer(&self, segment: ScopedSegment) -> ByteWriter {
        ByteWriter::lazy(self.core(), segment)
    }

    /// A reader of `segment` that starts at its head.
    ///
    /// Nothing is opened here: the first operation does, and reports what is wrong. Use
    /// [`open_byte_reader`](Self::open_byte_reader) to choose options and to hear of errors at once.
    ///
    /// # Cancel safety
    /// Cancel safe: it does not wait.
    #[expect(
        clippy::unused_async,
        reason = "the program of the Pravega book awaits it"
    )]
    pub async fn create_byte_reader(&self, segment: ScopedSegment) -> ByteReader {
        ByteReader::lazy(self.core(), segment)
    }

    /// Opens a writer with options; awaiting what is returned does the work.
    ///
    /// ```no_run
    /// # async fn run(factory: pravega_byte_stream::ClientFactory) -> Result<(), Box<dyn std::error::Error>> {
    /// use pravega_byte_stream::{ScopedStream, WriteMode};
    ///
    /// let stream: ScopedStream = "camera/front".parse()?;
    /// let mut writer = factory.open_byte_writer(stream).mode(WriteMode::Shared).await?;
    /// writer.write_all(b"frame").await?;
    /// writer.flush().await?;
    /// # Ok(()) }
    /// ```
    pub fn open_byte_writer(&self, target: impl Into<Target>) -> OpenByteWriter {
        OpenByteWriter::new(self.clone(), target.into())
    }

    /// Opens a reader with options; awaiting what is returned does the work.
    ///
    /// ```no_run
    /// # async fn run(factory: pravega_byte_stream::ClientFactory) -> Result<(), Box<dyn std::error::Error>> {
    /// use pravega_byte_stream::{ReadFrom, ReadUntil, ScopedStream};
    ///
    /// let stream: ScopedStream = "camera/front".parse()?;
    /// let mut reader =
    ///     factory.open_byte_reader(stream).from(ReadFrom::Head).until(ReadUntil::TailAtOpen).await?;
    /// while let Some(chunk) = reader.read_chunk(usize::MAX).await? {
    ///     println!("{} bytes", chunk.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn open_byte_reader(&self, target: impl Into<Target>) -> OpenByteReader {
        OpenByteReader::new(self.clone(), target.into())
    }

    /// A handle on a segment: info, truncate, seal, attributes. No I/O takes place here.
    ///
    /// # Errors
    /// [`SegmentError::Setup`] when the factory could not be set up.
    pub fn segment(&self, segment: ScopedSegment) -> Result<SegmentHandle, SegmentError> {
        Ok(SegmentHandle::for_everybody(self.core()?, segment))
    }

    /// Makes the scope and a one-segment stream, unless they exist. Returns true when the stream is new.
    ///
    /// # Errors
    /// [`SegmentError::Unauthorized`] or [`SegmentError::Unavailable`].
    ///
    /// # Cancel safety
    /// Scope and stream may have been made; asking again is harmless.
    pub async fn ensure_byte_stream(&self, stream: &ScopedStream) -> Result<bool, SegmentError> {
        let core = self.core()?;
        let made = async {
            core.controller.create_scope(stream.scope()).await?;
            core.controller
                .create_stream(stream, &StreamConfiguration::default())
                .await
        };
        made.await
            .map_err(|error| controller_failed(stream, "creating the stream", error))
    }

    /// The one segment of a byte stream, also of a sealed one: the one with the stream's first bytes.
    ///
    /// # Errors
    /// [`SegmentError::ScopeNotFound`], [`SegmentError::StreamNotFound`],
    /// [`SegmentError::NotAByteStream`]; [`SegmentError::Unavailable`] when the controller did not answer.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn segment_of(&self, stream: &ScopedStream) -> Result<ScopedSegment, SegmentError> {
        segment_to_read(self.core()?.as_ref(), stream).await
    }

    /// The controller, for everything about scopes and streams.
    ///
    /// # Errors
    /// [`SegmentError::Setup`] when the factory could not be set up.
    pub fn controller(&self) -> Result<ControllerClient, SegmentError> {
        Ok(self.core()?.controller.clone())
    }

    /// Ends all children and closes all connections. Waiting calls return; unflushed bytes are not
    /// waited for: [`close`](ByteWriter::close) the writers first.
    ///
    /// # Cancel safety
    /// Once polled, the shutdown has begun and goes on.
    pub async fn shutdown(&self) {
        if let Ok(core) = &self.core {
            core.shutdown.cancel();
            core.pool.shutdown().await;
        }
    }
}

impl fmt::Debug for ClientFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFactory").finish_non_exhaustive()
    }
}
