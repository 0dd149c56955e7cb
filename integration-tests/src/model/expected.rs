//! What must have been met when every run has been made.

/// Faults, each with a state that it must have met.
pub(super) const PAIRS: &[(&str, &str)] = &[
    ("connection cut", "nothing on its way"),
    ("connection cut", "setup on its way"),
    ("connection cut", "setup answered"),
    ("connection cut", "block on its way"),
    ("connection cut", "block received"),
    ("connection cut", "block done, not synced"),
    ("connection cut", "answer on its way"),
    ("late request received", "before the new setup"),
    ("late request received", "after the new setup"),
    ("late request received", "writer at rest"),
    ("store crash", "everything synced"),
    ("store crash", "unsynced blocks lost"),
    ("store crash", "unsynced blocks kept"),
    ("store crash", "some unsynced blocks kept"),
    ("conflict", "certainly not stored"),
    ("conflict", "perhaps stored"),
];
