//! Numbers under 128-bit ids, among them each writer's last event number.

use super::{A, B, OWN_ATTRIBUTE};
use crate::wire::{
    Script, compare,
    scene::{Connection, Name, Scene},
};

#[tokio::test]
async fn attribute() {
    compare("attribute", SCRIPTS).await;
}

/// No value.
const NONE: i64 = i64::MIN;

const SCRIPTS: &[Script] = &[
    ("absent", absent),
    ("set", set),
    ("compare-fails", compare_fails),
    ("clear", clear),
    ("of-no-effect", of_no_effect),
    ("extremes", extremes),
    ("last-event-number", last_event_number),
    ("event-count", event_count),
    ("of-a-new-segment", of_a_new_segment),
    ("own-ones-can-be-set", own_ones_can_be_set),
    ("writers-number-is-changed", writers_number_is_changed),
    ("writers-number-is-set-before", writers_number_is_set_before),
    ("sealed", sealed),
    ("truncated", truncated),
    ("apart-by-segment", apart_by_segment),
    ("two-connections", two_connections),
];

fn start(s: &Scene) -> (Name, Connection<'_>) {
    (s.segment(), s.connect())
}

fn absent(s: &Scene) {
    let (segment, peer) = start(s);
    for id in [0, 1, A, u128::MAX, OWN_ATTRIBUTE | 0x7777] {
        peer.ask(s.attribute(&segment, id));
    }
}

fn set(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, NONE, 5));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, 5, -6));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.attribute(&segment, B));
}

fn compare_fails(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, 0, 5));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, NONE, 5));
    peer.ask(s.update_attribute(&segment, A, NONE, 6));
    peer.ask(s.update_attribute(&segment, A, 4, 6));
    peer.ask(s.attribute(&segment, A));
}

fn clear(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, NONE, 5));
    peer.ask(s.update_attribute(&segment, A, 5, NONE));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, 5, 6));
    peer.ask(s.update_attribute(&segment, A, NONE, 7));
    peer.ask(s.attribute(&segment, A));
}

fn of_no_effect(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, NONE, NONE));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, NONE, 5));
    peer.ask(s.update_attribute(&segment, A, 5, 5));
    peer.ask(s.attribute(&segment, A));
}

fn extremes(s: &Scene) {
    let (segment, peer) = start(s);
    for (id, value) in [(0, i64::MAX), (u128::MAX, i64::MIN + 1), (1 << 64, 0)] {
        peer.ask(s.update_attribute(&segment, id, NONE, value));
        peer.ask(s.attribute(&segment, id));
    }
}

fn last_event_number(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.setup(A, &segment));
    peer.ask(s.attribute(&segment, A));
    for number in [0, 3, 1 << 50] {
        peer.ask(s.append(A, number, "x"));
        peer.ask(s.attribute(&segment, A));
    }
    peer.ask(s.conditional(A, (1 << 50) + 1, 0, "lost"));
    peer.ask(s.attribute(&segment, A));
}

fn event_count(s: &Scene) {
    let (segment, peer) = start(s);
    let count = OWN_ATTRIBUTE | 1;
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append_of(A, 1, 7, "seven"));
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.append_of(A, 2, 5, ""));
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.conditional(A, 3, 5, "one"));
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.conditional(A, 4, 0, "none"));
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.conditional_event(A, 5, 8, "one"));
    peer.ask(s.attribute(&segment, count));
}

/// All but the time of its creation.
fn of_a_new_segment(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.create_with(&segment, 12, 2, 3456));
    for own in 1..=32 {
        peer.ask(s.attribute(&segment, OWN_ATTRIBUTE | own));
    }
}

fn own_ones_can_be_set(s: &Scene) {
    let (segment, peer) = start(s);
    let (count, kind) = (OWN_ATTRIBUTE | 1, OWN_ATTRIBUTE | 2);
    peer.ask(s.update_attribute(&segment, kind, 5, 2));
    peer.ask(s.update_attribute(&segment, kind, 0, 2));
    peer.ask(s.attribute(&segment, kind));
    peer.ask(s.update_attribute(&segment, count, NONE, 41));
    peer.ask(s.attribute(&segment, count));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "x"));
    peer.ask(s.attribute(&segment, count));
}

/// Writers' numbers are attributes as any others.
fn writers_number_is_changed(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "kept"));
    let other = s.connect();
    other.ask(s.update_attribute(&segment, A, 1, 5));
    peer.ends_at(s.append(A, 2, "lost"));
    other.ask(s.setup(A, &segment));
    other.ask(s.append(A, 6, "kept"));
}

fn writers_number_is_set_before(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, NONE, 100));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 101, "kept"));
    peer.ends_at(s.append(A, 99, "lost"));
}

fn sealed(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.update_attribute(&segment, A, NONE, 5));
    peer.ask(s.seal(&segment));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, 5, 6));
    peer.ask(s.update_attribute(&segment, A, 4, 6));
    peer.ask(s.attribute(&segment, A));
}

fn truncated(s: &Scene) {
    let (segment, peer) = start(s);
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 3, "hello"));
    peer.ask(s.truncate(&segment, 5));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.setup(A, &segment));
}

fn apart_by_segment(s: &Scene) {
    let (first, peer) = start(s);
    let second = s.segment();
    peer.ask(s.update_attribute(&first, A, NONE, 1));
    peer.ask(s.update_attribute(&second, A, NONE, 2));
    peer.ask(s.attribute(&first, A));
    peer.ask(s.attribute(&second, A));
}

fn two_connections(s: &Scene) {
    let (segment, peer) = start(s);
    let other = s.connect();
    peer.ask(s.update_attribute(&segment, A, NONE, 1));
    other.ask(s.update_attribute(&segment, A, NONE, 2));
    other.ask(s.update_attribute(&segment, A, 1, 3));
    peer.ask(s.update_attribute(&segment, A, 1, 4));
    peer.ask(s.attribute(&segment, A));
}
