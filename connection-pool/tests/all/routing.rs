//! Who gets which reply: row P4, P14.

use pravega_client_shared::{DelegationToken, FlowId};
use pravega_connection_pool::ConnectionError;
use pravega_wire_protocol::{AuthTokenCheckFailed, ReadSegment, Reply, Request};

use crate::support::{
    LONG, Recorder, config, failure, handler, info, info_reply, mark,
    peer::{Joined, join, join_through},
};

const FLOWS: i64 = 40;

#[tokio::test(start_paused = true)]
async fn every_flow_gets_its_own_replies_in_any_order() {
    for capacity in [1, 7, 64 * 1024] {
        let Joined {
            connection,
            mut peer,
            ..
        } = join_through(&config(), capacity).await;
        let recorders: Vec<_> = (0..FLOWS).map(|_| Recorder::new()).collect();
        let flows: Vec<_> = recorders
            .iter()
            .map(|recorder| connection.open_flow(handler(recorder)).unwrap())
            .collect();
        for flow in &flows {
            for sequence in 0..3 {
                flow.enqueue(&info(flow.id().request(sequence))).unwrap();
            }
            flow.pump();
        }
        let mut ids = Vec::new();
        for _ in 0..FLOWS * 3 {
            ids.push(peer.next_id().await);
        }
        for (mark, id) in (0..).zip(ids.iter().rev()) {
            peer.send(info_reply(*id, mark)).await;
        }
        for (recorder, flow) in recorders.iter().zip(&flows) {
            let got = recorder.wait_for(3).await;
            let sequences = [2, 1, 0].map(|sequence| flow.id().request(sequence).to_wire());
            assert_eq!(
                got.iter().filter_map(Reply::request_id).collect::<Vec<_>>(),
                sequences
            );
        }
        assert_eq!(connection.stats().ignored_replies, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_answered_out_of_order_and_failures_are_answers() {
    let mut joined = join(&config()).await;
    let connection = &joined.connection;
    let (first, second, third, ()) = tokio::join!(
        connection.call(info, LONG),
        connection.call(info, LONG),
        connection.call(info, LONG),
        async {
            let ids = [
                joined.peer.next_id().await,
                joined.peer.next_id().await,
                joined.peer.next_id().await,
            ];
            joined.peer.send(info_reply(ids[2], 3)).await;
            joined.peer.send(failure(ids[0])).await;
            joined.peer.send(info_reply(ids[1], 2)).await;
        }
    );
    assert!(matches!(first, Ok(Reply::NoSuchSegment(_))));
    assert_eq!(mark(&second.unwrap()), 2);
    assert_eq!(mark(&third.unwrap()), 3);
    assert_eq!(joined.connection.stats().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn p4_a_success_for_an_unknown_id_is_ignored_and_counted() {
    let mut joined = join(&config()).await;
    let never = FlowId::new(77).unwrap().request(1).to_wire();
    for id in [never, 0, 12_345, -1] {
        joined.peer.send(info_reply(id, 0)).await;
    }
    let (reply, ()) = tokio::join!(joined.connection.call(info, LONG), async {
        let id = joined.peer.next_id().await;
        joined.peer.send(info_reply(id, 1)).await;
    });
    assert!(reply.is_ok());
    assert_eq!(joined.connection.stats().ignored_replies, 4);
}

#[tokio::test(start_paused = true)]
async fn p4_a_failure_for_an_unknown_id_closes_the_connection() {
    let never = FlowId::new(77).unwrap().request(1).to_wire();
    for id in [never, 12_345] {
        let mut joined = join(&config()).await;
        let recorder = Recorder::new();
        let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
        joined.peer.send(failure(id)).await;
        let cause = recorder.wait_for_end().await;
        let ConnectionError::UnknownRequest {
            reply, id: told, ..
        } = cause
        else {
            panic!("unexpected {cause:?}");
        };
        assert_eq!((reply, told), ("NoSuchSegment", id));
        assert_eq!(joined.peer.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn p14_a_late_reply_to_a_forgotten_flow_reaches_nobody() {
    let mut joined = join(&config()).await;
    let old = Recorder::new();
    let flow = joined.connection.open_flow(handler(&old)).unwrap();
    let id = flow.id();
    flow.enqueue(&info(id.request(0))).unwrap();
    flow.pump();
    drop(flow);
    let new = Recorder::new();
    let flow = joined.connection.open_flow(handler(&new)).unwrap();
    assert_ne!(flow.id(), id);
    let late = joined.peer.next_id().await;
    joined.peer.send(info_reply(late, 1)).await;
    joined.peer.send(failure(late)).await;
    joined
        .peer
        .send(info_reply(flow.id().request(0).to_wire(), 2))
        .await;
    assert_eq!(mark(&new.wait_for(1).await[0]), 2);
    assert!(old.replies().is_empty());
    assert_eq!(joined.connection.stats().ignored_replies, 2);
    assert!(!joined.connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_out_of_time_leaves_the_connection_and_its_late_reply_is_ignored() {
    let mut joined = join(&config()).await;
    let (slow, late) = tokio::join!(joined.connection.call(info, LONG), joined.peer.next_id());
    let error = slow.unwrap_err();
    assert!(
        matches!(error, ConnectionError::Timeout { .. }),
        "{error:?}"
    );
    assert!(error.is_retryable() && !error.sent_nothing());
    joined.peer.send(info_reply(late, 1)).await;
    let (reply, ()) = tokio::join!(joined.connection.call(info, LONG), async {
        let id = joined.peer.next_id().await;
        joined.peer.send(info_reply(id, 2)).await;
    });
    assert_eq!(mark(&reply.unwrap()), 2);
    assert_eq!(joined.connection.stats().ignored_replies, 1);
}

fn token_refused(id: i64) -> Reply {
    Reply::from(AuthTokenCheckFailed {
        request_id: id,
        server_stack_trace: String::new(),
        error_code: 0,
    })
}

#[tokio::test(start_paused = true)]
async fn p4_a_token_refusal_with_an_offset_is_offered_to_flows_and_answers_the_read() {
    let mut joined = join(&config()).await;
    let recorders = [Recorder::new(), Recorder::new()];
    let _flows = recorders
        .each_ref()
        .map(|recorder| joined.connection.open_flow(handler(recorder)).unwrap());
    let read = |id: pravega_client_shared::RequestId| {
        Request::from(ReadSegment {
            segment: "s/t/0.#epoch.0".into(),
            offset: 4_096,
            suggested_length: 10,
            delegation_token: DelegationToken::default(),
            request_id: id.to_wire(),
        })
    };
    let (reading, other, ()) = tokio::join!(
        joined.connection.call(read, LONG),
        joined.connection.call(info, LONG),
        async {
            joined.peer.next_id().await;
            let other = joined.peer.next_id().await;
            joined.peer.send(token_refused(4_096)).await;
            joined.peer.send(info_reply(other, 1)).await;
        }
    );
    assert!(matches!(reading, Ok(Reply::AuthTokenCheckFailed(_))));
    assert!(other.is_ok());
    for recorder in &recorders {
        assert_eq!(recorder.replies(), [token_refused(4_096)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_complaint_of_one_flow_closes_the_connection_for_all_with_one_cause() {
    let mut joined = join(&config()).await;
    let critic = Recorder::that_complains("ack for nothing");
    let other = Recorder::new();
    let flow = joined.connection.open_flow(handler(&critic)).unwrap();
    let other_flow = joined.connection.open_flow(handler(&other)).unwrap();
    let (call, closed, ()) = tokio::join!(
        joined.connection.call(info, LONG),
        joined.connection.closed(),
        async {
            joined.peer.next_id().await;
            joined
                .peer
                .send(info_reply(flow.id().request(0).to_wire(), 1))
                .await;
            assert_eq!(joined.peer.next().await, None);
        }
    );
    let causes = [
        call.unwrap_err(),
        closed,
        critic.wait_for_end().await,
        other.wait_for_end().await,
    ];
    for cause in causes {
        let ConnectionError::Violation { source, endpoint } = cause else {
            panic!("unexpected {cause:?}");
        };
        assert_eq!(source.to_string(), "ack for nothing");
        assert_eq!(endpoint, crate::support::endpoint());
    }
    let late = other_flow
        .enqueue(&info(other_flow.id().request(0)))
        .unwrap_err();
    assert!(matches!(late, ConnectionError::AlreadyClosed { .. }));
    assert!(late.sent_nothing() && late.is_retryable());
    assert!(joined.connection.open_flow(Recorder::new()).is_err());
    assert!(
        joined
            .connection
            .call(info, LONG)
            .await
            .unwrap_err()
            .sent_nothing()
    );
    assert_eq!((critic.causes().len(), other.causes().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_an_id_of_its_own_making_is_refused() {
    let joined = join(&config()).await;
    let other = FlowId::new(9).unwrap().request(0);
    let error = joined
        .connection
        .call(|_| info(other), LONG)
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectionError::ForeignId { .. }));
    assert!(error.sent_nothing());
    assert_eq!(joined.connection.stats().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fits_no_frame_is_refused_and_leaves_nothing_behind() {
    let joined = join(&config()).await;
    let too_long = |id: pravega_client_shared::RequestId| {
        Request::from(pravega_wire_protocol::GetStreamSegmentInfo {
            request_id: id.to_wire(),
            segment: "s".repeat(70_000).into(),
            delegation_token: DelegationToken::default(),
        })
    };
    let error = joined.connection.call(too_long, LONG).await.unwrap_err();
    assert!(matches!(error, ConnectionError::Encode { .. }));
    assert!(error.sent_nothing() && !error.is_retryable());
    let stats = joined.connection.stats();
    assert_eq!((stats.calls, stats.queued_bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_user_can_close_the_connection_for_all() {
    let joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let endpoint = joined.connection.endpoint().clone();
    joined
        .connection
        .close(ConnectionError::ShutDown { endpoint });
    assert!(joined.connection.is_closed());
    let cause = recorder.wait_for_end().await;
    assert!(matches!(cause, ConnectionError::ShutDown { .. }));
}

/// Drops its own flow when the first reply comes.
#[derive(Default)]
struct Leaver {
    flow: std::sync::Mutex<Option<pravega_connection_pool::Flow>>,
    replies: std::sync::atomic::AtomicUsize,
}

impl pravega_connection_pool::FlowHandler for Leaver {
    fn on_reply(
        &self,
        _: std::time::Instant,
        _: Reply,
    ) -> Result<(), pravega_connection_pool::ProtocolError> {
        self.replies
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.flow.lock().unwrap().take();
        Ok(())
    }

    fn on_disconnect(&self, _: &ConnectionError) {}
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_leaves_in_mid_batch_gets_nothing_of_the_rest() {
    let mut joined = join(&config()).await;
    let leaver = std::sync::Arc::new(Leaver::default());
    let flow = joined.connection.open_flow(handler(&leaver)).unwrap();
    let id = flow.id().request(0).to_wire();
    *leaver.flow.lock().unwrap() = Some(flow);
    let batch: Vec<u8> = (0..3)
        .flat_map(|mark| info_reply(id, mark).encode_to_bytes().unwrap())
        .collect();
    joined.peer.send_raw(&batch).await;
    let (reply, ()) = tokio::join!(joined.connection.call(info, LONG), async {
        let id = joined.peer.next_id().await;
        joined.peer.send(info_reply(id, 1)).await;
    });
    assert!(reply.is_ok());
    assert_eq!(leaver.replies.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(joined.connection.stats().ignored_replies, 2);
}
