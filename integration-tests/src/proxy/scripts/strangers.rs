//! What answers is no segment store, or speaks garbage.

use pravega_byte_stream::{ReadError, WriteError};
use pravega_wire_protocol::{HEADER_BYTES, Hello, Reply, message_type};

use super::Script;
use crate::{
    proxy::stage::Stage,
    relay::{Fault, Frames, Relay},
};

pub(super) const SCRIPTS: &[Script] = &[
    Script::new("n10_another_protocol_answers", another_protocol),
    Script::new("p13_no_common_version", no_common_version),
    Script::new("p13_another_version_of_ours", another_version),
    Script::new("p12_a_second_hello", second_hello),
    Script::new("p01_huge_lengths_announced", huge_length),
    Script::new("p02_an_unknown_reply", unknown_reply),
    Script::new("p03_lengths_that_lie", lying_lengths),
    Script::new("p03_flipped_bits_in_the_head_of_a_frame", flipped_bits),
];

/// What other servers say to somebody whom they do not understand.
const STRANGERS: [&[u8]; 6] = [
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    b"\x15\x03\x03\x00\x02\x02\x46\x15\x03\x03\x00\x02\x02\x46",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"-ERR unknown command\r\n",
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
];

/// A store that is none is told from a broken connection, and does not get a second chance.
fn may_be_refused(stage: &mut Stage) {
    stage.allowed.write = |error| {
        matches!(
            error,
            WriteError::Broken { .. } | WriteError::Segment { .. }
        )
    };
    stage.allowed.read =
        |error| matches!(error, ReadError::Broken { .. } | ReadError::Asking { .. });
    stage.expect_timeouts(|_| {});
}

/// The first hello or one after a cut.
fn some_hello(stage: &mut Stage) -> Frames {
    if stage.dice(3) > 0 {
        stage.cut_sometimes(2);
    }
    Frames::replies()
        .named("Hello")
        .nth(1 + stage.dice(5))
        .times(1 + stage.dice(3))
}

fn another_protocol(stage: &mut Stage) {
    let hellos = some_hello(stage);
    let chosen = usize::try_from(stage.dice(7)).unwrap_or_default();
    let noise: Vec<u8> = (0..64)
        .map(|_| u8::try_from(stage.dice(256)).unwrap_or_default())
        .collect();
    let said = STRANGERS.get(chosen).map_or(noise, |said| said.to_vec());
    let fault = Fault::garble(move |_| said.clone());
    stage.arm("another protocol", hellos, fault);
    may_be_refused(stage);
}

fn hello(high_version: i32, low_version: i32) -> Fault {
    Fault::replace(move |_| {
        let hello = Hello {
            high_version,
            low_version,
        };
        Some(vec![hello.into()])
    })
}

fn no_common_version(stage: &mut Stage) {
    let hellos = some_hello(stage);
    let fault = match stage.dice(3) {
        0 => hello(4, 1),
        1 => hello(99, 18),
        _ => hello(-1, i32::MAX),
    };
    stage.arm("no common version", hellos, fault);
    may_be_refused(stage);
}

fn another_version(stage: &mut Stage) {
    let fault = match stage.dice(3) {
        0 => hello(5, 5),
        1 => hello(17, 17),
        _ => hello(1_000, 5),
    };
    let hellos = Frames::replies().named("Hello").times(u64::MAX);
    stage.arm("another version", hellos, fault);
    stage.cut_sometimes(1);
}

fn second_hello(stage: &mut Stage) {
    let twice = Fault::replace(|reply| Some(vec![reply.clone(), reply.clone()]));
    let hellos = Frames::replies().named("Hello").times(u64::MAX);
    stage.arm("second hello", hellos, twice);
    stage.cut_sometimes(1);
}

/// Any reply but hellos.
fn some_replies(stage: &mut Stage) -> Frames {
    let names = [
        "StreamSegmentInfo",
        "AppendSetup",
        "DataAppended",
        "SegmentRead",
    ];
    let name = names.get(usize::try_from(stage.dice(4)).unwrap_or_default());
    let frames = Frames::replies().named(name.unwrap_or(&"DataAppended"));
    frames.nth(1 + stage.dice(6)).times(1 + stage.dice(2))
}

/// A header that announces `len` bytes, and a few of them.
fn announcing(code: i32, len: u32) -> Fault {
    Fault::garble(move |_| {
        let mut bytes = code.to_be_bytes().to_vec();
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&[7; 16]);
        bytes
    })
}

fn huge_length(stage: &mut Stage) {
    let frames = some_replies(stage);
    let len = match stage.dice(4) {
        0 => u32::MAX,
        1 => 0x7fff_ffff,
        2 => 0x8000_0000,
        _ => 0x0100_0000,
    };
    let code = match stage.dice(2) {
        0 => message_type::SEGMENT_READ,
        _ => message_type::DATA_APPENDED,
    };
    stage.arm("huge length announced", frames, announcing(code, len));
}

fn unknown_reply(stage: &mut Stage) {
    let frames = some_replies(stage);
    let code = match stage.dice(3) {
        0 => 4_242,
        1 => -7,
        _ => message_type::READ_SEGMENT,
    };
    let fault = Fault::garble(move |frame| {
        let mut bytes = code.to_be_bytes().to_vec();
        bytes.extend_from_slice(frame.get(4..).unwrap_or_default());
        bytes
    });
    stage.arm("unknown reply", frames, fault);
}

/// The frame's length and what is in it do not agree.
fn lying_lengths(stage: &mut Stage) {
    let frames = some_replies(stage);
    let missing = usize::try_from(1 + stage.dice(24)).unwrap_or(1);
    let fault = Fault::garble(move |frame| {
        let keep = frame.len().saturating_sub(missing).max(HEADER_BYTES);
        let mut bytes = frame.get(..keep).unwrap_or(frame).to_vec();
        let len = u32::try_from(keep - HEADER_BYTES).unwrap_or_default();
        if let Some(field) = bytes.get_mut(4..HEADER_BYTES) {
            field.copy_from_slice(&len.to_be_bytes());
        }
        bytes
    });
    stage.arm("length lies", frames, fault);
    // What still is a reply without its last fields may be one to nobody.
    stage.expect_timeouts(Relay::cut_all);
    stage.cut_at_the_end();
}

/// Only replies whose every field is checked: a bit flipped in data is what checksums in the data are for.
fn flipped_bits(stage: &mut Stage) {
    let setup = Frames::replies().named("AppendSetup");
    let bit = usize::try_from(stage.dice(64)).unwrap_or_default();
    let fault = Fault::replace(move |reply| match reply {
        Reply::AppendSetup(setup) => {
            let mut setup = setup.clone();
            setup.request_id ^= 1 << (bit % 63);
            Some(vec![setup.into()])
        }
        _ => None,
    });
    stage.arm("bit flipped in an id", setup, fault);
    // An answer that nobody has asked for is no answer.
    stage.expect_timeouts(Relay::cut_all);
    stage.cut_at_the_end();
}
