//! A contract and what calls of it look like, for the tests of this module.

use std::future::ready;

use bytes::Bytes;

use crate::{
    context::{Context, Origin},
    contract::{MethodSpec, ServiceSpec},
    discovery::BoxFuture,
    server::{Handler, Request, Response},
    wire::{Codec, OpenHead},
};

pub(super) static ECHO: ServiceSpec = ServiceSpec {
    name: "test.echo",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 1] = [MethodSpec::unary("echo", 7, &[], |schema| {
    schema.reply::<()>()
})];

/// Answers every call with nothing.
pub(super) struct Echo;

impl Handler for Echo {
    fn spec(&self) -> &'static ServiceSpec {
        &ECHO
    }

    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        Box::pin(ready(Response::value(
            request.codec(),
            request.method(),
            &(),
        )))
    }
}

/// The head of a positional call of `method`.
pub(super) fn head(method: &MethodSpec) -> OpenHead {
    OpenHead {
        schema: method.fingerprint() as u32,
        ..OpenHead::new(method.kind, Codec::Positional, method.key)
    }
}

/// A call of the first method.
pub(super) fn request(head: OpenHead) -> Request {
    let said = (head.codec, head.attempt);
    let context = Context::of_call(Origin {
        metadata: head.metadata,
        ..Origin::default()
    });
    Request::new(&METHODS[0], said, Bytes::new(), None, context)
}
