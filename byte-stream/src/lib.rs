//! A byte-stream client for Pravega: factory, writer, reader.
