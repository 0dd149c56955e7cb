//! Compiles the controller's protobuf schema with a compiler that is itself a crate: no `protoc` needed.

/// The messages that carry a delegation token: their `Debug` is written by hand, so that no log shows it.
const WITH_TOKEN: [&str; 6] = [
    ".io.pravega.controller.stream.api.grpc.v1.DelegationToken",
    ".io.pravega.controller.stream.api.grpc.v1.SegmentRanges",
    ".io.pravega.controller.stream.api.grpc.v1.SegmentsAtTime",
    ".io.pravega.controller.stream.api.grpc.v1.SuccessorResponse",
    ".io.pravega.controller.stream.api.grpc.v1.StreamCutRangeResponse",
    ".io.pravega.controller.stream.api.grpc.v1.CreateTxnResponse",
];
/// Nested in those, without a token: the generator's rule reaches them too, and is taken back here.
const NESTED: [&str; 2] = [
    ".io.pravega.controller.stream.api.grpc.v1.SegmentsAtTime.SegmentLocation",
    ".io.pravega.controller.stream.api.grpc.v1.SuccessorResponse.SegmentEntry",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["controller.proto"], ["proto"])?;
    let mut builder = tonic_prost_build::configure()
        .build_server(std::env::var_os("CARGO_FEATURE_SERVER").is_some())
        // A server writes the methods it has; every other one answers UNIMPLEMENTED.
        .generate_default_stubs(true)
        // Ordered maps encode to the same bytes each time.
        .btree_map(".")
        .skip_debug(WITH_TOKEN);
    for message in NESTED {
        builder = builder.message_attribute(message, "#[derive(Debug)]");
    }
    builder.compile_fds(descriptors)?;
    Ok(())
}
