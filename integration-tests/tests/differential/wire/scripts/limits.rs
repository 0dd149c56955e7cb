//! The largest of everything.

use pravega_wire_protocol::{HEADER_BYTES, MAX_APPEND_BYTES, MAX_SENT_PAYLOAD, message_type};

use super::A;
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Connection, Name, Scene, raw},
};

#[tokio::test]
async fn limits() {
    compare("limits", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("largest-append", largest_append),
    ("largest-conditional-append", largest_conditional_append),
    ("append-too-large-by-one", append_too_large_by_one),
    ("largest-block", largest_block),
    ("long-trailer", long_trailer),
    ("many-parked-reads", many_parked_reads),
    ("many-small-appends", many_small_appends),
    ("many-requests-at-once", many_requests_at_once),
];

fn set_up(s: &Scene) -> (Name, Connection<'_>) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    (segment, peer)
}

fn largest_append(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.ask(s.append(A, 1, vec![b'x'; MAX_APPEND_BYTES]));
    peer.ask(s.append(A, 2, "behind"));
}

fn largest_conditional_append(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.ask(s.conditional(A, 1, 0, vec![b'x'; MAX_APPEND_BYTES]));
    peer.ask(s.conditional(A, 2, 16_777_163, "behind"));
}

fn append_too_large_by_one(s: &Scene) {
    let (_, peer) = set_up(s);
    let payload = usize::try_from(MAX_SENT_PAYLOAD).unwrap() + 1;
    let mut body = vec![0; payload];
    body[..16].copy_from_slice(&A.to_be_bytes());
    peer.ends_at(raw(
        "AppendBlockEnd of 16,777,208 bytes",
        encode(message_type::APPEND_BLOCK_END, &body[..]),
    ));
}

/// An append in two messages can be larger than one frame.
fn largest_block(s: &Scene) {
    let (_, peer) = set_up(s);
    let size = usize::try_from(MAX_SENT_PAYLOAD).unwrap() - 16;
    peer.send(s.block(A, vec![b'x'; size]));
    peer.ask(s.block_end(A, i32::try_from(size).unwrap(), "", 1));
}

/// A question with more bytes behind it than any future field could need.
fn long_trailer(s: &Scene) {
    let (segment, peer) = set_up(s);
    let request = s.info(&segment);
    let whole = request.encode_to_bytes().unwrap();
    let body = [&whole[HEADER_BYTES..], &[0; 70_000]].concat();
    peer.unanswered(raw(
        "GetStreamSegmentInfo and 70,000 bytes",
        encode(request.code(), &body[..]),
    ));
}

fn many_parked_reads(s: &Scene) {
    let (segment, peer) = set_up(s);
    let reader = s.connect();
    for _ in 0..64 {
        reader.send(s.read(&segment, 0, 8));
    }
    reader.quiet();
    // Nobody ever writes there.
    reader.unanswered(s.read(&segment, 1_000_000, 8));
    peer.ask(s.append(A, 1, "hello"));
    reader.hear_in_any_order(64);
}

fn many_small_appends(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.send_all((1..=5_000).map(|number| s.append(A, number, "tiny").into()));
    peer.hear_ack(5_000);
}

fn many_requests_at_once(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.send_all((0..40).map(|_| s.info(&segment).into()));
    peer.hear_in_any_order(40);
}
