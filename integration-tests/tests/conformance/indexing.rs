//! The example program that records frames and an index of them, crashed at each of its steps.

use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};

use bytes::Buf as _;
use pravega_byte_stream::{ClientFactory, ScopedStream};
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Frames, Gate, Relay},
};
use tokio::{task::spawn_blocking, time::timeout};

/// Frames of one run of the program.
const FRAMES: usize = 2;
/// Steps of the program for each: the frame comes, is accepted, durable; its record is accepted, durable.
const STEPS: usize = 5;
/// A real store shows what it has acknowledged a moment later. What is not there after that long is missing.
const A_MOMENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn t90_no_index_record_points_at_missing_data_wherever_the_recorder_crashes() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for step in 1..=FRAMES * STEPS {
        let name = backend.fresh_name();
        let crashed = run(backend.controller_uri(), &name, Some(step)).await;
        let said = String::from_utf8_lossy(&crashed.stdout).into_owned();
        assert!(!crashed.status.success(), "step {step}: {said}");
        assert!(said.contains(&format!("crash at step {step}:")), "{said}");
        let frames = check(&factory, &name).await;
        let durable = step / STEPS;
        assert!((durable..=FRAMES).contains(&frames), "{step}: {frames}");

        let again = run(backend.controller_uri(), &name, None).await;
        assert!(again.status.success(), "step {step}: {again:?}");
        let all = check(&factory, &name).await;
        assert!(all >= frames + FRAMES, "{step}: {frames}, then {all}");
    }
    let name = backend.fresh_name();
    let whole = run(backend.controller_uri(), &name, Some(FRAMES * STEPS + 1)).await;
    assert!(whole.status.success(), "there are more steps: {whole:?}");
    assert_eq!(check(&factory, &name).await, FRAMES);
}

/// What a crash would make of another order depends on luck, so the order itself is looked at.
#[tokio::test]
async fn t90_a_record_is_sent_when_the_store_has_acknowledged_its_frame_and_not_before() {
    let relay = Relay::start().await;
    let name = relay.backend().fresh_name();
    let gate = Gate::default();
    let first_ack = Frames::replies().named("DataAppended");
    let held = relay.arm(first_ack, Fault::Hold(gate.clone()));
    let running = run(relay.controller_uri(), &name, None);
    let acknowledge = async {
        held.struck().await;
        // Time enough for what must not be sent.
        let factory = relay.backend().factory();
        for _ in 0..20 {
            let (mut writer, _reader) = relay.backend().pair(&factory).await;
            writer.write(b"meanwhile").await.unwrap();
            writer.close().await.unwrap();
        }
        gate.open();
    };
    let (ran, ()) = tokio::join!(running, acknowledge);
    assert!(ran.status.success(), "{ran:?}");
    let seen = relay.seen().into_iter().map(|frame| frame.name);
    let (append, ack) = ("ConditionalBlockEnd", "DataAppended");
    let exchanged: Vec<_> = seen.filter(|name| [append, ack].contains(name)).collect();
    assert_eq!(exchanged, [append, ack].repeat(2 * FRAMES));
}

/// Runs the program, to its end or to a step at which it crashes.
async fn run(controller: &str, name: &ScopedStream, crash_at: Option<usize>) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_indexed_recording"));
    program.args([name.to_string(), FRAMES.to_string()]);
    program.env("PRAVEGA_CONTROLLER_URI", controller);
    program.env_remove("CRASH_AT").stdin(Stdio::null());
    program.envs(crash_at.map(|step| ("CRASH_AT", step.to_string())));
    spawn_blocking(move || program.output())
        .await
        .unwrap()
        .unwrap()
}

/// Reads the frame behind each record of the index. Returns how many there are.
async fn check(factory: &ClientFactory, name: &ScopedStream) -> usize {
    let index: ScopedStream = format!("{name}-index").parse().unwrap();
    let index = factory.open_byte_reader(index).await.unwrap();
    let tail = index.current_tail().await.unwrap();
    let data = factory.open_byte_reader(name.clone()).await.unwrap();
    let mut records = index.read_range(0..tail).await.unwrap();
    assert_eq!(
        records.len() % 24,
        0,
        "a record is stored whole or not at all"
    );
    let mut frames = 0;
    while records.has_remaining() {
        let (number, offset) = (records.get_u64(), records.get_u64());
        let end = offset + records.get_u64();
        let there = timeout(A_MOMENT, data.wait_for_tail(end)).await;
        let tail = there.unwrap_or_else(|_| panic!("frame {number}: nothing at {offset}..{end}"));
        assert!(tail.unwrap() >= end);
        let frame = data.read_range(offset..end).await.unwrap();
        let copies = usize::try_from(number % 50 + 1).unwrap();
        assert_eq!(frame, format!("frame {number};").repeat(copies));
        frames += 1;
    }
    frames
}
