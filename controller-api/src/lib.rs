//! The generated gRPC messages and service of the Pravega controller.
#![expect(
    missing_docs, unreachable_pub, clippy::all, clippy::as_conversions, clippy::missing_errors_doc,
    clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code")]
tonic::include_proto!("io.pravega.controller.stream.api.grpc.v1");
