//! What can go wrong, one enum for each surface: [`SegmentError`], [`WriteError`], [`ReadError`].
//!
//! Every error is data: what failed, on which segment, at which offset. What went wrong has the same name in
//! all of them. All say with `is_retryable()` whether the same call may succeed later; where something was to
//! be changed, `certainty()` says whether it may have been, for instance whether bytes that were not
//! acknowledged may be in the segment all the same.

mod read;
mod segment;
mod write;

use std::{error::Error, sync::Arc};

pub use pravega_segment_session::Certainty;

pub use self::{read::ReadError, segment::SegmentError, write::WriteError};
pub(crate) use self::{read::*, segment::*, write::*};

/// A cause further down, kept as it was. Shared, because one cause may fail many waiters.
pub type Cause = Arc<dyn Error + Send + Sync>;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn errors_stay_small_and_can_be_sent() {
        fn check<T: Error + Clone + Send + Sync + 'static>() {
            assert!(size_of::<T>() <= 128, "{} bytes", size_of::<T>());
        }
        check::<SegmentError>();
        check::<WriteError>();
        check::<ReadError>();
    }

    #[test]
    fn io_errors_keep_the_source() {
        let error = io::Error::from(ReadError::InvalidSeek);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.get_ref().is_some_and(|inner| inner.is::<ReadError>()));
    }
}
