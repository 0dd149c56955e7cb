//! The requests of scripts, each with an id of its own.

use std::sync::Arc;

use bytes::Bytes;
use pravega_client_shared::{DelegationToken, WriterId};
use pravega_wire_protocol::{
    AppendBlock, AppendBlockEnd, ConditionalAppend, ConditionalBlockEnd, CreateSegment,
    DeleteSegment, GetSegmentAttribute, GetStreamSegmentInfo, LocateOffset, Payload, ReadSegment,
    Request, SealSegment, SetupAppend, TruncateSegment, UpdateSegmentAttribute,
    UpdateSegmentPolicy,
};

use super::scene::{Name, Scene};

impl Scene {
    pub(super) fn info(&self, segment: &Name) -> Request {
        GetStreamSegmentInfo {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn setup(&self, writer: u128, segment: &Name) -> Request {
        SetupAppend {
            request_id: self.id(),
            writer_id: WriterId::from_wire(writer),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    /// A whole append in one message.
    pub(super) fn append(&self, writer: u128, number: i64, data: impl Into<Bytes>) -> Request {
        self.append_of(writer, number, 1, data)
    }

    /// The same with another number of events.
    pub(super) fn append_of(
        &self,
        writer: u128,
        number: i64,
        num_events: i32,
        data: impl Into<Bytes>,
    ) -> Request {
        let data: Bytes = data.into();
        let end = self.block_end(writer, i32::try_from(data.len()).unwrap(), data, number);
        AppendBlockEnd { num_events, ..end }.into()
    }

    /// The first part of an append: data, and possibly a nested frame behind it.
    pub(super) fn block(&self, writer: u128, data: impl Into<Bytes>) -> Request {
        AppendBlock {
            writer_id: WriterId::from_wire(writer),
            data: Payload::from(data.into()),
        }
        .into()
    }

    /// The second part.
    pub(super) fn block_end(
        &self,
        writer: u128,
        whole: i32,
        data: impl Into<Bytes>,
        number: i64,
    ) -> AppendBlockEnd {
        AppendBlockEnd {
            writer_id: WriterId::from_wire(writer),
            size_of_whole_events: whole,
            data: Payload::from(data.into()),
            num_events: 1,
            last_event_number: number,
            request_id: self.id(),
        }
    }

    pub(super) fn conditional(
        &self,
        writer: u128,
        number: i64,
        expected_offset: i64,
        data: impl Into<Bytes>,
    ) -> Request {
        ConditionalBlockEnd {
            writer_id: WriterId::from_wire(writer),
            event_number: number,
            expected_offset,
            data: Payload::from(data.into()),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn conditional_event(
        &self,
        writer: u128,
        number: i64,
        expected_offset: i64,
        event: impl Into<Bytes>,
    ) -> Request {
        ConditionalAppend {
            writer_id: WriterId::from_wire(writer),
            event_number: number,
            expected_offset,
            event: Payload::from(event.into()),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn read(&self, segment: &Name, offset: i64, suggested_length: i32) -> Request {
        ReadSegment {
            segment: Arc::clone(segment),
            offset,
            suggested_length,
            delegation_token: DelegationToken::default(),
            request_id: self.id(),
        }
        .into()
    }

    pub(super) fn create(&self, segment: &Name) -> Request {
        self.create_with(segment, 0, 0, 0)
    }

    pub(super) fn create_with(
        &self,
        segment: &Name,
        target_rate: i32,
        scale_type: i8,
        rollover_size_bytes: i64,
    ) -> Request {
        CreateSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_rate,
            scale_type,
            delegation_token: DelegationToken::default(),
            rollover_size_bytes,
        }
        .into()
    }

    pub(super) fn seal(&self, segment: &Name) -> Request {
        SealSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn delete(&self, segment: &Name) -> Request {
        DeleteSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn truncate(&self, segment: &Name, truncation_offset: i64) -> Request {
        TruncateSegment {
            request_id: self.id(),
            segment: Arc::clone(segment),
            truncation_offset,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn policy(&self, segment: &Name, target_rate: i32, scale_type: i8) -> Request {
        UpdateSegmentPolicy {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_rate,
            scale_type,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn attribute(&self, segment: &Name, attribute_id: u128) -> Request {
        GetSegmentAttribute {
            request_id: self.id(),
            segment: Arc::clone(segment),
            attribute_id,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn update_attribute(
        &self,
        segment: &Name,
        attribute_id: u128,
        expected_value: i64,
        new_value: i64,
    ) -> Request {
        UpdateSegmentAttribute {
            request_id: self.id(),
            segment: Arc::clone(segment),
            attribute_id,
            new_value,
            expected_value,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }

    pub(super) fn locate(&self, segment: &Name, target_offset: i64) -> Request {
        LocateOffset {
            request_id: self.id(),
            segment: Arc::clone(segment),
            target_offset,
            delegation_token: DelegationToken::default(),
        }
        .into()
    }
}
