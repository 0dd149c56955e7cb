//! Two connections that write for the same writer.

use super::A;
use crate::wire::{Script, compare, scene::Scene};

#[tokio::test]
async fn fencing() {
    compare("fencing", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("the-older-one-goes-on", the_older_one_goes_on),
    ("the-newer-one-has-written", the_newer_one_has_written),
    ("number-wins-over-offset", number_wins_over_offset),
    ("the-older-one-closed", the_older_one_closed),
    ("the-older-one-sets-up-again", the_older_one_sets_up_again),
    ("another-segment-is-another-session", another_segment),
];

fn the_older_one_goes_on(s: &Scene) {
    let segment = s.segment();
    let (older, newer) = (s.connect(), s.connect());
    older.ask(s.setup(A, &segment));
    newer.ask(s.setup(A, &segment));
    older.ask(s.append(A, 1, "late"));
}

fn the_newer_one_has_written(s: &Scene) {
    let segment = s.segment();
    let (older, newer) = (s.connect(), s.connect());
    older.ask(s.setup(A, &segment));
    newer.ask(s.setup(A, &segment));
    newer.ask(s.append(A, 1, "new"));
    older.ends_at(s.append(A, 2, "late"));
    newer.ask(s.append(A, 2, "er"));
}

fn number_wins_over_offset(s: &Scene) {
    let segment = s.segment();
    let (older, newer) = (s.connect(), s.connect());
    older.ask(s.setup(A, &segment));
    newer.ask(s.setup(A, &segment));
    newer.ask(s.append(A, 1, "new"));
    older.ends_at(s.conditional(A, 2, 0, "wrong number and wrong offset"));
}

fn the_older_one_closed(s: &Scene) {
    let segment = s.segment();
    let (older, newer) = (s.connect(), s.connect());
    older.ask(s.setup(A, &segment));
    older.ask(s.append(A, 1, "a"));
    newer.ask(s.setup(A, &segment));
    older.end();
    older.hear_end();
    newer.ask(s.append(A, 2, "b"));
}

fn the_older_one_sets_up_again(s: &Scene) {
    let segment = s.segment();
    let (older, newer) = (s.connect(), s.connect());
    older.ask(s.setup(A, &segment));
    newer.ask(s.setup(A, &segment));
    newer.ask(s.append(A, 1, "new"));
    older.ask(s.setup(A, &segment));
    older.ask(s.append(A, 2, "old"));
    newer.ends_at(s.append(A, 3, "late"));
}

fn another_segment(s: &Scene) {
    let (first, second) = (s.segment(), s.segment());
    let (one, other) = (s.connect(), s.connect());
    one.ask(s.setup(A, &first));
    other.ask(s.setup(A, &second));
    one.ask(s.append(A, 1, "one"));
    other.ask(s.append(A, 1, "other"));
}
