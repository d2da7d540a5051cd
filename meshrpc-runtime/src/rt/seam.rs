//! The two ends of a trait, joined.

use crate::{mesh::Client, server::Handler};

/// A client, and the handler that serves an implementation of its trait to it.
pub trait Seam<S>: Client {
    /// What serves the implementation.
    type Handler: Handler;

    /// A handler of `service`.
    fn handler(service: S) -> Self::Handler;
}
