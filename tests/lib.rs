//! What the tests by topic share.

use meshrpc::{client::Channel, server::Handler};

/// A channel to `handler`.
pub fn pair(handler: impl Handler) -> Channel {
    Channel::loop_back(handler)
}
