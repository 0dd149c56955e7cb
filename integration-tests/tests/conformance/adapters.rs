//! The reader behind the traits of tokio and futures.

use std::io::SeekFrom;

use futures::{StreamExt as _, TryStreamExt as _};
use pravega_byte_stream::{ByteReader, ByteWriter};
use pravega_integration_tests::{Backend, Pattern};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncSeekExt as _, BufReader};
use tokio_util::{
    compat::TokioAsyncReadCompatExt as _,
    io::{ReaderStream, StreamReader},
};

/// More than one request brings, and no multiple of anything.
const LEN: usize = (3 << 20) + 77;

async fn filled(backend: &Backend, bytes: &[u8]) -> (ByteWriter, ByteReader) {
    let (mut writer, reader) = backend.pair(&backend.factory()).await;
    writer.write_all(bytes).await.unwrap();
    (writer, reader)
}

async fn sealed(backend: &Backend, bytes: &[u8]) -> ByteReader {
    let (mut writer, reader) = filled(backend, bytes).await;
    writer.seal().await.unwrap();
    reader
}

#[tokio::test]
async fn t48_read_to_end() {
    let backend = Backend::start().await;
    let content = Pattern::new(48).bytes(0, LEN);
    let mut reader = sealed(&backend, &content).await;
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).await.unwrap(), LEN);
    assert!(all == content);
    assert_eq!(reader.read_to_end(&mut all).await.unwrap(), 0);
}

#[tokio::test]
async fn t48_copy_from_segment_to_segment() {
    let backend = Backend::start().await;
    let content = Pattern::new(49).bytes(0, LEN);
    let mut reader = sealed(&backend, &content).await;
    let (mut writer, mut copy) = backend.pair(&backend.factory()).await;
    let copied = tokio::io::copy(&mut reader, &mut writer).await.unwrap();
    writer.seal().await.unwrap();
    assert_eq!(copied, u64::try_from(LEN).unwrap());
    let mut all = Vec::new();
    tokio::io::copy_buf(&mut copy, &mut all).await.unwrap();
    assert!(all == content);
}

#[tokio::test]
async fn t48_lines_of_the_reader_itself_and_of_a_buffered_one() {
    let backend = Backend::start().await;
    let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}")).collect();
    let text = lines.join("\n");
    let reader = sealed(&backend, text.as_bytes()).await;
    let factory = backend.factory();
    let segment = reader.segment().unwrap().clone();

    let mut direct = reader.lines();
    let mut buffered = BufReader::new(factory.create_byte_reader(segment).await).lines();
    for line in &lines {
        assert_eq!(direct.next_line().await.unwrap().as_ref(), Some(line));
        assert_eq!(buffered.next_line().await.unwrap().as_ref(), Some(line));
    }
    assert_eq!(direct.next_line().await.unwrap(), None);
    assert_eq!(buffered.next_line().await.unwrap(), None);
}

#[tokio::test]
async fn t48_streams_of_chunks_and_back() {
    let backend = Backend::start().await;
    let content = Pattern::new(50).bytes(0, LEN);
    let reader = sealed(&backend, &content).await;
    let segment = reader.segment().unwrap().clone();
    let again = || async { backend.factory().create_byte_reader(segment.clone()).await };

    let chunks: Vec<_> = reader.into_stream().try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
    assert!(chunks.concat() == content);

    let chunks: Vec<_> = ReaderStream::new(again().await)
        .try_collect()
        .await
        .unwrap();
    assert!(chunks.concat() == content);

    let chunks = again().await.into_stream().map_err(std::io::Error::from);
    let mut all = Vec::new();
    StreamReader::new(chunks)
        .read_to_end(&mut all)
        .await
        .unwrap();
    assert!(all == content);

    let mut all = Vec::new();
    let mut compatible = again().await.compat();
    futures::io::copy(&mut compatible, &mut all).await.unwrap();
    assert!(all == content);
}

#[tokio::test]
async fn t48_a_stream_gives_its_reader_back_where_it_stopped() {
    let backend = Backend::start().await;
    let reader = sealed(&backend, b"one and two").await;
    let mut stream = reader.into_stream();
    let first = stream.next().await.unwrap().unwrap();
    let mut reader = stream.into_reader();
    assert_eq!(reader.position(), u64::try_from(first.len()).unwrap());
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    assert_eq!([&first[..], &rest].concat(), b"one and two");
}

#[tokio::test]
async fn t48_every_way_of_reading_goes_on_where_the_last_one_stopped() {
    let backend = Backend::start().await;
    let mut reader = sealed(&backend, b"one\ntwo three four five six").await;
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    assert_eq!((line.as_str(), reader.position()), ("one\n", 4));

    // Each of these finds a buffer that was shown and not all consumed.
    let mut word = [0; 4];
    reader.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"two ");
    assert_eq!(reader.fill_buf().await.unwrap(), b"three four five six");
    assert_eq!((reader.position(), reader.available()), (8, 19));
    assert_eq!(reader.read_chunk(6).await.unwrap().unwrap(), "three ");
    reader.fill_buf().await.unwrap();
    reader.consume(5);
    assert_eq!(three(&mut reader).await, *b"fiv");
    reader.fill_buf().await.unwrap();
    assert_eq!(reader.stream_position().await.unwrap(), 22);
    assert_eq!(seek(&mut reader, SeekFrom::Current(2)).await, 24);
    reader.fill_buf().await.unwrap();
    let rest: Vec<_> = reader.into_stream().try_collect().await.unwrap();
    assert_eq!(rest.concat(), b"six");
}

/// Three bytes, by tokio's trait instead of the reader's own method.
async fn three(reader: &mut ByteReader) -> [u8; 3] {
    let mut bytes = [0; 3];
    assert_eq!(
        tokio::io::AsyncReadExt::read(reader, &mut bytes)
            .await
            .unwrap(),
        3
    );
    bytes
}

/// The same for a seek.
async fn seek(reader: &mut ByteReader, to: SeekFrom) -> u64 {
    tokio::io::AsyncSeekExt::seek(reader, to).await.unwrap()
}

#[tokio::test]
async fn t48_seeking_by_the_trait_from_all_three_ends() {
    let backend = Backend::start().await;
    let (_writer, mut reader) = filled(&backend, b"").await;
    assert_eq!(seek(&mut reader, SeekFrom::End(0)).await, 0);
    let mut reader = sealed(&backend, b"0123456789").await;
    assert_eq!(seek(&mut reader, SeekFrom::End(-3)).await, 7);
    assert_eq!(three(&mut reader).await, *b"789");
    assert_eq!(seek(&mut reader, SeekFrom::Start(2)).await, 2);
    assert_eq!(three(&mut reader).await, *b"234");
    assert_eq!(seek(&mut reader, SeekFrom::Current(-4)).await, 1);
    assert_eq!(three(&mut reader).await, *b"123");
}
