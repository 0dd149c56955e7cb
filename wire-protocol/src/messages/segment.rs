//! Segments as a whole: info, create, seal, truncate, delete, scaling policy, locate offset.

use std::sync::Arc;

use pravega_client_shared::DelegationToken;

use crate::layout::layout;

/// Asks for [`StreamSegmentInfo`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetStreamSegmentInfo {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Permission to read the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    GetStreamSegmentInfo = GET_STREAM_SEGMENT_INFO {
        request_id,
        segment,
        delegation_token,
    }
);

/// Where a segment begins and ends, and its state. A missing segment gives
/// [`NoSuchSegment`](crate::NoSuchSegment) instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSegmentInfo {
    /// The id of the [`GetStreamSegmentInfo`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// There is such a segment.
    pub exists: bool,
    /// It takes no more appends.
    pub is_sealed: bool,
    /// It is going away.
    pub is_deleted: bool,
    /// Milliseconds since 1970.
    pub last_modified: i64,
    /// The tail: an absolute offset.
    pub write_offset: i64,
    /// The head: an absolute offset; 0 when absent.
    pub start_offset: i64,
}

layout!(StreamSegmentInfo = STREAM_SEGMENT_INFO {
    request_id,
    segment,
    exists,
    is_sealed,
    is_deleted,
    last_modified,
    write_offset,
    start_offset or 0,
});

/// Creates a segment. Answered by [`SegmentCreated`] or
/// [`SegmentAlreadyExists`](crate::SegmentAlreadyExists).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSegment {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// The rate to scale at, in the unit of `scale_type`.
    pub target_rate: i32,
    /// 0 for no scaling, 1 for KB per second, 2 for events per second.
    pub scale_type: i8,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
    /// Size of the files in long-term storage, in bytes; 0 for the server's own choice and when absent.
    pub rollover_size_bytes: i64,
}

layout!(CreateSegment = CREATE_SEGMENT {
    request_id,
    segment,
    target_rate,
    scale_type,
    delegation_token,
    rollover_size_bytes or 0,
});

/// The segment was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentCreated {
    /// The id of the [`CreateSegment`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
}

layout!(
    SegmentCreated = SEGMENT_CREATED {
        request_id,
        segment,
    }
);

/// Ends a segment: no more appends. Answered by [`SegmentSealed`], the second time by
/// [`SegmentIsSealed`](crate::SegmentIsSealed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealSegment {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    SealSegment = SEAL_SEGMENT {
        request_id,
        segment,
        delegation_token,
    }
);

/// The segment was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSealed {
    /// The id of the [`SealSegment`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
}

layout!(
    SegmentSealed = SEGMENT_SEALED {
        request_id,
        segment,
    }
);

/// Deletes a segment, sealed or not. Answered by [`SegmentDeleted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteSegment {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    DeleteSegment = DELETE_SEGMENT {
        request_id,
        segment,
        delegation_token,
    }
);

/// The segment was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentDeleted {
    /// The id of the [`DeleteSegment`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
}

layout!(
    SegmentDeleted = SEGMENT_DELETED {
        request_id,
        segment,
    }
);

/// Changes when a segment asks to be scaled. Answered by [`SegmentPolicyUpdated`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSegmentPolicy {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// The rate to scale at, in the unit of `scale_type`.
    pub target_rate: i32,
    /// 0 for no scaling, 1 for KB per second, 2 for events per second.
    pub scale_type: i8,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    UpdateSegmentPolicy = UPDATE_SEGMENT_POLICY {
        request_id,
        segment,
        target_rate,
        scale_type,
        delegation_token,
    }
);

/// The policy was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPolicyUpdated {
    /// The id of the [`UpdateSegmentPolicy`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
}

layout!(
    SegmentPolicyUpdated = SEGMENT_POLICY_UPDATED {
        request_id,
        segment,
    }
);

/// Moves the head of a segment forward. Answered by [`SegmentTruncated`], outside head and tail by
/// [`SegmentIsTruncated`](crate::SegmentIsTruncated).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruncateSegment {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// The new head: an absolute offset.
    pub truncation_offset: i64,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    TruncateSegment = TRUNCATE_SEGMENT {
        request_id,
        segment,
        truncation_offset,
        delegation_token,
    }
);

/// The head was moved: the success, not to be confused with
/// [`SegmentIsTruncated`](crate::SegmentIsTruncated).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTruncated {
    /// The id of the [`TruncateSegment`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
}

layout!(
    SegmentTruncated = SEGMENT_TRUNCATED {
        request_id,
        segment,
    }
);

/// Asks for the first append boundary at or behind an offset. Since wire version 17; older segment
/// stores close the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocateOffset {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// The absolute offset to look from.
    pub target_offset: i64,
    /// Permission to read the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    LocateOffset = LOCATE_OFFSET {
        request_id,
        segment,
        target_offset,
        delegation_token,
    }
);

/// The boundary that was asked for. Since wire version 17; the public Rust client does not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetLocated {
    /// The id of the [`LocateOffset`].
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// An absolute offset: a boundary, or the tail when none is known.
    pub offset: i64,
}

layout!(
    OffsetLocated = OFFSET_LOCATED {
        request_id,
        segment,
        offset,
    }
);
