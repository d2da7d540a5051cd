//! The built-in contract `meshrpc.ping`: a call that does nothing, through dispatch and task.

use std::future::ready;

use crate::{
    contract::{MethodSpec, ServiceSpec},
    discovery::BoxFuture,
    server::{Handler, Request, Response},
};

/// `meshrpc.ping`, with the one method `ping() -> ()`.
static PING: ServiceSpec = ServiceSpec {
    name: "meshrpc.ping",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 1] =
    [
        MethodSpec::unary("ping", 0xace2_aa3c_12a3_54db, &[], |schema| {
            schema.reply::<()>()
        })
        .idempotent(),
    ];

/// Answers pings. Beside the frames of the same name, it shows that calls are still dispatched.
pub(crate) struct Ping;

impl Handler for Ping {
    fn spec(&self) -> &'static ServiceSpec {
        &PING
    }

    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(ready(Response::value(
            request.codec(),
            request.method(),
            &(),
        )))
    }
}
