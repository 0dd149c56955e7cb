//! [`SegmentHandle`]: what can be asked of a segment, and changed about it, without writing or reading.

use std::sync::Arc;

use pravega_client_shared::{DelegationToken, RequestId, ScopedSegment};
use pravega_controller_client::Access;
use pravega_segment_session::Trouble;
use pravega_wire_protocol::{
    GetSegmentAttribute, GetStreamSegmentInfo, Reply, Request, SealSegment, TruncateSegment,
    UpdateSegmentAttribute,
};

use crate::{
    call::{Call, Patience},
    core::Core,
    error::{OutOfRangeSnafu, SegmentError},
    link::SegmentLink,
    offsets::{from_wire, to_wire},
};

/// What a segment store knows of a segment at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// The first readable offset, in bytes; truncation moves it up.
    pub head: u64,
    /// The offset where the next byte goes, in bytes from the first byte ever written.
    pub tail: u64,
    /// True when the segment takes no more bytes.
    pub is_sealed: bool,
    /// When the segment last changed, in milliseconds since 1970 by the store's clock.
    pub last_modified_ms: i64,
}

/// A segment, by name: ask where it begins and ends, truncate it, seal it.
///
/// Made by [`ClientFactory::segment`](crate::ClientFactory::segment). Cheap to clone; holds no connection
/// of its own. Every method retries passing trouble until the configured operation time-out.
///
/// # Cancel safety
/// Dropping the future of any method leaves nothing half done on this side. A change that was already
/// sent may still take place; all of them but [`update_attribute`](Self::update_attribute) can simply be
/// asked for again.
#[derive(Debug, Clone)]
pub struct SegmentHandle {
    link: Arc<SegmentLink>,
    /// For questions: who may only read may ask.
    asking: Arc<SegmentLink>,
}

impl SegmentHandle {
    /// Asks and changes with the same right.
    pub(crate) fn new(core: Arc<Core>, segment: ScopedSegment, access: Access) -> Self {
        let link = Arc::new(SegmentLink::new(core, segment, access));
        Self {
            asking: Arc::clone(&link),
            link,
        }
    }

    /// Changes with the right to update, and asks with the right to read.
    pub(crate) fn for_everybody(core: Arc<Core>, segment: ScopedSegment) -> Self {
        let asking = SegmentLink::new(Arc::clone(&core), segment.clone(), Access::Read);
        Self {
            link: Arc::new(SegmentLink::new(core, segment, Access::ReadWrite)),
            asking: Arc::new(asking),
        }
    }

    pub(crate) fn link(&self) -> &Arc<SegmentLink> {
        &self.link
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &ScopedSegment {
        self.link.segment()
    }

    /// Asks for head, tail and whether the segment is sealed.
    ///
    /// # Errors
    /// [`SegmentError::NoSuchSegment`], [`SegmentError::Unauthorized`], or
    /// [`SegmentError::Unavailable`] when nobody answered before the operation time-out.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn info(&self) -> Result<SegmentInfo, SegmentError> {
        ask(&self.asking, Patience::Deadline).await
    }

    /// Makes the bytes below `offset` unreadable for good and lets the store reclaim their space.
    /// Offsets of the other bytes stay as they are.
    ///
    /// An offset at or below the head changes nothing and is a success.
    ///
    /// # Errors
    /// [`SegmentError::OutOfRange`] when `offset` is above the tail; otherwise as for
    /// [`info`](Self::info).
    ///
    /// # Cancel safety
    /// The truncation may have taken place; asking again is harmless.
    pub async fn truncate_data_before(&self, offset: u64) -> Result<(), SegmentError> {
        let Some(truncation_offset) = to_wire(offset) else {
            return Err(self.out_of_range(offset).await);
        };
        let request = |id: RequestId, token: &DelegationToken| {
            Request::from(TruncateSegment {
                request_id: id.to_wire(),
                segment: self.link.wire_name(),
                truncation_offset,
                delegation_token: token.clone(),
            })
        };
        // A store answers both "already truncated" and "beyond the end" with SegmentIsTruncated; the
        // head that comes with it tells them apart.
        let read = |reply| match reply {
            Reply::SegmentTruncated(_) => Ok(None),
            Reply::SegmentIsTruncated(refused) => Ok(Some(from_wire(refused.start_offset))),
            other => Err(other),
        };
        match self
            .link
            .call("truncating", Patience::Deadline, request, read)
            .await?
        {
            Some(head) if head < offset => Err(self.out_of_range(offset).await),
            _ => Ok(()),
        }
    }

    /// The error for an offset behind the tail; where head and tail are has to be asked for.
    async fn out_of_range(&self, offset: u64) -> SegmentError {
        let info = match self.info().await {
            Ok(info) => info,
            Err(error) => return error,
        };
        OutOfRangeSnafu {
            segment: self.segment().clone(),
            offset,
            head: info.head,
            tail: info.tail,
        }
        .build()
    }

    /// Truncates so that at most the last `len` bytes stay readable. Returns the new head.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// The truncation may have taken place; asking again is harmless.
    pub async fn truncate_keep_last(&self, len: u64) -> Result<u64, SegmentError> {
        let info = self.info().await?;
        let head = info.tail.saturating_sub(len).max(info.head);
        self.truncate_data_before(head).await?;
        Ok(head)
    }

    /// Makes the segment read-only for good, and returns when it is. Sealing a sealed segment is a success.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// The segment may have been sealed; asking again is harmless.
    pub async fn seal(&self) -> Result<(), SegmentError> {
        let mut sealing = Call::new(&self.link, "sealing", Patience::Deadline);
        // A store says "is sealed" from the moment on it has begun to seal, and may fail to: a real one was seen to
        // say so to the second request while the first was on its way to its log.
        while !self.ask_to_seal(&mut sealing).await? && !ask_by(&mut sealing).await?.is_sealed {
            sealing.pause(Trouble::Failing, None).await?;
        }
        Ok(())
    }

    /// True when it was sealed by this, false when the store says that it is sealed already.
    async fn ask_to_seal(&self, sealing: &mut Call<'_>) -> Result<bool, SegmentError> {
        let request = |id: RequestId, token: &DelegationToken| {
            Request::from(SealSegment {
                request_id: id.to_wire(),
                segment: self.link.wire_name(),
                delegation_token: token.clone(),
            })
        };
        let read = |reply| match reply {
            Reply::SegmentSealed(_) => Ok(true),
            Reply::SegmentIsSealed(_) => Ok(false),
            other => Err(other),
        };
        sealing.ask(request, read).await
    }

    /// Reads a 64-bit attribute of the segment; none when it has no value.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn attribute(&self, attribute_id: u128) -> Result<Option<i64>, SegmentError> {
        let request = |id: RequestId, token: &DelegationToken| {
            Request::from(GetSegmentAttribute {
                request_id: id.to_wire(),
                segment: self.link.wire_name(),
                attribute_id,
                delegation_token: token.clone(),
            })
        };
        let read = |reply| match reply {
            Reply::SegmentAttribute(attribute) => {
                Ok((attribute.value != NO_ATTRIBUTE).then_some(attribute.value))
            }
            other => Err(other),
        };
        self.asking
            .call("reading an attribute", Patience::Deadline, request, read)
            .await
    }

    /// Sets a 64-bit attribute if it still has the value `expected`; none stands for "no value".
    /// Returns false, and changes nothing, when it has another one.
    ///
    /// # Errors
    /// [`SegmentError::Sealed`], otherwise as for [`info`](Self::info). After an error that is
    /// [indeterminate](SegmentError::certainty) the update may have taken place: read the attribute.
    ///
    /// # Cancel safety
    /// The update may have taken place.
    pub async fn update_attribute(
        &self,
        attribute_id: u128,
        expected: Option<i64>,
        new: Option<i64>,
    ) -> Result<bool, SegmentError> {
        let request = |id: RequestId, token: &DelegationToken| {
            Request::from(UpdateSegmentAttribute {
                request_id: id.to_wire(),
                segment: self.link.wire_name(),
                attribute_id,
                new_value: new.unwrap_or(NO_ATTRIBUTE),
                expected_value: expected.unwrap_or(NO_ATTRIBUTE),
                delegation_token: token.clone(),
            })
        };
        let read = |reply| match reply {
            Reply::SegmentAttributeUpdated(updated) => Ok(updated.success),
            other => Err(other),
        };
        self.link
            .call("updating an attribute", Patience::Once, request, read)
            .await
    }
}

/// The wire's word for "this attribute has no value" (`NULL_ATTRIBUTE_VALUE`).
const NO_ATTRIBUTE: i64 = i64::MIN;

/// Asks the store that holds the segment.
pub(crate) async fn ask(
    link: &SegmentLink,
    patience: Patience,
) -> Result<SegmentInfo, SegmentError> {
    ask_by(&mut Call::new(link, "asking for the segment", patience)).await
}

/// Asks as a part of a call.
async fn ask_by(call: &mut Call<'_>) -> Result<SegmentInfo, SegmentError> {
    let link = call.link();
    let request = |id: RequestId, token: &DelegationToken| {
        Request::from(GetStreamSegmentInfo {
            request_id: id.to_wire(),
            segment: link.wire_name(),
            delegation_token: token.clone(),
        })
    };
    let read = |reply| match reply {
        Reply::StreamSegmentInfo(info) => Ok(SegmentInfo {
            head: from_wire(info.start_offset),
            tail: from_wire(info.write_offset),
            is_sealed: info.is_sealed,
            last_modified_ms: info.last_modified,
        }),
        other => Err(other),
    };
    let info = call.ask(request, read).await?;
    link.note_tail(info.tail);
    Ok(info)
}
