//! Version exchange and signs of life.

use bytes::{BufMut, BytesMut};
use pravega_wire_protocol::{Hello, KeepAlive, message_type};

use super::A;
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Said, Scene, raw},
};

#[tokio::test]
async fn hello() {
    compare("hello", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("current", |s| answered(s, 17, 5)),
    ("same-as-the-real-one", |s| answered(s, 16, 5)),
    ("only-the-oldest", |s| answered(s, 5, 5)),
    ("only-ours", |s| answered(s, 17, 17)),
    ("newer-but-compatible", |s| answered(s, 100, 5)),
    ("highest-possible", |s| answered(s, i32::MAX, i32::MIN)),
    ("only-newer", |s| ends(s, 19, 18)),
    ("only-newest", |s| ends(s, i32::MAX, i32::MAX)),
    ("only-older", |s| ends(s, 4, 1)),
    ("zero", |s| ends(s, 0, 0)),
    ("negative", |s| ends(s, -1, -1)),
    ("high-below-low", |s| answered(s, 5, 16)),
    ("twice", twice),
    ("nobody-says-it", nobody_says_it),
    ("append-without", append_without),
    ("keep-alive-first", keep_alive_first),
    ("late-and-incompatible", late_and_incompatible),
    ("trailing-bytes", trailing_bytes),
    ("short", short),
    ("behind-it-at-once", behind_it_at_once),
    ("incompatible-and-more", incompatible_and_more),
];

fn hello_of(high_version: i32, low_version: i32) -> Said {
    Said::from(pravega_wire_protocol::Request::from(Hello {
        high_version,
        low_version,
    }))
}

fn keep_alive() -> Said {
    Said::from(pravega_wire_protocol::Request::from(KeepAlive))
}

fn answered(s: &Scene, high: i32, low: i32) {
    let peer = s.connect_silently();
    peer.ask(hello_of(high, low));
    peer.quiet();
}

fn ends(s: &Scene, high: i32, low: i32) {
    let peer = s.connect_silently();
    peer.ends_at(hello_of(high, low));
}

fn twice(s: &Scene) {
    let peer = s.connect();
    peer.ask(hello_of(16, 5));
    peer.ask(hello_of(16, 7));
}

fn nobody_says_it(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect_silently();
    peer.ask(s.info(&segment));
}

fn append_without(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect_silently();
    peer.ask(s.setup(A, &segment));
    peer.ask(s.append(A, 1, "hello"));
}

fn keep_alive_first(s: &Scene) {
    let peer = s.connect_silently();
    peer.ask(keep_alive());
    peer.ask(keep_alive());
}

fn late_and_incompatible(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.info(&segment));
    peer.ends_at(hello_of(4, 1));
}

fn trailing_bytes(s: &Scene) {
    let mut body = BytesMut::new();
    body.put_i32(17);
    body.put_i32(5);
    body.put_slice(b"a newer field");
    let peer = s.connect_silently();
    peer.ask(raw(
        "Hello 17, 5 and 13 bytes",
        encode(message_type::HELLO, body),
    ));
}

fn short(s: &Scene) {
    let peer = s.connect_silently();
    peer.ends_at(raw(
        "Hello of 7 bytes",
        encode(message_type::HELLO, &[0; 7][..]),
    ));
}

fn behind_it_at_once(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect_silently();
    peer.send_all([
        hello_of(16, 5),
        s.setup(A, &segment).into(),
        s.info(&segment).into(),
    ]);
    peer.hear_in_any_order(3);
}

fn incompatible_and_more(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect_silently();
    peer.ends_at(hello_of(3, 2));
    let again = s.connect();
    again.ask(s.info(&segment));
}
