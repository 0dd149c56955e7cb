//! Calls for what byte streams do not use: transactions, reader groups, tables, watermarks.

use pravega_controller_api::{
    self as api, CreateTxnRequest, KeyValueTableConfig, KeyValueTableInfo,
    ReaderGroupConfiguration, ReaderGroupInfo, TxnRequest,
};

use crate::controller::{
    Script, compare,
    scene::{Scene, cut, named},
};

#[tokio::test]
async fn others() {
    compare("others", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("transactions", transactions),
    ("tables", tables),
    ("reader-groups", reader_groups),
    ("watermarks", watermarks),
    ("batches", batches),
    ("after-0.13.0", |s| {
        s.get_controller_to_bucket_mapping(Default::default())
    }),
];

fn transactions(s: &Scene) {
    let about = Some(s.stream(1));
    s.create_transaction(CreateTxnRequest {
        stream_info: s_absent(s),
        lease: 10_000,
        ..CreateTxnRequest::default()
    });
    let absent = TxnRequest {
        stream_info: about.clone(),
        txn_id: Some(api::TxnId {
            high_bits: 0,
            low_bits: 7,
        }),
        ..TxnRequest::default()
    };
    s.commit_transaction(absent.clone());
    s.abort_transaction(absent.clone());
    s.check_transaction_state(absent.clone());
    s.ping_transaction(api::PingTxnRequest {
        stream_info: absent.stream_info,
        txn_id: absent.txn_id,
        lease: 10_000,
    });
    s.list_completed_transactions(api::ListCompletedTxnRequest { stream_info: about });
}

fn s_absent(s: &Scene) -> Option<api::StreamInfo> {
    Some(crate::controller::scene::stream(&s.absent_scope(), "s"))
}

fn tables(s: &Scene) {
    let scope = s.scope();
    let about = KeyValueTableInfo {
        scope: scope.clone(),
        kvt_name: "t".to_owned(),
    };
    s.create_key_value_table(KeyValueTableConfig {
        scope: s.absent_scope(),
        kvt_name: "t".to_owned(),
        partition_count: 1,
        primary_key_length: 8,
        ..KeyValueTableConfig::default()
    });
    s.get_current_segments_key_value_table(about.clone());
    s.get_key_value_table_configuration(about.clone());
    s.delete_key_value_table(about);
    s.list_key_value_tables_in_scope(api::KvTablesInScopeRequest {
        scope: Some(named(&scope)),
        continuation_token: Some(api::ContinuationToken::default()),
    });
}

fn reader_groups(s: &Scene) {
    let scope = s.scope();
    let about = ReaderGroupInfo {
        scope: scope.clone(),
        reader_group: "g".to_owned(),
        ..ReaderGroupInfo::default()
    };
    s.create_reader_group(ReaderGroupConfiguration {
        scope: s.absent_scope(),
        reader_group_name: "g".to_owned(),
        reader_group_id: "00000000-0000-0000-0000-000000000007".to_owned(),
        ..ReaderGroupConfiguration::default()
    });
    s.get_reader_group_config(about.clone());
    s.delete_reader_group(ReaderGroupInfo {
        reader_group_id: "00000000-0000-0000-0000-000000000007".to_owned(),
        ..about
    });
    s.update_reader_group(ReaderGroupConfiguration {
        scope: scope.clone(),
        reader_group_name: "g".to_owned(),
        reader_group_id: "00000000-0000-0000-0000-000000000007".to_owned(),
        ..ReaderGroupConfiguration::default()
    });
    s.update_subscriber_stream_cut(api::SubscriberStreamCut {
        subscriber: "nobody".to_owned(),
        reader_group_id: "00000000-0000-0000-0000-000000000007".to_owned(),
        stream_cut: Some(cut(
            &crate::controller::scene::stream(&scope, "absent"),
            [(0, 0)],
        )),
        ..api::SubscriberStreamCut::default()
    });
    s.list_subscribers(crate::controller::scene::stream(&scope, "absent"));
}

fn watermarks(s: &Scene) {
    let about = s.stream(1);
    s.note_timestamp_from_writer(api::TimestampFromWriter {
        writer: "w".to_owned(),
        position: Some(cut(&about, [(0, 0)])),
        timestamp: 1,
    });
    s.remove_writer(api::RemoveWriterRequest {
        writer: "nobody".to_owned(),
        stream: Some(about),
    });
}

/// The batch client's way to a stream's segments.
fn batches(s: &Scene) {
    let about = s.stream(2);
    s.get_segments_between(api::StreamCutRange {
        stream_info: Some(about),
        from: [(0, 0), (1, 0)].into(),
        to: [(0, 0), (1, 0)].into(),
    });
}
