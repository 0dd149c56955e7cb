//! Positions: where a seek leads, and what the next read gives there.

use std::io::{self, Read as _, SeekFrom};

use pravega_byte_stream::{ByteReader, ReadError};
use pravega_integration_tests::{Backend, Pattern};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::io::{AsyncBufReadExt as _, AsyncSeekExt as _};

/// A few requests long, and no multiple of anything.
const LEN: usize = (5 << 20) + 321;

/// About as much as is kept behind a reader's position.
const MUCH: i64 = 2 << 20;

/// What a user may do with a reader, and with a cursor over the same bytes.
#[derive(Debug, Clone)]
enum Operation {
    Read(usize),
    ReadChunk(usize),
    ShowAndConsume(usize),
    Start(u64),
    Current(i64),
    End(i64),
    ReadAt(usize, usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let len = i64::try_from(LEN).unwrap();
    let some = prop_oneof![0..10_usize, 0..3_usize << 20];
    let distance = prop_oneof![-20..20_i64, -MUCH..MUCH, -2 * len..2 * len];
    let operation = prop_oneof![
        4 => some.clone().prop_map(Operation::Read),
        3 => some.clone().prop_map(Operation::ReadChunk),
        3 => some.clone().prop_map(Operation::ShowAndConsume),
        2 => (0..u64::try_from(LEN + 10).unwrap()).prop_map(Operation::Start),
        3 => distance.clone().prop_map(Operation::Current),
        2 => distance.prop_map(Operation::End),
        1 => (0..=LEN, some).prop_map(|(at, len)| Operation::ReadAt(at, len)),
    ];
    prop::collection::vec(operation, 1..40)
}

type Cursor = io::Cursor<Vec<u8>>;

/// Reads `got` from the cursor as well: the reader may give less than there is, but nothing else.
fn compare(cursor: &mut Cursor, wanted: usize, got: &[u8]) {
    let mut expected = vec![0; got.len()];
    cursor.read_exact(&mut expected).unwrap();
    assert!(got == expected, "at {}", cursor.position());
    let is_end = io::BufRead::fill_buf(cursor).unwrap().is_empty();
    assert!(
        !got.is_empty() || wanted == 0 || is_end,
        "nothing at {}",
        cursor.position()
    );
}

/// Behind the end the cursor gives nothing; a reader says that there is no such place.
fn is_beyond<T: std::fmt::Debug>(cursor: &Cursor, result: Result<T, ReadError>) -> Option<T> {
    let length = u64::try_from(LEN).unwrap();
    if cursor.position() <= length {
        return Some(result.unwrap());
    }
    let error = result.unwrap_err();
    let is_right = matches!(error, ReadError::BeyondEnd { offset, length: end, .. }
        if offset == cursor.position() && end == length);
    assert!(is_right, "{error:?}");
    None
}

async fn apply(reader: &mut ByteReader, cursor: &mut Cursor, operation: Operation) {
    match operation {
        Operation::Read(0) => assert_eq!(reader.read(&mut []).await.unwrap(), 0),
        Operation::Read(len) => {
            let mut buffer = vec![0; len];
            if let Some(n) = is_beyond(cursor, reader.read(&mut buffer).await) {
                compare(cursor, len, &buffer[..n]);
            }
        }
        Operation::ReadChunk(0) => {
            assert_eq!(reader.read_chunk(0).await.unwrap().unwrap().len(), 0);
        }
        Operation::ReadChunk(max) => {
            if let Some(chunk) = is_beyond(cursor, reader.read_chunk(max).await) {
                let chunk = chunk.unwrap_or_default();
                assert!(chunk.len() <= max);
                compare(cursor, max, &chunk);
            }
        }
        Operation::ShowAndConsume(max) => {
            if cursor.position() > u64::try_from(LEN).unwrap() {
                reader.fill_buf().await.unwrap_err();
                return;
            }
            let shown = reader.fill_buf().await.unwrap();
            let consumed = shown.len().min(max);
            compare(cursor, max, &shown[..consumed]);
            reader.consume(consumed);
        }
        Operation::Start(offset) => seek(reader, cursor, SeekFrom::Start(offset)).await,
        Operation::Current(by) => seek(reader, cursor, SeekFrom::Current(by)).await,
        Operation::End(by) => seek(reader, cursor, SeekFrom::End(by)).await,
        Operation::ReadAt(at, len) => {
            let expected = &cursor.get_ref()[at..LEN.min(at + len)];
            let got = reader
                .read_at(u64::try_from(at).unwrap(), len)
                .await
                .unwrap();
            assert!(got == expected);
        }
    }
}

async fn seek(reader: &mut ByteReader, cursor: &mut Cursor, to: SeekFrom) {
    match (reader.seek(to).await, io::Seek::seek(cursor, to)) {
        (Ok(here), Ok(there)) => assert_eq!(here, there),
        (Err(ReadError::InvalidSeek), Err(_)) => {}
        different => panic!("{to:?}: {different:?}"),
    }
}

#[test]
fn t57_a_reader_is_like_a_cursor_over_the_same_bytes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let content = Pattern::new(57).bytes(0, LEN);
    let (_backend, factory, segment) = runtime.block_on(async {
        let backend = Backend::start().await;
        let factory = backend.factory();
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = factory.create_byte_writer(segment.clone());
        writer.write_all(&content).await.unwrap();
        writer.seal().await.unwrap();
        (backend, factory, segment)
    });
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let check = |operations| {
        runtime.block_on(async {
            let mut cursor = Cursor::new(content.clone());
            let mut reader = factory.create_byte_reader(segment.clone()).await;
            for operation in operations {
                apply(&mut reader, &mut cursor, operation).await;
                assert_eq!(reader.position(), cursor.position());
            }
        });
        Ok(())
    };
    TestRunner::new(config).run(&operations(), check).unwrap();
}

#[tokio::test]
async fn t60_seeking_to_no_place_is_refused_and_moves_nothing() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = backend.pair(&backend.factory()).await;
    writer.write(b"0123456789").await.unwrap();
    writer.flush().await.unwrap();
    reader.read_exact(&mut [0; 5]).await.unwrap();
    let nowhere = [
        SeekFrom::Current(-6),
        SeekFrom::Current(i64::MIN),
        SeekFrom::Current(i64::MAX),
        SeekFrom::Start(u64::MAX),
        SeekFrom::Start(1 << 63),
        SeekFrom::End(-11),
        SeekFrom::End(i64::MIN),
        SeekFrom::End(i64::MAX),
    ];
    for to in nowhere {
        let error = reader.seek(to).await.unwrap_err();
        assert!(matches!(error, ReadError::InvalidSeek), "{to:?}: {error:?}");
        assert_eq!(reader.position(), 5);
        let error = tokio::io::AsyncSeekExt::seek(&mut reader, to)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{to:?}");
        assert_eq!(reader.stream_position().await.unwrap(), 5);
    }
    let mut rest = [0; 5];
    reader.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"56789");
}

#[tokio::test]
async fn t62_behind_the_end_of_a_sealed_segment() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, mut reader) = backend.pair(&factory).await;
    writer.write(b"0123456789").await.unwrap();
    writer.seal().await.unwrap();
    let segment = writer.segment().unwrap().clone();
    let mut buffer = [7; 4];

    // A reader that knows nothing of the segment, and one that knows it.
    let mut fresh = factory.create_byte_reader(segment).await;
    reader.read_exact(&mut [0; 10]).await.unwrap();
    for reader in [&mut fresh, &mut reader] {
        for offset in [11, 10_000_000, u64::try_from(i64::MAX).unwrap()] {
            reader.seek(SeekFrom::Start(offset)).await.unwrap();
            let error = reader.read(&mut buffer).await.unwrap_err();
            assert!(
                matches!(error, ReadError::BeyondEnd { offset: at, length: 10, .. } if at == offset),
                "{error:?}"
            );
            let error = reader.read_at(offset, 1).await.unwrap_err();
            assert!(
                matches!(error, ReadError::BeyondEnd { length: 10, .. }),
                "{error:?}"
            );
        }
        reader.seek(SeekFrom::Start(10)).await.unwrap();
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);
        assert_eq!(buffer, [7; 4]);
        assert_eq!(reader.read_at(10, 5).await.unwrap(), "");
        reader.seek(SeekFrom::End(-3)).await.unwrap();
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer, b"789\x07");
        buffer = [7; 4];
    }
}
