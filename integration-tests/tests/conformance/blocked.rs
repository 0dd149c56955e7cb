//! Calls that wait for what does not come: they end, and say what may have happened. All of it needs the
//! relay, and so the embedded server.

use std::{pin::pin, time::Duration};

use futures::poll;
use pravega_byte_stream::{
    Certainty, ClientConfigBuilder, ReadError, WhenFull, WriteError, WriteMode,
};
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Frames, Gate, Relay},
};
use tokio::runtime::Builder;

use crate::{
    faults::appends_of,
    support::{BOTH_MODES, content, in_a_hurry, short_of_time},
    writing::open,
};

#[tokio::test]
async fn t18_close_without_an_answer_ends_at_the_deadline_and_is_indeterminate() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(short_of_time);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let gate = Gate::default();
        let acks = Frames::replies().named("DataAppended");
        let held = relay.arm(acks, Fault::Hold(gate.clone()));
        writer.write(b"perhaps").await.unwrap();
        held.struck().await;
        let error = writer.close().await.unwrap_err();
        assert!(matches!(error, WriteError::Timeout { .. }), "{error:?}");
        assert_eq!(error.certainty(), Certainty::Indeterminate, "{mode:?}");
        gate.open();
    }
}

#[tokio::test]
async fn t72_a_dropped_flush_leaves_the_next_one_to_report() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(short_of_time);
    let segment = relay.backend().fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let gate = Gate::default();
    let held = relay.arm(
        Frames::replies().named("DataAppended"),
        Fault::Hold(gate.clone()),
    );
    writer.write(b"slow").await.unwrap();
    tokio::select! {
        biased;
        flushed = writer.flush() => panic!("{flushed:?}"),
        () = held.struck() => {}
    }
    let late = writer.flush().await.unwrap_err();
    assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
    assert_eq!(late.certainty(), Certainty::Indeterminate);
    gate.open();
    assert_eq!(writer.flush().await.unwrap(), 4);
    assert_eq!(content(&factory, &segment).await, "slow");
}

/// Nothing but the waits that a test means ends within a test.
fn patient(config: ClientConfigBuilder) -> ClientConfigBuilder {
    let hour = Duration::from_secs(3_600);
    in_a_hurry(config)
        .hello_timeout(hour)
        .operation_timeout(hour)
}

const MOMENT: Duration = Duration::from_millis(50);

/// The task that finds a writer's connection keeps the deadlines of all who wait.
#[tokio::test]
async fn a_wait_ends_at_its_deadline_also_while_a_connection_is_being_made() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(patient);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.operation_timeout(MOMENT).await.unwrap();
        let gate = Gate::default();
        let hellos = Frames::replies().named("Hello").times(u64::MAX);
        let held = relay.arm(hellos, Fault::Hold(gate.clone()));
        relay.cut_all();
        writer.write(b"late").await.unwrap();
        held.struck().await;
        for _ in 0..3 {
            let late = writer.flush().await.unwrap_err();
            assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
        }
        held.disarm();
        gate.open();
        while writer.flush().await.is_err() {}
        assert_eq!(content(&factory, &segment).await, "late");
    }
}

/// The supervisor may be on a runtime that nobody runs any more.
#[test]
fn a_wait_ends_at_its_deadline_also_on_another_runtime() {
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (_backend, mut writer) = first.block_on(async {
        let backend = Backend::start().await;
        let factory = backend.factory_with(patient);
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment);
        let mut writer = opening.operation_timeout(MOMENT).await.unwrap();
        writer.write(b"unheard").await.unwrap();
        (backend, writer)
    });
    for _ in 0..2 {
        let late = second.block_on(writer.flush()).unwrap_err();
        assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
    }
    while first.block_on(writer.flush()).is_err() {}
}

#[tokio::test]
async fn a_short_wait_ends_while_a_long_one_goes_on() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(patient);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let opening = opening.max_unacked_bytes(1_000);
        let opening = opening.when_full(WhenFull::WaitAtMost(MOMENT));
        let mut writer = opening.await.unwrap();
        let gate = Gate::default();
        let acks = Frames::replies().named("DataAppended");
        let held = relay.arm(acks, Fault::Hold(gate.clone()));
        writer.write(&[1; 900]).await.unwrap();
        let watch = writer.watch().unwrap();
        let mut long = pin!(watch.flush());
        assert!(poll!(long.as_mut()).is_pending());
        held.struck().await;
        for _ in 0..3 {
            let late = writer.write(&[2; 900]).await.unwrap_err();
            assert!(matches!(late, WriteError::Timeout { .. }), "{late:?}");
            assert!(poll!(long.as_mut()).is_pending());
        }
        gate.open();
        assert_eq!(long.await.unwrap(), 900, "{mode:?}");
    }
}

#[tokio::test]
async fn t78_a_write_that_waits_for_room_hears_of_the_end() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.max_unacked_bytes(1_000).await.unwrap();
        let gate = Gate::default();
        let held = relay.arm(appends_of(mode), Fault::Hold(gate.clone()));
        writer.write(&[1; 900]).await.unwrap();
        let waiting = tokio::spawn(async move { writer.write(&[2; 900]).await });
        held.struck().await;
        let handle = relay.backend().factory().segment(segment).unwrap();
        handle.seal().await.unwrap();
        gate.open();
        let error = waiting.await.unwrap().unwrap_err();
        assert!(
            matches!(error, WriteError::Sealed { .. }),
            "{mode:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn t75_shutting_the_factory_down_ends_blocked_calls() {
    let relay = Relay::embedded().await;
    let factory = relay.factory_with(in_a_hurry);
    let segment = relay.backend().fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let held = relay.arm(
        Frames::replies().named("DataAppended"),
        Fault::Hold(Gate::default()),
    );
    writer.write(b"unacknowledged").await.unwrap();
    let blocked = tokio::spawn(async move { (writer.flush().await, writer) });
    held.struck().await;
    factory.shutdown().await;
    let (flushed, mut writer) = blocked.await.unwrap();
    let closed = flushed.unwrap_err();
    assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
    assert_eq!(closed.certainty(), Certainty::Indeterminate);
    let closed = writer.write(b"more").await.unwrap_err();
    assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
    factory.open_byte_writer(segment).await.unwrap_err();
}

#[tokio::test]
async fn t75_shutting_the_factory_down_ends_waiting_reads() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let (_writer, mut waiting) = backend.pair(&factory).await;
    let (_other_writer, other) = backend.pair(&factory).await;
    let mut buffer = [0; 8];
    let mut read = pin!(waiting.read(&mut buffer));
    let mut reach = pin!(other.wait_for_tail(1));
    assert!(poll!(read.as_mut()).is_pending());
    assert!(poll!(reach.as_mut()).is_pending());
    factory.shutdown().await;
    let closed = read.await.unwrap_err();
    assert!(matches!(closed, ReadError::Closed { .. }), "{closed:?}");
    let closed = reach.await.unwrap_err();
    assert!(!closed.is_retryable(), "{closed:?}");
}
