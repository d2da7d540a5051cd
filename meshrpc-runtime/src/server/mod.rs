//! The serving side: contracts, the handlers behind them, and the life of a listener.
//!
//! # Layout
//! - [`Server`]: which handlers serve which contracts; [`Mesh::serve`](crate::Mesh::serve) runs it.
//! - [`Handler`], [`Request`], [`Response`]: a contract's methods as values; generated code
//!   implements the first.
//! - [`streamed`], [`StreamCall`]: a call with streams, as work that takes and sends items.
//! - [`HandlerExt::layer`]: tower layers around a handler.
//! - [`Limits`], [`Quota`], [`HandlerExt::within`]: what callers may use, in `admission`.
//! - `dispatch`: from an arrived call to a handler's task and back.
//! - `listener`, [`Serving`]: from an address to ready, and from drain to gone.

mod admission;
mod batch;
mod builder;
mod counters;
mod describe;
mod dispatch;
mod drain;
mod handler;
#[cfg(feature = "http")]
mod http;
mod layer;
mod limits;
mod listener;
mod panic;
mod ping;
mod reception;
mod request;
mod response;
mod routes;
mod serving;
mod signal;
mod streaming;
#[cfg(test)]
mod testing;
mod watch;

pub use crate::streaming::Received;
pub use admission::Quota;
pub use builder::{Server, ServerBuilder};
pub use counters::Counters;
pub use handler::{Handler, StreamHandler, StreamRequest};
pub use layer::{HandlerExt, HandlerService, Layered, Within};
pub use limits::Limits;
pub use request::Request;
pub use response::Response;
pub(crate) use serving::Start;
pub use serving::{Drained, Serving, Until};
pub use signal::shutdown_signal;
pub use streaming::{StreamCall, StreamReply, Taken, streamed};
