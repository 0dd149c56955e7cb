//! Criterion groups and side-by-side runs.
