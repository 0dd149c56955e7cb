//! Writer and reader behind the traits of the standard library.

use std::io::{
    self, BufRead as _, BufReader, BufWriter, ErrorKind, Read as _, Seek as _, SeekFrom, Write,
};

use bytes::Bytes;
use pravega_byte_stream::{
    Certainty, ReadFrom, ReadUntil, TryRead, WriteError, WriteMode, blocking::ByteWriter,
};
use pravega_integration_tests::Pattern;
use sha2::{Digest as _, Sha256};

use super::{backend, factory, fresh_segment, fresh_stream, pair};
use crate::{support::BOTH_MODES, writing::offset};

/// More than one request brings, and no multiple of anything.
const LEN: usize = (3 << 20) + 77;

#[test]
fn t48_std_copy_into_a_writer_and_out_of_a_reader() {
    let backend = backend();
    let factory = factory(&backend);
    let content = Pattern::new(75).bytes(0, LEN);
    for mode in BOTH_MODES {
        let segment = fresh_segment(&backend, &factory);
        // A small window, so that copying has to wait for room.
        let options =
            |it: pravega_byte_stream::OpenByteWriter| it.mode(mode).max_unacked_bytes(100_000);
        let mut writer = factory
            .open_byte_writer_with(segment.clone(), options)
            .unwrap();
        assert_eq!(
            io::copy(&mut &content[..], &mut writer).unwrap(),
            offset(LEN)
        );
        Write::flush(&mut writer).unwrap();
        assert_eq!(writer.durable_offset(), offset(LEN), "{mode:?}");
        writer.seal().unwrap();

        let mut reader = factory.create_byte_reader(segment);
        let mut digest = Sha256::new();
        assert_eq!(io::copy(&mut reader, &mut digest).unwrap(), offset(LEN));
        assert_eq!(digest.finalize(), Sha256::digest(&content), "{mode:?}");
    }
}

#[test]
fn t48_std_read_to_end_and_to_a_string() {
    let backend = backend();
    let factory = factory(&backend);
    let content = Pattern::new(76).bytes(0, LEN);
    let (mut writer, mut reader) = pair(&backend, &factory);
    Write::write_all(&mut writer, &content).unwrap();
    writer.seal().unwrap();
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).unwrap(), LEN);
    assert!(all == content);
    assert_eq!(reader.read_to_end(&mut all).unwrap(), 0);

    let (mut writer, mut reader) = pair(&backend, &factory);
    write!(writer, "one and {}", 1 + 1).unwrap();
    writer.seal().unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one and 2");
}

#[test]
fn t48_std_lines_of_the_reader_itself_and_of_a_buffered_one() {
    let backend = backend();
    let factory = factory(&backend);
    let stream = fresh_stream(&backend, &factory);
    let mut buffered = BufWriter::new(factory.open_byte_writer(stream.clone()).unwrap());
    let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}")).collect();
    for line in &lines {
        writeln!(buffered, "{line}").unwrap();
    }
    let mut writer = buffered.into_inner().unwrap();
    writer.seal().unwrap();
    let direct = factory.open_byte_reader(stream.clone()).unwrap();
    let buffered = BufReader::new(factory.open_byte_reader(stream).unwrap());
    assert!(direct.lines().map(io::Result::unwrap).eq(lines.clone()));
    assert!(buffered.lines().map(io::Result::unwrap).eq(lines));
}

#[test]
fn t48_std_every_way_of_reading_goes_on_where_the_last_one_stopped() {
    let backend = backend();
    let (mut writer, mut reader) = pair(&backend, &factory(&backend));
    writer.write(b"one\ntwo three four five six").unwrap();
    writer.seal().unwrap();
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!((line.as_str(), reader.position()), ("one\n", 4));
    let mut word = [0; 4];
    reader.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"two ");
    assert_eq!(reader.fill_buf().unwrap(), b"three four five six");
    assert_eq!((reader.position(), reader.available()), (8, 19));
    assert_eq!(reader.read_chunk(6).unwrap().unwrap(), "three ");
    assert_eq!(
        reader.try_read_chunk(5).unwrap(),
        TryRead::Data(Bytes::from_static(b"four "))
    );
    assert_eq!(reader.stream_position().unwrap(), 19);
    assert_eq!(io::Seek::seek(&mut reader, SeekFrom::End(-3)).unwrap(), 24);
    let rest: Vec<u8> = reader.by_ref().bytes().map(io::Result::unwrap).collect();
    assert_eq!(rest, b"six");
    assert_eq!(reader.read_chunk(1).unwrap(), None);
    assert_eq!(reader.try_read_chunk(1).unwrap(), TryRead::End);
    reader.rewind().unwrap();
    assert_eq!(reader.read_range(4..7).unwrap(), "two");
    assert_eq!(reader.read_at(8, 5).unwrap(), "three");
    assert_eq!(reader.position(), 0);
}

#[test]
fn t48_std_the_writer_tells_its_position_and_cannot_be_moved() {
    let backend = backend();
    let (mut writer, _reader) = pair(&backend, &factory(&backend));
    writer.write(b"four").unwrap();
    for here in [SeekFrom::Current(0), SeekFrom::Start(4)] {
        assert_eq!(writer.seek(here).unwrap(), 4);
    }
    assert_eq!(writer.stream_position().unwrap(), 4);
    let elsewhere = [
        SeekFrom::Start(0),
        SeekFrom::Start(5),
        SeekFrom::Current(-1),
        SeekFrom::Current(1),
        SeekFrom::End(0),
    ];
    for place in elsewhere {
        let refused = writer.seek(place).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{place:?}");
    }
    assert_eq!(writer.flush().unwrap(), 4);
}

#[test]
fn t48_std_errors_keep_kind_and_source() {
    let backend = backend();
    let factory = factory(&backend);
    let segment = fresh_segment(&backend, &factory);
    let mut writer = factory.open_byte_writer(segment.clone()).unwrap();
    let mut rival = factory.open_byte_writer(segment.clone()).unwrap();
    rival.write(b"first").unwrap();
    assert_eq!(rival.close().unwrap(), 5);
    Write::write_all(&mut writer, b"second").unwrap();
    let error = Write::flush(&mut writer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let inner = error.get_ref().and_then(|it| it.downcast_ref());
    assert!(
        matches!(
            inner,
            Some(WriteError::Conflict {
                expected: 0,
                actual: Some(5),
                certainty: Certainty::Definite,
                ..
            })
        ),
        "{error:?}"
    );
    let resynced = writer.resync().unwrap();
    assert_eq!((resynced.tail, resynced.given_up), (5, 6));
}

/// Everything that has no trait of the standard library.
#[test]
fn t48_the_other_calls_do_without_async_what_they_do_with_it() {
    let backend = backend();
    let factory = factory(&backend);
    let stream = fresh_stream(&backend, &factory);
    assert!(!factory.ensure_byte_stream(&stream).unwrap());
    let mut writer = factory
        .open_byte_writer_with(stream.clone(), |it| it.expect_at(0))
        .unwrap();
    let first = writer.append(Bytes::from_static(b"0123")).unwrap();
    let second = writer.try_append(Bytes::from_static(b"456789")).unwrap();
    assert_eq!((first.range(), second.range()), (0..4, 4..10));
    std::thread::spawn(move || second.durable().unwrap())
        .join()
        .unwrap();
    first.durable().unwrap();
    assert!(matches!(first.try_durable(), Some(Ok(()))));
    assert_eq!(writer.wait_durable(10).unwrap(), 10);
    assert_eq!((writer.position(), writer.unflushed_bytes()), (10, 0));
    assert_eq!(writer.stats().bytes_acked, 10);

    let handle = factory.segment(writer.segment().unwrap().clone()).unwrap();
    assert_eq!(handle.truncate_keep_last(7).unwrap(), 3);
    handle.truncate_data_before(5).unwrap();
    assert!(handle.update_attribute(7, None, Some(48)).unwrap());
    assert_eq!(handle.attribute(7).unwrap(), Some(48));
    let mut reader = factory
        .open_byte_reader_with(stream.clone(), |it| {
            it.from(ReadFrom::Head).until(ReadUntil::TailAtOpen)
        })
        .unwrap();
    assert_eq!(reader.wait_for_tail(10).unwrap(), 10);
    let (head, tail) = (reader.current_head(), reader.current_tail());
    assert_eq!((head.unwrap(), tail.unwrap()), (5, 10));
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), reader.take_gap()), ("56789", None));

    handle.seal().unwrap();
    assert!(handle.info().unwrap().is_sealed);
    let sealed = stream.clone();
    let seal = factory.run(async move |it| it.controller().unwrap().seal_stream(&sealed).await);
    seal.unwrap().unwrap();
    let refused = factory.open_byte_writer_with(stream, |it| it.mode(WriteMode::Shared));
    refused.unwrap_err();
}

/// A writer can be given to whoever wants any [`Write`].
#[test]
fn t48_std_a_boxed_writer() {
    let backend = backend();
    let (writer, mut reader) = pair(&backend, &factory(&backend));
    let mut boxed: Box<dyn Write + Send> = Box::new(writer);
    boxed.write_all(b"through a box").unwrap();
    boxed.flush().unwrap();
    let mut text = [0; 13];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"through a box");
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<ByteWriter>();
    send_and_sync::<pravega_byte_stream::blocking::ByteReader>();
}
