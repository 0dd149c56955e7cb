//! The Pravega segment-store wire protocol: every byte-stream command, both directions, zero-copy payloads.
