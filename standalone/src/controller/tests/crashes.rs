//! The store fails at every step of every change, and the change is repeated: by the same controller, or by
//! one that was started anew. In the end the disk is as if nothing had failed.

use pravega_controller_api as api;
use tonic::{Code, Request, Status};

use super::{
    fake::{Cut, Disk, Fake},
    support::{OWN, STORE, cut, fixed, open, scope, stream},
};
use crate::controller::{ControllerService, changes::OpenError, persist::RecordError};
use api::controller_service_server::ControllerService as _;

/// The changes under test. Each begins on a disk with scope `s`, its stream `t` of three segments with ten
/// bytes each, and `sealed`, a sealed stream of three segments.
#[derive(Debug, Clone, Copy)]
enum Change {
    CreateScope,
    DeleteScope,
    CreateStream,
    UpdateStream,
    SealStream,
    TruncateStream,
    DeleteStream,
    DeleteScopeRecursive,
}

const ALL: [Change; 8] = [
    Change::CreateScope,
    Change::DeleteScope,
    Change::CreateStream,
    Change::UpdateStream,
    Change::SealStream,
    Change::TruncateStream,
    Change::DeleteStream,
    Change::DeleteScopeRecursive,
];

impl Change {
    /// The status in the reply, or the failure.
    async fn call(self, service: &ControllerService<Fake>) -> Result<i32, Status> {
        Ok(match self {
            Self::CreateScope => {
                let request = Request::new(scope("new"));
                service.create_scope(request).await?.into_inner().status
            }
            Self::DeleteScope => {
                let request = Request::new(scope("empty"));
                service.delete_scope(request).await?.into_inner().status
            }
            Self::CreateStream => {
                let request = Request::new(fixed("s", "new", 3));
                service.create_stream(request).await?.into_inner().status
            }
            Self::UpdateStream => {
                let mut config = fixed("s", "t", 3);
                config.timestamp_aggregation_timeout = 1;
                service
                    .update_stream(Request::new(config))
                    .await?
                    .into_inner()
                    .status
            }
            Self::SealStream => {
                let request = Request::new(stream("s", "t"));
                service.seal_stream(request).await?.into_inner().status
            }
            Self::TruncateStream => {
                let request = Request::new(cut("s", "t", &[(0, 1), (1, 10), (2, 0)]));
                service.truncate_stream(request).await?.into_inner().status
            }
            Self::DeleteStream => {
                let request = Request::new(stream("s", "sealed"));
                service.delete_stream(request).await?.into_inner().status
            }
            Self::DeleteScopeRecursive => {
                let request = Request::new(scope("s"));
                service
                    .delete_scope_recursive(request)
                    .await?
                    .into_inner()
                    .status
            }
        })
    }

    /// What a repetition may be told besides success: that its first attempt took effect.
    fn done_before(self) -> i32 {
        match self {
            Self::CreateScope => api::create_scope_status::Status::ScopeExists.into(),
            Self::DeleteScope => api::delete_scope_status::Status::ScopeNotFound.into(),
            Self::CreateStream => api::create_stream_status::Status::StreamExists.into(),
            Self::DeleteStream => api::delete_stream_status::Status::StreamNotFound.into(),
            Self::UpdateStream
            | Self::SealStream
            | Self::TruncateStream
            | Self::DeleteScopeRecursive => 0,
        }
    }
}

async fn prepared() -> (Fake, ControllerService<Fake>) {
    let fake = Fake::default();
    let service = open(&fake).await;
    for name in ["s", "empty"] {
        service
            .create_scope(Request::new(scope(name)))
            .await
            .unwrap();
    }
    for name in ["t", "sealed"] {
        service
            .create_stream(Request::new(fixed("s", name, 3)))
            .await
            .unwrap();
    }
    service
        .seal_stream(Request::new(stream("s", "sealed")))
        .await
        .unwrap();
    for number in 0..3 {
        fake.grow(&format!("s/t/{number}.#epoch.0"), 10);
    }
    (fake, service)
}

async fn undisturbed(change: Change) -> Disk {
    let (fake, service) = prepared().await;
    assert_eq!(change.call(&service).await.unwrap(), 0, "{change:?}");
    fake.disk()
}

/// Disturbs one step and repeats. False when the change has no such step.
async fn disturbed(change: Change, at: usize, cut: Cut, restart: bool, expected: &Disk) -> bool {
    let what = format!("{change:?} at {at}, {cut:?}, restart {restart}");
    let (fake, mut service) = prepared().await;
    // A store that stopped stays so until the restart; one that hiccuped works at once.
    fake.fail_at(at, cut, !restart);
    let first = change.call(&service).await;
    if !fake.repair() {
        return false;
    }
    assert_eq!(first.unwrap_err().code(), Code::Unavailable, "{what}");
    if restart {
        service = open(&fake).await;
    }
    let again = change.call(&service).await.unwrap();
    assert!(
        again == 0 || again == change.done_before(),
        "{what}: {again}"
    );
    assert_eq!(&fake.disk(), expected, "{what}");
    // Memory tells the same story as the disk.
    let third = change.call(&service).await.unwrap();
    assert_eq!(third, change.done_before(), "{what}");
    drop(service);
    change.call(&open(&fake).await).await.unwrap();
    assert_eq!(&fake.disk(), expected, "{what}");
    true
}

#[tokio::test]
async fn k3_every_change_can_be_repeated_after_a_failure_at_any_step() {
    for change in ALL {
        let expected = undisturbed(change).await;
        for cut in [Cut::Before, Cut::After] {
            for restart in [false, true] {
                let mut steps = 0;
                while disturbed(change, steps, cut, restart, &expected).await {
                    steps += 1;
                }
                assert!(steps > 0, "{change:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_a_change() {
    let (fake, service) = prepared().await;
    {
        let call = service.create_stream(Request::new(fixed("s", "new", 3)));
        // Polled once, so that it is under way, and dropped.
        let call = std::pin::pin!(call);
        assert!(futures::poll!(call).is_pending());
    }
    service.tasks().close();
    service.tasks().wait().await;
    assert!(fake.disk().segments.contains_key("s/new/2.#epoch.0"));
    let found = service
        .check_stream_exists(Request::new(stream("s", "new")))
        .await;
    assert!(found.unwrap().into_inner().exists);
}

#[tokio::test]
async fn concurrent_creations_of_one_stream_make_it_once() {
    let (_, service) = prepared().await;
    let calls = (0..20).map(|_| Change::CreateStream.call(&service));
    let outcomes: Vec<_> = futures::future::join_all(calls).await;
    let created = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(0)))
        .count();
    let exists = Change::CreateStream.done_before();
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(status) if [0, exists].contains(status)))
    );
    assert_eq!(created, 1);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let (fake, service) = prepared().await;
    Change::TruncateStream.call(&service).await.unwrap();
    Change::DeleteStream.call(&service).await.unwrap();
    let service = open(&fake).await;
    let config = service
        .get_stream_configuration(Request::new(stream("s", "t")))
        .await
        .unwrap();
    assert_eq!(config.into_inner(), fixed("s", "t", 3));
    let request = api::GetSegmentsRequest {
        stream_info: Some(stream("s", "t")),
        timestamp: 0,
    };
    let head = service
        .get_segments(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    let offsets: Vec<i64> = head.segments.iter().map(|segment| segment.offset).collect();
    assert_eq!(offsets, [1, 10, 0]);
    service
        .create_stream(Request::new(fixed("s", "sealed", 1)))
        .await
        .unwrap();
    assert!(fake.disk().segments.contains_key("s/sealed/3.#epoch.0"));
}

#[tokio::test]
async fn a_catalog_that_cannot_be_read_is_refused() {
    for (key, value) in [
        (&b"ts/t"[..], &b"\x02"[..]),
        (b"ts/t", b""),
        (b"?", b"\x01"),
        (b"s..", b"\x01"),
    ] {
        let (fake, _) = prepared().await;
        fake.set_line(key, value);
        let before = fake.disk();
        let (store, own) = (STORE.parse().unwrap(), OWN.parse().unwrap());
        let error = ControllerService::open(fake.clone(), store, own)
            .await
            .unwrap_err();
        assert!(matches!(error, OpenError::Line { .. }), "{error:?}");
        assert_eq!(fake.disk(), before);
    }
    let newer = RecordError::Version { found: 2 };
    assert_eq!(
        newer.to_string(),
        "the value has version 2, this program reads 1"
    );
}
