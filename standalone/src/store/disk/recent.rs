//! The newest bytes of all segments, which stay in memory.

use std::{collections::VecDeque, sync::Arc};

use crate::store::segment::Segment;

/// Newest bytes of all segments kept in memory beside the disk, so that readers at the tail need not wait
/// for it, bytes.
const RECENT_BYTES: u64 = 64 * 1024 * 1024;

/// What an entry in the list of recent bytes is charged beside them.
const RECENT_OVERHEAD: u64 = 256;

/// The newest bytes of all segments, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<(Arc<Segment>, u64, u64)>,
    charged: u64,
}

impl Recent {
    /// Notes bytes that have become visible, and lets go of the oldest ones.
    pub(super) fn add(&mut self, segment: Arc<Segment>, end: u64, bytes: u64) {
        let charge = bytes.saturating_add(RECENT_OVERHEAD);
        self.charged = self.charged.saturating_add(charge);
        self.entries.push_back((segment, end, charge));
        while self.charged > RECENT_BYTES {
            let Some((segment, end, charge)) = self.entries.pop_front() else {
                break;
            };
            self.charged = self.charged.saturating_sub(charge);
            segment.forget_below(end);
        }
    }
}
