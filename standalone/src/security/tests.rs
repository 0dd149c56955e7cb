//! The guard as the two services use it.

use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    CreateSegment, DeleteSegment, GetSegmentAttribute, GetStreamSegmentInfo, Hello, LocateOffset,
    ReadSegment, SealSegment, SetupAppend, TruncateSegment, UpdateSegmentAttribute,
    UpdateSegmentPolicy,
};

use super::{password::tests::FAST, *};

const SEGMENT: &str = "scope/stream/0.#epoch.0";
const STREAM: Resource<'_> = Resource::Stream("scope", "stream");
const LIFETIME: Duration = Duration::from_secs(30);

fn guard() -> Guard {
    let accounts = Accounts::parse(&format!("ann:{FAST}:prn::*,READ_UPDATE")).unwrap();
    Guard::new(accounts, LIFETIME).unwrap()
}

/// Every request that names a segment, whether it changes something, and the id of its refusal.
#[expect(
    clippy::too_many_lines,
    reason = "a table with one row for each request"
)]
fn requests(segment: &str, token: &str) -> Vec<(Request, bool, i64)> {
    let request_id = 99;
    macro_rules! request {
        ($name:ident { $($field:ident: $value:expr),* }) => {
            $name {
                request_id,
                segment: segment.into(),
                delegation_token: DelegationToken::new(token),
                $($field: $value),*
            }
            .into()
        };
    }
    vec![
        (
            request!(SetupAppend {
                writer_id: WriterId::from_wire(1)
            }),
            true,
            99,
        ),
        (
            request!(ReadSegment {
                offset: 7,
                suggested_length: 8
            }),
            false,
            7,
        ),
        (request!(GetStreamSegmentInfo {}), false, 99),
        (
            request!(CreateSegment {
                target_rate: 0,
                scale_type: 0,
                rollover_size_bytes: 0
            }),
            true,
            99,
        ),
        (request!(SealSegment {}), true, 99),
        (request!(DeleteSegment {}), true, 99),
        (
            request!(UpdateSegmentPolicy {
                target_rate: 0,
                scale_type: 0
            }),
            true,
            99,
        ),
        (
            request!(TruncateSegment {
                truncation_offset: 0
            }),
            true,
            99,
        ),
        (request!(GetSegmentAttribute { attribute_id: 7 }), false, 99),
        (
            request!(UpdateSegmentAttribute {
                attribute_id: 7,
                new_value: 0,
                expected_value: 0
            }),
            true,
            99,
        ),
        (request!(LocateOffset { target_offset: 0 }), false, 99),
    ]
}

fn refusal(admission: Admission) -> (i64, i32) {
    match admission {
        Admission::Refused(Reply::AuthTokenCheckFailed(refusal)) => {
            assert_eq!(refusal.server_stack_trace, "");
            (refusal.request_id, refusal.error_code)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a5_every_change_needs_the_right_to_update() {
    let guard = guard();
    let read = guard.token(STREAM, Right::Read).unwrap();
    let update = guard.token(STREAM, Right::ReadUpdate).unwrap();
    for (request, _, id) in requests(SEGMENT, "") {
        assert_eq!(refusal(guard.admit(&request)), (id, 0), "{request:?}");
    }
    for (request, changes, id) in requests(SEGMENT, &read) {
        match guard.admit(&request) {
            Admission::Admitted => assert!(!changes, "{request:?}"),
            other => assert!(changes && refusal(other) == (id, 0), "{request:?}"),
        }
    }
    for (request, ..) in requests(SEGMENT, &update) {
        let admission = guard.admit(&request);
        match &request {
            Request::SetupAppend(_) => assert!(matches!(admission, Admission::AdmittedUntil(_))),
            _ => assert!(matches!(admission, Admission::Admitted), "{request:?}"),
        }
    }
}

#[tokio::test]
async fn a1_a5_a_segment_of_no_stream_is_nobodys() {
    let guard = guard();
    let update = guard.token(STREAM, Right::ReadUpdate).unwrap();
    for segment in [
        "",
        "scope",
        "scope/stream",
        "scope/stream/x",
        "scope/../0.#epoch.0",
        "../stream/0.#epoch.0",
        "scope/stream/../0.#epoch.0",
        "/scope/stream/0.#epoch.0",
        "scope/stream2/0.#epoch.0",
        "prn::/scope:scope/stream:stream",
        "*",
    ] {
        for (request, _, id) in requests(segment, &update) {
            assert_eq!(refusal(guard.admit(&request)), (id, 0), "{request:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn t79_an_expired_token_is_told_but_for_setups_which_are_closed() {
    let guard = guard();
    let token = guard.token(STREAM, Right::ReadUpdate).unwrap();
    let of_the_setup = guard.admit(&requests(SEGMENT, &token)[0].0);
    let Admission::AdmittedUntil(ends) = of_the_setup else {
        panic!("{of_the_setup:?}");
    };
    let left = ends - Instant::now();
    assert!(
        left >= LIFETIME && left <= LIFETIME + Duration::from_secs(1),
        "{left:?}"
    );
    tokio::time::sleep_until(ends).await;
    for (request, _, id) in requests(SEGMENT, &token) {
        match guard.admit(&request) {
            Admission::Closed => assert!(matches!(request, Request::SetupAppend(_))),
            other => assert_eq!(refusal(other), (id, 1), "{request:?}"),
        }
    }
}

#[tokio::test]
async fn a5_another_start_has_another_key() {
    let (one, other) = (guard(), guard());
    let token = one.token(STREAM, Right::ReadUpdate).unwrap();
    for (request, _, id) in requests(SEGMENT, &token) {
        assert_eq!(refusal(other.admit(&request)), (id, 0));
    }
}

#[tokio::test]
async fn who_asks_for_nothing_needs_nothing() {
    let hello = Request::from(Hello::current());
    assert!(matches!(guard().admit(&hello), Admission::Admitted));
}
