//! Append and read sessions of a Pravega segment as state machines: no I/O, no clock.
