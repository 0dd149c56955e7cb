//! Byte streams through the published Rust client: `foreign-rust CONTROLLER COMMAND SCOPE/STREAM [LENGTH]`.
//!
//! `admin` creates scope and stream, `write` stores standard input, `read` prints LENGTH bytes from the head, `job` does
//! all that a byte stream is for and checks every step.

use pravega_client::byte::{ByteReader, ByteWriter};
use pravega_client::client_factory::ClientFactoryAsync;
use pravega_client_config::ClientConfigBuilder;
use pravega_client_shared::{
    Retention, RetentionType, ScaleType, Scaling, ScopedStream, StreamConfiguration,
};
use std::io::{Read, SeekFrom, Write};
use std::time::Duration;
use tokio::runtime::Handle;

/// Larger than one append (8 MiB), one read reply and one read-ahead buffer of this client.
const BULK: usize = 9 * 1024 * 1024 + 13;
const TRUNCATE_AT: usize = BULK / 3;
const PIECE: usize = 64 * 1024;
const LATE: &[u8] = b"late bytes";
const ANSWER: Duration = Duration::from_secs(30);
/// Time for a read to reach the server and wait there; too short only means that the wait is not exercised.
const PARK: Duration = Duration::from_millis(700);

struct Job {
    factory: ClientFactoryAsync,
    stream: ScopedStream,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [controller, command, stream, rest @ ..] = arguments.as_slice() else {
        panic!("usage: foreign-rust CONTROLLER admin|write|read|job SCOPE/STREAM [LENGTH]");
    };
    let config = ClientConfigBuilder::default()
        .controller_uri(controller.as_str())
        .build()
        .expect("configuration");
    let job = Job {
        factory: ClientFactoryAsync::new(config, Handle::current()),
        stream: ScopedStream::from(stream.as_str()),
    };
    match (command.as_str(), rest) {
        ("admin", []) => job.admin().await,
        ("write", []) => job.write().await,
        ("read", [length]) => job.read(length.parse().expect("a length")).await,
        ("job", []) => job.everything().await,
        _ => panic!("unknown command {command}"),
    }
}

impl Job {
    async fn admin(&self) {
        let controller = self.factory.controller_client();
        controller
            .create_scope(&self.stream.scope)
            .await
            .expect("create scope");
        controller
            .create_stream(&self.one_segment())
            .await
            .expect("create stream");
    }

    async fn write(&self) {
        let mut writer = self.writer().await;
        writer.seek_to_tail().await;
        let mut piece = vec![0; PIECE];
        loop {
            let count = std::io::stdin()
                .read(&mut piece)
                .expect("read standard input");
            if count == 0 {
                break;
            }
            write_all(&mut writer, &piece[..count]).await;
        }
        writer.flush().await.expect("flush");
    }

    async fn read(&self, length: usize) {
        let mut reader = self.reader().await;
        let head = reader.current_head().await.expect("head");
        reader.seek(SeekFrom::Start(head)).await.expect("seek");
        let bytes = exactly(&mut reader, length).await;
        std::io::stdout()
            .write_all(&bytes)
            .expect("write to standard output");
    }

    async fn everything(&self) {
        self.create_and_look().await;
        let mut writer = self.writer().await;
        let mut reader = self.reader().await;
        let bulk = bulk(&mut writer, &mut reader).await;
        parked_read(&mut writer, &mut reader).await;
        truncation(&writer, &bulk, self).await;
        self.sealed_end(&mut writer).await;
        self.remove().await;
        println!("PASS rust: admin, write, read, parked tail read, truncate, seal, delete");
    }

    async fn create_and_look(&self) {
        let controller = self.factory.controller_client();
        let scope = &self.stream.scope;
        let config = self.one_segment();
        assert!(controller.create_scope(scope).await.expect("create scope"));
        assert!(!controller
            .create_scope(scope)
            .await
            .expect("create scope again"));
        assert!(controller
            .check_scope_exists(scope)
            .await
            .expect("scope exists"));
        assert!(controller
            .create_stream(&config)
            .await
            .expect("create stream"));
        assert!(!controller
            .create_stream(&config)
            .await
            .expect("create stream again"));
        assert!(controller
            .check_stream_exists(&self.stream)
            .await
            .expect("stream exists"));
        let other = ScopedStream::from(format!("{}/no-such-stream", scope.name).as_str());
        assert!(!controller
            .check_stream_exists(&other)
            .await
            .expect("other stream exists"));
        let stored = controller
            .get_stream_configuration(&self.stream)
            .await
            .expect("configuration");
        assert_eq!(stored.scaling, config.scaling);
        let segments = controller
            .get_current_segments(&self.stream)
            .await
            .expect("segments");
        assert_eq!(segments.get_segments().len(), 1);
    }

    async fn sealed_end(&self, writer: &mut ByteWriter) {
        writer.write(b"end").await.expect("write");
        writer.flush().await.expect("flush");
        writer.seal().await.expect("seal");
        let mut reader = self.reader().await;
        let end = (BULK + LATE.len()) as u64;
        reader.seek(SeekFrom::Start(end)).await.expect("seek");
        assert_eq!(exactly(&mut reader, 3).await, b"end");
        assert_eq!(
            reader.read(&mut [0; 1]).await.expect("read"),
            0,
            "a sealed stream ends"
        );
        assert_eq!(
            reader.read(&mut [0; 1]).await.expect("read"),
            0,
            "and the end stays the end"
        );
    }

    async fn remove(&self) {
        let controller = self.factory.controller_client();
        assert!(controller
            .seal_stream(&self.stream)
            .await
            .expect("seal stream"));
        assert!(controller
            .delete_stream(&self.stream)
            .await
            .expect("delete stream"));
        assert!(!controller
            .check_stream_exists(&self.stream)
            .await
            .expect("stream exists"));
        assert!(controller
            .delete_scope(&self.stream.scope)
            .await
            .expect("delete scope"));
        assert!(!controller
            .check_scope_exists(&self.stream.scope)
            .await
            .expect("scope exists"));
    }

    async fn writer(&self) -> ByteWriter {
        self.factory.create_byte_writer(self.stream.clone()).await
    }

    async fn reader(&self) -> ByteReader {
        self.factory.create_byte_reader(self.stream.clone()).await
    }

    fn one_segment(&self) -> StreamConfiguration {
        StreamConfiguration {
            scoped_stream: self.stream.clone(),
            scaling: Scaling {
                scale_type: ScaleType::FixedNumSegments,
                target_rate: 0,
                scale_factor: 0,
                min_num_segments: 1,
            },
            retention: Retention {
                retention_type: RetentionType::None,
                retention_param: 0,
            },
            tags: None,
        }
    }
}

async fn bulk(writer: &mut ByteWriter, reader: &mut ByteReader) -> Vec<u8> {
    let bulk = noise(BULK);
    for piece in bulk[..10_000].chunks(100) {
        assert_eq!(writer.write(piece).await.expect("write"), piece.len());
    }
    write_all(writer, &bulk[10_000..]).await;
    writer.flush().await.expect("flush");
    assert_eq!(writer.current_offset(), BULK as u64);
    assert_eq!(reader.current_head().await.expect("head"), 0);
    assert_eq!(reader.current_tail().await.expect("tail"), BULK as u64);
    assert!(exactly(reader, BULK).await == bulk, "the bytes come back");
    bulk
}

async fn parked_read(writer: &mut ByteWriter, reader: &mut ByteReader) {
    let late = async {
        tokio::time::sleep(PARK).await;
        writer.write(LATE).await.expect("write");
        writer.flush().await.expect("flush");
    };
    let both = async { tokio::join!(exactly(reader, LATE.len()), late) };
    let (seen, ()) = tokio::time::timeout(ANSWER, both)
        .await
        .expect("a write wakes a read at the tail");
    assert_eq!(seen, LATE);
}

async fn truncation(writer: &ByteWriter, bulk: &[u8], job: &Job) {
    writer
        .truncate_data_before(TRUNCATE_AT as i64)
        .await
        .expect("truncate");
    let mut reader = job.reader().await;
    assert_eq!(
        reader.current_head().await.expect("head"),
        TRUNCATE_AT as u64
    );
    assert_eq!(
        reader.current_tail().await.expect("tail"),
        (BULK + LATE.len()) as u64
    );
    reader
        .read(&mut [0; 1])
        .await
        .expect_err("a read of truncated bytes must fail");
    reader
        .seek(SeekFrom::Start(TRUNCATE_AT as u64))
        .await
        .expect("seek");
    assert!(
        exactly(&mut reader, BULK - TRUNCATE_AT).await == bulk[TRUNCATE_AT..],
        "the rest reads from the head"
    );
}

async fn write_all(writer: &mut ByteWriter, mut bytes: &[u8]) {
    // At most 8 MiB are taken at a time.
    while !bytes.is_empty() {
        let count = writer.write(bytes).await.expect("write");
        bytes = &bytes[count..];
    }
}

async fn exactly(reader: &mut ByteReader, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut at = 0;
    while at < length {
        let end = length.min(at + PIECE);
        let count = reader.read(&mut bytes[at..end]).await.expect("read");
        assert!(
            count > 0,
            "the stream goes on for {} more bytes",
            length - at
        );
        at += count;
    }
    bytes
}

/// Bytes that do not repeat, from a fixed seed.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 20_240_601;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}
