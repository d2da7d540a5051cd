//! What serves a contract.

use std::{sync::Arc, time::Instant};

use crate::{
    connection::{IncomingBody, Responder},
    contract::{MethodSpec, ServiceSpec},
    discovery::BoxFuture,
    server::{Quota, Request, Response},
    wire::{OpenHead, Peer},
};

/// Serves the methods of a contract. Generated for every trait; a tower layer makes another
/// one of it ([`HandlerExt::layer`](crate::server::HandlerExt::layer)).
pub trait Handler: Send + Sync + 'static {
    /// The contract.
    fn spec(&self) -> &'static ServiceSpec;

    /// Serves one call. The future is dropped when the caller goes or the deadline passes.
    fn call(&self, request: Request) -> BoxFuture<'static, Response>;

    /// What all callers of the contract may use together; nothing is limited unless
    /// [`HandlerExt::within`](crate::server::HandlerExt::within) says so.
    fn quota(&self) -> Quota {
        Quota::new()
    }
}

/// Serves the methods of a contract whose calls are streams in a format of its own, and answers
/// them itself.
pub trait StreamHandler: Send + Sync + 'static {
    /// The contract.
    fn spec(&self) -> &'static ServiceSpec;

    /// Serves one call. The future is dropped when the caller goes or the deadline passes.
    fn call(&self, request: StreamRequest) -> BoxFuture<'static, ()>;
}

/// A call with its streams.
pub struct StreamRequest {
    /// The method.
    pub method: &'static MethodSpec,
    /// What the caller said of the call.
    pub head: OpenHead,
    /// The request as it comes.
    pub body: IncomingBody,
    /// The way to answer.
    pub responder: Responder,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The client.
    pub peer: Arc<Peer>,
}
