//! The service of the tonic contender, described here instead of in a .proto file.

use tonic_prost_build::manual::{Builder, Method, Service};

fn main() {
    let put = Method::builder()
        .name("put")
        .route_name("Put")
        .input_type("crate::tonic_stream::Block")
        .output_type("crate::tonic_stream::Stored")
        .codec_path("tonic_prost::ProstCodec")
        .client_streaming()
        .build();
    let service = Service::builder()
        .name("Sink")
        .package("peers")
        .method(put)
        .build();
    Builder::new().compile(&[service]);
    println!("cargo:rerun-if-changed=build.rs");
}
