//! The list.

use super::{Shows, Wanted};

pub(super) const WANTED: &[Wanted] = &[];
