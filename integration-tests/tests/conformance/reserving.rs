//! Permits: room that is there before the bytes are.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures::FutureExt as _;
use pravega_byte_stream::{MAX_ATOMIC_WRITE, WhenFull, WriteError, WriteMode};
use pravega_integration_tests::{
    Backend,
    relay::{Fault, Gate, Relay},
};
use tokio::task::JoinSet;

use crate::{
    faults::appends_of,
    support::{BOTH_MODES, content, in_a_hurry},
    writing::{offset, open},
};

const WINDOW: usize = 10_000;

#[tokio::test]
async fn permits_append_in_the_order_of_their_use_and_beside_writes() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let mut writer = open(&factory, &segment, mode).await;
        let first = writer.reserve(10).await.unwrap();
        let second = writer.reserve(20_000).await.unwrap();
        let unused = writer.reserve(30).await.unwrap();
        assert_eq!((first.max_len(), second.max_len()), (10, 20_000));
        writer.write(b"zero ").await.unwrap();
        let large = Bytes::from(vec![b'2'; 20_000]);
        let second = second.append(large.clone()).unwrap();
        writer.write(b" between ").await.unwrap();
        let first = first.append(Bytes::from_static(b"one")).unwrap();
        drop(unused);
        assert_eq!(second.range(), 5..20_005);
        assert_eq!(first.range(), 20_014..20_017);
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 20_017);
        let expected = [b"zero ", &large[..], b" between one"].concat();
        assert!(content(&factory, &segment).await == expected, "{mode:?}");
    }
}

#[tokio::test]
async fn a_permit_keeps_its_room_from_others_until_it_is_dropped_or_used() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment).mode(mode);
        let mut writer = opening.max_unacked_bytes(WINDOW).await.unwrap();
        let permit = writer.reserve(WINDOW).await.unwrap();
        assert!(writer.reserve(1).now_or_never().is_none(), "{mode:?}");
        assert!(writer.write(b"x").now_or_never().is_none(), "{mode:?}");
        let refused = writer.try_append(Bytes::from_static(b"x")).unwrap_err();
        assert!(matches!(refused.error, WriteError::Full { .. }));

        // Who waits is woken: by a permit that is dropped, and by one that needs less than it has.
        let (waited, ()) = tokio::join!(biased; writer.reserve(WINDOW), async { drop(permit) });
        let permit = waited.unwrap();
        let little = async { permit.append(Bytes::from_static(b"little")).unwrap() };
        let (waited, little) = tokio::join!(biased; writer.reserve(WINDOW / 2), little);
        drop(waited.unwrap());
        little.await.unwrap();
        assert_eq!(writer.flush().await.unwrap(), 6);
    }
}

/// Also while the segment store acknowledges nothing, and so no write gets through.
#[tokio::test]
async fn an_append_with_a_permit_finds_its_room_where_a_write_would_wait() {
    let relay = Relay::start().await;
    let factory = relay.factory_with(in_a_hurry);
    for mode in BOTH_MODES {
        let segment = relay.backend().fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let mut writer = opening.max_unacked_bytes(WINDOW).await.unwrap();
        let gate = Gate::default();
        let held = relay.arm(appends_of(mode), Fault::Hold(gate.clone()));
        let permit = writer.reserve(4_000).await.unwrap();
        writer.write(&[1; 5_000]).await.unwrap();
        assert!(writer.write(&[9; 4_000]).now_or_never().is_none());
        held.struck().await;
        permit.append(Bytes::from(vec![2; 4_000])).unwrap();
        assert_eq!(writer.position(), 9_000);
        gate.open();
        assert_eq!(writer.flush().await.unwrap(), 9_000, "{mode:?}");
        let expected = [vec![1; 5_000], vec![2; 4_000]].concat();
        assert!(content(&factory, &segment).await == expected, "{mode:?}");
    }
}

#[tokio::test]
async fn many_tasks_append_with_permits_of_one_writer() {
    const TASKS: u8 = 8;
    const APPENDS: usize = 40;
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let writer = opening.max_unacked_bytes(WINDOW).await.unwrap();
        let writer = std::sync::Arc::new(writer);
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let writer = std::sync::Arc::clone(&writer);
            tasks.spawn(async move {
                for number in 1..=APPENDS {
                    let len = number * 20;
                    let permit = writer.reserve(len).await.unwrap();
                    tokio::task::yield_now().await;
                    permit.append(Bytes::from(vec![task; len])).unwrap();
                }
            });
        }
        tasks.join_all().await;
        let writer = std::sync::Arc::into_inner(writer).unwrap();
        let end = writer.close().await.unwrap();
        let all = content(&factory, &segment).await;
        assert_eq!(end, offset(all.len()));
        let mut of_each = BTreeMap::new();
        for byte in all {
            *of_each.entry(byte).or_insert(0) += 1;
        }
        let of_one = 20 * APPENDS * (APPENDS + 1) / 2;
        assert!(
            of_each
                .into_iter()
                .eq((0..TASKS).map(|task| (task, of_one)))
        );
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_for_a_write() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let largest = writer.reserve(MAX_ATOMIC_WRITE).await.unwrap();
    drop(largest);
    let refused = writer.reserve(MAX_ATOMIC_WRITE + 1).await.unwrap_err();
    assert!(matches!(refused, WriteError::TooLarge { .. }));
    let permit = writer.reserve(3).await.unwrap();
    let refused = permit.append(Bytes::from_static(b"four")).unwrap_err();
    assert!(
        matches!(refused, WriteError::TooLarge { len: 4, max: 3 }),
        "{refused:?}"
    );
    let nothing = writer.reserve(0).await.unwrap();
    nothing.append(Bytes::new()).unwrap().await.unwrap();
    assert_eq!(writer.position(), 0);

    for (when_full, is_full) in [
        (WhenFull::Refuse, true),
        (WhenFull::WaitAtMost(Duration::from_millis(1)), false),
    ] {
        let opening = factory.open_byte_writer(segment.clone());
        let opening = opening.max_unacked_bytes(WINDOW).when_full(when_full);
        let writer = opening.await.unwrap();
        let _permit = writer.reserve(WINDOW).await.unwrap();
        let refused = writer.reserve(1).await.unwrap_err();
        match refused {
            WriteError::Full { room: 0, .. } => assert!(is_full),
            WriteError::Timeout { .. } => assert!(!is_full),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_permit_serves_behind_a_conflict_once_the_writer_is_resynced() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    let segment = backend.fresh_segment(&factory).await;
    let mut writer = open(&factory, &segment, WriteMode::Exclusive).await;
    let permit = writer.reserve(10).await.unwrap();
    let other = writer.reserve(10).await.unwrap();
    let mut rival = open(&factory, &segment, WriteMode::Exclusive).await;
    rival.write(b"rival ").await.unwrap();
    rival.close().await.unwrap();
    writer.write(b"refused").await.unwrap();
    writer.flush().await.unwrap_err();
    let conflict = other.append(Bytes::from_static(b"refused")).unwrap_err();
    assert!(
        matches!(conflict, WriteError::Conflict { .. }),
        "{conflict:?}"
    );
    let conflict = writer.reserve(1).await.unwrap_err();
    assert!(
        matches!(conflict, WriteError::Conflict { .. }),
        "{conflict:?}"
    );
    writer.resync().await.unwrap();
    permit.append(Bytes::from_static(b"kept")).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(content(&factory, &segment).await, "rival kept");
}

#[tokio::test]
async fn a_permit_of_a_writer_that_is_gone_says_closed() {
    let backend = Backend::start().await;
    let factory = backend.factory();
    for mode in BOTH_MODES {
        let segment = backend.fresh_segment(&factory).await;
        let writer = open(&factory, &segment, mode).await;
        let permit = writer.reserve(10).await.unwrap();
        let unused = writer.reserve(10).await.unwrap();
        assert_eq!(writer.close().await.unwrap(), 0);
        let closed = permit.append(Bytes::from_static(b"late")).unwrap_err();
        assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
        drop(unused);
        assert_eq!(content(&factory, &segment).await, "");
    }
}

#[tokio::test]
async fn t78_who_waits_for_room_that_a_permit_keeps_hears_of_the_end() {
    let backend = Backend::start().await;
    for mode in BOTH_MODES {
        let factory = backend.factory();
        let segment = backend.fresh_segment(&factory).await;
        let opening = factory.open_byte_writer(segment.clone()).mode(mode);
        let writer = opening.max_unacked_bytes(WINDOW).await.unwrap();
        let permit = writer.reserve(WINDOW).await.unwrap();
        let shutdown = factory.shutdown();
        let (waited, ()) = tokio::join!(biased; writer.reserve(1), shutdown);
        let closed = waited.unwrap_err();
        assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
        let closed = permit.append(Bytes::from_static(b"late")).unwrap_err();
        assert!(matches!(closed, WriteError::Closed { .. }), "{closed:?}");
    }
}
