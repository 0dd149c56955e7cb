//! Every request cut short at the end of each of its fields, and made longer.

use bytes::Bytes;
use pravega_wire_protocol::{HEADER_BYTES, Request};

use super::A;
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Name, Scene, raw},
};

#[tokio::test]
async fn short() {
    compare("short", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("info", |s| cut(s, |s, n| s.info(n), &[0, 7, 8, 9])),
    ("create", |s| {
        cut(s, |s, n| s.create_with(n, 1, 1, 9), &[0, 8])
    }),
    ("seal", |s| cut(s, |s, n| s.seal(n), &[0, 8])),
    ("delete", |s| cut(s, |s, n| s.delete(n), &[0, 8])),
    ("truncate", |s| cut(s, |s, n| s.truncate(n, 0), &[0, 8])),
    ("policy", |s| cut(s, |s, n| s.policy(n, 1, 1), &[0, 8])),
    ("attribute", |s| cut(s, |s, n| s.attribute(n, A), &[0, 8])),
    ("update-attribute", |s| {
        cut(s, |s, n| s.update_attribute(n, A, 0, 1), &[0, 8])
    }),
    ("read", |s| cut(s, |s, n| s.read(n, 0, 8), &[0, 1])),
    ("setup", |s| cut(s, |s, n| s.setup(A, n), &[0, 8, 24])),
    ("append", |s| {
        cut(s, |s, _| s.append(A, 1, "hello"), &[0, 16, 20, 29, 33, 40])
    }),
    ("conditional", |s| {
        cut(
            s,
            |s, _| s.conditional(A, 1, 0, "hello"),
            &[0, 16, 24, 32, 41],
        )
    }),
    ("longer", longer),
    ("create-without-rollover", create_without_rollover),
    ("create-with-half-a-rollover", create_with_half_a_rollover),
];

/// The request with its payload cut at each of these lengths, and in front of its last field: a mandatory
/// one for all that end with a token.
fn cut(s: &Scene, request: impl Fn(&Scene, &Name) -> Request, lengths: &[usize]) {
    let segment = s.segment();
    let whole = request(s, &segment)
        .encode_to_bytes()
        .unwrap()
        .slice(HEADER_BYTES..);
    let ends_with_a_token = whole.ends_with(&[0, 0]) && !whole.ends_with(&[0; 8]);
    let last = ends_with_a_token.then_some(whole.len() - 1);
    for length in lengths.iter().copied().chain(last) {
        let request = request(s, &segment);
        // The record must not depend on the length of names.
        let said = match length == whole.len() - 1 {
            true => format!("{} but its last byte", request.name()),
            false => format!("{length} bytes of {}", request.name()),
        };
        let body = request
            .encode_to_bytes()
            .unwrap()
            .slice(HEADER_BYTES..HEADER_BYTES + length);
        let peer = s.connect();
        peer.ends_at(raw(&said, encode(request.code(), body)));
    }
}

fn longer(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    for request in [
        s.info(&segment),
        s.create(&segment),
        s.setup(A, &segment),
        s.policy(&segment, 1, 1),
        s.attribute(&segment, A),
        s.update_attribute(&segment, A, i64::MIN, 1),
        s.truncate(&segment, 0),
        s.seal(&segment),
        s.delete(&segment),
    ] {
        let whole = request.encode_to_bytes().unwrap();
        let body = Bytes::from([&whole[HEADER_BYTES..], b"a field of the future"].concat());
        peer.ask(raw(
            &format!("{} and 21 bytes", request.name()),
            encode(request.code(), body),
        ));
    }
}

fn create_without_rollover(s: &Scene) {
    create_cut_by(s, 8);
}

fn create_with_half_a_rollover(s: &Scene) {
    create_cut_by(s, 4);
}

fn create_cut_by(s: &Scene, missing: usize) {
    let segment = s.absent_segment();
    let peer = s.connect();
    let request = s.create_with(&segment, 1, 1, 1234);
    let whole = request.encode_to_bytes().unwrap();
    let body = whole.slice(HEADER_BYTES..whole.len() - missing);
    peer.ask(raw(
        &format!("CreateSegment but its last {missing} bytes"),
        encode(request.code(), body),
    ));
    peer.ask(s.attribute(&segment, super::OWN_ATTRIBUTE | 4));
}
