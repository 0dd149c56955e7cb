//! The client without async: the traits of the standard library, interrupts, and odd places to block in.
//!
//! The Pravega of these tests lives on threads of its own: whoever blocks cannot serve.

mod interrupts;
mod places;
mod std_io;

use std::{ops::Deref, thread::JoinHandle};

use pravega_byte_stream::{
    ClientConfig, ClientConfigBuilder, ScopedSegment, ScopedStream,
    blocking::{ByteReader, ByteWriter, ClientFactory},
};
use pravega_integration_tests::{Backend, relay::Relay};
use tokio::{runtime::Builder, sync::oneshot};

/// A Pravega, or something before it, on threads of its own.
pub(crate) struct Elsewhere<T> {
    served: T,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Elsewhere<T> {
    fn start(serve: impl AsyncFnOnce() -> T + Send + 'static) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let run = move || {
            let mut runtime = Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                tell.send(serve().await).ok();
                ended.await.ok();
            });
        };
        let thread = std::thread::spawn(run);
        Self {
            served: told.recv().unwrap(),
            end: Some(end),
            thread: Some(thread),
        }
    }
}

impl<T> Drop for Elsewhere<T> {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl<T> Deref for Elsewhere<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.served
    }
}

/// The Pravega of this test.
fn backend() -> Elsewhere<Backend> {
    Elsewhere::start(Backend::start)
}

/// The same with a relay before it.
fn relay() -> Elsewhere<Relay> {
    Elsewhere::start(Relay::start)
}

fn config(uri: &str) -> ClientConfig {
    let config = ClientConfigBuilder::default().controller_uri(uri);
    config.build().unwrap()
}

fn factory(backend: &Backend) -> ClientFactory {
    ClientFactory::new(config(backend.controller_uri()))
}

fn fresh_stream(backend: &Backend, factory: &ClientFactory) -> ScopedStream {
    let stream = backend.fresh_name();
    assert!(factory.ensure_byte_stream(&stream).unwrap());
    stream
}

fn fresh_segment(backend: &Backend, factory: &ClientFactory) -> ScopedSegment {
    let stream = fresh_stream(backend, factory);
    factory.segment_of(&stream).unwrap()
}

/// A writer at the tail and a reader at the head of a new stream.
fn pair(backend: &Backend, factory: &ClientFactory) -> (ByteWriter, ByteReader) {
    let stream = fresh_stream(backend, factory);
    let writer = factory.open_byte_writer(stream.clone()).unwrap();
    (writer, factory.open_byte_reader(stream).unwrap())
}

/// The statements of the book's chapter in which `write` and `flush` are not async, as they are printed there but
/// for the names of controller and segment.
#[test]
#[expect(
    unused_must_use,
    reason = "the book calls seek_to_tail as a statement and does not look at what write returns"
)]
fn t01_the_older_fragments_of_the_book() {
    let backend = backend();
    let config = ClientConfigBuilder::default()
        .controller_uri(backend.controller_uri())
        .build()
        .expect("creating config");

    let client_factory = ClientFactory::new(config);

    let book = fresh_segment(&backend, &client_factory);
    let segment = book.clone();
    let mut byte_writer = client_factory.create_byte_writer(segment);

    byte_writer.seek_to_tail();

    let payload = "hello world".to_string().into_bytes();
    byte_writer.write(&payload).expect("write");
    byte_writer.flush().expect("flush");

    byte_writer
        .truncate_data_before(4)
        .expect("truncate segment");

    byte_writer.seal().expect("seal segment");

    let segment = book;
    let mut byte_reader = client_factory.create_byte_reader(segment);

    let offset = byte_reader.current_head().expect("get current head offset");
    let mut buf: Vec<u8> = vec![0; 4];
    let size = byte_reader.read(&mut buf).expect("read from byte stream");

    assert_eq!((offset, size, &buf[..]), (4, 4, &b"o wo"[..]));
    assert_eq!(byte_reader.read(&mut buf).unwrap(), 3);
    assert_eq!(byte_reader.read(&mut buf).unwrap(), 0, "the end");
}

/// With the traits of the standard library in scope, the same statements mean the methods of the writer.
#[test]
fn t01_the_fragments_mean_the_same_with_the_traits_imported() {
    use std::io::{Read as _, Seek as _, Write as _};

    let backend = backend();
    let factory = factory(&backend);
    let (mut writer, mut reader) = pair(&backend, &factory);
    write!(writer, "hello ").unwrap();
    let written: usize = writer.write(b"world").unwrap();
    let durable: u64 = writer.flush().unwrap();
    assert_eq!((written, durable), (5, 11));
    assert_eq!(writer.stream_position().unwrap(), 11);
    let mut text = [0; 11];
    reader.by_ref().read_exact(&mut text).unwrap();
    assert_eq!(&text, b"hello world");
}
