//! The list.

use super::{Shows, Wanted};

/// Scripts, the lines of the real server in them, and ours.
macro_rules! shows {
    ([$($script:literal),*], $real:expr, $ours:expr) => {
        Shows { scripts: &[$($script),*], real: &$real, ours: &$ours }
    };
}

pub(super) const WANTED: &[Wanted] = &[
    Wanted {
        what: "wire version 17 instead of 16",
        reason: "what we speak is the state after 0.13.0; everybody since version 5 is served",
        shows: &[
            shows!(["wire/block/hello-inside",
                    "wire/hello/behind-it-at-once",
                    "wire/hello/current",
                    "wire/hello/high-below-low",
                    "wire/hello/highest-possible",
                    "wire/hello/incompatible-and-more",
                    "wire/hello/late-and-incompatible",
                    "wire/hello/negative",
                    "wire/hello/newer-but-compatible",
                    "wire/hello/only-newer",
                    "wire/hello/only-newest",
                    "wire/hello/only-older",
                    "wire/hello/only-ours",
                    "wire/hello/only-the-oldest",
                    "wire/hello/same-as-the-real-one",
                    "wire/hello/trailing-bytes",
                    "wire/hello/twice",
                    "wire/hello/zero"], ["0< Hello { high_version: 16, low_version: 5 }"], ["0< Hello { high_version: 17, low_version: 5 }"]),
            shows!(["wire/hello/only-ours"], ["0. closed"], ["0. open and quiet", "0. open and quiet"]),
            shows!(["wire/hello/high-below-low"], ["0. open and quiet", "0. open and quiet"], ["0. closed"]),
        ],
    },
    Wanted {
        what: "a new setup takes the right to write away from older connections of the writer",
        reason: "a copy of an append that arrives late on an old connection must not be stored after the \
                 writer has set up anew and been told what is there",
        shows: &[shows!(["wire/fencing/the-older-one-goes-on"], ["0< DataAppended { writer_id: 0x112233445566778899aabbccddeeff, event_number: 1, \
                 previous_event_number: i64::MIN, request_id: 3, current_segment_write_offset: 4 }",
                "0. open and quiet",
                "1. open and quiet",
                "segment 0 is open, 0 to 4, \"late\""], ["0< InvalidEventNumber { writer_id: 0x112233445566778899aabbccddeeff, request_id: 3, \
                 event_number: 1 }",
                "0. closed",
                "1. open and quiet",
                "segment 0 is open, 0 to 0, \"\""])],
    },
    Wanted {
        what: "what is acknowledged can be read at once",
        reason: "the real server acknowledges a moment earlier, which readers take for the tail; the script \
                 `visible` asserts ours, and chance decides what the real one does",
        shows: &[],
    },
    Wanted {
        what: "LocateOffset is answered",
        reason: "it belongs to wire version 17, which 0.13.0 does not know yet",
        shows: &[shows!(["wire/segment/locate-offset"], ["0. closed"], ["0< OffsetLocated { request_id: 3, segment: \"segment 0\", offset: 10 }",
                "0. open and quiet"])],
    },
    Wanted {
        what: "messages without user data are limited to 64 KiB, names of segments to 1,024 bytes, and \
               reads parked on a connection to 64",
        reason: "every buffer has a bound; no client comes near these",
        shows: &[
            shows!(["wire/limits/long-trailer"], ["0< StreamSegmentInfo { request_id: 2, segment: \"segment 0\", exists: true, \
                     is_sealed: false, is_deleted: false, last_modified: 1, write_offset: 0, \
                     start_offset: 0 }",
                    "0. open and quiet"], ["0. closed"]),
            shows!(["wire/segment/create-with-a-long-name"], ["1< SegmentCreated { request_id: 3, segment: \"segment 1\" }",
                    "1> GetStreamSegmentInfo { request_id: 4, segment: \"segment 1\" }",
                    "1< StreamSegmentInfo { request_id: 4, segment: \"segment 1\", exists: true, \
                     is_sealed: false, is_deleted: false, last_modified: 1, write_offset: 0, \
                     start_offset: 0 }"], ["1< ErrorMessage { request_id: 3, segment: \"segment 1\", message: \"\", error_code: 0 }",
                    "1> GetStreamSegmentInfo { request_id: 4, segment: \"segment 1\" }",
                    "1< NoSuchSegment { request_id: 4, segment: \"segment 1\", offset: -1 }"]),
            shows!(["wire/segment/create-with-a-long-name"], ["segment 1 is open, 0 to 0, \"\""], ["segment 1 is not there"]),
            shows!(["wire/limits/many-parked-reads"], ["1> ReadSegment { segment: \"segment 0\", offset: 1000000, suggested_length: 8, \
                     request_id: 66 }",
                    "1. open and quiet"], ["1> ReadSegment { segment: \"segment 0\", offset: 1000000, suggested_length: 8, \
                     request_id: 66 }",
                    "1< ErrorMessage { request_id: 66, segment: \"segment 0\", message: \"\", \
                     error_code: -1 }"]),
        ],
    },
    Wanted {
        what: "characters outside the basic plane are also taken in their usual four bytes",
        reason: "the public Rust client writes them so; Java's halves are taken too",
        shows: &[shows!(["wire/garbage/string-of-four-byte-characters"], ["0. closed"], ["0< NoSuchSegment { request_id: 1, segment: \"\u{1f600}\", offset: -1 }",
                "0. open and quiet"])],
    },
    Wanted {
        what: "requests of tables and transactions are refused by name at the segment store",
        reason: "byte streams have no use for them",
        shows: &[
            shows!(["wire/garbage/tables"], ["0< NoSuchSegment { request_id: 77, segment: \"a/b/0\", offset: -1 }"], ["0< OperationUnsupported { request_id: 77, operation_name: \"GetTableSegmentInfo\" }"]),
            shows!(["wire/garbage/merge"], ["0< NoSuchSegment { request_id: 77, segment: \"a/b/1\", offset: -1 }"], ["0< OperationUnsupported { request_id: 77, operation_name: \"MergeSegments\" }"]),
        ],
    },
    Wanted {
        what: "a segment's own attributes change only with what they tell about",
        reason: "UpdateSegmentPolicy is the way to set the policy; nobody sets them one by one",
        shows: &[shows!(["wire/attribute/own-ones-can-be-set"], ["0< SegmentAttributeUpdated { request_id: 2, success: true }",
                "0> GetSegmentAttribute { request_id: 3, segment: \"segment 0\", attribute_id: \
                 0x80000000000000000000000000000002 }",
                "0< SegmentAttribute { request_id: 3, value: 2 }"], ["0< SegmentAttributeUpdated { request_id: 2, success: false }",
                "0> GetSegmentAttribute { request_id: 3, segment: \"segment 0\", attribute_id: \
                 0x80000000000000000000000000000002 }",
                "0< SegmentAttribute { request_id: 3, value: 0 }"])],
    },
    Wanted {
        what: "`.` and `..` are no names",
        reason: "sooner or later a name becomes part of a path",
        shows: &[
            shows!(["controller/names/dots"], ["> create_scope ScopeInfo { scope: \".\" }",
                    "< CreateScopeStatus { status: Success }",
                    "> delete_scope ScopeInfo { scope: \".\" }",
                    "< DeleteScopeStatus { status: Success }",
                    "> create_scope ScopeInfo { scope: \"..\" }",
                    "< CreateScopeStatus { status: Success }",
                    "> delete_scope ScopeInfo { scope: \"..\" }",
                    "< DeleteScopeStatus { status: Success }"], ["> create_scope ScopeInfo { scope: \".\" }",
                    "< CreateScopeStatus { status: InvalidScopeName }",
                    "> delete_scope ScopeInfo { scope: \".\" }",
                    "< DeleteScopeStatus { status: ScopeNotFound }",
                    "> create_scope ScopeInfo { scope: \"..\" }",
                    "< CreateScopeStatus { status: InvalidScopeName }",
                    "> delete_scope ScopeInfo { scope: \"..\" }",
                    "< DeleteScopeStatus { status: ScopeNotFound }"]),
            shows!(["controller/names/streams-of-dots"], ["< CreateStreamStatus { status: Success }",
                    "> check_stream_exists scope 0/.",
                    "< ExistsResponse { exists: true }"], ["< CreateStreamStatus { status: InvalidStreamName }",
                    "> check_stream_exists scope 0/.",
                    "< ExistsResponse { exists: false }"]),
            shows!(["controller/names/streams-of-dots"], ["< CreateStreamStatus { status: Success }",
                    "> check_stream_exists scope 0/..",
                    "< ExistsResponse { exists: true }"], ["< CreateStreamStatus { status: InvalidStreamName }",
                    "> check_stream_exists scope 0/..",
                    "< ExistsResponse { exists: false }"]),
        ],
    },
    Wanted {
        what: "a stream that cannot be made leaves nothing behind",
        reason: "the real server lists a name that nobody can use, and calls it existing",
        shows: &[shows!(["controller/stream/negative-segments",
                "controller/stream/no-policy",
                "controller/stream/no-segments"], ["< StreamsInScopeResponse { streams: [scope 0/s], status: Success }",
                "> check_stream_exists scope 0/s",
                "< ExistsResponse { exists: true }"], ["< StreamsInScopeResponse { streams: [], status: Success }",
                "> check_stream_exists scope 0/s",
                "< ExistsResponse { exists: false }"])],
    },
    Wanted {
        what: "there are no scopes and streams for internal use",
        reason: "`_system` and `_MARK...` serve transactions, reader groups and watermarks",
        shows: &[
            shows!(["controller/listing/scopes"], ["< ScopesResponse { scopes: [\"_system\", \"scope 0\", \"scope 1\"] }"], ["< ScopesResponse { scopes: [\"scope 0\", \"scope 1\"] }"]),
            shows!(["controller/listing/scopes"], ["< ScopesResponse { scopes: [\"_system\", \"scope 1\"] }"], ["< ScopesResponse { scopes: [\"scope 1\"] }"]),
            shows!(["controller/listing/scopes"], ["< ScopesResponse { scopes: [\"_system\"] }"], ["< ScopesResponse { scopes: [] }"]),
            shows!(["controller/listing/streams"], ["< StreamsInScopeResponse { streams: [scope 0/0, scope 0/_MARK0, scope 0/_MARKa, \
                     scope 0/_MARKb, scope 0/_MARKc-2.x, scope 0/a, scope 0/b, scope 0/c-2.x], \
                     status: Success }"], ["< StreamsInScopeResponse { streams: [scope 0/0, scope 0/a, scope 0/b, \
                     scope 0/c-2.x], status: Success }"]),
            shows!(["controller/listing/streams"], ["< StreamsInScopeResponse { streams: [scope 0/0, scope 0/_MARK0, scope 0/_MARKb, \
                     scope 0/_MARKc-2.x, scope 0/b, scope 0/c-2.x], status: Success }"], ["< StreamsInScopeResponse { streams: [scope 0/0, scope 0/b, scope 0/c-2.x], \
                     status: Success }"]),
            shows!(["controller/listing/without-a-token"], ["< StreamsInScopeResponse { streams: [scope 0/_MARKa, scope 0/a], status: Success }"], ["< StreamsInScopeResponse { streams: [scope 0/a], status: Success }"]),
            shows!(["controller/seal_and_delete/seal"], ["< StreamsInScopeResponse { streams: [scope 0/_MARKs, scope 0/s], status: Success }"], ["< StreamsInScopeResponse { streams: [scope 0/s], status: Success }"]),
            shows!(["controller/names/internal"], ["< ExistsResponse { exists: true }"], ["< ExistsResponse { exists: false }"]),
            shows!(["controller/names/internal"], ["< CreateScopeStatus { status: ScopeExists }"], ["< CreateScopeStatus { status: Success }"]),
            shows!(["controller/names/internal"], ["< CreateStreamStatus { status: StreamExists }"], ["< CreateStreamStatus { status: Success }"]),
        ],
    },
    Wanted {
        what: "truncateStream beyond the tail fails",
        reason: "the real server calls it a success, truncates nothing, and says from then on that the \
                 stream begins where there is nothing",
        shows: &[shows!(["controller/truncate/beyond-the-tail"], ["< UpdateStreamStatus { status: Success }",
                "> get_segments GetSegmentsRequest { stream_info: Some(scope 0/s), timestamp: 0 }",
                "< SegmentsAtTime { segments: [SegmentLocation { segment_id: Some(SegmentId { \
                 stream_info: Some(scope 0/s), segment_id: 0 }), offset: 11 }] }"], ["< UpdateStreamStatus { status: Failure }",
                "> get_segments GetSegmentsRequest { stream_info: Some(scope 0/s), timestamp: 0 }",
                "< SegmentsAtTime { segments: [SegmentLocation { segment_id: Some(SegmentId { \
                 stream_info: Some(scope 0/s), segment_id: 0 }), offset: 0 }] }"])],
    },
    Wanted {
        what: "getControllerServerList names the controller itself",
        reason: "so that addresses of the discovering kind work; a real standalone cannot tell",
        shows: &[shows!(["controller/segments/server-list"], ["< gRPC Unknown"], ["< ServerResponse { node_uri: [the controller] }"])],
    },
    Wanted {
        what: "isStreamCutValid says false where the real one fails",
        reason: "clients repeat a call that fails so for a minute and a half, and the answer is known",
        shows: &[
            shows!(["controller/segments/cuts"], ["< gRPC Internal"], ["< StreamCutValidityResponse { response: false }"]),
            shows!(["controller/segments/cuts"], ["< gRPC Unknown"], ["< StreamCutValidityResponse { response: false }"]),
        ],
    },
    Wanted {
        what: "streams are not scaled: scale says that its precondition failed, and updateStream records a \
               number of segments that it does not change",
        reason: "a byte stream has one segment for life; that status is the one which no client repeats",
        shows: &[
            shows!(["controller/scale/bad-ranges", "controller/scale/sealed"], ["< ScaleResponse { status: Failure, segments: [], epoch: 0 }"], ["< ScaleResponse { status: PreconditionFailed, segments: [], epoch: 0 }"]),
            shows!(["controller/scale/split"], ["< ScaleResponse { status: Started, segments: [SegmentRange { segment_id: \
                     Some(SegmentId { stream_info: Some(scope 0/s), segment_id: 4294967297 }), min_key: \
                     0.0, max_key: 0.5 }, SegmentRange { segment_id: Some(SegmentId { stream_info: \
                     Some(scope 0/s), segment_id: 4294967298 }), min_key: 0.5, max_key: 1.0 }], epoch: 0 }"], ["< ScaleResponse { status: PreconditionFailed, segments: [], epoch: 0 }"]),
            shows!(["controller/configuration/update-to-more-segments"], ["< SegmentRanges { segment_ranges: [SegmentRange { segment_id: Some(SegmentId { \
                     stream_info: Some(scope 0/s), segment_id: 4294967297 }), min_key: 0.0, max_key: 0.5 \
                     }, SegmentRange { segment_id: Some(SegmentId { stream_info: Some(scope 0/s), \
                     segment_id: 4294967298 }), min_key: 0.5, max_key: 1.0 }] }"], ["< SegmentRanges { segment_ranges: [SegmentRange { segment_id: Some(SegmentId { \
                     stream_info: Some(scope 0/s), segment_id: 0 }), min_key: 0.0, max_key: 1.0 }] }"]),
        ],
    },
    Wanted {
        what: "calls for transactions, tables, reader groups, watermarks and batches are not implemented",
        reason: "byte streams have no use for them, and no client repeats a call that is refused so",
        shows: &[
            Shows {
                scripts: &["controller/others/tables", "controller/others/transactions"], ["< gRPC NotFound"], UNIMPLEMENTED),
            shows!(["controller/others/transactions"], ["< TxnStatus { status: Failure }"], UNIMPLEMENTED),
            shows!(["controller/others/transactions"], ["< TxnState { state: Unknown }"], UNIMPLEMENTED),
            shows!(["controller/others/transactions"], ["< PingTxnStatus { status: Unknown }"], UNIMPLEMENTED),
            shows!(["controller/others/transactions"], ["< ListCompletedTxnResponse { response: [] }"], UNIMPLEMENTED),
            shows!(["controller/others/tables"], ["< CreateKeyValueTableStatus { status: ScopeNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/tables"], ["< KeyValueTableConfigResponse { config: None, status: TableNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/tables"], ["< DeleteKvTableStatus { status: TableNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/tables"], ["< KvTablesInScopeResponse { kvtables: [], status: Success }"], UNIMPLEMENTED),
            shows!(["controller/others/reader-groups"], ["< gRPC Internal"], UNIMPLEMENTED),
            shows!(["controller/others/reader-groups"], ["< ReaderGroupConfigResponse { config: Some(ReaderGroupConfiguration { scope: \"\", \
                     reader_group_name: \"\", group_refresh_time_millis: 0, \
                     automatic_checkpoint_interval_millis: 0, max_outstanding_checkpoint_request: 0, \
                     retention_type: 0, generation: 0, reader_group_id: \"\", starting_stream_cuts: [], \
                     ending_stream_cuts: [] }), status: RgNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/reader-groups"], ["< DeleteReaderGroupStatus { status: RgNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/reader-groups"], ["< UpdateSubscriberStatus { status: StreamNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/reader-groups"], ["< SubscribersResponse { subscribers: [], status: StreamNotFound }"], UNIMPLEMENTED),
            shows!(["controller/others/watermarks"], ["< TimestampResponse { result: Success }"], UNIMPLEMENTED),
            shows!(["controller/others/watermarks"], ["< RemoveWriterResponse { result: UnknownWriter }"], UNIMPLEMENTED),
            shows!(["controller/others/batches"], ["< StreamCutRangeResponse { segments: [SegmentId { stream_info: Some(scope 0/s), \
                     segment_id: 0 }, SegmentId { stream_info: Some(scope 0/s), segment_id: 1 }] }"], UNIMPLEMENTED),
        ],
    },
];

const UNIMPLEMENTED: [&str; 1] = ["< gRPC Unimplemented"];
