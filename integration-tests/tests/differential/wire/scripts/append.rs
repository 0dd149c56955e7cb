//! Plain appends: numbers, setups, acks.

use super::{A, B, OWN_ATTRIBUTE};
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Scene, raw},
};
use bytes::Buf;
use pravega_wire_protocol::{HEADER_BYTES, Request, message_type};

#[tokio::test]
async fn append() {
    compare("append", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("one-after-the-other", one_after_the_other),
    ("numbers-with-gaps", numbers_with_gaps),
    ("first-number-zero", first_number_zero),
    ("largest-number", largest_number),
    ("last-number-again", last_number_again),
    (
        "last-number-again-after-reconnect",
        last_number_again_after_reconnect,
    ),
    ("stale-number", stale_number),
    ("stale-number-after-setup", stale_number_after_setup),
    ("negative-number", |s| refused(s, A, -1, 1)),
    ("smallest-number", |s| refused(s, A, i64::MIN, 1)),
    ("no-events", |s| refused(s, A, 1, 0)),
    ("negative-events", |s| refused(s, A, 1, -1)),
    ("unknown-writer", |s| refused(s, B, 1, 1)),
    ("many-events", many_events),
    ("no-setup", no_setup),
    ("empty", empty),
    ("nil-writer", |s| works_for(s, 0)),
    ("largest-writer", |s| works_for(s, u128::MAX)),
    ("writer-with-a-sign", |s| {
        works_for(s, OWN_ATTRIBUTE | (1 << 64) | 7)
    }),
    ("reserved-writer", reserved_writer),
    (
        "reserved-writer-of-an-absent-attribute",
        reserved_and_absent,
    ),
    ("without-request-id", without_request_id),
    ("trailing-bytes", trailing_bytes),
    ("pipelined", pipelined),
    ("setup-twice", setup_twice),
    ("setup-elsewhere-replaces", setup_elsewhere_replaces),
    ("setup-of-a-missing-segment", setup_of_a_missing_segment),
    ("setup-sees-what-is-stored", setup_sees_what_is_stored),
    ("many-writers-on-one-connection", many_writers),
    ("many-writers-at-once", many_writers_at_once),
    ("two-connections-interleave", two_connections_interleave),
    ("sealed", sealed),
    ("sealed-and-set-up-again", sealed_and_set_up_again),
    ("sealed-in-a-pipeline", sealed_in_a_pipeline),
    ("deleted", deleted),
    ("truncated", truncated),
    ("cut-off", cut_off),
    (
        "refused-append-ends-all-writers",
        refused_append_ends_all_writers,
    ),
];

fn one_after_the_other(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    peer.ask(s.append(A, 2, ", "));
    peer.ask(s.append(A, 3, "world"));
}

fn numbers_with_gaps(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    for number in [5, 6, 100, 1 << 40] {
        peer.ask(s.append(A, number, "x"));
    }
}

fn first_number_zero(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 0, "zero"));
    peer.ask(s.append(A, 1, "one"));
    peer.ask(s.setup(A, &segment));
}

fn largest_number(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, i64::MAX, "x"));
    peer.ask(s.setup(A, &segment));
    peer.ends_at(s.append(A, i64::MAX - 1, "y"));
}

fn last_number_again(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "aa"));
    peer.send(s.append(A, 1, "bb"));
    peer.ask(s.append(A, 2, "cc"));
}

fn last_number_again_after_reconnect(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 7, "aa"));
    peer.end();
    peer.hear_end();
    let again = s.connect();
    again.ask(s.setup(A, &segment));
    again.send(s.append(A, 7, "bb"));
    again.ask(s.append(A, 8, "cc"));
}

fn stale_number(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 5, "aa"));
    peer.ends_at(s.append(A, 4, "bb"));
}

fn stale_number_after_setup(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 5, "aa"));
    let again = s.connect();
    again.ask(s.setup(A, &segment));
    again.ends_at(s.append(A, 4, "bb"));
}

fn refused(s: &Scene, writer: u128, number: i64, events: i32) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ends_at(s.append_of(writer, number, events, "hello"));
}

fn many_events(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append_of(A, 10, 10, "ten"));
    peer.ask(s.append_of(A, 11, i32::MAX, "many"));
}

fn no_setup(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.info(&segment));
    peer.ends_at(s.append(A, 1, "hello"));
}

fn empty(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, ""));
    peer.ask(s.append(A, 2, "x"));
    peer.ask(s.append(A, 3, ""));
    peer.ask(s.setup(A, &segment));
}

fn works_for(s: &Scene, writer: u128) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(writer, &segment));
    peer.ask(s.append(writer, 1, "hello"));
    peer.ask(s.attribute(&segment, writer));
}

/// The event count: an attribute that is there from the beginning.
fn reserved_writer(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(OWN_ATTRIBUTE | 1, &segment));
    peer.ends_at(s.append(OWN_ATTRIBUTE | 1, 1, "hello"));
}

fn reserved_and_absent(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(OWN_ATTRIBUTE | 0x7777, &segment));
    peer.ends_at(s.append(OWN_ATTRIBUTE | 0x7777, 1, "hello"));
}

fn without_request_id(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    let whole = s.append(A, 1, "hello").encode_to_bytes().unwrap();
    let body = whole.slice(HEADER_BYTES..whole.len() - size_of::<i64>());
    peer.ask(raw(
        "AppendBlockEnd \"hello\" without id",
        encode(message_type::APPEND_BLOCK_END, body),
    ));
}

fn trailing_bytes(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    let whole = s.append(A, 1, "hello").encode_to_bytes().unwrap();
    let body = whole.slice(HEADER_BYTES..).chain(&b"more"[..]);
    peer.ask(raw(
        "AppendBlockEnd \"hello\" and 4 bytes",
        encode(message_type::APPEND_BLOCK_END, body),
    ));
}

fn pipelined(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.send_all((1..=50).map(|number| s.append(A, number, "abcdefgh").into()));
    peer.hear_ack(50);
    peer.send_all((51..=60).map(|number| s.append(A, number, "12345678").into()));
    peer.hear_ack(60);
}

fn setup_twice(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 3, "aa"));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 4, "bb"));
    peer.ask(s.setup(A, &segment));
}

/// On one connection a writer has one segment at a time.
fn setup_elsewhere_replaces(s: &Scene) {
    let (first, second) = (s.segment(), s.segment());
    let peer = s.connect();
    peer.ask(s.setup(A, &first));
    peer.ask(s.append(A, 1, "first"));
    peer.ask(s.setup(A, &second));
    peer.ask(s.append(A, 1, "second"));
    peer.ask(s.setup(A, &first));
    peer.ask(s.append(A, 2, "and first"));
}

fn setup_of_a_missing_segment(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ends_at(s.append(A, 1, "hello"));
}

fn setup_sees_what_is_stored(s: &Scene) {
    let segment = s.segment();
    let (first, second) = (s.connect(), s.connect());
    first.ask(s.setup(A, &segment));
    first.ask(s.append(A, 3, "aa"));
    second.ask(s.setup(A, &segment));
    second.ask(s.append(A, 4, "bb"));
    first.ask(s.setup(A, &segment));
    second.ask(s.setup(B, &segment));
}

fn many_writers(s: &Scene) {
    let segments = [s.segment(), s.segment(), s.segment()];
    let peer = s.connect();
    for (writer, segment) in (1..).zip(segments.iter().cycle().take(30)) {
        peer.ask(s.setup(writer, segment));
    }
    for writer in 1..=30 {
        peer.ask(s.append(writer, 1, format!("{writer} ")));
    }
}

fn many_writers_at_once(s: &Scene) {
    let (first, second) = (s.segment(), s.segment());
    let peer = s.connect();
    let segments = [&first, &second];
    let setups = (1..=20).zip(segments.into_iter().cycle());
    peer.send_all(setups.map(|(writer, segment)| s.setup(writer, segment).into()));
    peer.hear_in_any_order(20);
    // One append in each segment: where a later one lands would depend on chance.
    peer.send_all([s.append(1, 1, "one").into(), s.append(2, 1, "two").into()]);
    peer.hear_in_any_order(2);
}

fn two_connections_interleave(s: &Scene) {
    let segment = s.segment();
    let (first, second) = (s.connect(), s.connect());
    first.ask(s.setup(A, &segment));
    second.ask(s.setup(B, &segment));
    first.ask(s.append(A, 1, "a1 "));
    second.ask(s.append(B, 1, "b1 "));
    second.ask(s.append(B, 2, "b2 "));
    first.ask(s.append(A, 2, "a2 "));
}

fn sealed(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    peer.ask(s.seal(&segment));
    peer.ask(s.append(A, 2, "world"));
}

fn sealed_and_set_up_again(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    peer.ask(s.seal(&segment));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 2, "world"));
    peer.ask(s.setup(B, &segment));
    peer.ask(s.append(B, 1, ""));
    peer.ask(s.setup(A, &segment));
}

/// What came before the seal is stored and acknowledged, what came behind it is not.
fn sealed_in_a_pipeline(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.send_all([
        s.append(A, 1, "before").into(),
        s.seal(&segment).into(),
        s.append(A, 2, "behind").into(),
    ]);
    peer.hear_in_any_order(3);
    peer.ask(s.setup(A, &segment));
}

fn deleted(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    peer.ask(s.delete(&segment));
    peer.ask(s.append(A, 2, "world"));
    peer.ask(s.setup(A, &segment));
}

fn truncated(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
    peer.ask(s.truncate(&segment, 5));
    peer.ask(s.append(A, 2, "world"));
    peer.ask(s.truncate(&segment, 7));
    peer.ask(s.append(A, 3, "!"));
}

/// A message that is not all there when the connection ends is not stored.
fn cut_off(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "whole"));
    let whole = Request::encode_to_bytes(&s.append(A, 2, "not whole")).unwrap();
    peer.send(raw(
        "all but the last byte of AppendBlockEnd",
        whole.slice(..whole.len() - 1),
    ));
    peer.end();
    peer.hear_end();
    let again = s.connect();
    again.ask(s.setup(A, &segment));
}

fn refused_append_ends_all_writers(s: &Scene) {
    let (first, second) = (s.segment(), s.segment());
    let peer = s.connect();
    peer.ask(s.setup(A, &first));
    peer.ask(s.setup(B, &second));
    peer.ask(s.append(A, 2, "aa"));
    peer.ask(s.append(B, 2, "bb"));
    peer.ends_at(s.append(A, 1, "cc"));
    let again = s.connect();
    again.ask(s.setup(B, &second));
    again.ask(s.append(B, 3, "dd"));
}
