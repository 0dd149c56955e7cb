//! The calls of the Pravega book's byte-client chapter, on an empty stream and on one that holds data.

use pravega_byte_stream::{ReadError, WriteError};
use pravega_integration_tests::Backend;

#[tokio::test]
async fn t01_the_walkthrough_on_an_empty_stream() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;

    let mut writer = factory.create_byte_writer(segment.clone());
    writer.seek_to_tail().await.unwrap();
    assert_eq!(writer.write(b"hello world").await.unwrap(), 11);
    assert_eq!(writer.flush().await.unwrap(), 11);
    writer.truncate_data_before(4).await.unwrap();
    writer.seal().await.unwrap();

    let mut reader = factory.create_byte_reader(segment).await;
    assert_eq!(reader.current_head().await.unwrap(), 4);
    let mut buffer = [0; 4];
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 4);
    assert_eq!(&buffer, b"o wo");
}

#[tokio::test]
async fn t02_new_bytes_follow_old_ones_after_seek_to_tail() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut first = factory.create_byte_writer(segment.clone());
    first.write(b"old ").await.unwrap();
    first.close().await.unwrap();

    let mut second = factory.create_byte_writer(segment.clone());
    assert_eq!(second.seek_to_tail().await.unwrap(), 4);
    second.write(b"new").await.unwrap();
    assert_eq!(second.flush().await.unwrap(), 7);
    let mut reader = factory.create_byte_reader(segment).await;
    let mut all = [0; 7];
    reader.read_exact(&mut all).await.unwrap();
    assert_eq!(&all, b"old new");
}

#[tokio::test]
async fn t03_without_seek_to_tail_a_used_segment_is_a_conflict_that_resync_mends() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut first = factory.create_byte_writer(segment.clone());
    first.write(b"taken").await.unwrap();
    first.close().await.unwrap();

    let mut second = factory.create_byte_writer(segment.clone());
    second.write(b"lost").await.unwrap();
    let conflict = second.flush().await.unwrap_err();
    assert!(
        matches!(
            conflict,
            WriteError::Conflict {
                expected: 0,
                actual: Some(5),
                ..
            }
        ),
        "{conflict:?}"
    );
    let resynced = second.resync().await.unwrap();
    assert_eq!((resynced.tail, resynced.given_up), (5, 4));
    second.write(b" and kept").await.unwrap();
    assert_eq!(second.flush().await.unwrap(), 14);

    let reader = factory.create_byte_reader(segment).await;
    assert_eq!(reader.read_range(0..14).await.unwrap(), "taken and kept");
}

#[tokio::test]
async fn t04_a_new_reader_starts_at_the_head_and_below_it_is_truncated() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writer = factory.create_byte_writer(segment.clone());
    writer.write(b"hello world").await.unwrap();
    writer.truncate_data_before(4).await.unwrap();

    let mut reader = factory.create_byte_reader(segment).await;
    assert_eq!(reader.current_head().await.unwrap(), 4);
    let mut buffer = [0; 7];
    reader.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"o world");

    let mut other = factory.create_byte_reader(reader_segment(&writer)).await;
    other.seek(std::io::SeekFrom::Start(0)).await.unwrap();
    let truncated = other.read(&mut buffer).await.unwrap_err();
    assert!(
        matches!(
            truncated,
            ReadError::Truncated {
                requested: 0,
                head: 4,
                ..
            }
        ),
        "{truncated:?}"
    );
    other.seek(std::io::SeekFrom::Start(4)).await.unwrap();
    other.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"o world");
}

fn reader_segment(writer: &pravega_byte_stream::ByteWriter) -> pravega_byte_stream::ScopedSegment {
    writer.segment().unwrap().clone()
}

#[tokio::test]
async fn t05_after_the_sealed_end_every_read_is_zero_and_leaves_the_buffer_alone() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, mut reader) = backend.pair(&factory).await;
    writer.write(b"all").await.unwrap();
    writer.seal().await.unwrap();
    let mut buffer = [7; 3];
    reader.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"all");
    let mut untouched = [7; 3];
    for _ in 0..3 {
        assert_eq!(reader.read(&mut untouched).await.unwrap(), 0);
    }
    assert_eq!(untouched, [7; 3]);
}
