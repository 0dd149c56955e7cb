//! Blocked calls that are ended from another thread. Nothing else could end them: their gates stay shut, nobody writes.

use std::{
    future::Future,
    io::{self, BufRead as _, Read as _, Write},
    thread,
};

use pravega_byte_stream::{
    Certainty, ReadError, WriteError, WriteMode,
    blocking::{ByteReader, ByteWriter},
};
use pravega_integration_tests::relay::{Armed, Fault, Frames, Gate, Relay};

use super::{Elsewhere, backend, config, factory, fresh_segment, pair, relay};
use crate::{faults::appends_of, support::BOTH_MODES};

/// For the few things of a relay that have to be awaited.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// A writer of a small window and a reader, whose connections pass the relay.
fn behind(relay: &Elsewhere<Relay>, mode: WriteMode) -> (ByteWriter, ByteReader) {
    let factory = pravega_byte_stream::blocking::ClientFactory::new(config(relay.controller_uri()));
    let segment = fresh_segment(relay.backend(), &factory);
    let writer = factory
        .open_byte_writer_with(segment.clone(), |it| it.mode(mode).max_unacked_bytes(1_000))
        .unwrap();
    (writer, factory.create_byte_reader(segment))
}

/// From now on such frames do not pass.
fn hold(relay: &Relay, frames: Frames) -> (Armed, Gate) {
    let gate = Gate::default();
    let armed = relay.arm(frames.times(u64::MAX), Fault::Hold(gate.clone()));
    (armed, gate)
}

fn is_interrupted(error: &io::Error) -> bool {
    let read = || error.get_ref()?.downcast_ref::<ReadError>();
    let written = || error.get_ref()?.downcast_ref::<WriteError>();
    matches!(read(), Some(ReadError::Interrupted { .. }))
        || matches!(written(), Some(WriteError::Interrupted { .. }))
}

#[test]
fn t75_a_blocked_read_ends_by_an_interrupt_and_has_taken_nothing() {
    let relay = relay();
    let (mut writer, mut reader) = behind(&relay, WriteMode::Exclusive);
    let (asked, gate) = hold(&relay, Frames::requests().named("ReadSegment"));
    let interrupt = reader.interrupt();
    let reading = thread::spawn(move || (reader.read(&mut [0; 10]), reader));
    wait(asked.struck());
    interrupt.interrupt();
    let (read, mut reader) = reading.join().unwrap();
    let interrupted = read.unwrap_err();
    assert!(
        matches!(interrupted, ReadError::Interrupted { .. }),
        "{interrupted:?}"
    );
    assert!(interrupted.is_retryable());
    assert_eq!(reader.position(), 0);

    asked.disarm();
    gate.open();
    writer.write(b"all of it").unwrap();
    writer.seal().unwrap();
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"all of it");
}

/// Of an error that is `Interrupted` by its kind these would take no notice.
#[test]
fn t75_loops_of_the_standard_library_end_by_an_interrupt_and_go_on_after_it() {
    let backend = backend();
    let factory = factory(&backend);
    type Read = fn(&mut ByteReader, &mut Vec<u8>) -> io::Result<()>;
    let ways: [Read; 4] = [
        |reader, all| io::copy(reader, all).map(|_| ()),
        |reader, all| reader.read_to_end(all).map(|_| ()),
        |reader, all| reader.read_until(b'!', all).map(|_| ()),
        |reader, all| {
            all.resize(10, 0);
            io::Read::read_exact(reader, all)
        },
    ];
    for read in ways {
        let (mut writer, mut reader) = pair(&backend, &factory);
        writer.write(b"some").unwrap();
        writer.flush().unwrap();
        reader.wait_for_tail(4).unwrap();
        let interrupt = reader.interrupt();
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            (read(&mut reader, &mut all), all, reader)
        });
        interrupt.interrupt();
        let (ended, all, mut reader) = reading.join().unwrap();
        let error = ended.unwrap_err();
        assert!(is_interrupted(&error), "{error:?}");
        assert_ne!(error.kind(), io::ErrorKind::Interrupted);
        // What was read before is read, and nothing more.
        let position = usize::try_from(reader.position()).unwrap();
        assert_eq!(all[..position], b"some"[..position]);
        writer.write(b"thing!").unwrap();
        writer.seal().unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"something!"[position..]);
    }
}

#[test]
fn t75_a_write_blocked_for_room_ends_by_an_interrupt_and_has_accepted_nothing() {
    let relay = relay();
    for mode in BOTH_MODES {
        let (mut writer, mut reader) = behind(&relay, mode);
        let (held, gate) = hold(&relay, appends_of(mode));
        writer.write(&[1; 700]).unwrap();
        wait(held.struck());
        let interrupt = writer.interrupt();
        let writing = thread::spawn(move || (writer.write(&[2; 700]), writer));
        interrupt.interrupt();
        let (written, mut writer) = writing.join().unwrap();
        let interrupted = written.unwrap_err();
        assert!(
            matches!(interrupted, WriteError::Interrupted { .. }),
            "{mode:?}: {interrupted:?}"
        );
        assert_eq!(interrupted.certainty(), Certainty::Definite);
        assert_eq!((writer.position(), writer.durable_offset()), (700, 0));

        held.disarm();
        gate.open();
        writer.write_all(&[3; 700]).unwrap();
        writer.seal().unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == [[1; 700], [3; 700]].concat(), "{mode:?}");
    }
}

#[test]
fn t75_a_blocked_flush_ends_by_an_interrupt_and_the_next_one_waits_for_everything() {
    let relay = relay();
    for mode in BOTH_MODES {
        let (mut writer, _reader) = behind(&relay, mode);
        let (held, gate) = hold(&relay, Frames::replies().named("DataAppended"));
        writer.write(b"perhaps").unwrap();
        wait(held.struck());
        let interrupt = writer.interrupt();
        let flushing = thread::spawn(move || (writer.flush(), writer));
        interrupt.interrupt();
        let (flushed, mut writer) = flushing.join().unwrap();
        let interrupted = flushed.unwrap_err();
        assert!(
            matches!(interrupted, WriteError::Interrupted { .. }),
            "{mode:?}: {interrupted:?}"
        );
        assert_eq!(interrupted.certainty(), Certainty::Indeterminate);
        held.disarm();
        gate.open();
        assert_eq!(writer.flush().unwrap(), 7, "{mode:?}");
    }
}

#[test]
fn t75_an_interrupt_that_comes_early_ends_the_next_call_and_no_other() {
    let backend = backend();
    let (mut writer, mut reader) = pair(&backend, &factory(&backend));
    let interrupt = writer.interrupt();
    interrupt.interrupt();
    interrupt.interrupt();
    let interrupted = writer.write(b"nothing").unwrap_err();
    assert!(
        matches!(interrupted, WriteError::Interrupted { .. }),
        "{interrupted:?}"
    );
    assert_eq!(writer.write(b"something").unwrap(), 9);
    interrupt.interrupt();
    let error = Write::flush(&mut writer).unwrap_err();
    assert!(is_interrupted(&error), "{error:?}");
    assert_eq!(writer.flush().unwrap(), 9);

    // Also where it would not have to wait: a reader that is never out of bytes can be ended.
    reader.fill_buf().unwrap();
    reader.interrupt().interrupt();
    let interrupted = reader.read(&mut [0; 1]).unwrap_err();
    assert!(
        matches!(interrupted, ReadError::Interrupted { .. }),
        "{interrupted:?}"
    );
    let mut all = [0; 9];
    reader.read_exact(&mut all).unwrap();
    assert_eq!(&all, b"something");
}

#[test]
fn t75_a_wait_for_the_tail_ends_by_an_interrupt() {
    let backend = backend();
    let (_writer, reader) = pair(&backend, &factory(&backend));
    let interrupt = reader.interrupt();
    let waiting = thread::spawn(move || reader.wait_for_tail(1));
    interrupt.interrupt();
    let interrupted = waiting.join().unwrap().unwrap_err();
    assert!(
        matches!(interrupted, ReadError::Interrupted { .. }),
        "{interrupted:?}"
    );
}

#[test]
fn t75_shutting_the_factory_down_ends_blocked_calls_on_other_threads() {
    let relay = relay();
    let factory = pravega_byte_stream::blocking::ClientFactory::new(config(relay.controller_uri()));
    let (mut writer, mut reader) = pair(relay.backend(), &factory);
    let (asked, _gate) = hold(&relay, Frames::requests().named("ReadSegment"));
    let (held, _gate) = hold(&relay, Frames::replies().named("DataAppended"));
    writer.write(b"unacknowledged").unwrap();
    let flushing = thread::spawn(move || writer.flush());
    let reading = thread::spawn(move || reader.read(&mut [0; 10]));
    wait(async { (asked.struck().await, held.struck().await) });
    factory.shutdown();
    let closed = flushing.join().unwrap().unwrap_err();
    assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
    assert_eq!(closed.certainty(), Certainty::Indeterminate);
    let closed = reading.join().unwrap().unwrap_err();
    assert!(matches!(closed, ReadError::Closed { .. }), "{closed:?}");
}

#[test]
fn t78_a_write_blocked_for_room_hears_of_the_end() {
    let relay = relay();
    for mode in BOTH_MODES {
        let (mut writer, reader) = behind(&relay, mode);
        let (held, gate) = hold(&relay, appends_of(mode));
        writer.write(&[1; 700]).unwrap();
        let segment = writer.segment().unwrap().clone();
        let writing = thread::spawn(move || writer.write(&[2; 700]));
        wait(held.struck());
        let seal = factory(relay.backend()).segment(segment).unwrap();
        seal.seal().unwrap();
        held.disarm();
        gate.open();
        let error = writing.join().unwrap().unwrap_err();
        assert!(
            matches!(error, WriteError::Sealed { .. }),
            "{mode:?}: {error:?}"
        );
        drop(reader);
    }
}
