//! Writes tonic's client and server, from a description in place of a `.proto` file.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let method = |name: &str, route: &str, input: &str, output: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type(format!("crate::stacks::tonic::message::{input}"))
            .output_type(format!("crate::stacks::tonic::message::{output}"))
            .codec_path("tonic_prost::ProstCodec")
    };
    let service = Service::builder()
        .name("Bench")
        .package("meshbench")
        .method(method("echo", "Echo", "Message", "Message").build())
        .method(method("put", "Put", "Body", "Number").build())
        .method(method("get", "Get", "Number", "Body").build())
        .method(
            method("items", "Items", "Number", "Message")
                .server_streaming()
                .build(),
        )
        .build();
    Builder::new().compile(&[service]);
}
