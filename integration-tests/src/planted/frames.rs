//! Frames that no correct peer sends: made from every type, many lengths and every state of a receiver.
//!
//! A receiver refuses a frame that is too long by its header, before anything of it has come, and never takes more
//! memory than it has received. What has come whole and is not what its type promises is an error and no panic.

use bytes::{BufMut as _, Bytes, BytesMut};
use pravega_wire_protocol::{Frame, FrameDecoder, FrameLimits, Reply, Request};

use crate::{
    Random,
    campaign::{Plan, Report, Tally, Verdict, Violation, over_seeds},
};

/// One seed for each type code from `FIRST_CODE` on.
pub const SEEDS: u64 = 160;
/// Negative codes, those of the protocol, which lie between 0 and 120, and some behind.
const FIRST_CODE: i64 = -10;

/// Memory that a receiver may take beside what it has received.
const CONSTANT: usize = 64 << 10;

/// Receivers: before the hello, a client, a client that has asked for a read, a store, and one without limits.
const STATES: &[(&str, FrameLimits)] = &[
    ("before the hello", FrameLimits::HELLO),
    ("client", FrameLimits::CLIENT),
    (
        "client without reads",
        FrameLimits {
            max_bulk_payload: 0,
            ..FrameLimits::CLIENT
        },
    ),
    ("store", FrameLimits::SERVER),
    ("nothing allowed", FrameLimits::new(0)),
];

/// Lengths on both sides of every limit, and those that overflow something.
const LENGTHS: &[i32] = &[
    i32::MIN,
    -1,
    0,
    1,
    7,
    8,
    63,
    64,
    65,
    1_000,
    65_535,
    65_536,
    65_537,
    1 << 20,
    16_777_163,
    16_777_207,
    16_777_208,
    16_777_215,
    16_777_216,
    1 << 30,
    i32::MAX,
];

/// Every frame of one type code for each seed.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    over_seeds("frames", plan, |seed, tally| {
        let code = FIRST_CODE + i64::try_from(seed % SEEDS).unwrap_or_default();
        let code = i32::try_from(code).unwrap_or_default();
        for &(state, limits) in STATES {
            for &announced in LENGTHS {
                for received in [0, 1, 17] {
                    split(code, announced, received, (state, limits), tally)?;
                }
            }
        }
        decode(seed, code, tally)?;
        Ok(seed)
    })
}

/// The first bytes of a frame arrive.
fn split(
    code: i32,
    announced: i32,
    received: usize,
    (state, limits): (&'static str, FrameLimits),
    tally: &mut Tally,
) -> Verdict {
    let mut buffer = BytesMut::with_capacity(64);
    buffer.put_i32(code);
    buffer.put_i32(announced);
    buffer.put_bytes(0xa5, received);
    let came = buffer.len();
    let mut decoder = FrameDecoder::new(limits);
    let decoded = decoder.decode_frame(&mut buffer);
    let is_allowed =
        u32::try_from(announced).is_ok_and(|length| length <= limits.max_payload_of(code));
    let missing = decoder.missing(&buffer);
    let wrong = |what: String| {
        let frame = format!("type {code}, length {announced}, {received} bytes of it, {state}");
        Err(Violation::broken(format!("{frame}: {what}")))
    };
    if decoded.is_ok() != is_allowed {
        return wrong(format!("allowed {is_allowed}, but {decoded:?}"));
    }
    if !is_allowed {
        tally.count("frame refused by its header", state);
    }
    if buffer.capacity() > came + CONSTANT {
        return wrong(format!("{} bytes of memory", buffer.capacity()));
    }
    let most = usize::try_from(limits.max_payload_of(code)).unwrap_or(usize::MAX);
    match missing <= most.saturating_add(8) {
        true => Ok(()),
        false => wrong(format!("asks for {missing} bytes more")),
    }
}

/// Frames of this type that have come whole, with bodies that lie.
fn decode(seed: u64, code: i32, tally: &mut Tally) -> Verdict {
    let mut random = Random::new(seed);
    for len in (0..100).chain([200, 1_000]) {
        for fill in [0x00, 0x7f, 0xff] {
            let is_noise = random.one_in(2);
            let mut byte = || {
                if is_noise {
                    u8::try_from(random.below(256)).unwrap_or(fill)
                } else {
                    fill
                }
            };
            let body: Bytes = (0..len).map(|_| byte()).collect();
            let frame = || Frame {
                code,
                body: body.clone(),
            };
            let is_known = |decoded: Result<bool, _>| {
                decoded.map_err(|_: pravega_wire_protocol::DecodeError| ())
            };
            let request = is_known(Request::decode(frame()).map(|request| request.code() == code));
            let reply = is_known(Reply::decode(frame()).map(|reply| reply.code() == code));
            for decoded in [request, reply] {
                match decoded {
                    Ok(true) => tally.count("body with lies", "decoded all the same"),
                    Err(()) => tally.count("body with lies", "refused"),
                    Ok(false) => {
                        let what = format!("type {code}, {len} bytes: became another type");
                        return Err(Violation::broken(what));
                    }
                }
            }
        }
    }
    Ok(())
}
