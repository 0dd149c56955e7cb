//! Segments as a whole: info, create, seal, truncate, delete, policy, and odd names.

use std::sync::Arc;

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{GetStreamSegmentInfo, Request, SealSegment};

use super::A;
use crate::wire::{
    Script, compare,
    scene::{Connection, Name, Scene},
};

#[tokio::test]
async fn segment() {
    compare("segment", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("new", new),
    ("missing", missing),
    ("missing-and-negative", missing_and_negative),
    ("create-twice", create_twice),
    ("create-after-seal", create_after_seal),
    ("create-with-odd-policies", create_with_odd_policies),
    ("info-of-every-state", info_of_every_state),
    ("seal-twice", seal_twice),
    ("truncate", truncate),
    ("truncate-empty", truncate_empty),
    ("truncate-beyond", truncate_beyond),
    ("truncate-negative", |s| truncate_ends(s, -1)),
    ("truncate-smallest", |s| truncate_ends(s, i64::MIN)),
    ("truncate-sealed", truncate_sealed),
    (
        "truncate-everything-then-seal",
        truncate_everything_then_seal,
    ),
    ("delete", delete),
    ("delete-sealed", delete_sealed),
    ("delete-truncated", delete_truncated),
    ("policy", policy),
    ("policy-sealed", policy_sealed),
    ("locate-offset", locate_offset),
    ("any-token", any_token),
    ("any-request-id", any_request_id),
    ("names-that-are-none", names_that_are_none),
    ("segments-of-one-stream", segments_of_one_stream),
    ("long-names", long_names),
    ("longest-name", longest_name),
    ("create-with-a-long-name", create_with_a_long_name),
    ("create-with-odd-names", create_with_odd_names),
];

fn filled(s: &Scene) -> (Name, Connection<'_>) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "0123456789"));
    (segment, peer)
}

fn new(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.info(&segment));
    peer.ask(s.create(&segment));
    peer.ask(s.info(&segment));
}

fn missing(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.info(&segment));
    peer.ask(s.seal(&segment));
    peer.ask(s.truncate(&segment, 0));
    peer.ask(s.truncate(&segment, 7));
    peer.ask(s.delete(&segment));
    peer.ask(s.policy(&segment, 1, 1));
    peer.ask(s.attribute(&segment, A));
    peer.ask(s.update_attribute(&segment, A, i64::MIN, 1));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.read(&segment, 3, 8));
}

fn missing_and_negative(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.truncate(&segment, -1));
}

fn create_twice(s: &Scene) {
    let segment = s.absent_segment();
    let peer = s.connect();
    peer.ask(s.create(&segment));
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "kept"));
    peer.ask(s.create(&segment));
    peer.ask(s.create_with(&segment, 100, 2, 1 << 20));
}

fn create_after_seal(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.create(&segment));
}

fn create_with_odd_policies(s: &Scene) {
    let peer = s.connect();
    for (rate, scale, rollover) in [
        (5, 1, 1000),
        (-5, 1, 0),
        (i32::MAX, 2, i64::MAX),
        (0, 0, -1),
        (0, 0, i64::MIN),
        (1, 3, 0),
        (1, -1, 0),
        (1, i8::MIN, 0),
        (1, i8::MAX, 0),
    ] {
        let segment = s.absent_segment();
        peer.ask(s.create_with(&segment, rate, scale, rollover));
        for own in 1..=4 {
            peer.ask(s.attribute(&segment, super::OWN_ATTRIBUTE | own));
        }
    }
}

fn info_of_every_state(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.info(&segment));
    peer.ask(s.truncate(&segment, 4));
    peer.ask(s.info(&segment));
    peer.ask(s.seal(&segment));
    peer.ask(s.info(&segment));
    peer.ask(s.delete(&segment));
    peer.ask(s.info(&segment));
}

fn seal_twice(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.seal(&segment));
    let other = s.connect();
    other.ask(s.seal(&segment));
}

fn truncate(s: &Scene) {
    let (segment, peer) = filled(s);
    for offset in [0, 3, 3, 2, 0, 7, 10, 10, 9] {
        peer.ask(s.truncate(&segment, offset));
    }
    peer.ask(s.append(A, 2, "abc"));
    peer.ask(s.truncate(&segment, 12));
    peer.ask(s.info(&segment));
}

fn truncate_empty(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.truncate(&segment, 0));
    peer.ask(s.truncate(&segment, 1));
}

fn truncate_beyond(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.truncate(&segment, 4));
    peer.ask(s.truncate(&segment, 11));
    peer.ask(s.truncate(&segment, i64::MAX));
    peer.ask(s.info(&segment));
}

fn truncate_ends(s: &Scene, offset: i64) {
    let (segment, peer) = filled(s);
    peer.ends_at(s.truncate(&segment, offset));
}

fn truncate_sealed(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    for offset in [0, 4, 2, 10, 11, 10] {
        peer.ask(s.truncate(&segment, offset));
    }
    peer.ask(s.info(&segment));
}

fn truncate_everything_then_seal(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.truncate(&segment, 10));
    peer.ask(s.seal(&segment));
    peer.ask(s.info(&segment));
    peer.ask(s.read(&segment, 10, 8));
}

fn delete(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.delete(&segment));
    peer.ask(s.delete(&segment));
    peer.ask(s.info(&segment));
    peer.ask(s.read(&segment, 0, 8));
    peer.ask(s.truncate(&segment, 1));
    peer.ask(s.seal(&segment));
    peer.ask(s.attribute(&segment, A));
}

fn delete_sealed(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.delete(&segment));
    peer.ask(s.info(&segment));
}

fn delete_truncated(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.truncate(&segment, 10));
    peer.ask(s.delete(&segment));
    peer.ask(s.read(&segment, 0, 8));
}

fn policy(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    let (kind, rate) = (super::OWN_ATTRIBUTE | 2, super::OWN_ATTRIBUTE | 3);
    for (target_rate, scale_type) in [(7, 1), (9, 2), (0, 0), (-1, 1), (1, 9), (1, -9)] {
        peer.ask(s.policy(&segment, target_rate, scale_type));
        peer.ask(s.attribute(&segment, kind));
        peer.ask(s.attribute(&segment, rate));
    }
}

fn policy_sealed(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.ask(s.seal(&segment));
    peer.ask(s.policy(&segment, 1, 1));
}

fn locate_offset(s: &Scene) {
    let (segment, peer) = filled(s);
    peer.unanswered(s.locate(&segment, 3));
}

/// Security is off.
fn any_token(s: &Scene) {
    let (segment, peer) = filled(s);
    let delegation_token = DelegationToken::new("no token at all");
    let info = GetStreamSegmentInfo {
        request_id: 1001,
        segment: Arc::clone(&segment),
        delegation_token: delegation_token.clone(),
    };
    peer.ask(Request::from(info));
    let seal = SealSegment {
        request_id: 1002,
        segment: Arc::clone(&segment),
        delegation_token,
    };
    peer.ask(Request::from(seal));
}

fn any_request_id(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    for request_id in [0, -1, i64::MIN, i64::MAX - 1] {
        let delegation_token = DelegationToken::default();
        let segment = Arc::clone(&segment);
        let info = GetStreamSegmentInfo {
            request_id,
            segment,
            delegation_token,
        };
        peer.ask(Request::from(info));
    }
}

fn names_that_are_none(s: &Scene) {
    let peer = s.connect();
    for name in [
        "bad",
        "",
        "/",
        "a/b",
        "a/b/0",
        "a/b/c/0.#epoch.0",
        "a/b/0.#epoch.",
        "\u{fc}/\u{1f600}/0",
    ] {
        let name: Name = Arc::from(name);
        peer.ask(s.info(&name));
        peer.ask(s.read(&name, 0, 8));
        peer.ask(s.setup(A, &name));
        peer.ask(s.seal(&name));
    }
}

/// What belongs to one stream is kept apart.
fn segments_of_one_stream(s: &Scene) {
    let first = s.segment();
    let peer = s.connect();
    let others = [
        "-0/1.#epoch.0",
        "-0/0.#epoch.1",
        "-0/10.#epoch.0",
        "-0/0.#epoch.00",
    ];
    let others = others.map(|end| s.segment_named(end));
    peer.ask(s.setup(A, &first));
    peer.ask(s.append(A, 1, "first"));
    for other in &others {
        peer.ask(s.info(other));
        peer.ask(s.create(other));
        peer.ask(s.info(other));
    }
    peer.ask(s.info(&first));
}

fn long_names(s: &Scene) {
    let peer = s.connect();
    for length in [255, 256, 1000, 32_000] {
        let name: Name = "n".repeat(length).into();
        peer.ask(s.info(&name));
        peer.ask(s.read(&name, 0, 8));
    }
}

/// The reply does not fit the name and what else is in it.
fn longest_name(s: &Scene) {
    let peer = s.connect();
    let name: Name = "n".repeat(65_535).into();
    peer.ends_at(s.info(&name));
}

fn create_with_a_long_name(s: &Scene) {
    for length in [900, 1_100] {
        let segment = s.segment_named(&format!("-{}/0.#epoch.0", "n".repeat(length)));
        let peer = s.connect();
        peer.ask(s.create(&segment));
        peer.ask(s.info(&segment));
    }
}

fn create_with_odd_names(s: &Scene) {
    for end in [
        "",
        "/",
        "//0",
        "-a",
        " b/0.#epoch.0",
        "\u{fc}/\u{1f600}",
        "/../0.#epoch.0",
    ] {
        let segment = s.segment_named(end);
        let peer = s.connect();
        peer.ask(s.create(&segment));
        peer.ask(s.info(&segment));
        peer.ask(s.setup(A, &segment));
    }
}
