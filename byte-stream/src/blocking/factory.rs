//! [`ClientFactory`] without async.

use std::{
    future::{Future, IntoFuture as _},
    sync::Arc,
};

use super::{
    interrupt::Calls, reader::ByteReader, runtime::Background, segment::SegmentHandle,
    writer::ByteWriter,
};
use crate::{
    ClientConfig, Environment, OpenByteReader, OpenByteWriter, ScopedSegment, ScopedStream,
    SegmentError, Target,
};

/// Makes blocking writers, readers and handles that share connections, addresses, tokens and one thread.
///
/// Cloning is cheap and shares everything. Dropping never blocks, wherever it happens. The thread ends when the
/// last clone and all children are gone.
#[derive(Debug, Clone)]
pub struct ClientFactory {
    factory: crate::ClientFactory,
    background: Arc<Background>,
}

impl ClientFactory {
    /// Makes a factory and starts its thread. No I/O takes place; what is wrong with the configuration's
    /// surroundings is reported by the first operation.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self::in_environment(config, Environment::system())
    }

    /// The same with an [`Environment`] of the caller's.
    #[must_use]
    pub fn in_environment(config: ClientConfig, environment: Environment) -> Self {
        let (factory, background) = match Background::start() {
            Ok(background) => {
                let factory = crate::ClientFactory::in_environment(config, environment);
                (factory, background)
            }
            Err(error) => (crate::ClientFactory::failed(error), Background::none()),
        };
        Self {
            factory,
            background: Arc::new(background),
        }
    }

    /// A writer to `segment` at offset 0; see
    /// [`ClientFactory::create_byte_writer`](crate::ClientFactory::create_byte_writer).
    #[must_use]
    pub fn create_byte_writer(&self, segment: ScopedSegment) -> ByteWriter {
        ByteWriter::new(self.factory.create_byte_writer(segment), self.calls())
    }

    /// A reader of `segment` that starts at its head; see
    /// [`ClientFactory::create_byte_reader`](crate::ClientFactory::create_byte_reader).
    #[must_use]
    pub fn create_byte_reader(&self, segment: ScopedSegment) -> ByteReader {
        let creating = self.factory.create_byte_reader(segment);
        let reader = self.background.block_on(creating);
        ByteReader::new(reader, self.calls())
    }

    /// Opens a writer at the tail.
    ///
    /// # Errors
    /// [`SegmentError`].
    pub fn open_byte_writer(&self, target: impl Into<Target>) -> Result<ByteWriter, SegmentError> {
        self.open_byte_writer_with(target, |options| options)
    }

    /// Opens a writer with [options](OpenByteWriter).
    ///
    /// ```no_run
    /// # fn run(factory: pravega_byte_stream::blocking::ClientFactory) -> Result<(), Box<dyn std::error::Error>> {
    /// use pravega_byte_stream::{ScopedStream, WriteMode};
    ///
    /// let stream: ScopedStream = "camera/front".parse()?;
    /// let mut writer = factory.open_byte_writer_with(stream, |it| it.mode(WriteMode::Shared))?;
    /// writer.write_all(b"frame")?;
    /// writer.flush()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SegmentError`].
    pub fn open_byte_writer_with(
        &self,
        target: impl Into<Target>,
        options: impl FnOnce(OpenByteWriter) -> OpenByteWriter,
    ) -> Result<ByteWriter, SegmentError> {
        let opening = options(self.factory.open_byte_writer(target));
        let writer = self.background.block_on(opening.into_future())?;
        Ok(ByteWriter::new(writer, self.calls()))
    }

    /// Opens a reader at the head.
    ///
    /// # Errors
    /// [`SegmentError`].
    pub fn open_byte_reader(&self, target: impl Into<Target>) -> Result<ByteReader, SegmentError> {
        self.open_byte_reader_with(target, |options| options)
    }

    /// Opens a reader with [options](OpenByteReader).
    ///
    /// # Errors
    /// [`SegmentError`].
    pub fn open_byte_reader_with(
        &self,
        target: impl Into<Target>,
        options: impl FnOnce(OpenByteReader) -> OpenByteReader,
    ) -> Result<ByteReader, SegmentError> {
        let opening = options(self.factory.open_byte_reader(target));
        let reader = self.background.block_on(opening.into_future())?;
        Ok(ByteReader::new(reader, self.calls()))
    }

    /// A handle on a segment: info, truncate, seal, attributes.
    ///
    /// # Errors
    /// [`SegmentError::Setup`] when the factory could not be set up.
    pub fn segment(&self, segment: ScopedSegment) -> Result<SegmentHandle, SegmentError> {
        let handle = self.factory.segment(segment)?;
        Ok(SegmentHandle::new(handle, Arc::clone(&self.background)))
    }

    /// Makes the scope and a one-segment stream, unless they exist. Returns true when the stream is new.
    ///
    /// # Errors
    /// As for [`ClientFactory::ensure_byte_stream`](crate::ClientFactory::ensure_byte_stream).
    pub fn ensure_byte_stream(&self, stream: &ScopedStream) -> Result<bool, SegmentError> {
        self.background
            .block_on(self.factory.ensure_byte_stream(stream))
    }

    /// The one segment of a byte stream.
    ///
    /// # Errors
    /// As for [`ClientFactory::segment_of`](crate::ClientFactory::segment_of).
    pub fn segment_of(&self, stream: &ScopedStream) -> Result<ScopedSegment, SegmentError> {
        self.background.block_on(self.factory.segment_of(stream))
    }

    /// Runs something asynchronous on the factory's thread and waits for it: whatever has no blocking form of
    /// its own, such as the calls of the [controller](crate::ClientFactory::controller). It must not block.
    ///
    /// ```no_run
    /// # use pravega_byte_stream::{ScopedStream, blocking::ClientFactory};
    /// # fn run(factory: ClientFactory, stream: ScopedStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let controller = factory.run(|it| async move { it.controller() })??;
    /// factory.run(|_| async move { controller.seal_stream(&stream).await })??;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SegmentError::Setup`] when the factory could not be set up or the call panicked; what the call itself
    /// gives is inside.
    pub fn run<F>(
        &self,
        call: impl FnOnce(crate::ClientFactory) -> F,
    ) -> Result<F::Output, SegmentError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.factory.core()?;
        self.background.run(call(self.factory.clone()))
    }

    /// Ends all children and closes all connections. Blocked calls return; unflushed bytes are not waited for.
    pub fn shutdown(&self) {
        self.background.block_on(self.factory.shutdown());
    }

    fn calls(&self) -> Calls {
        Calls::new(Arc::clone(&self.background))
    }
}
