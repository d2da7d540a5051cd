//! Calls with streams.
//!
//! The work on a call is one future: it takes the arguments, calls the method, and sends what that
//! returns, so that a stream may borrow from the service and from the arguments. In the middle of
//! it the answer has to become a [`Response`], which layers see: the work stops there, travels on
//! in the response, and goes on when the response is sent.
//!
//! Nothing that breaks off is taken for something that ended: the future is dropped where it
//! waits for the rest of its argument.
//!
//! # Layout
//! - [`streamed`]: the work, until its answer begins
//! - [`StreamCall`]: what the work has of the caller
//! - [`StreamReply`]: and how it answers

mod call;
mod reply;
mod work;

pub use call::{StreamCall, Taken};
pub use reply::StreamReply;
pub(super) use work::Answering;
pub use work::streamed;
