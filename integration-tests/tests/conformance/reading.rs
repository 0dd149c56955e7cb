//! Reading what is there: in order, by range, up to a limit.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use pravega_byte_stream::{ByteReader, ReadError, ReadFrom, ReadUntil};
use pravega_integration_tests::{Backend, Pattern};
use sha2::{Digest as _, Sha256};

const MIB: usize = 1 << 20;

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}

/// Everything up to the end.
pub(crate) async fn rest_of(reader: &mut ByteReader) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = reader.read_chunk(usize::MAX).await.unwrap() {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    all
}

#[tokio::test]
async fn t42_an_empty_buffer_is_filled_at_once_everywhere() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = backend.pair(&backend.factory()).await;
    // At the tail of an open segment, where every other read would wait.
    assert_eq!(reader.read(&mut []).await.unwrap(), 0);
    assert_eq!(reader.read_chunk(0).await.unwrap().unwrap(), "");
    reader.read_exact(&mut []).await.unwrap();
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    for position in [0, 5, 10] {
        reader
            .seek(std::io::SeekFrom::Start(position))
            .await
            .unwrap();
        assert_eq!(reader.read(&mut []).await.unwrap(), 0);
        assert_eq!(
            tokio::io::AsyncReadExt::read(&mut reader, &mut [])
                .await
                .unwrap(),
            0
        );
        assert_eq!(reader.read_at(position, 0).await.unwrap(), "");
        assert_eq!(reader.read_range(position..position).await.unwrap(), "");
    }
    writer.seal().await.unwrap();
    assert_eq!(reader.read(&mut [0; 3]).await.unwrap(), 0);
    assert_eq!(reader.read(&mut []).await.unwrap(), 0);
    assert_eq!(reader.position(), 10);
}

/// The hash of `len` bytes of content, and a segment that holds them.
async fn write_much(backend: &Backend, pieces: usize) -> (ByteReader, [u8; 32]) {
    let (mut writer, reader) = backend.pair(&backend.factory()).await;
    let mut hash = Sha256::new();
    let mut piece = Pattern::new(46).bytes(0, MIB);
    for number in 0..pieces {
        // No two pieces are the same.
        piece[..8].copy_from_slice(&wide(number).to_be_bytes());
        hash.update(&piece);
        writer.write_all(&piece).await.unwrap();
    }
    assert_eq!(writer.flush().await.unwrap(), wide(pieces * MIB));
    (reader, hash.finalize().into())
}

fn hash_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[tokio::test]
async fn t46_a_hundred_mebibytes_in_order_and_as_one_range() {
    const PIECES: usize = 100;
    let backend = Backend::start().await;
    let (mut reader, expected) = write_much(&backend, PIECES).await;

    let mut hash = Sha256::new();
    let mut left = PIECES * MIB;
    while left > 0 {
        let chunk = reader.read_chunk(left).await.unwrap().unwrap();
        assert!(
            reader.available() <= 4 * MIB,
            "more than the read-ahead is held"
        );
        left -= chunk.len();
        hash.update(&chunk);
    }
    assert_eq!(<[u8; 32]>::from(hash.finalize()), expected);

    let whole = reader.read_range(0..wide(PIECES * MIB)).await.unwrap();
    assert_eq!(hash_of(&whole), expected);
    drop(whole);

    let mut hash = Sha256::new();
    let mut pieces = std::pin::pin!(reader.stream_range(0..wide(PIECES * MIB)));
    while let Some(piece) = pieces.try_next().await.unwrap() {
        hash.update(&piece);
    }
    assert_eq!(<[u8; 32]>::from(hash.finalize()), expected);
    assert_eq!(reader.position(), wide(PIECES * MIB));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t45_positioned_reads_from_64_tasks_beside_a_sequential_reader() {
    const LEN: usize = 6 * MIB;
    let backend = Backend::start().await;
    let factory = backend.factory_with(|config| config.max_connections_per_endpoint(2));
    let (mut writer, mut sequential) = backend.pair(&factory).await;
    let content = Bytes::from(Pattern::new(45).bytes(0, LEN));
    writer.write_all(&content).await.unwrap();
    writer.seal().await.unwrap();

    let opening = factory.open_byte_reader(writer.segment().unwrap().clone());
    let shared = Arc::new(opening.from(ReadFrom::Offset(77)).await.unwrap());
    let tasks = (0..64).map(|task| {
        let (shared, content) = (Arc::clone(&shared), content.clone());
        tokio::spawn(async move {
            for round in 0..4 {
                let at = (task * 99_991 + round * 7_777_777) % LEN;
                let bytes = shared.read_at(wide(at), 50_000).await.unwrap();
                assert!(bytes == content[at..LEN.min(at + 50_000)]);
            }
        })
    });
    let (all, tasks) = tokio::join!(rest_of(&mut sequential), futures::future::join_all(tasks));
    for task in tasks {
        task.unwrap();
    }
    assert!(all == content);
    assert_eq!(shared.position(), 77);
    assert_eq!(sequential.position(), wide(LEN));
}

#[tokio::test]
async fn t46_a_range_with_the_tail_inside_is_incomplete() {
    let backend = Backend::start().await;
    let (mut writer, reader) = backend.pair(&backend.factory()).await;
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    for range in [0..11, 5..u64::MAX, 10..11, 12..13] {
        let error = reader.read_range(range.clone()).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Incomplete { tail: 10, .. }),
            "{range:?}: {error:?}"
        );
        assert!(error.is_retryable());
    }
    assert_eq!(reader.read_range(3..10).await.unwrap(), "3456789");
    assert_eq!(reader.read_range(10..10).await.unwrap(), "");
    #[expect(clippy::reversed_empty_ranges, reason = "what a caller may get wrong")]
    let backwards = 7..3;
    assert_eq!(reader.read_range(backwards).await.unwrap(), "");
    // Fewer bytes only at the tail, and no waiting there.
    assert_eq!(reader.read_at(7, 100).await.unwrap(), "789");
    assert_eq!(reader.read_at(10, 100).await.unwrap(), "");
    writer.write(b"ab").await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(reader.read_range(8..12).await.unwrap(), "89ab");
    assert_eq!(reader.position(), 0);
}

#[tokio::test]
async fn t47_a_reader_with_a_limit_ends_there_although_the_segment_grows() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _) = backend.pair(&factory).await;
    let segment = writer.segment().unwrap().clone();
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();

    let open = || factory.open_byte_reader(segment.clone());
    let mut until_tail = open().until(ReadUntil::TailAtOpen).await.unwrap();
    let mut until_later = open().until(ReadUntil::Offset(15)).await.unwrap();
    let mut until_here = open().until(ReadUntil::Offset(0)).await.unwrap();
    let mut until_behind = open()
        .from(ReadFrom::Offset(8))
        .until(ReadUntil::Offset(5))
        .await
        .unwrap();
    let mut first = [0; 10];
    until_later.read_exact(&mut first).await.unwrap();
    let (later, ()) = tokio::join!(rest_of(&mut until_later), async {
        for byte in b"abcdefghij" {
            writer.write(&[*byte]).await.unwrap();
            writer.flush().await.unwrap();
        }
    });
    assert_eq!((&first, &later[..]), (b"0123456789", &b"abcde"[..]));
    assert_eq!(rest_of(&mut until_tail).await, b"0123456789");
    assert_eq!(rest_of(&mut until_here).await, b"");
    assert_eq!(rest_of(&mut until_behind).await, b"");
    for _ in 0..3 {
        assert_eq!(until_tail.read(&mut [0; 5]).await.unwrap(), 0);
        assert_eq!(until_later.read(&mut [0; 5]).await.unwrap(), 0);
    }

    // A sealed end in front of the limit is the end.
    writer.seal().await.unwrap();
    let mut beyond = open().until(ReadUntil::Offset(1_000)).await.unwrap();
    assert_eq!(rest_of(&mut beyond).await, b"0123456789abcdefghij");
    let mut sealed = open().until(ReadUntil::TailAtOpen).await.unwrap();
    assert_eq!(rest_of(&mut sealed).await.len(), 20);
}

#[tokio::test]
async fn a_reader_starts_where_it_is_told_to() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _) = backend.pair(&factory).await;
    let segment = writer.segment().unwrap().clone();
    writer.write(b"0123456789").await.unwrap();
    writer.truncate_data_before(4).await.unwrap();
    writer.seal().await.unwrap();
    let places = [
        (ReadFrom::Head, 4),
        (ReadFrom::Tail, 10),
        (ReadFrom::Offset(7), 7),
        (ReadFrom::Offset(10), 10),
        (ReadFrom::BeforeTail(0), 10),
        (ReadFrom::BeforeTail(3), 7),
        (ReadFrom::BeforeTail(6), 4),
        (ReadFrom::BeforeTail(7), 4),
        (ReadFrom::BeforeTail(u64::MAX), 4),
    ];
    for (from, offset) in places {
        let mut reader = factory
            .open_byte_reader(segment.clone())
            .from(from)
            .await
            .unwrap();
        assert_eq!(reader.position(), offset, "{from:?}");
        let expected = &b"0123456789"[usize::try_from(offset).unwrap()..];
        assert_eq!(rest_of(&mut reader).await, expected, "{from:?}");
    }
    let mut below = factory
        .open_byte_reader(segment)
        .from(ReadFrom::Offset(3))
        .await
        .unwrap();
    let error = below.read(&mut [0; 3]).await.unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Truncated {
                requested: 3,
                head: 4,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn read_exact_tells_what_is_missing_at_the_end() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = backend.pair(&backend.factory()).await;
    writer.write(b"01234").await.unwrap();
    writer.seal().await.unwrap();
    let mut buffer = [7; 8];
    let error = reader.read_exact(&mut buffer).await.unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::UnexpectedEnd {
                length: 5,
                missing: 3,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(&buffer, b"01234\x07\x07\x07");
    assert_eq!(reader.position(), 5);
}

#[tokio::test]
async fn a_small_read_ahead_bounds_what_a_slow_consumer_holds() {
    const AHEAD: usize = MIB;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, _) = backend.pair(&factory).await;
    writer
        .write_all(&Pattern::new(43).bytes(0, 8 * MIB))
        .await
        .unwrap();
    writer.seal().await.unwrap();
    let opening = factory.open_byte_reader(writer.segment().unwrap().clone());
    let mut reader = opening.read_ahead(AHEAD).await.unwrap();
    let mut piece = vec![0; 30_000];
    loop {
        let at = reader.position();
        let n = reader.read(&mut piece).await.unwrap();
        if n == 0 {
            break;
        }
        assert_eq!(Pattern::new(43).differs(at, &piece[..n]), None);
        assert!(
            reader.available() <= AHEAD,
            "{} bytes held",
            reader.available()
        );
        // Time for whatever is on its way.
        reader.info().await.unwrap();
        assert!(
            reader.available() <= AHEAD,
            "{} bytes held",
            reader.available()
        );
    }
    assert_eq!(reader.position(), wide(8 * MIB));
}
