//! The client without async: for threads, for `std::io`, and for the older fragments of the Pravega book.
//!
//! [`ClientFactory`], [`ByteWriter`], [`ByteReader`] and [`SegmentHandle`] have the methods of their asynchronous
//! namesakes and their errors, and block where those wait. [`ByteWriter`] is a [`Write`](std::io::Write) and a
//! [`Seek`](std::io::Seek) that tells the position, [`ByteReader`] is a [`Read`](std::io::Read),
//! [`BufRead`](std::io::BufRead) and [`Seek`](std::io::Seek). [`Interrupt`] ends a blocked call from another
//! thread.
//!
//! ```
//! # use pravega_byte_stream::ClientConfigBuilder;
//! use pravega_byte_stream::{ScopedSegment, blocking::ClientFactory};
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
//! # let server = runtime.block_on(pravega_standalone::Standalone::builder().memory().start())?;
//! # let config = ClientConfigBuilder::default().controller_uri(server.controller_uri()).build()?;
//! let client_factory = ClientFactory::new(config);
//! # client_factory.ensure_byte_stream(&"myscope/mystream".parse()?)?;
//!
//! let segment = ScopedSegment::from("myscope/mystream/0");
//! let mut byte_writer = client_factory.create_byte_writer(segment.clone());
//! byte_writer.seek_to_tail()?;
//! let payload = "hello world".to_string().into_bytes();
//! byte_writer.write(&payload).expect("write");
//! byte_writer.flush().expect("flush");
//!
//! let mut byte_reader = client_factory.create_byte_reader(segment);
//! let mut buf: Vec<u8> = vec![0; 4];
//! let size = byte_reader.read(&mut buf).expect("read from byte stream");
//! assert_eq!(&buf[..size], b"hell");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it can be used
//! Everywhere: without a runtime, inside of one of any flavour, and on threads for blocking work. Nothing panics
//! there and nothing waits for the calling runtime, because a factory has a thread of its own on which its
//! connections live. A blocked call blocks its thread, though, as any other of `std::io` does: in asynchronous
//! code that keeps other tasks waiting, among them a server in the same runtime that would have to answer.
//! `spawn_blocking` is the place for it there, or the asynchronous client.
//!
//! # What it costs
//! One thread for each factory, shared by its clones and children. A call first does what it can on the calling
//! thread: it takes received bytes, or hands bytes to the socket, without waking anybody. Only when it has to
//! wait the thread is parked, and woken by the factory's thread. So a write costs what an asynchronous one does,
//! and a flush two switches of threads more than the round trip.

mod factory;
mod interrupt;
mod reader;
mod runtime;
mod segment;
mod writer;

pub use self::{
    factory::ClientFactory,
    interrupt::Interrupt,
    reader::ByteReader,
    segment::SegmentHandle,
    writer::{ByteWriter, Receipt},
};
