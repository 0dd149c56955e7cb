//! Conditional appends: at the offset that they name, or not at all.

use pravega_wire_protocol::{ConditionalAppend, ConditionalCheckFailed, InvalidEventNumber, Reply};

use crate::{
    peer::{conditional_request, writer},
    server::{Server, on_both},
};

const S: &str = "s/b/0.#epoch.0";

on_both! {
    async fn conditions_fail_and_leave_the_session_usable(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        let failed = |number| Reply::from(ConditionalCheckFailed {
            writer_id: writer(1),
            event_number: number,
            request_id: number + 1000,
        });
        assert_eq!(peer.call(conditional_request(1, 1, 3, "bad")).await, failed(1));
        // The number of a failed one may be used again, and need not be.
        peer.send(conditional_request(1, 1, 0, "good")).await;
        assert_eq!(peer.acked(1).await.current_segment_write_offset, 4);
        assert_eq!(peer.call(conditional_request(1, 2, 0, "bad")).await, failed(2));
        assert_eq!(peer.call(conditional_request(1, 3, 3, "")).await, failed(3));
        peer.send(conditional_request(1, 4, 4, "")).await;
        assert_eq!(peer.acked(4).await.previous_event_number, 1);
        peer.send(conditional_request(1, 5, -1, "any")).await;
        assert_eq!(peer.acked(5).await.current_segment_write_offset, 7);
        assert_eq!(peer.read_to_tail(S, 0).await, b"goodany");
    }
}

on_both! {
    async fn a_wrong_number_wins_over_a_wrong_offset(server) {
        let mut old = server.connect().await;
        old.create(S).await;
        old.set_up(1, S).await;
        old.append(1, 1, "a").await;
        let mut new = server.connect().await;
        new.set_up(1, S).await;
        new.append(1, 2, "b").await;
        let reply = old.call(conditional_request(1, 3, 99, "c")).await;
        let expected = InvalidEventNumber {
            writer_id: writer(1),
            request_id: 1003,
            server_stack_trace: String::new(),
            event_number: 3,
        };
        assert_eq!(reply, expected.into());
        old.assert_closed().await;
    }
}

on_both! {
    async fn a_conditional_event_is_stored_with_its_header(server) {
        let mut peer = server.connect().await;
        peer.create(S).await;
        peer.set_up(1, S).await;
        peer.send(ConditionalAppend {
            writer_id: writer(1),
            event_number: 1,
            expected_offset: 0,
            event: b"hello"[..].into(),
            request_id: 1001,
        }).await;
        assert_eq!(peer.acked(1).await.current_segment_write_offset, 13);
        assert_eq!(peer.read_to_tail(S, 0).await, b"\0\0\0\0\0\0\0\x05hello");
    }
}

#[tokio::test]
async fn the_hole_of_pipelined_conditions_is_as_in_the_real_server() {
    let server = Server::in_memory().await;
    let mut one = server.connect().await;
    let mut two = server.connect().await;
    one.create(S).await;
    one.set_up(1, S).await;
    two.set_up(2, S).await;
    one.send(conditional_request(1, 1, 0, "AAAA")).await;
    one.acked(1).await;
    two.append(2, 1, "BBBB").await;
    one.send_all([
        conditional_request(1, 2, 4, "lost").into(),
        conditional_request(1, 3, 8, "HOLE").into(),
    ])
    .await;
    assert!(matches!(
        one.receive().await,
        Reply::ConditionalCheckFailed(_)
    ));
    assert_eq!(one.acked(3).await.previous_event_number, 1);
    assert_eq!(one.read_to_tail(S, 0).await, b"AAAABBBBHOLE");
}
