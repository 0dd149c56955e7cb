//! An embedded single-process Pravega for byte streams: controller and segment store, memory or disk.
