//! Requests about segments as a whole.

use pravega_client_shared::DelegationToken;
use pravega_wire_protocol::{
    DeleteSegment, GetSegmentAttribute, GetStreamSegmentInfo, LocateOffset, NO_EVENT_NUMBER,
    NoSuchSegment, OffsetLocated, Reply, Request, SealSegment, SegmentAlreadyExists,
    SegmentAttribute, SegmentAttributeUpdated, SegmentCreated, SegmentDeleted, SegmentIsSealed,
    SegmentIsTruncated, SegmentPolicyUpdated, SegmentSealed, SegmentTruncated, TruncateSegment,
    UpdateSegmentAttribute, UpdateSegmentPolicy,
};

use crate::{
    peer::{append_request, setup_request},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

fn token() -> DelegationToken {
    DelegationToken::default()
}

fn delete(segment: &str) -> Request {
    DeleteSegment {
        request_id: 4,
        segment: segment.into(),
        delegation_token: token(),
    }
    .into()
}

fn no_such(segment: &str, request_id: i64, offset: i64) -> Reply {
    NoSuchSegment {
        request_id,
        segment: segment.into(),
        server_stack_trace: String::new(),
        offset,
    }
    .into()
}

fn attribute(id: u128) -> Request {
    GetSegmentAttribute {
        request_id: 3,
        segment: S.into(),
        attribute_id: id,
        delegation_token: token(),
    }
    .into()
}

fn update(id: u128, new_value: i64, expected_value: i64) -> Request {
    UpdateSegmentAttribute {
        request_id: 3,
        segment: S.into(),
        attribute_id: id,
        new_value,
        expected_value,
        delegation_token: token(),
    }
    .into()
}

fn value(value: i64) -> Reply {
    SegmentAttribute {
        request_id: 3,
        value,
    }
    .into()
}

fn updated(success: bool) -> Reply {
    SegmentAttributeUpdated {
        request_id: 3,
        success,
    }
    .into()
}

on_both! {
    async fn a_life_of_a_segment(server) {
        let mut peer = server.connect().await;
        let created = SegmentCreated { request_id: 1, segment: S.into() };
        assert_eq!(peer.create(S).await, created.clone().into());
        let exists = SegmentAlreadyExists {
            request_id: 1,
            segment: S.into(),
            server_stack_trace: String::new(),
        };
        assert_eq!(peer.create(S).await, exists.into());
        let info = peer.info(S).await;
        assert!(info.exists && !info.is_sealed && !info.is_deleted && info.last_modified > 0);
        assert_eq!((info.start_offset, info.write_offset), (0, 0));
        assert_eq!(peer.seal(S).await, SegmentSealed { request_id: 6, segment: S.into() }.into());
        let sealed = SegmentIsSealed {
            request_id: 6,
            segment: S.into(),
            server_stack_trace: String::new(),
            offset: -1,
        };
        assert_eq!(peer.seal(S).await, sealed.into());
        assert!(peer.info(S).await.is_sealed);
        let deleted = SegmentDeleted { request_id: 4, segment: S.into() };
        assert_eq!(peer.call(delete(S)).await, deleted.into());
        assert_eq!(peer.call(delete(S)).await, no_such(S, 4, -1));
        assert_eq!(peer.create(S).await, created.into());
        assert!(!peer.info(S).await.is_sealed);
    }
}

on_both! {
    async fn truncation_moves_between_head_and_tail(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 1, vec![7; 20]).await;
        let done = Reply::from(SegmentTruncated { request_id: 7, segment: S.into() });
        let refused = |start_offset, offset| Reply::from(SegmentIsTruncated {
            request_id: 7,
            segment: S.into(),
            start_offset,
            server_stack_trace: String::new(),
            offset,
        });
        assert_eq!(peer.truncate(S, 0).await, done);
        assert_eq!(peer.truncate(S, 5).await, done);
        assert_eq!(peer.truncate(S, 5).await, done);
        assert_eq!(peer.truncate(S, 4).await, refused(5, 4));
        assert_eq!(peer.truncate(S, 21).await, refused(5, 21));
        peer.seal(S).await;
        assert_eq!(peer.truncate(S, 20).await, done);
        let info = peer.info(S).await;
        assert_eq!((info.start_offset, info.write_offset), (20, 20));
        peer.send(TruncateSegment {
            request_id: 7,
            segment: S.into(),
            truncation_offset: -1,
            delegation_token: token(),
        }).await;
        peer.assert_closed().await;
    }
}

on_both! {
    async fn missing_segments_are_missing_everywhere(server) {
        let mut peer = server.connect().await;
        for name in ["s/none/0.#epoch.0", "bad", "", "../../etc", "a\nb", "s/b/0"] {
            let info = GetStreamSegmentInfo { request_id: 5, segment: name.into(), delegation_token: token() };
            assert_eq!(peer.call(info).await, no_such(name, 5, -1));
            let seal = SealSegment { request_id: 6, segment: name.into(), delegation_token: token() };
            assert_eq!(peer.call(seal).await, no_such(name, 6, -1));
            assert_eq!(peer.truncate(name, 3).await, no_such(name, 7, 3));
            assert_eq!(peer.call(delete(name)).await, no_such(name, 4, -1));
            assert_eq!(peer.call(setup_request(1, name, 2)).await, no_such(name, 2, -1));
        }
    }
}

on_both! {
    async fn a1_any_name_is_only_a_name(server) {
        let mut peer = server.connect().await;
        let long = "x".repeat(1024);
        let names = ["..", "/etc/passwd", "a/../../b", "nul\0", "C:\\x", "\u{e9}", " ", "", &long];
        for name in names {
            assert!(matches!(peer.create(name).await, Reply::SegmentCreated(_)), "{name:?}");
            peer.set_up(1, name).await;
            peer.append(1, 1, "x").await;
        }
        for name in names {
            assert_eq!(peer.read_to_tail(name, 0).await, b"x");
        }
        let longer = "x".repeat(1025);
        assert!(matches!(peer.create(&longer).await, Reply::ErrorMessage(_)));
        peer.assert_nothing_comes().await;
    }
}

on_both! {
    async fn attributes_compare_and_set(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        assert_eq!(peer.call(attribute(77)).await, value(NO_EVENT_NUMBER));
        assert_eq!(peer.call(update(77, 5, NO_EVENT_NUMBER)).await, updated(true));
        assert_eq!(peer.call(update(77, 6, 4)).await, updated(false));
        assert_eq!(peer.call(update(77, 6, 5)).await, updated(true));
        assert_eq!(peer.call(attribute(77)).await, value(6));
        assert_eq!(peer.call(update(77, NO_EVENT_NUMBER, 6)).await, updated(true));
        assert_eq!(peer.call(attribute(77)).await, value(NO_EVENT_NUMBER));
        peer.seal(S).await;
        let reply = peer.call(update(77, 1, NO_EVENT_NUMBER)).await;
        assert!(matches!(reply, Reply::SegmentIsSealed(_)), "{reply:?}");
        assert_eq!(peer.call(attribute(77)).await, value(NO_EVENT_NUMBER));
    }
}

on_both! {
    async fn a_writer_s_number_is_an_attribute(server) {
        let core = 0x8000_0000_0000_0000_u128 << 64;
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(99, S).await;
        let mut append = append_request(99, 41, "abc");
        append.num_events = 3;
        peer.send(append).await;
        peer.acked(41).await;
        assert_eq!(peer.call(attribute(99)).await, value(41));
        assert_eq!(peer.call(attribute(core | 1)).await, value(3));
        let Reply::SegmentAttribute(created) = peer.call(attribute(core)).await else { panic!() };
        assert!(created.value > 1_600_000_000_000, "milliseconds since 1970");
        // Whoever changes a writer's number by hand has the last word.
        assert_eq!(peer.call(update(99, 50, 41)).await, updated(true));
        assert!(matches!(peer.call(append_request(99, 42, "x")).await, Reply::InvalidEventNumber(_)));
        peer.assert_closed().await;
    }
}

on_both! {
    async fn policies_and_located_offsets(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.append(1, 1, "abc").await;
        let policy = UpdateSegmentPolicy {
            request_id: 8,
            segment: S.into(),
            target_rate: 5,
            scale_type: 1,
            delegation_token: token(),
        };
        let done = SegmentPolicyUpdated { request_id: 8, segment: S.into() };
        assert_eq!(peer.call(policy.clone()).await, done.into());
        let core = 0x8000_0000_0000_0000_u128 << 64;
        assert_eq!(peer.call(attribute(core | 3)).await, value(5));
        let locate = LocateOffset {
            request_id: 9,
            segment: S.into(),
            target_offset: 1,
            delegation_token: token(),
        };
        let located = OffsetLocated { request_id: 9, segment: S.into(), offset: 3 };
        assert_eq!(peer.call(locate).await, located.into());
        peer.seal(S).await;
        assert!(matches!(peer.call(policy).await, Reply::SegmentIsSealed(_)));
    }
}

#[tokio::test]
async fn a_full_store_says_so() {
    let server = Server::with_limits(|limits| limits.max_segments = 2).await;
    let mut peer = server.connect().await;
    peer.create("a").await;
    peer.create("b").await;
    let reply = peer.create("c").await;
    assert!(matches!(&reply, Reply::ErrorMessage(error) if error.message.contains("2 segments")));
    peer.call(delete("a")).await;
    assert!(matches!(peer.create("c").await, Reply::SegmentCreated(_)));
}
