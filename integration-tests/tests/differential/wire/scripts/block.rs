//! Appends in two messages, as Java clients send them.

use bytes::{BufMut, Bytes, BytesMut};
use pravega_wire_protocol::{AppendBlockEnd, Hello, KeepAlive, Padding, Request, message_type};

use super::{A, B};
use crate::wire::{
    Script, compare,
    peer::encode,
    scene::{Connection, Name, Said, Scene, raw},
};

#[tokio::test]
async fn block() {
    compare("block", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("worked-examples", worked_examples),
    ("exact", |s| stored(s, "hello", 5, "")),
    ("exact-drops-what-the-end-carries", |s| {
        stored(s, "hello", 5, "dropped")
    }),
    ("empty", |s| stored(s, "", 0, "")),
    ("empty-drops-what-the-end-carries", |s| {
        stored(s, "", 0, "dropped")
    }),
    ("padded", |s| {
        stored(
            s,
            nested("hello", message_type::PADDING, 3, b"\0\0\0"),
            5,
            "",
        )
    }),
    ("padded-by-nothing", |s| {
        stored(s, nested("hello", message_type::PADDING, 0, b""), 5, "")
    }),
    ("padded-from-the-start", |s| {
        stored(s, nested("", message_type::PADDING, 4, b"\0\0\0\0"), 0, "")
    }),
    ("padding-is-not-looked-at", |s| {
        stored(s, nested("hello", message_type::PADDING, 3, b"abc"), 5, "")
    }),
    ("padded-and-more", |s| {
        stored(
            s,
            nested("hello", message_type::PADDING, 1, b"\0ignored"),
            5,
            "",
        )
    }),
    ("padded-and-data-in-the-end", |s| {
        refused(s, nested("hello", message_type::PADDING, 1, b"\0"), 5, "x")
    }),
    ("partial", |s| {
        stored(
            s,
            nested("hello", message_type::PARTIAL_EVENT, 3, b"wor"),
            5,
            "ld",
        )
    }),
    ("partial-alone", |s| {
        stored(
            s,
            nested("", message_type::PARTIAL_EVENT, 3, b"wor"),
            0,
            "ld",
        )
    }),
    ("partial-without-rest", |s| {
        stored(
            s,
            nested("hello", message_type::PARTIAL_EVENT, 3, b"wor"),
            5,
            "",
        )
    }),
    ("partial-of-nothing", |s| {
        stored(
            s,
            nested("hello", message_type::PARTIAL_EVENT, 0, b""),
            5,
            "world",
        )
    }),
    ("partial-and-more", |s| {
        stored(
            s,
            nested("hello", message_type::PARTIAL_EVENT, 3, b"worignored"),
            5,
            "ld",
        )
    }),
    ("nested-event", |s| {
        refused(s, nested("hello", message_type::EVENT, 3, b"wor"), 5, "")
    }),
    ("nested-hello", |s| {
        refused(s, nested("hello", message_type::HELLO, 8, &[0; 8]), 5, "")
    }),
    ("nested-unknown", |s| {
        refused(s, nested("hello", 12345, 3, b"wor"), 5, "")
    }),
    ("nested-too-long", |s| {
        refused(
            s,
            nested("hello", message_type::PADDING, 4, b"\0\0\0"),
            5,
            "",
        )
    }),
    ("nested-negative", |s| {
        refused(
            s,
            nested("hello", message_type::PADDING, -1, b"\0\0\0"),
            5,
            "",
        )
    }),
    ("tail-too-short-for-a-frame", |s| {
        refused(s, "hello-seven.", 5, "")
    }),
    ("whole-negative", |s| refused(s, "hello", -1, "")),
    ("whole-beyond-the-block", |s| refused(s, "hello", 6, "")),
    ("whole-largest", |s| refused(s, "hello", i32::MAX, "")),
    (
        "whole-is-ignored-without-a-block",
        whole_is_ignored_without_a_block,
    ),
    ("no-events", |s| bad_end(s, |end| end.num_events = 0)),
    ("negative-number", |s| {
        bad_end(s, |end| end.last_event_number = -1)
    }),
    ("ended-by-another-writer", ended_by_another_writer),
    ("by-an-unknown-writer", by_an_unknown_writer),
    ("never-ended", never_ended),
    ("stale-number", stale_number),
    ("keep-alive-inside", |s| {
        inside(s, |_, _| Request::from(KeepAlive).into())
    }),
    ("hello-inside", |s| {
        inside(s, |_, _| {
            Request::from(Hello {
                high_version: 16,
                low_version: 5,
            })
            .into()
        })
    }),
    ("info-inside", |s| {
        inside(s, |s, segment| s.info(segment).into())
    }),
    ("read-inside", |s| {
        inside(s, |s, segment| s.read(segment, 0, 8).into())
    }),
    ("seal-inside", seal_inside),
    ("block-inside", |s| {
        not_inside(s, |s, _| s.block(A, "more").into())
    }),
    ("setup-inside", |s| {
        not_inside(s, |s, segment| s.setup(A, segment).into())
    }),
    ("setup-of-another-writer-inside", |s| {
        not_inside(s, |s, segment| s.setup(B, segment).into())
    }),
    ("padding-inside", |s| {
        not_inside(s, |_, _| Request::from(Padding { len: 3 }).into())
    }),
    ("conditional-inside", |s| {
        not_inside(s, |s, _| s.conditional(A, 2, -1, "x").into())
    }),
    ("conditional-event-inside", |s| {
        not_inside(s, |s, _| s.conditional_event(A, 2, -1, "x").into())
    }),
    (
        "append-of-another-writer-inside",
        append_of_another_writer_inside,
    ),
    ("too-short-for-a-writer", too_short_for_a_writer),
    ("all-in-one-write", all_in_one_write),
];

/// Data and a nested frame behind it, whose announced length may be wrong.
fn nested(data: &str, code: i32, announced: i32, body: &[u8]) -> Bytes {
    let mut block = BytesMut::from(data);
    block.put_i32(code);
    block.put_i32(announced);
    block.put_slice(body);
    block.freeze()
}

fn set_up(s: &Scene) -> (Name, Connection<'_>) {
    let segment = s.segment();
    let peer = s.connect();
    peer.ask(s.setup(A, &segment));
    (segment, peer)
}

fn stored(s: &Scene, block: impl Into<Bytes>, whole: i32, rest: &'static str) {
    let (_, peer) = set_up(s);
    peer.send(s.block(A, block));
    peer.ask(s.block_end(A, whole, rest, 1));
    peer.ask(s.append(A, 2, "."));
}

fn refused(s: &Scene, block: impl Into<Bytes>, whole: i32, rest: &'static str) {
    let (segment, peer) = set_up(s);
    peer.send(s.block(A, block));
    peer.ends_at(s.block_end(A, whole, rest, 1));
    let again = s.connect();
    again.ask(s.setup(A, &segment));
}

fn worked_examples(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.send(s.block(A, "hello"));
    peer.ask(s.block_end(A, 5, "", 1));
    peer.send(s.block(A, nested("hello", message_type::PADDING, 3, b"\0\0\0")));
    peer.ask(s.block_end(A, 5, "", 2));
    peer.send(s.block(A, nested("hello", message_type::PARTIAL_EVENT, 3, b"wor")));
    peer.ask(AppendBlockEnd {
        num_events: 2,
        ..s.block_end(A, 5, "ld", 4)
    });
    peer.ask(s.append(A, 5, "hello"));
    peer.ask(s.conditional(A, 6, 25, "hello"));
    peer.ask(s.conditional_event(A, 7, 30, "hello"));
    peer.ask(s.info(&segment));
}

fn whole_is_ignored_without_a_block(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.ask(s.block_end(A, -7, "aa", 1));
    peer.ask(s.block_end(A, i32::MAX, "bb", 2));
    peer.ask(s.block_end(A, 0, "cc", 3));
}

fn bad_end(s: &Scene, spoil: impl FnOnce(&mut AppendBlockEnd)) {
    let (_, peer) = set_up(s);
    peer.send(s.block(A, "hello"));
    let mut end = s.block_end(A, 5, "", 1);
    spoil(&mut end);
    peer.ends_at(end);
}

fn ended_by_another_writer(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.ask(s.setup(B, &segment));
    peer.send(s.block(A, "hello"));
    peer.ends_at(s.block_end(B, 5, "", 1));
}

fn by_an_unknown_writer(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.send(s.block(B, "hello"));
    peer.ends_at(s.block_end(B, 5, "", 1));
}

fn never_ended(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.unanswered(s.block(A, "hello"));
    peer.end();
    peer.hear_end();
    let again = s.connect();
    again.ask(s.setup(A, &segment));
}

fn stale_number(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.ask(s.append(A, 5, "hello"));
    peer.send(s.block(A, "world"));
    peer.ends_at(s.block_end(A, 5, "", 4));
}

fn inside(s: &Scene, what: impl FnOnce(&Scene, &Name) -> Said) {
    let (segment, peer) = set_up(s);
    peer.ask(s.append(A, 1, "before"));
    s.readable(&segment, 6);
    peer.send(s.block(A, "hello"));
    peer.ask(what(s, &segment));
    peer.ask(s.block_end(A, 5, "", 2));
}

fn not_inside(s: &Scene, what: impl FnOnce(&Scene, &Name) -> Said) {
    let (segment, peer) = set_up(s);
    peer.ask(s.append(A, 1, "before"));
    peer.send(s.block(A, "hello"));
    peer.ends_at(what(s, &segment));
}

fn seal_inside(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.send(s.block(A, "hello"));
    peer.ask(s.seal(&segment));
    peer.ask(s.block_end(A, 5, "", 1));
}

fn append_of_another_writer_inside(s: &Scene) {
    let (segment, peer) = set_up(s);
    peer.ask(s.setup(B, &segment));
    peer.send(s.block(A, "hello"));
    peer.ends_at(s.append(B, 1, "world"));
}

fn too_short_for_a_writer(s: &Scene) {
    let (_, peer) = set_up(s);
    peer.ends_at(raw(
        "AppendBlock of 15 bytes",
        encode(message_type::APPEND_BLOCK, &[0; 15][..]),
    ));
}

fn all_in_one_write(s: &Scene) {
    let (_, peer) = set_up(s);
    let pairs = (1..=20).flat_map(|number| {
        let block = nested("hello", message_type::PARTIAL_EVENT, 3, b"wor");
        [
            s.block(A, block).into(),
            s.block_end(A, 5, "ld", number).into(),
        ]
    });
    peer.send_all(pairs);
    peer.hear_ack(20);
}
