//! What no client sends.

use bytes::{BufMut, Bytes, BytesMut};
use pravega_wire_protocol::{Padding, Request, message_type};

use super::A;
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Said, Scene, raw},
};

#[tokio::test]
async fn garbage() {
    compare("garbage", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("http", |s| {
        ends(
            s,
            raw(
                "an HTTP request",
                "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            ),
        )
    }),
    ("http-without-hello", http_without_hello),
    ("unknown-types", unknown_types),
    ("negative-length", |s| {
        ends(s, header(message_type::GET_STREAM_SEGMENT_INFO, -1))
    }),
    ("smallest-length", |s| {
        ends(s, header(message_type::GET_STREAM_SEGMENT_INFO, i32::MIN))
    }),
    ("largest-length", |s| {
        ends(s, header(message_type::GET_STREAM_SEGMENT_INFO, i32::MAX))
    }),
    ("frame-too-large-by-one", |s| {
        ends(s, header(message_type::APPEND_BLOCK_END, 16_777_208))
    }),
    ("reply-types", reply_types),
    ("event", |s| {
        ends(s, frame("Event", message_type::EVENT, b"hello"))
    }),
    ("partial-event", |s| {
        ends(
            s,
            frame("PartialEvent", message_type::PARTIAL_EVENT, b"hello"),
        )
    }),
    ("padding", padding),
    ("keep-alive-with-a-payload", keep_alive_with_a_payload),
    ("flush-to-storage", |s| {
        ends(s, frame("FlushToStorage", -3, &[0; 14]))
    }),
    ("list-storage-chunks", |s| {
        ends(s, frame("ListStorageChunks", -5, &[0; 12]))
    }),
    (
        "string-longer-than-the-message",
        string_longer_than_the_message,
    ),
    ("string-that-is-no-text", string_that_is_no_text),
    (
        "string-of-four-byte-characters",
        string_of_four_byte_characters,
    ),
    ("data-longer-than-the-message", |s| bad_length(s, 6)),
    ("data-of-negative-length", |s| bad_length(s, -1)),
    ("half-a-header", half_a_header),
    ("half-a-message", half_a_message),
    ("byte-by-byte", byte_by_byte),
    ("nothing-at-all", nothing_at_all),
    ("tables", tables),
    ("merge", merge),
];

fn header(code: i32, length: i32) -> Said {
    let mut header = BytesMut::new();
    header.put_i32(code);
    header.put_i32(length);
    raw(
        &format!("header of type {code}, {length} bytes"),
        header.freeze(),
    )
}

fn frame(name: &str, code: i32, body: &'static [u8]) -> Said {
    raw(
        &format!("{name} of {} bytes", body.len()),
        encode(code, body),
    )
}

fn ends(s: &Scene, what: Said) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ends_at(what);
    let other = s.connect();
    other.ask(s.info(&segment));
}

fn http_without_hello(s: &Scene) {
    let peer = s.connect_silently();
    peer.ends_at(raw(
        "an HTTP request",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ));
}

fn unknown_types(s: &Scene) {
    for code in [
        6,
        13,
        19,
        27,
        49,
        54,
        62,
        72,
        73,
        99,
        101,
        127,
        128,
        -6,
        -7,
        -128,
        i32::MIN,
        i32::MAX,
    ] {
        let peer = s.connect();
        peer.ends_at(raw(&format!("type {code}"), encode(code, &[0; 64][..])));
    }
}

/// Only replies have these types.
fn reply_types(s: &Scene) {
    for code in [
        2, 7, 8, 10, 12, 21, 29, 31, 33, 35, 37, 39, 50, 51, 52, 53, 55, 56, 57, 60, 61,
    ] {
        let peer = s.connect();
        peer.ends_at(raw(&format!("type {code}"), encode(code, &[0; 64][..])));
    }
}

fn padding(s: &Scene) {
    let peer = s.connect();
    for len in [0, 1, 1000, 1_000_000] {
        peer.unanswered(Request::from(Padding { len }));
    }
}

fn keep_alive_with_a_payload(s: &Scene) {
    let peer = s.connect();
    peer.ask(frame("KeepAlive", message_type::KEEP_ALIVE, b"hello"));
    peer.ask(frame("KeepAlive", message_type::KEEP_ALIVE, b""));
}

fn info_about(name: &[u8], announced: usize) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i64(1);
    body.put_u16(u16::try_from(announced).unwrap());
    body.put_slice(name);
    body.put_u16(0);
    encode(message_type::GET_STREAM_SEGMENT_INFO, body)
}

fn string_longer_than_the_message(s: &Scene) {
    let peer = s.connect();
    peer.ends_at(raw(
        "info about 100 bytes of which 3 come",
        info_about(b"abc", 100),
    ));
}

fn string_that_is_no_text(s: &Scene) {
    for name in [&b"a\xff"[..], b"a\xc3", b"a\xe2\x82", b"\x80"] {
        let peer = s.connect();
        let said = format!("info about \"{}\"", name.escape_ascii());
        peer.ends_at(raw(&said, info_about(name, name.len())));
    }
}

/// Java writes those in two halves.
fn string_of_four_byte_characters(s: &Scene) {
    let peer = s.connect();
    let name = "\u{1f600}".as_bytes();
    peer.unanswered(raw(
        "info about U+1F600 in four bytes",
        info_about(name, name.len()),
    ));
}

fn bad_length(s: &Scene, announced: i32) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    let mut body = BytesMut::new();
    body.put_u128(A);
    body.put_i32(5);
    body.put_i32(announced);
    body.put_slice(b"hello");
    let said = format!("AppendBlockEnd that ends in 5 bytes of {announced}");
    peer.ends_at(raw(&said, encode(message_type::APPEND_BLOCK_END, body)));
}

fn half_a_header(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    peer.send(raw("4 bytes", &[0, 0, 0, 11][..]));
    peer.end();
    peer.hear_end();
    let other = s.connect();
    other.ask(s.info(&segment));
}

fn half_a_message(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    let whole = s.info(&segment).encode_to_bytes().unwrap();
    peer.send(raw(
        "half of an info request",
        whole.slice(..whole.len() / 2),
    ));
    peer.end();
    peer.hear_end();
}

fn byte_by_byte(s: &Scene) {
    let segment = s.segment();
    let peer = s.connect();
    let whole = s.info(&segment).encode_to_bytes().unwrap();
    for at in 0..whole.len() {
        peer.send(raw("one byte of an info request", whole.slice(at..=at)));
    }
    peer.hear(1);
}

fn nothing_at_all(s: &Scene) {
    let peer = s.connect_silently();
    peer.end();
    peer.hear_end();
}

/// A request of tables, about a table that is not there.
fn tables(s: &Scene) {
    let peer = s.connect();
    let mut body = BytesMut::new();
    body.put_i64(77);
    body.put_u16(5);
    body.put_slice(b"a/b/0");
    body.put_u16(0);
    peer.ask(raw("GetTableSegmentInfo", encode(68, body)));
}

/// A request of transactions, about segments that are not there.
fn merge(s: &Scene) {
    let peer = s.connect();
    let mut body = BytesMut::new();
    body.put_i64(77);
    for name in ["a/b/0", "a/b/1", ""] {
        body.put_u16(u16::try_from(name.len()).unwrap());
        body.put_slice(name.as_bytes());
    }
    peer.ask(raw("MergeSegments", encode(58, body)));
}
