//! Attributes of a segment: numbers under 128-bit ids. Byte streams do not need them, but a writer's last
//! event number is one, under the writer's id.

use std::sync::Arc;

use pravega_client_shared::DelegationToken;

use crate::layout::layout;

/// Asks for the value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSegmentAttribute {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Which attribute.
    pub attribute_id: u128,
    /// Permission to read the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    GetSegmentAttribute = GET_SEGMENT_ATTRIBUTE {
        request_id,
        segment,
        attribute_id,
        delegation_token,
    }
);

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentAttribute {
    /// The id of the [`GetSegmentAttribute`].
    pub request_id: i64,
    /// The value; −2^63 for none.
    pub value: i64,
}

layout!(SegmentAttribute = SEGMENT_ATTRIBUTE { request_id, value });

/// Sets an attribute, if it has the expected value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSegmentAttribute {
    /// Pairs the reply with this request.
    pub request_id: i64,
    /// The segment's name.
    pub segment: Arc<str>,
    /// Which attribute.
    pub attribute_id: u128,
    /// The value to set; −2^63 clears.
    pub new_value: i64,
    /// The value it must have; −2^63 for none.
    pub expected_value: i64,
    /// Permission for the segment.
    pub delegation_token: DelegationToken,
}

layout!(
    UpdateSegmentAttribute = UPDATE_SEGMENT_ATTRIBUTE {
        request_id,
        segment,
        attribute_id,
        new_value,
        expected_value,
        delegation_token,
    }
);

/// Whether the attribute had the expected value and was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentAttributeUpdated {
    /// The id of the [`UpdateSegmentAttribute`].
    pub request_id: i64,
    /// True when it was set.
    pub success: bool,
}

layout!(
    SegmentAttributeUpdated = SEGMENT_ATTRIBUTE_UPDATED {
        request_id,
        success,
    }
);
