//! Silence: rows N4, N6 and C5.

use std::time::Duration;

use pravega_connection_pool::ConnectionError;
use pravega_wire_protocol::{KeepAlive, Request};
use tokio::time::{Instant, advance, timeout};

use crate::support::{
    LONG, Recorder, builder, config, handler, info, info_reply,
    peer::{Joined, join, join_through},
};

#[tokio::test(start_paused = true)]
async fn n4_a_peer_that_stays_silent_is_found_after_three_periods() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let start = Instant::now();
    let mut asked = Vec::new();
    while let Some(request) = joined.peer.next().await {
        assert_eq!(request, Request::KeepAlive(KeepAlive));
        asked.push(start.elapsed().as_secs());
    }
    assert_eq!(asked, [10, 20]);
    let cause = recorder.wait_for_end().await;
    let ConnectionError::Silent { silence, .. } = cause else {
        panic!("unexpected {cause:?}");
    };
    assert_eq!(silence.as_secs(), 30);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert!(cause.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn n4_a_peer_that_answers_keeps_its_connection_for_hours() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let hours = timeout(Duration::from_secs(3 * 3_600), joined.peer.keep_alive());
    assert!(hours.await.is_err(), "the connection was closed");
    assert!(recorder.causes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn n4_replies_make_keep_alives_unnecessary() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    for mark in 0..20 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        joined
            .peer
            .send(info_reply(flow.id().request(0).to_wire(), mark))
            .await;
    }
    let asked = timeout(Duration::from_secs(9), joined.peer.next()).await;
    assert!(asked.is_err(), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_bytes_slowly_is_no_dead_one() {
    // One byte every two seconds: a request takes minutes, and the keep-alive waits behind it.
    let Joined {
        connection,
        mut peer,
        ..
    } = join_through(&config(), 1).await;
    let (reply, ()) = tokio::join!(connection.call(info, Duration::from_secs(3_600)), async {
        let mut byte = [0];
        let mut taken = Vec::new();
        while taken.len() < 8 + 8 + 2 + 14 + 2 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut byte)
                .await
                .unwrap();
            taken.push(byte[0]);
        }
        let id = i64::from_be_bytes(taken[8..16].try_into().unwrap());
        peer.send(info_reply(id, 1)).await;
    });
    assert!(reply.is_ok(), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn c5_a_process_that_was_stopped_asks_before_it_gives_up() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let _flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    tokio::task::yield_now().await;
    advance(Duration::from_secs(600)).await;
    assert_eq!(
        joined.peer.next().await,
        Some(Request::KeepAlive(KeepAlive))
    );
    joined.peer.send(KeepAlive).await;
    let (reply, ()) = tokio::join!(joined.connection.call(info, LONG), async {
        let id = joined.peer.next_id().await;
        joined.peer.send(info_reply(id, 1)).await;
    });
    assert!(reply.is_ok());
}

#[tokio::test(start_paused = true)]
async fn n6_bytes_that_stop_inside_a_frame_end_the_connection() {
    let config = builder()
        .keep_alive_interval(Duration::from_secs(40))
        .build()
        .unwrap();
    for cut in [1, 7, 8, 20] {
        let mut joined = join(&config).await;
        let recorder = Recorder::new();
        let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
        let frame = info_reply(flow.id().request(0).to_wire(), 1)
            .encode_to_bytes()
            .unwrap();
        let start = Instant::now();
        joined.peer.send_raw(&frame[..cut]).await;
        let cause = recorder.wait_for_end().await;
        assert!(
            matches!(cause, ConnectionError::SlowFrame { .. }),
            "{cause:?}"
        );
        assert_eq!(start.elapsed().as_secs(), 30);
        assert!(recorder.replies().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn n6_a_dripping_peer_does_not_win_time_with_every_byte() {
    let mut joined = join(&config()).await;
    let recorder = Recorder::new();
    let flow = joined.connection.open_flow(handler(&recorder)).unwrap();
    let frame = info_reply(flow.id().request(0).to_wire(), 1)
        .encode_to_bytes()
        .unwrap();
    let dripping = async {
        for byte in &frame {
            joined.peer.send_raw(&[*byte]).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    };
    tokio::select! {
        () = dripping => panic!("the whole frame was taken"),
        cause = recorder.wait_for_end() => {
            assert!(matches!(cause, ConnectionError::SlowFrame { .. }), "{cause:?}");
        }
    }
}
