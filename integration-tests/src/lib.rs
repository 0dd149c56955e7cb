//! One conformance suite for the embedded server and a real Pravega.
