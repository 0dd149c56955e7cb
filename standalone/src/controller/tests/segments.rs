//! Where segments are and which, as the real controller answers.

use pravega_controller_api::{
    self as api, scale_response::ScaleStreamStatus, scale_status_response::ScaleStatus,
};
use tonic::Code;

use super::support::{answer, cut, segment, start, stream};

#[tokio::test]
async fn segments_of_an_open_a_sealed_and_a_missing_stream() {
    let mut client = start().await.with_stream(2).await.client;
    let current = answer(client.get_current_segments(stream("s", "t")).await).unwrap();
    let ranges: Vec<_> = current
        .segment_ranges
        .iter()
        .map(|range| {
            (
                range.segment_id.clone().unwrap(),
                range.min_key,
                range.max_key,
            )
        })
        .collect();
    let expected = [
        (segment("s", "t", 0), 0.0, 0.5),
        (segment("s", "t", 1), 0.5, 1.0),
    ];
    assert_eq!(ranges, expected);
    assert_eq!(current.delegation_token, "");

    let epoch = |name: &str, epoch| api::GetEpochSegmentsRequest {
        stream_info: Some(stream("s", name)),
        epoch,
    };
    let at_head = |name: &str, timestamp| api::GetSegmentsRequest {
        stream_info: Some(stream("s", name)),
        timestamp,
    };
    let first = answer(client.get_epoch_segments(epoch("t", 0)).await).unwrap();
    assert_eq!(first.segment_ranges, current.segment_ranges);
    for timestamp in [0, i64::MAX, -1] {
        let head = answer(client.get_segments(at_head("t", timestamp)).await).unwrap();
        let ids: Vec<_> = head
            .segments
            .iter()
            .map(|s| s.segment_id.clone().unwrap())
            .collect();
        assert_eq!(ids, [segment("s", "t", 0), segment("s", "t", 1)]);
        assert!(head.segments.iter().all(|segment| segment.offset == 0));
    }
    let code = answer(client.get_epoch_segments(epoch("t", -1)).await).unwrap_err();
    assert_eq!(code, Code::Internal);
    let code = answer(client.get_epoch_segments(epoch("t", 1)).await).unwrap_err();
    assert_eq!(code, Code::NotFound);

    client.seal_stream(stream("s", "t")).await.unwrap();
    let sealed = answer(client.get_current_segments(stream("s", "t")).await).unwrap();
    assert!(sealed.segment_ranges.is_empty());
    let head = answer(client.get_segments(at_head("t", 0)).await).unwrap();
    assert_eq!(head.segments.len(), 2);
}

#[tokio::test]
async fn questions_about_a_missing_stream_are_not_found() {
    let mut client = start().await.with_stream(2).await.client;
    let epoch = api::GetEpochSegmentsRequest {
        stream_info: Some(stream("s", "x")),
        epoch: 0,
    };
    let at_head = api::GetSegmentsRequest {
        stream_info: Some(stream("s", "x")),
        timestamp: 0,
    };
    let missing = [
        answer(client.get_current_segments(stream("s", "x")).await).map(drop),
        answer(client.get_current_segments(stream("x", "t")).await).map(drop),
        answer(client.get_segments(at_head).await).map(drop),
        answer(client.get_epoch_segments(epoch).await).map(drop),
        answer(client.is_segment_valid(segment("s", "x", 0)).await).map(drop),
        answer(client.is_stream_cut_valid(cut("s", "x", &[(0, 0)])).await).map(drop),
    ];
    assert_eq!(missing, [Err(Code::NotFound); 6]);
    let nameless = [
        answer(client.get_current_segments(stream("", "t")).await).map(drop),
        answer(client.get_current_segments(stream("s", "")).await).map(drop),
    ];
    assert_eq!(nameless, [Err(Code::Unknown); 2]);
    let nameless = [
        answer(
            client
                .get_segments(api::GetSegmentsRequest::default())
                .await,
        )
        .map(drop),
        answer(client.get_uri(api::SegmentId::default()).await).map(drop),
    ];
    assert_eq!(nameless, [Err(Code::Internal); 2]);
}

#[tokio::test]
async fn validity_of_segments_and_cuts() {
    let mut client = start().await.with_stream(2).await.client;
    for (id, expected) in [
        (0, true),
        (1, true),
        (2, false),
        (-1, false),
        (1 << 32, false),
        (i64::MAX, false),
    ] {
        let reply = answer(client.is_segment_valid(segment("s", "t", id)).await).unwrap();
        assert_eq!(reply.response, expected, "{id}");
    }
    for (offsets, expected) in [
        (&[(0, 0), (1, 5)][..], true),
        (&[(0, 0)], false),
        (&[], false),
        (&[(0, 0), (1, 0), (2, 0)], false),
    ] {
        let reply = answer(client.is_stream_cut_valid(cut("s", "t", offsets)).await).unwrap();
        assert_eq!(reply.response, expected, "{offsets:?}");
    }
    client.seal_stream(stream("s", "t")).await.unwrap();
    let reply = answer(client.is_segment_valid(segment("s", "t", 0)).await).unwrap();
    assert!(!reply.response);
}

#[tokio::test]
async fn every_segment_is_at_the_one_store() {
    let mut client = start().await.with_stream(1).await.client;
    for id in [
        segment("s", "t", 0),
        segment("s", "t", 99),
        segment("no", "such", 0),
    ] {
        let node = answer(client.get_uri(id).await).unwrap();
        assert_eq!((node.endpoint.as_str(), node.port), ("store.example", 6000));
    }
    let list = answer(
        client
            .get_controller_server_list(api::ServerRequest {})
            .await,
    )
    .unwrap();
    let nodes: Vec<_> = list
        .node_uri
        .iter()
        .map(|n| (n.endpoint.as_str(), n.port))
        .collect();
    assert_eq!(nodes, [("controller.example", 9090)]);
}

#[tokio::test]
async fn successors_are_empty_in_both_spellings() {
    let mut client = start().await.with_stream(1).await.client;
    for sealed in [false, true] {
        if sealed {
            client.seal_stream(stream("s", "t")).await.unwrap();
        }
        let id = segment("s", "t", 0);
        let right = client.get_segments_immediately_following(id.clone()).await;
        assert!(answer(right).unwrap().segments.is_empty());
        let misspelt = client.get_segments_immediatly_following(id).await;
        assert!(answer(misspelt).unwrap().segments.is_empty());
    }
    let missing = client
        .get_segments_immediately_following(segment("s", "x", 0))
        .await;
    assert_eq!(answer(missing).unwrap_err(), Code::NotFound);
}

#[tokio::test]
async fn tokens_are_empty_for_every_access_and_every_stream() {
    let mut client = start().await.with_stream(1).await.client;
    for (name, access) in [("t", 0), ("t", 2), ("t", 5), ("x", 3)] {
        let request = api::StreamInfo {
            access_operation: access,
            ..stream("s", name)
        };
        let reply = answer(client.get_delegation_token(request).await).unwrap();
        assert_eq!(reply.delegation_token, "");
    }
}

#[tokio::test]
async fn nothing_is_ever_scaled() {
    let mut client = start().await.with_stream(1).await.client;
    let half = |start, end| api::scale_request::KeyRangeEntry { start, end };
    let scale = |name: &str| api::ScaleRequest {
        stream_info: Some(stream("s", name)),
        sealed_segments: vec![0],
        new_key_ranges: vec![half(0.0, 0.5), half(0.5, 1.0)],
        scale_timestamp: 0,
    };
    let reply = answer(client.scale(scale("t")).await).unwrap();
    assert_eq!(reply.status(), ScaleStreamStatus::PreconditionFailed);
    let reply = answer(client.scale(scale("x")).await).unwrap();
    assert_eq!(reply.status(), ScaleStreamStatus::Failure);
    let check = |name: &str, epoch| api::ScaleStatusRequest {
        stream_info: Some(stream("s", name)),
        epoch,
    };
    for (name, epoch, expected) in [
        ("t", 0, ScaleStatus::InProgress),
        ("t", 1, ScaleStatus::InvalidInput),
        ("x", 0, ScaleStatus::InvalidInput),
    ] {
        let reply = answer(client.check_scale(check(name, epoch)).await).unwrap();
        assert_eq!(reply.status(), expected);
    }
    let code = answer(client.check_scale(check("t", -1)).await).unwrap_err();
    assert_eq!(code, Code::Internal);
}

#[tokio::test]
async fn calls_that_byte_streams_do_not_need_are_unimplemented() {
    let mut client = start().await.with_stream(1).await.client;
    let info = stream("s", "t");
    let codes = [
        answer(
            client
                .create_transaction(api::CreateTxnRequest::default())
                .await,
        )
        .map(drop),
        answer(client.commit_transaction(api::TxnRequest::default()).await).map(drop),
        answer(client.abort_transaction(api::TxnRequest::default()).await).map(drop),
        answer(
            client
                .ping_transaction(api::PingTxnRequest::default())
                .await,
        )
        .map(drop),
        answer(
            client
                .check_transaction_state(api::TxnRequest::default())
                .await,
        )
        .map(drop),
        answer(
            client
                .create_reader_group(api::ReaderGroupConfiguration::default())
                .await,
        )
        .map(drop),
        answer(client.list_subscribers(info).await).map(drop),
        answer(
            client
                .remove_writer(api::RemoveWriterRequest::default())
                .await,
        )
        .map(drop),
        answer(
            client
                .create_key_value_table(api::KeyValueTableConfig::default())
                .await,
        )
        .map(drop),
        answer(
            client
                .get_segments_between(api::StreamCutRange::default())
                .await,
        )
        .map(drop),
    ];
    assert_eq!(codes, [Err(Code::Unimplemented); 10]);
}
