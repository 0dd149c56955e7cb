//! Reads that are answered at once.

use bytes::Bytes;
use pravega_wire_protocol::{HEADER_BYTES, message_type};

use super::A;
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Connection, Name, Scene, raw},
};

#[tokio::test]
async fn read() {
    compare("read", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("sizes", sizes),
    ("offsets", offsets),
    ("exactly-to-the-tail", exactly_to_the_tail),
    ("over-several-appends", over_several_appends),
    ("negative-offset", |s| ends(s, -1)),
    ("smallest-offset", |s| ends(s, i64::MIN)),
    ("without-request-id", without_request_id),
    ("trailing-bytes", trailing_bytes),
    ("several-at-once", several_at_once),
    ("truncated", truncated),
    ("missing", missing),
    ("missing-at-a-negative-offset", missing_at_a_negative_offset),
    ("sealed", sealed),
    ("sealed-and-empty", sealed_and_empty),
    ("sealed-and-truncated", sealed_and_truncated),
    ("beyond-the-sealed-end", beyond_the_sealed_end),
    ("far-beyond-the-sealed-end", far_beyond_the_sealed_end),
    ("largest-reply", largest_reply),
];

/// A segment of 25 bytes, all of them readable.
fn filled(s: &Scene) -> (Name, Connection<'_>) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "abcdefghijklmnopqrstuvwxy"));
    s.readable(&segment, 25);
    (segment, peer)
}

fn sizes(s: &Scene) {
    let (segment, peer) = filled(s);
    for size in [i32::MIN, -1, 0, 1, 7, 8, 9, 24, 25, 26, i32::MAX] {
        peer.ask(s.read(&segment, 0, size));
    }
}

fn offsets(s: &Scene) {
    let (segment, peer) = filled(s);
    for offset in [0, 1, 12, 17, 20, 24] {
        peer.ask(s.read(&segment, offset, 8));
        peer.ask(s.read(&segment, offset, 1000));
    }
}

fn exactly_to_the_tail(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.read(&segment, 5, 20));
    peer.ask(s.read(&segment, 5, 21));
    peer.ask(s.read(&segment, 17, 8));
    peer.ask(s.read(&segment, 18, 8));
    peer.ask(s.read(&segment, 24, 1));
}

fn over_several_appends(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.append(A, 2, "0123456789"));
    peer.ask(s.append(A, 3, ""));
    peer.ask(s.append(A, 4, "!"));
    s.readable(&segment, 36);
    peer.ask(s.read(&segment, 0, 36));
    peer.ask(s.read(&segment, 20, 10));
    peer.ask(s.read(&segment, 20, 1000));
}

fn ends(s: &Scene, offset: i64) {
    let (segment, peer) = filled(s);
    peer.ends_at(s.read(&segment, offset, 8));
}

fn without_request_id(s: &Scene) {
    let (segment, peer) = filled(s);
    let whole = s.read(&segment, 3, 9).encode_to_bytes().unwrap();
    let body = whole.slice(HEADER_BYTES..whole.len() - size_of::<i64>());
    peer.ask(raw(
        "ReadSegment at 3 of 9 without id",
        encode(message_type::READ_SEGMENT, body),
    ));
    let body = whole.slice(HEADER_BYTES..whole.len() - 1);
    peer.ask(raw(
        "ReadSegment at 3 of 9 with 7 bytes of an id",
        encode(message_type::READ_SEGMENT, body),
    ));
}

fn trailing_bytes(s: &Scene) {
    let (segment, peer) = filled(s);
    let whole = s.read(&segment, 3, 9).encode_to_bytes().unwrap();
    let body = Bytes::from([&whole[HEADER_BYTES..], b"more"].concat());
    peer.ask(raw(
        "ReadSegment at 3 of 9 and 4 bytes",
        encode(message_type::READ_SEGMENT, body),
    ));
}

fn several_at_once(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.send_all((0..25).map(|offset| s.read(&segment, offset, 8).into()));
    peer.hear_in_any_order(25);
}

fn truncated(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.truncate(&segment, 10));
    peer.ask(s.read(&segment, 0, 8));
    peer.ask(s.read(&segment, 9, 100));
    peer.ask(s.read(&segment, 10, 8));
    peer.ask(s.read(&segment, 24, 100));
}

fn missing(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.read(&segment, 0, 8));
    peer.ask(s.read(&segment, i64::MAX, -1));
}

fn missing_at_a_negative_offset(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.read(&segment, -1, 8));
}

fn sealed(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    for (offset, size) in [
        (0, 25),
        (0, 26),
        (0, 8),
        (17, 8),
        (18, 8),
        (24, 1),
        (25, 8),
        (25, 0),
    ] {
        peer.ask(s.read(&segment, offset, size));
    }
}

fn sealed_and_empty(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.seal(&segment));
    peer.ask(s.read(&segment, 0, 8));
}

fn sealed_and_truncated(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.truncate(&segment, 20));
    peer.ask(s.read(&segment, 19, 8));
    peer.ask(s.read(&segment, 20, 8));
    peer.ask(s.truncate(&segment, 25));
    peer.ask(s.read(&segment, 24, 8));
    peer.ask(s.read(&segment, 25, 8));
}

fn beyond_the_sealed_end(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ends_at(s.read(&segment, 26, 8));
}

fn far_beyond_the_sealed_end(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ends_at(s.read(&segment, i64::MAX, i32::MAX));
}

fn largest_reply(s: &Scene) {
    const MIB: usize = 1024 * 1024;
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    for (number, byte) in (1..).zip([b'a', b'b', b'c', b'd', b'e']) {
        peer.ask(s.append(A, number, vec![byte; MIB]));
    }
    s.readable(&segment, 5 * 1024 * 1024);
    peer.ask(s.read(&segment, 0, i32::MAX));
    peer.ask(s.read(&segment, 1, 2 * 1024 * 1024));
    peer.ask(s.read(&segment, 1, 2 * 1024 * 1024 + 1));
    peer.ask(s.read(&segment, 4 * 1024 * 1024, i32::MAX));
}
