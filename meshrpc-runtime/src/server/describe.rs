//! Answers what this server serves.

use std::future::ready;

use crate::{
    contract::{ContractDescription, DESCRIBE, ServiceSpec},
    discovery::BoxFuture,
    server::{Handler, Request, Response},
};

/// `meshrpc.describe`.
pub(crate) struct Describe(pub(crate) Vec<ContractDescription>);

impl Handler for Describe {
    fn spec(&self) -> &'static ServiceSpec {
        &DESCRIBE
    }

    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        let response = Response::value(request.codec(), request.method(), &self.0);
        Box::pin(ready(response))
    }
}
