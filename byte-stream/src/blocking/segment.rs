//! [`SegmentHandle`] without async.

use std::sync::Arc;

use super::runtime::Background;
use crate::{ScopedSegment, SegmentError, SegmentInfo};

/// A segment, by name: ask where it begins and ends, truncate it, seal it. The blocking form of
/// [`SegmentHandle`](crate::SegmentHandle), where each method is described.
///
/// Made by [`ClientFactory::segment`](super::ClientFactory::segment). Cheap to clone. No call lasts longer than
/// the configured operation time-out.
#[derive(Debug, Clone)]
pub struct SegmentHandle {
    handle: crate::SegmentHandle,
    background: Arc<Background>,
}

impl SegmentHandle {
    pub(super) fn new(handle: crate::SegmentHandle, background: Arc<Background>) -> Self {
        Self { handle, background }
    }

    /// The segment's name.
    #[must_use]
    pub fn segment(&self) -> &ScopedSegment {
        self.handle.segment()
    }

    /// Asks for head, tail and whether the segment is sealed.
    ///
    /// # Errors
    /// As for [`SegmentHandle::info`](crate::SegmentHandle::info).
    pub fn info(&self) -> Result<SegmentInfo, SegmentError> {
        self.background.block_on(self.handle.info())
    }

    /// Makes the bytes below `offset` unreadable for good.
    ///
    /// # Errors
    /// As for [`SegmentHandle::truncate_data_before`](crate::SegmentHandle::truncate_data_before).
    pub fn truncate_data_before(&self, offset: u64) -> Result<(), SegmentError> {
        self.background
            .block_on(self.handle.truncate_data_before(offset))
    }

    /// Truncates so that at most the last `len` bytes stay readable. Returns the new head.
    ///
    /// # Errors
    /// As for [`SegmentHandle::truncate_keep_last`](crate::SegmentHandle::truncate_keep_last).
    pub fn truncate_keep_last(&self, len: u64) -> Result<u64, SegmentError> {
        self.background
            .block_on(self.handle.truncate_keep_last(len))
    }

    /// Makes the segment read-only for good. Sealing a sealed segment is a success.
    ///
    /// # Errors
    /// As for [`SegmentHandle::seal`](crate::SegmentHandle::seal).
    pub fn seal(&self) -> Result<(), SegmentError> {
        self.background.block_on(self.handle.seal())
    }

    /// Reads a 64-bit attribute of the segment; none when it has no value.
    ///
    /// # Errors
    /// As for [`SegmentHandle::attribute`](crate::SegmentHandle::attribute).
    pub fn attribute(&self, attribute_id: u128) -> Result<Option<i64>, SegmentError> {
        self.background
            .block_on(self.handle.attribute(attribute_id))
    }

    /// Sets a 64-bit attribute if it still has the value `expected`; none stands for "no value". Returns
    /// false, and changes nothing, when it has another one.
    ///
    /// # Errors
    /// As for [`SegmentHandle::update_attribute`](crate::SegmentHandle::update_attribute).
    pub fn update_attribute(
        &self,
        attribute_id: u128,
        expected: Option<i64>,
        new: Option<i64>,
    ) -> Result<bool, SegmentError> {
        self.background
            .block_on(self.handle.update_attribute(attribute_id, expected, new))
    }
}
