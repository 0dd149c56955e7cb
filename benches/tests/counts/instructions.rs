//! Instructions, counted one by one: the work is done in a process of its own, which is stopped after each of them.
//!
//! How many they are depends on the compiler and on how far it optimises; that they do not grow with the payload does not.

#![expect(
    clippy::print_stdout,
    reason = "a process says which thread is to be followed; figures are shown by `--nocapture`"
)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use bytes::{Buf as _, Bytes, BytesMut};
use nix::{
    sys::{
        ptrace,
        signal::{Signal, raise},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, gettid},
};
use pravega_wire_protocol::{FrameDecoder, FrameLimits, FrameQueue, Reply, Request};

use crate::codec::{appends, read_reply};

/// Says to a process what it shall do.
const WORK: &str = "PRAVEGA_COUNTED_WORK";
/// Memory of another size takes some other branches. Looking at a MiB would take ten thousand instructions and more.
const BRANCHES: usize = 20;
/// Says which thread does it.
const THREAD: &str = "thread ";
/// A build without optimisation takes up to 7,000, one with it up to 1,400.
const MOST: usize = 20_000;

/// What is counted. It is done twice before, so that memory is there and names are resolved.
fn work(name: &str, size: usize) -> Box<dyn FnMut()> {
    let data = Bytes::from(vec![7; size]);
    let [conditional, plain] = appends(&data);
    let mut queue = FrameQueue::new();
    let mut encode = move |append: &Request| {
        queue.push(append).unwrap();
        queue.advance(queue.len());
    };
    match name {
        "nothing" => Box::new(|| ()),
        "conditional append" => Box::new(move || encode(&conditional)),
        "append" => Box::new(move || encode(&plain)),
        "read reply" => {
            let frame = read_reply(size).encode_to_bytes().unwrap();
            let mut decoder = FrameDecoder::new(FrameLimits::CLIENT);
            let mut received: Vec<_> = (0..3).map(|_| BytesMut::from(&frame[..])).collect();
            // Giving the memory back is not counted.
            let mut kept = Vec::with_capacity(received.len());
            Box::new(move || {
                let mut received = received.pop().unwrap();
                let frame = decoder.decode_frame(&mut received).unwrap().unwrap();
                kept.push((received, Reply::decode(frame).unwrap()));
            })
        }
        other => panic!("unknown work: {other}"),
    }
}

/// Does nothing, unless started by [`count`].
#[test]
fn in_a_process_of_its_own() {
    let Ok(asked) = std::env::var(WORK) else {
        return;
    };
    let (name, size) = asked.split_once(',').unwrap();
    let mut work = work(name, size.parse().unwrap());
    work();
    work();
    if ptrace::traceme().is_err() {
        return;
    }
    println!("{THREAD}{}", gettid());
    raise(Signal::SIGSTOP).unwrap();
    work();
    raise(Signal::SIGSTOP).unwrap();
}

/// The instructions of some work, with those that stop the process before and after it; none where no process may
/// be followed.
fn count_with_stops(name: &str, size: usize) -> Option<usize> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "instructions::in_a_process_of_its_own"])
        .arg("--nocapture")
        .env(WORK, format!("{name},{size}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let thread = said.find_map(|line| line.unwrap().strip_prefix(THREAD)?.parse().ok());
    let Some(thread) = thread.map(Pid::from_raw) else {
        assert!(child.wait().unwrap().success(), "{name}");
        return None;
    };
    // Also for a thread that is not the first of its process.
    let wait = || waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
    assert_eq!(wait(), WaitStatus::Stopped(thread, Signal::SIGSTOP));
    // Nobody else would make it go on.
    ptrace::setoptions(thread, ptrace::Options::PTRACE_O_EXITKILL).unwrap();
    let mut count = 0;
    loop {
        ptrace::step(thread, None).unwrap();
        match wait() {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => count += 1,
            WaitStatus::Stopped(_, Signal::SIGSTOP) => break,
            other => panic!("{name}: {other:?} after {count} instructions"),
        }
    }
    child.kill().unwrap();
    // Its end is kept back until whoever follows the thread has taken note.
    assert_eq!(wait(), WaitStatus::Signaled(thread, Signal::SIGKILL, false));
    child.wait().unwrap();
    Some(count)
}

/// The instructions of some work.
fn count(name: &str, size: usize) -> Option<usize> {
    Some(count_with_stops(name, size)? - count_with_stops("nothing", size)?)
}

#[test]
fn instructions_of_the_codec_do_not_grow_with_a_large_payload() {
    for name in ["conditional append", "append", "read reply"] {
        let counted = [64 << 10, 1 << 20].map(|size| count(name, size));
        let [Some(small), Some(large)] = counted else {
            println!("no process may be followed here");
            return;
        };
        println!("{name}: {small} and {large} instructions");
        assert!(
            small.abs_diff(large) <= BRANCHES,
            "{name}: {small} and {large}"
        );
        assert!((10..MOST).contains(&small), "{name}: {small}");
    }
}
