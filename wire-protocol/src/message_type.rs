//! Type codes: the signed 32-bit number in front of every frame.
//!
//! Codes that byte streams use are named constants; [`lookup`] knows all the others by name, so that a
//! command meant for tables, transactions or administration is told apart from garbage.
//!
//! **Source**: the command table of the Java server and client at wire version 17.

/// [`Hello`](crate::Hello), both directions.
pub const HELLO: i32 = -127;
/// [`PartialEvent`](crate::PartialEvent), only nested at the end of an append block.
pub const PARTIAL_EVENT: i32 = -2;
/// [`Padding`](crate::Padding), nested at the end of an append block, or alone and then without meaning.
pub const PADDING: i32 = -1;
/// The frame of one event inside stored data; nested in a [`ConditionalAppend`](crate::ConditionalAppend).
pub const EVENT: i32 = 0;
/// [`SetupAppend`](crate::SetupAppend).
pub const SETUP_APPEND: i32 = 1;
/// [`AppendSetup`](crate::AppendSetup).
pub const APPEND_SETUP: i32 = 2;
/// [`AppendBlock`](crate::AppendBlock).
pub const APPEND_BLOCK: i32 = 3;
/// [`AppendBlockEnd`](crate::AppendBlockEnd).
pub const APPEND_BLOCK_END: i32 = 4;
/// [`ConditionalAppend`](crate::ConditionalAppend).
pub const CONDITIONAL_APPEND: i32 = 5;
/// [`DataAppended`](crate::DataAppended).
pub const DATA_APPENDED: i32 = 7;
/// [`ConditionalCheckFailed`](crate::ConditionalCheckFailed).
pub const CONDITIONAL_CHECK_FAILED: i32 = 8;
/// [`ReadSegment`](crate::ReadSegment).
pub const READ_SEGMENT: i32 = 9;
/// [`SegmentRead`](crate::SegmentRead).
pub const SEGMENT_READ: i32 = 10;
/// [`GetStreamSegmentInfo`](crate::GetStreamSegmentInfo).
pub const GET_STREAM_SEGMENT_INFO: i32 = 11;
/// [`StreamSegmentInfo`](crate::StreamSegmentInfo).
pub const STREAM_SEGMENT_INFO: i32 = 12;
/// [`CreateSegment`](crate::CreateSegment).
pub const CREATE_SEGMENT: i32 = 20;
/// [`SegmentCreated`](crate::SegmentCreated).
pub const SEGMENT_CREATED: i32 = 21;
/// [`SealSegment`](crate::SealSegment).
pub const SEAL_SEGMENT: i32 = 28;
/// [`SegmentSealed`](crate::SegmentSealed).
pub const SEGMENT_SEALED: i32 = 29;
/// [`DeleteSegment`](crate::DeleteSegment).
pub const DELETE_SEGMENT: i32 = 30;
/// [`SegmentDeleted`](crate::SegmentDeleted).
pub const SEGMENT_DELETED: i32 = 31;
/// [`UpdateSegmentPolicy`](crate::UpdateSegmentPolicy).
pub const UPDATE_SEGMENT_POLICY: i32 = 32;
/// [`SegmentPolicyUpdated`](crate::SegmentPolicyUpdated).
pub const SEGMENT_POLICY_UPDATED: i32 = 33;
/// [`GetSegmentAttribute`](crate::GetSegmentAttribute).
pub const GET_SEGMENT_ATTRIBUTE: i32 = 34;
/// [`SegmentAttribute`](crate::SegmentAttribute).
pub const SEGMENT_ATTRIBUTE: i32 = 35;
/// [`UpdateSegmentAttribute`](crate::UpdateSegmentAttribute).
pub const UPDATE_SEGMENT_ATTRIBUTE: i32 = 36;
/// [`SegmentAttributeUpdated`](crate::SegmentAttributeUpdated).
pub const SEGMENT_ATTRIBUTE_UPDATED: i32 = 37;
/// [`TruncateSegment`](crate::TruncateSegment).
pub const TRUNCATE_SEGMENT: i32 = 38;
/// [`SegmentTruncated`](crate::SegmentTruncated): the success, not to be confused with 56.
pub const SEGMENT_TRUNCATED: i32 = 39;
/// [`LocateOffset`](crate::LocateOffset).
pub const LOCATE_OFFSET: i32 = 41;
/// [`OffsetLocated`](crate::OffsetLocated).
pub const OFFSET_LOCATED: i32 = 42;
/// [`WrongHost`](crate::WrongHost).
pub const WRONG_HOST: i32 = 50;
/// [`SegmentIsSealed`](crate::SegmentIsSealed).
pub const SEGMENT_IS_SEALED: i32 = 51;
/// [`SegmentAlreadyExists`](crate::SegmentAlreadyExists).
pub const SEGMENT_ALREADY_EXISTS: i32 = 52;
/// [`NoSuchSegment`](crate::NoSuchSegment).
pub const NO_SUCH_SEGMENT: i32 = 53;
/// [`InvalidEventNumber`](crate::InvalidEventNumber).
pub const INVALID_EVENT_NUMBER: i32 = 55;
/// [`SegmentIsTruncated`](crate::SegmentIsTruncated): the failure, not to be confused with 39.
pub const SEGMENT_IS_TRUNCATED: i32 = 56;
/// [`OperationUnsupported`](crate::OperationUnsupported).
pub const OPERATION_UNSUPPORTED: i32 = 57;
/// [`AuthTokenCheckFailed`](crate::AuthTokenCheckFailed).
pub const AUTH_TOKEN_CHECK_FAILED: i32 = 60;
/// [`ErrorMessage`](crate::ErrorMessage).
pub const ERROR_MESSAGE: i32 = 61;
/// [`ConditionalBlockEnd`](crate::ConditionalBlockEnd).
pub const CONDITIONAL_BLOCK_END: i32 = 89;
/// [`KeepAlive`](crate::KeepAlive), both directions.
pub const KEEP_ALIVE: i32 = 100;

/// Who sends a message of some type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// A client, to a segment store.
    Request,
    /// A segment store, to a client.
    Reply,
    /// Either side.
    Both,
    /// Nobody: it only travels inside another message.
    Nested,
}

/// The name and direction of a type code that Pravega assigns; none for all other numbers.
#[must_use]
pub fn lookup(code: i32) -> Option<(&'static str, Direction)> {
    KNOWN
        .iter()
        .find(|(known, _, _)| *known == code)
        .map(|(_, name, direction)| (*name, *direction))
}

/// Every assigned code at wire version 17.
const KNOWN: &[(i32, &str, Direction)] = {
    use Direction::{Both, Nested, Reply, Request};
    &[
        (HELLO, "Hello", Both),
        (-6, "StorageChunksListed", Reply),
        (-5, "ListStorageChunks", Request),
        (-4, "StorageFlushed", Reply),
        (-3, "FlushToStorage", Request),
        (PARTIAL_EVENT, "PartialEvent", Nested),
        (PADDING, "Padding", Request),
        (EVENT, "Event", Nested),
        (SETUP_APPEND, "SetupAppend", Request),
        (APPEND_SETUP, "AppendSetup", Reply),
        (APPEND_BLOCK, "AppendBlock", Request),
        (APPEND_BLOCK_END, "AppendBlockEnd", Request),
        (CONDITIONAL_APPEND, "ConditionalAppend", Request),
        (DATA_APPENDED, "DataAppended", Reply),
        (CONDITIONAL_CHECK_FAILED, "ConditionalCheckFailed", Reply),
        (READ_SEGMENT, "ReadSegment", Request),
        (SEGMENT_READ, "SegmentRead", Reply),
        (GET_STREAM_SEGMENT_INFO, "GetStreamSegmentInfo", Request),
        (STREAM_SEGMENT_INFO, "StreamSegmentInfo", Reply),
        (CREATE_SEGMENT, "CreateSegment", Request),
        (SEGMENT_CREATED, "SegmentCreated", Reply),
        (SEAL_SEGMENT, "SealSegment", Request),
        (SEGMENT_SEALED, "SegmentSealed", Reply),
        (DELETE_SEGMENT, "DeleteSegment", Request),
        (SEGMENT_DELETED, "SegmentDeleted", Reply),
        (UPDATE_SEGMENT_POLICY, "UpdateSegmentPolicy", Request),
        (SEGMENT_POLICY_UPDATED, "SegmentPolicyUpdated", Reply),
        (GET_SEGMENT_ATTRIBUTE, "GetSegmentAttribute", Request),
        (SEGMENT_ATTRIBUTE, "SegmentAttribute", Reply),
        (UPDATE_SEGMENT_ATTRIBUTE, "UpdateSegmentAttribute", Request),
        (SEGMENT_ATTRIBUTE_UPDATED, "SegmentAttributeUpdated", Reply),
        (TRUNCATE_SEGMENT, "TruncateSegment", Request),
        (SEGMENT_TRUNCATED, "SegmentTruncated", Reply),
        (40, "CreateTransientSegment", Request),
        (LOCATE_OFFSET, "LocateOffset", Request),
        (OFFSET_LOCATED, "OffsetLocated", Reply),
        (WRONG_HOST, "WrongHost", Reply),
        (SEGMENT_IS_SEALED, "SegmentIsSealed", Reply),
        (SEGMENT_ALREADY_EXISTS, "SegmentAlreadyExists", Reply),
        (NO_SUCH_SEGMENT, "NoSuchSegment", Reply),
        (INVALID_EVENT_NUMBER, "InvalidEventNumber", Reply),
        (SEGMENT_IS_TRUNCATED, "SegmentIsTruncated", Reply),
        (OPERATION_UNSUPPORTED, "OperationUnsupported", Reply),
        (58, "MergeSegments", Request),
        (59, "SegmentsMerged", Reply),
        (AUTH_TOKEN_CHECK_FAILED, "AuthTokenCheckFailed", Reply),
        (ERROR_MESSAGE, "ErrorMessage", Reply),
        (68, "GetTableSegmentInfo", Request),
        (69, "TableSegmentInfo", Reply),
        (70, "CreateTableSegment", Request),
        (71, "DeleteTableSegment", Request),
        (74, "UpdateTableEntries", Request),
        (75, "TableEntriesUpdated", Reply),
        (76, "RemoveTableKeys", Request),
        (77, "TableKeysRemoved", Reply),
        (78, "ReadTable", Request),
        (79, "TableRead", Reply),
        (80, "TableSegmentNotEmpty", Reply),
        (81, "TableKeyDoesNotExist", Reply),
        (82, "TableKeyBadVersion", Reply),
        (83, "ReadTableKeys", Request),
        (84, "TableKeysRead", Reply),
        (85, "ReadTableEntries", Request),
        (86, "TableEntriesRead", Reply),
        (87, "TableEntriesDeltaRead", Reply),
        (88, "ReadTableEntriesDelta", Request),
        (CONDITIONAL_BLOCK_END, "ConditionalBlockEnd", Request),
        (90, "MergeSegmentsBatch", Request),
        (91, "SegmentsBatchMerged", Reply),
        (KEEP_ALIVE, "KeepAlive", Both),
    ]
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_code_and_no_name_is_assigned_twice() {
        let codes: HashSet<_> = KNOWN.iter().map(|(code, _, _)| code).collect();
        let names: HashSet<_> = KNOWN.iter().map(|(_, name, _)| name).collect();
        assert_eq!((codes.len(), names.len()), (KNOWN.len(), KNOWN.len()));
    }

    #[test]
    fn codes_nobody_assigned_are_unknown() {
        for code in [
            6,
            13,
            54,
            72,
            73,
            92,
            101,
            127,
            -2 << 20,
            i32::MIN,
            i32::MAX,
        ] {
            assert_eq!(lookup(code), None, "{code}");
        }
        assert_eq!(lookup(58), Some(("MergeSegments", Direction::Request)));
    }
}
