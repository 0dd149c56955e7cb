//! Readers of bytes that go away: truncated, or deleted with their segment.

use std::io::SeekFrom;

use pravega_byte_stream::{
    ByteReader, ByteWriter, OnTruncation, ReadError, ReadUntil, SegmentError, WriteError,
};
use pravega_integration_tests::{Backend, Pattern};

const MIB: u64 = 1 << 20;
const LEN: u64 = 8 * MIB;
const HEAD: u64 = 6 * MIB + 5;

fn content() -> Vec<u8> {
    Pattern::new(64).bytes(0, usize::try_from(LEN).unwrap())
}

async fn filled(backend: &Backend) -> (ByteWriter, ByteReader) {
    let (mut writer, reader) = backend.pair(&backend.factory()).await;
    writer.write_all(&content()).await.unwrap();
    writer.flush().await.unwrap();
    (writer, reader)
}

/// Reads one piece and checks it. False at the end.
async fn next_is_right(reader: &mut ByteReader) -> Result<bool, ReadError> {
    let at = reader.position();
    let Some(chunk) = reader.read_chunk(100_000).await? else {
        return Ok(false);
    };
    let end = at + u64::try_from(chunk.len()).unwrap();
    assert_eq!(reader.position(), end);
    let at = end - u64::try_from(chunk.len()).unwrap();
    assert_eq!(Pattern::new(64).differs(at, &chunk), None);
    Ok(true)
}

#[tokio::test]
async fn t64_truncated_under_a_sequential_reader() {
    let backend = Backend::start().await;
    let (mut writer, mut reader) = filled(&backend).await;
    // So much that several requests are out.
    while reader.position() < 2 * MIB {
        assert!(next_is_right(&mut reader).await.unwrap());
    }
    writer.truncate_data_before(HEAD).await.unwrap();
    writer.seal().await.unwrap();
    let error = loop {
        match next_is_right(&mut reader).await {
            Ok(is_more) => assert!(is_more, "the end instead of an error"),
            Err(error) => break error,
        }
    };
    let position = reader.position();
    assert!(position < HEAD);
    assert!(
        matches!(error, ReadError::Truncated { requested, head: HEAD, .. } if requested == position),
        "{error:?}"
    );
    // The same again, and nothing moves.
    reader.read(&mut [0; 9]).await.unwrap_err();
    assert_eq!(reader.position(), position);

    reader.seek(SeekFrom::Start(HEAD)).await.unwrap();
    while next_is_right(&mut reader).await.unwrap() {}
    assert_eq!(reader.position(), LEN);
}

#[tokio::test]
async fn t64_reads_beside_the_position_below_the_head() {
    let backend = Backend::start().await;
    let (mut writer, reader) = filled(&backend).await;
    writer.truncate_data_before(HEAD).await.unwrap();
    for (range, requested) in [(0..10, 0), (HEAD - 1..HEAD + 10, HEAD - 1)] {
        let error = reader.read_range(range.clone()).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Truncated { requested: at, head: HEAD, .. } if at == requested),
            "{error:?}"
        );
        let error = reader.read_at(range.start, 10).await.unwrap_err();
        assert!(
            matches!(error, ReadError::Truncated { head: HEAD, .. }),
            "{error:?}"
        );
    }
    let bytes = reader.read_range(HEAD..LEN).await.unwrap();
    assert_eq!(Pattern::new(64).differs(HEAD, &bytes), None);
}

#[tokio::test]
async fn t65_a_reader_that_skips_goes_on_at_the_head() {
    let backend = Backend::start().await;
    let (mut writer, reader) = filled(&backend).await;
    let segment = reader.segment().unwrap().clone();
    let opening = backend.factory().open_byte_reader(segment.clone());
    let mut skipping = opening
        .on_truncation(OnTruncation::SkipToHead)
        .await
        .unwrap();
    while skipping.position() < 2 * MIB {
        assert!(next_is_right(&mut skipping).await.unwrap());
    }
    writer.truncate_data_before(HEAD).await.unwrap();
    writer.seal().await.unwrap();
    let mut jumps = 0;
    loop {
        let before = skipping.position();
        let Some(chunk) = skipping.read_chunk(100_000).await.unwrap() else {
            break;
        };
        let at = skipping.position() - u64::try_from(chunk.len()).unwrap();
        assert_eq!(
            Pattern::new(64).differs(at, &chunk),
            None,
            "{} bytes read at {at}, after {before}",
            chunk.len()
        );
        if at != before {
            assert_eq!(skipping.take_gap(), Some(before..at));
            assert_eq!(at, HEAD);
            jumps += 1;
        }
    }
    assert_eq!(skipping.take_gap(), None);
    assert_eq!((jumps, skipping.position()), (1, LEN));

    // The limit is kept although it was truncated away.
    let opening = backend.factory().open_byte_reader(segment);
    let mut limited = opening
        .from(pravega_byte_stream::ReadFrom::Offset(0))
        .until(ReadUntil::Offset(3 * MIB))
        .on_truncation(OnTruncation::SkipToHead)
        .await
        .unwrap();
    assert_eq!(limited.read_chunk(100).await.unwrap(), None);
}

fn is_missing(error: &ReadError) -> bool {
    matches!(
        error,
        ReadError::NoSuchSegment { .. }
            | ReadError::Asking {
                source: SegmentError::NoSuchSegment { .. },
            }
    )
}

#[tokio::test]
async fn t69_deleted_under_a_sequential_reader() {
    let backend = Backend::start().await;
    let (_writer, mut reader) = filled(&backend).await;
    assert!(next_is_right(&mut reader).await.unwrap());
    backend.delete_segment(reader.segment().unwrap()).await;
    let error = loop {
        match next_is_right(&mut reader).await {
            Ok(is_more) => assert!(is_more, "the end instead of an error"),
            Err(error) => break error,
        }
    };
    assert!(is_missing(&error), "{error:?}");
    assert!(!error.is_retryable());
    let error = reader.read(&mut [0; 9]).await.unwrap_err();
    assert!(is_missing(&error), "{error:?}");
    // What was received stays readable; of the rest nothing is.
    reader.seek(SeekFrom::Start(LEN - 5)).await.unwrap();
    let error = reader.read(&mut [0; 9]).await.unwrap_err();
    assert!(is_missing(&error), "{error:?}");
    for error in [
        reader.read_at(0, 9).await.unwrap_err(),
        reader.read_range(0..LEN).await.unwrap_err(),
        reader.wait_for_tail(LEN + 1).await.unwrap_err(),
        reader.info().await.unwrap_err(),
    ] {
        assert!(is_missing(&error), "{error:?}");
    }
}

#[tokio::test]
async fn t69_deleted_while_a_read_waits_at_the_tail() {
    let backend = Backend::start().await;
    let (_writer, mut reader) = backend.pair(&backend.factory()).await;
    let segment = reader.segment().unwrap().clone();
    let other = backend.factory().create_byte_reader(segment.clone()).await;
    let mut read = Box::pin(reader.read_chunk(9));
    let mut wait = Box::pin(other.wait_for_tail(5));
    // So that both most likely wait at the store. The test holds either way.
    let handle = backend.factory().segment(segment.clone()).unwrap();
    for _ in 0..3 {
        assert!(futures::poll!(&mut read).is_pending());
        assert!(futures::poll!(&mut wait).is_pending());
        handle.info().await.unwrap();
    }
    backend.delete_segment(&segment).await;
    let error = read.await.unwrap_err();
    assert!(is_missing(&error), "{error:?}");
    let error = wait.await.unwrap_err();
    assert!(is_missing(&error), "{error:?}");
}

#[tokio::test]
async fn t69_deleted_under_a_writer() {
    let backend = Backend::start().await;
    let (mut writer, _) = backend.pair(&backend.factory()).await;
    writer.write(b"before").await.unwrap();
    writer.flush().await.unwrap();
    backend.delete_segment(writer.segment().unwrap()).await;
    writer.write(b"after").await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(
        matches!(error, WriteError::NoSuchSegment { .. }),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    let error = writer.flush().await.unwrap_err();
    assert!(
        matches!(error, WriteError::NoSuchSegment { .. }),
        "{error:?}"
    );
}
