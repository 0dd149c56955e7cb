//! Typed calls to a Pravega controller, with endpoints and tokens cached by generation.
