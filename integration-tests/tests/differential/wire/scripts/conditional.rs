//! Appends at an expected offset.

use bytes::{BufMut, BytesMut};
use pravega_wire_protocol::{HEADER_BYTES, message_type};

use super::{A, B};
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Connection, Name, Scene, raw},
};

#[tokio::test]
async fn conditional() {
    compare("conditional", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("right", right),
    ("too-low", |s| failed_then_usable(s, 4)),
    ("too-high", |s| failed_then_usable(s, 6)),
    ("far-too-high", |s| failed_then_usable(s, i64::MAX)),
    ("minus-one-is-unconditional", |s| unconditional(s, -1)),
    ("negative-is-unconditional", |s| unconditional(s, i64::MIN)),
    ("failed-number-again", failed_number_again),
    ("failed-number-skipped", failed_number_skipped),
    ("failed-then-plain", failed_then_plain),
    ("failed-twice", failed_twice),
    ("failed-first-append", failed_first_append),
    ("empty", empty),
    ("empty-at-the-wrong-place", empty_at_the_wrong_place),
    ("last-number-again", last_number_again),
    (
        "last-number-again-at-the-wrong-place",
        last_number_again_at_the_wrong_place,
    ),
    ("stale-number", stale_number),
    ("no-setup", no_setup),
    ("absolute-offsets", absolute_offsets),
    ("sealed-wins", sealed_wins),
    ("deleted", deleted),
    ("two-writers-race", two_writers_race),
    ("hole", hole),
    ("mixed-with-plain", mixed_with_plain),
    ("without-request-id", without_request_id),
    ("event", event),
    ("event-at-the-wrong-place", event_at_the_wrong_place),
    ("event-unconditional", event_unconditional),
    ("event-empty", event_empty),
    ("event-without-request-id", event_without_request_id),
    ("event-of-another-type", |s| {
        bad_event(s, message_type::PADDING, 5, "hello")
    }),
    ("event-longer-than-the-message", |s| {
        bad_event(s, message_type::EVENT, 50, "hello")
    }),
    ("event-of-negative-length", |s| {
        bad_event(s, message_type::EVENT, -1, "hello")
    }),
    ("data-longer-than-the-message", |s| bad_length(s, 6)),
    ("data-of-negative-length", |s| bad_length(s, -1)),
    ("pipelined-and-predicted", pipelined_and_predicted),
];

/// A segment of five bytes and a writer whose last number is 1.
fn five_bytes(s: &Scene) -> (Name, Connection<'_>) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    (segment, peer)
}

fn right(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.conditional(A, 1, 0, "hello"));
    peer.ask(s.conditional(A, 2, 5, ", "));
    peer.ask(s.conditional(A, 3, 7, "world"));
    peer.ask(s.setup(A, &segment));
}

fn failed_then_usable(s: &Scene, expected: i64) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, expected, "lost"));
    peer.ask(s.conditional(A, 3, 5, "kept"));
}

fn unconditional(s: &Scene, expected: i64) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, expected, "x"));
    peer.ask(s.conditional(A, 3, expected, "y"));
}

fn failed_number_again(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 0, "lost"));
    peer.ask(s.conditional(A, 2, 5, "kept"));
    peer.ask(s.setup(A, &segment));
}

fn failed_number_skipped(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 0, "lost"));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.conditional(A, 9, 5, "kept"));
}

fn failed_then_plain(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 0, "lost"));
    peer.ask(s.append(A, 2, "plain"));
}

fn failed_twice(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 0, "lost"));
    peer.ask(s.conditional(A, 2, 4, "lost"));
    peer.ask(s.conditional(A, 3, 6, "lost"));
    peer.ends_at(s.conditional(A, 2, 5, "a number below the last one received"));
}

fn failed_first_append(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.conditional(A, 1, 3, "lost"));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.conditional(A, 1, 0, "kept"));
}

fn empty(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 5, ""));
    peer.ask(s.conditional(A, 3, 5, "!"));
}

fn empty_at_the_wrong_place(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 4, ""));
}

fn last_number_again(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.send(s.conditional(A, 1, 5, "again"));
    peer.ask(s.conditional(A, 2, 10, "next"));
}

fn last_number_again_at_the_wrong_place(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 1, 4, "again"));
    peer.ask(s.conditional(A, 2, 5, "next"));
}

fn stale_number(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ends_at(s.conditional(A, 0, 5, "stale"));
}

fn no_setup(s: &Scene) {
    let (_, _) = five_bytes(s);
    let other = s.connect();
    other.ends_at(s.conditional(A, 2, 5, "hello"));
}

fn absolute_offsets(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    peer.ask(s.truncate(&segment, 3));
    peer.ask(s.conditional(A, 2, 2, "lost"));
    peer.ask(s.conditional(A, 3, 5, "kept"));
    peer.ask(s.truncate(&segment, 9));
    peer.ask(s.conditional(A, 4, 0, "lost"));
    peer.ask(s.conditional(A, 5, 9, "kept"));
}

fn sealed_wins(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.conditional(A, 2, 0, "lost"));
    // On another connection: here the real server answers or closes as the timing is, because it may forget
    // the writer's failed session only after the new one was set up.
    let other = s.connect();
    other.ask(s.setup(A, &segment));
    other.ask(s.conditional(A, 2, 5, "lost"));
}

fn deleted(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    peer.ask(s.delete(&segment));
    peer.ask(s.conditional(A, 2, 5, "lost"));
}

fn two_writers_race(s: &Scene) {
    let (segment, peer) = five_bytes(s);
    let rival = s.connect();
    rival.ask(s.setup(B, &segment));
    rival.ask(s.conditional(B, 1, 5, "rival"));
    peer.ask(s.conditional(A, 2, 5, "lost"));
    peer.ask(s.conditional(A, 3, 10, "kept"));
    rival.ask(s.conditional(B, 2, 10, "lost"));
    rival.ask(s.conditional(B, 2, 14, "kept"));
}

/// Why a client has one conditional block in flight: the block behind a lost one of the same length as the
/// rival's is stored.
fn hole(s: &Scene) {
    let segment = s.segment();
    let (peer, rival) = (s.connect(), s.connect());
    peer.ask(s.setup(A, &segment));
    rival.ask(s.setup(B, &segment));
    peer.ask(s.conditional(A, 1, 0, "AAAA"));
    rival.ask(s.conditional(B, 1, 4, "BBBB"));
    peer.ask(s.conditional(A, 2, 4, "lost"));
    peer.ask(s.conditional(A, 3, 8, "HOLE"));
}

fn mixed_with_plain(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional(A, 2, 5, "c"));
    peer.ask(s.append(A, 3, "p"));
    peer.ask(s.conditional(A, 4, 7, "c"));
    peer.ask(s.conditional_event(A, 5, 8, "e"));
    peer.ask(s.append(A, 6, "p"));
}

fn without_request_id(s: &Scene) {
    let (_, peer) = five_bytes(s);
    let whole = s.conditional(A, 2, 5, "world").encode_to_bytes().unwrap();
    let body = whole.slice(HEADER_BYTES..whole.len() - size_of::<i64>());
    let code = message_type::CONDITIONAL_BLOCK_END;
    peer.ends_at(raw("ConditionalBlockEnd without id", encode(code, body)));
}

fn event(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional_event(A, 2, 5, "hello"));
    peer.ask(s.conditional_event(A, 3, 18, "world"));
}

fn event_at_the_wrong_place(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional_event(A, 2, 13, "lost"));
    peer.ask(s.conditional_event(A, 3, 5, "kept"));
}

fn event_unconditional(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional_event(A, 2, -1, "anywhere"));
}

fn event_empty(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.ask(s.conditional_event(A, 2, 5, ""));
}

fn event_without_request_id(s: &Scene) {
    let (_, peer) = five_bytes(s);
    let whole = s
        .conditional_event(A, 2, 5, "world")
        .encode_to_bytes()
        .unwrap();
    let body = whole.slice(HEADER_BYTES..whole.len() - size_of::<i64>());
    let code = message_type::CONDITIONAL_APPEND;
    peer.ask(raw(
        "ConditionalAppend \"world\" without id",
        encode(code, body),
    ));
}

fn bad_event(s: &Scene, nested: i32, announced: i32, data: &str) {
    let (_, peer) = five_bytes(s);
    let mut body = BytesMut::new();
    body.put_u128(A);
    body.put_i64(2);
    body.put_i64(5);
    body.put_i32(nested);
    body.put_i32(announced);
    body.put_slice(data.as_bytes());
    body.put_i64(1);
    let said = format!("ConditionalAppend of a nested type {nested}, {announced} bytes announced");
    peer.ends_at(raw(&said, encode(message_type::CONDITIONAL_APPEND, body)));
}

fn bad_length(s: &Scene, announced: i32) {
    let (_, peer) = five_bytes(s);
    let mut body = BytesMut::new();
    body.put_u128(A);
    body.put_i64(2);
    body.put_i64(5);
    body.put_i32(announced);
    body.put_slice(b"hello");
    let said = format!("ConditionalBlockEnd that ends in 5 bytes of {announced}");
    peer.ends_at(raw(
        &said,
        encode(message_type::CONDITIONAL_BLOCK_END, body),
    ));
}

/// As Java's writer of large events does.
fn pipelined_and_predicted(s: &Scene) {
    let (_, peer) = five_bytes(s);
    peer.send_all((2..=21).map(|n| s.conditional(A, n, 5 + 8 * (n - 2), "12345678").into()));
    peer.hear_ack(21);
}
