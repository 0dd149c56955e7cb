//! Writing and flushing: what is accepted, what is durable, and what a writer does when it is full.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use pravega_byte_stream::{
    ByteWriter, Certainty, ClientFactory, MAX_ATOMIC_WRITE, ScopedSegment, WhenFull, WriteError,
    WriteMode,
};
use pravega_integration_tests::{
    Backend, Pattern,
    relay::{Fault, Frames, Gate, Relay},
};
use sha2::{Digest as _, Sha256};

use crate::support::{BOTH_MODES, content};

/// The smallest window: small enough to be full soon.
const SMALL_WINDOW: usize = 64 << 10;

pub(crate) async fn open(
    factory: &ClientFactory,
    segment: &ScopedSegment,
    mode: WriteMode,
) -> ByteWriter {
    let opening = factory.open_byte_writer(segment.clone()).mode(mode);
    opening.await.unwrap()
}

#[tokio::test]
async fn t06_an_empty_write_is_accepted_and_sends_nothing() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    for mode in BOTH_MODES {
        let mut writer = open(&factory, &segment, mode).await;
        assert_eq!(writer.write(b"").await.unwrap(), 0);
        writer.write_all(b"").await.unwrap();
        writer.append(Bytes::new()).await.unwrap().await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 0);
        assert_eq!(writer.stats().blocks_sent, 0);
        assert_eq!(writer.position(), 0);
    }
}

#[tokio::test]
async fn t06_writes_around_the_atomic_limit() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let all = Bytes::from(Pattern::new(6).bytes(0, 1 + 7 + 3 * MAX_ATOMIC_WRITE));
        let mut at = 0;
        for len in [1, 7, MAX_ATOMIC_WRITE - 1, MAX_ATOMIC_WRITE] {
            let accepted = writer.write(&all[at..at + len]).await.unwrap();
            assert_eq!(accepted, len, "{mode:?}");
            at += len;
        }
        let above = all.slice(at..at + MAX_ATOMIC_WRITE + 1);
        let refused = writer.append(above.clone()).await.unwrap_err();
        let WriteError::TooLarge { len, max } = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((len, max), (MAX_ATOMIC_WRITE + 1, MAX_ATOMIC_WRITE));
        assert_eq!(
            writer.position(),
            offset(at),
            "a refused append was accepted"
        );
        // A plain write takes what is atomic and says so.
        assert_eq!(writer.write(&above).await.unwrap(), MAX_ATOMIC_WRITE);
        writer
            .write_all(&all[at + MAX_ATOMIC_WRITE..])
            .await
            .unwrap();
        assert_eq!(writer.flush().await.unwrap(), offset(all.len()));
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn t06_a_hundred_megabytes_in_one_call() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    // Repeated at a length that no block has, so that blocks out of order are noticed.
    let all = Pattern::new(100).bytes(0, 1_000_003).repeat(100);
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    writer.write_all(&all).await.unwrap();
    assert_eq!(writer.close().await.unwrap(), offset(all.len()));

    let mut reader = factory.open_byte_reader(segment).await.unwrap();
    let (mut stored, mut left) = (Sha256::new(), all.len());
    while left > 0 {
        let chunk = reader.read_chunk(left).await.unwrap().unwrap();
        left -= chunk.len();
        stored.update(&chunk);
    }
    assert_eq!(stored.finalize(), Sha256::digest(&all));
}

#[tokio::test]
async fn t07_position_is_what_was_accepted_and_durable_what_was_stored() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let handle = factory.segment(segment.clone()).unwrap();
        let mut writer = open(&factory, &segment, mode).await;
        assert_eq!((writer.position(), writer.durable_offset()), (0, 0));

        writer.write(b"twelve bytes").await.unwrap();
        assert_eq!((writer.position(), writer.durable_offset()), (12, 0));
        assert_eq!(writer.unflushed_bytes(), 12);
        writer.flush().await.unwrap();
        assert_eq!((writer.position(), writer.durable_offset()), (12, 12));
        assert_eq!(handle.info().await.unwrap().tail, 12);

        let too_large = Bytes::from(vec![0; MAX_ATOMIC_WRITE + 1]);
        writer.append(too_large.clone()).await.unwrap_err();
        writer.try_append(too_large).unwrap_err();
        writer.truncate_data_before(13).await.unwrap_err();
        assert_eq!((writer.position(), writer.durable_offset()), (12, 12));
        assert_eq!(writer.unflushed_bytes(), 0);
    }
}

#[tokio::test]
async fn t07_a_failure_moves_neither_position_nor_durable_offset() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    writer.write(b"mine").await.unwrap();
    writer.flush().await.unwrap();
    let mut rival = open(&factory, &segment, WriteMode::Exclusive).await;
    rival.write(b"theirs").await.unwrap();
    rival.flush().await.unwrap();

    writer.write(b"lost").await.unwrap();
    writer.flush().await.unwrap_err();
    let at_failure = (writer.position(), writer.durable_offset());
    assert_eq!(at_failure, (8, 4));
    writer.write(b"refused").await.unwrap_err();
    writer.flush().await.unwrap_err();
    assert_eq!((writer.position(), writer.durable_offset()), at_failure);
}

#[tokio::test]
async fn t08_million_one_byte_writes() {
    const WRITES: usize = 1_000_000;
    let backend = Backend::start().await;
    let factory = backend.factory();
    let all = Pattern::new(8).bytes(0, WRITES);
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        for byte in all.chunks(1) {
            writer.write(byte).await.unwrap();
        }
        assert_eq!(writer.flush().await.unwrap(), offset(WRITES));
        let blocks = writer.stats().blocks_sent;
        assert!(blocks < 1_000, "{blocks} blocks in {mode:?} mode");
        assert!(content(&factory, &segment).await == all, "{mode:?}");
    }
}

#[tokio::test]
async fn t09_ten_thousand_kilobytes_with_a_flush_each_thousand() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (mut writer, mut reader) = backend.pair(&factory).await;
    let all = Pattern::new(9).bytes(0, 10_000 << 10);
    for (number, kilobyte) in (1..).zip(all.chunks(1 << 10)) {
        writer.write(kilobyte).await.unwrap();
        if number % 1_000 == 0 {
            assert_eq!(writer.flush().await.unwrap(), number << 10);
        }
    }
    let mut read = vec![0; all.len()];
    reader.read_exact(&mut read).await.unwrap();
    assert!(read == all);
    assert_eq!(reader.available(), 0);
    assert_eq!(reader.position(), reader.current_tail().await.unwrap());
}

/// Nothing else runs on a test's only thread between two calls that do not wait, so no byte can become
/// durable meanwhile and the writer is full after a while, whatever server it has.
#[tokio::test]
async fn t11_a_full_writer_that_refuses_gives_the_bytes_back() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let opening = opening
            .max_unacked_bytes(SMALL_WINDOW)
            .when_full(WhenFull::Refuse);
        let mut writer = opening.await.unwrap();
        let mut pieces = (0..).map(|number| Bytes::from(Pattern::new(number).bytes(0, 9_000)));
        let (mut accepted, mut receipts) = (Vec::new(), Vec::new());
        let refused = loop {
            let piece = pieces.next().unwrap();
            match writer.try_append(piece.clone()) {
                Ok(receipt) => receipts.push(receipt),
                Err(refused) => {
                    assert_eq!(refused.bytes, piece);
                    break refused;
                }
            }
            accepted.extend_from_slice(&piece);
        };
        assert!(
            matches!(refused.error, WriteError::Full { .. }),
            "{refused:?}"
        );
        assert!(refused.error.is_retryable());
        assert_eq!(refused.error.certainty(), Certainty::Definite);
        assert!(
            accepted.len() <= SMALL_WINDOW,
            "{} bytes accepted",
            accepted.len()
        );
        let full = writer.write(&refused.bytes).await.unwrap_err();
        assert!(matches!(full, WriteError::Full { .. }), "{full:?}");
        assert_eq!(writer.position(), offset(accepted.len()));

        receipts.pop().unwrap().await.unwrap();
        writer.try_append(refused.bytes.clone()).unwrap();
        writer.flush().await.unwrap();
        accepted.extend_from_slice(&refused.bytes);
        assert!(content(&factory, &segment).await == accepted, "{mode:?}");
    }
}

/// Needs a store that acknowledges nothing, which only the relay provides.
#[tokio::test]
async fn t11_a_full_writer_that_waits_at_most_times_out_and_goes_on_after_an_ack() {
    let relay = Relay::embedded().await;
    let factory = relay.factory();
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let patience = WhenFull::WaitAtMost(Duration::from_millis(20));
        let opening = opening.max_unacked_bytes(SMALL_WINDOW).when_full(patience);
        let mut writer = opening.await.unwrap();
        let gate = Gate::default();
        relay.arm(
            Frames::replies().named("DataAppended"),
            Fault::Hold(gate.clone()),
        );
        let mut accepted = 0;
        let late = loop {
            match writer.write(&[7; 5_000]).await {
                Ok(len) => accepted += len,
                Err(error) => break error,
            }
        };
        assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
        assert_eq!(
            late.certainty(),
            Certainty::Definite,
            "no byte of the refused write is stored"
        );
        assert!(accepted <= SMALL_WINDOW);
        assert_eq!(writer.position(), offset(accepted));

        gate.open();
        writer.flush().await.unwrap();
        writer.write(&[8; 5_000]).await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), offset(accepted + 5_000));
        let stored = content(&factory, &segment).await;
        let (sevens, eights) = stored.split_at(accepted);
        assert!(
            sevens.iter().all(|&byte| byte == 7) && eights == [8; 5_000],
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn t13_a_flush_with_nothing_to_flush() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        assert_eq!(writer.flush().await.unwrap(), 0);
        assert_eq!(writer.flush().await.unwrap(), 0);
        writer.write(b"abc").await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 3);
        assert_eq!(writer.flush().await.unwrap(), 3);
        assert_eq!(writer.stats().blocks_sent, 1);
        assert_eq!(writer.stats().bytes_acked, 3);
    }
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn t16_a_writer_dropped_without_flush_warns_with_the_byte_count() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || sink.clone())
        .finish();
    // For this thread, which is the only one of the test's runtime.
    let _watching = tracing::subscriber::set_default(subscriber);

    let mut flushed = open(&factory, &segment, WriteMode::Exclusive).await;
    flushed.write(b"safe").await.unwrap();
    flushed.flush().await.unwrap();
    drop(flushed);
    assert_eq!(log.text(), "");

    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let bytes = Pattern::new(16).bytes(0, 1_000);
    writer.write_all(&bytes).await.unwrap();
    drop(writer);
    let text = log.text();
    assert!(
        text.contains("WARN") && text.contains("bytes=1000"),
        "{text}"
    );
    assert!(text.contains(&segment.to_string()), "{text}");

    let stored = content(&factory, &segment).await;
    assert!(stored.starts_with(b"safe") && bytes.starts_with(&stored[4..]));
}

#[tokio::test]
async fn t17_close_stores_everything_and_releases_the_writer() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let bytes = Pattern::new(17).bytes(0, 1_000);
        let mut writer = open(&factory, &segment, mode).await;
        writer.write_all(&bytes).await.unwrap();
        let watch = writer.watch().unwrap();
        // Takes the writer: later calls do not compile.
        assert_eq!(writer.close().await.unwrap(), 1_000);
        assert_eq!(watch.flush().await.unwrap(), 1_000);
        assert!(content(&factory, &segment).await == bytes, "{mode:?}");
    }
}

pub(crate) fn offset(len: usize) -> u64 {
    u64::try_from(len).unwrap()
}
