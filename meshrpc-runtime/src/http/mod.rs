//! Ordinary HTTP over the mesh: the built-in contract `meshrpc.http`.
//!
//! A service that has HTTP handlers beside its methods publishes them on the same address, behind
//! the same sidecar, balancing and drain. A request is one call of `meshrpc.http/request` that
//! streams both ways. The first item of each direction is a head, the following ones are pieces of
//! the body, at last perhaps trailers:
//!
//! | item | bytes |
//! |---|---|
//! | head | MessagePack map: `method`, `target`, `headers` there; `status`, `headers` back |
//! | piece of the body | `00`, then the bytes |
//! | trailers | `01`, then a MessagePack list of name and value |
//!
//! Headers of one hop (RFC 9110, section 7.6.1) stay where they are.

mod body;
mod head;
mod pump;

pub use self::body::Body;
#[cfg(feature = "testing")]
pub(crate) use self::body::piece;
pub(crate) use self::{
    body::{Incoming, Upload},
    head::{RequestHead, ResponseHead},
    pump::{Broken, send_body, send_head},
};
use crate::{
    contract::{MethodSpec, ServiceSpec},
    wire::CallKind,
};

/// `meshrpc.http`, with the one method `request`.
pub static HTTP: ServiceSpec = ServiceSpec {
    name: "meshrpc.http",
    methods: &METHODS,
};
static METHODS: [MethodSpec; 1] = [MethodSpec::streaming(
    CallKind::BothStream,
    "request",
    REQUEST,
    &[],
    |_| {},
)];

/// First eight bytes of SHA-256 of `meshrpc.http/request`.
pub(crate) const REQUEST: u64 = 0x44d3_34c5_bb27_1317;
