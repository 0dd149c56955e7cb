//! Reads that wait at the tail, and what wakes them.

use super::A;
use crate::wire::{
    Script, compare,
    scene::{Connection, Name, Scene},
};

#[tokio::test]
async fn parked() {
    compare("parked", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    (
        "at-the-tail-of-an-empty-segment",
        at_the_tail_of_an_empty_segment,
    ),
    ("woken-by-an-append", woken_by_an_append),
    ("woken-for-less-than-there-is", woken_for_less_than_there_is),
    ("filled-exactly", filled_exactly),
    ("beyond-the-tail", beyond_the_tail),
    ("far-beyond-the-tail", far_beyond_the_tail),
    ("several-at-one-offset", several_at_one_offset),
    ("several-at-other-offsets", several_at_other_offsets),
    ("on-two-connections", on_two_connections),
    ("others-pass", others_pass),
    ("an-empty-append-wakes-nobody", an_empty_append_wakes_nobody),
    ("sealed", sealed),
    ("sealed-beyond-the-tail", sealed_beyond_the_tail),
    ("sealed-while-empty", sealed_while_empty),
    ("deleted", deleted),
    ("truncated-to-the-tail", truncated_to_the_tail),
    ("truncated-below", truncated_below),
    ("reader-leaves", reader_leaves),
    ("after-the-tail-was-truncated", after_the_tail_was_truncated),
    ("writer-and-reader-share-a-connection", shared_connection),
    ("without-size", without_size),
];

/// A segment of five bytes, a writer whose last number is 1, and a reader.
fn five_bytes(s: &Scene) -> (Name, Connection<'_>, Connection<'_>) {
    let segment = s.segment();
    let (writer, reader) = (s.connect(), s.connect());
    writer.ask(s.setup(A, &segment));
    writer.ask(s.append(A, 1, "hello"));
    s.readable(&segment, 5);
    (segment, writer, reader)
}

fn at_the_tail_of_an_empty_segment(s: &Scene) {
    let segment = s.segment();
    let (writer, reader) = (s.connect(), s.connect());
    reader.unanswered(s.read(&segment, 0, 100));
    writer.ask(s.setup(A, &segment));
    reader.quiet();
    writer.ask(s.append(A, 1, "hello"));
    reader.hear(1);
}

fn woken_by_an_append(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
    reader.unanswered(s.read(&segment, 10, 100));
    writer.ask(s.append(A, 3, "!"));
    reader.hear(1);
}

fn woken_for_less_than_there_is(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 8));
    writer.ask(s.append(A, 2, "more than eight bytes"));
    reader.hear(1);
}

fn filled_exactly(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 8));
    writer.ask(s.append(A, 2, "12345678"));
    reader.hear(1);
}

fn beyond_the_tail(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 8, 100));
    writer.ask(s.append(A, 2, "67"));
    reader.quiet();
    writer.ask(s.append(A, 3, "8"));
    reader.quiet();
    writer.ask(s.append(A, 4, "9abc"));
    reader.hear(1);
}

fn far_beyond_the_tail(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, i64::MAX, i32::MAX));
    writer.ask(s.append(A, 2, "world"));
    reader.quiet();
}

fn several_at_one_offset(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    for _ in 0..5 {
        reader.send(s.read(&segment, 5, 100));
    }
    reader.quiet();
    writer.ask(s.append(A, 2, "world"));
    reader.hear_in_any_order(5);
}

fn several_at_other_offsets(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    for offset in [5, 7, 9, 12] {
        reader.send(s.read(&segment, offset, 100));
    }
    reader.quiet();
    writer.ask(s.append(A, 2, "abcd"));
    reader.hear_in_any_order(2);
    reader.quiet();
    writer.ask(s.append(A, 3, "efgh"));
    reader.hear_in_any_order(2);
}

fn on_two_connections(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    let other = s.connect();
    reader.unanswered(s.read(&segment, 5, 100));
    other.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
    other.hear(1);
}

fn others_pass(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    reader.ask(s.read(&segment, 0, 100));
    reader.ask(s.info(&segment));
    reader.ask(s.truncate(&segment, 2));
    reader.ask(s.attribute(&segment, A));
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
}

fn an_empty_append_wakes_nobody(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.append(A, 2, ""));
    reader.quiet();
    writer.ask(s.append(A, 3, "x"));
    reader.hear(1);
}

fn sealed(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.seal(&segment));
    reader.hear(1);
    reader.ask(s.read(&segment, 5, 100));
}

fn sealed_beyond_the_tail(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 9, 100));
    writer.ask(s.seal(&segment));
    reader.hear(1);
    reader.ends_at(s.read(&segment, 9, 100));
}

fn sealed_while_empty(s: &Scene) {
    let segment = s.segment();
    let (writer, reader) = (s.connect(), s.connect());
    reader.unanswered(s.read(&segment, 0, 100));
    writer.ask(s.seal(&segment));
    reader.hear(1);
}

fn deleted(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.delete(&segment));
    reader.hear(1);
    reader.ask(s.read(&segment, 5, 100));
}

fn truncated_to_the_tail(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.truncate(&segment, 5));
    reader.quiet();
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
}

fn truncated_below(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.truncate(&segment, 3));
    reader.quiet();
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
}

fn reader_leaves(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, 100));
    reader.end();
    reader.hear_end();
    writer.ask(s.append(A, 2, "world"));
    writer.ask(s.info(&segment));
}

fn after_the_tail_was_truncated(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    writer.ask(s.truncate(&segment, 5));
    reader.unanswered(s.read(&segment, 5, 100));
    writer.ask(s.append(A, 2, "world"));
    reader.hear(1);
}

fn shared_connection(s: &Scene) {
    let (segment, writer, _) = five_bytes(s);
    writer.unanswered(s.read(&segment, 5, 100));
    writer.send(s.append(A, 2, "world"));
    writer.hear_in_any_order(2);
}

fn without_size(s: &Scene) {
    let (segment, writer, reader) = five_bytes(s);
    reader.unanswered(s.read(&segment, 5, -1));
    writer.ask(s.append(A, 2, "0123456789"));
    reader.hear(1);
}
