//! What the tests by topic share.

use meshrpc::{Channel, Handler};

/// A channel to `handler`, for as long as the test runs.
pub async fn pair(handler: impl Handler) -> Channel {
    Channel::loop_back(handler)
}

/// A channel to a deployment that no instance serves.
pub async fn nowhere() -> Channel {
    Channel::nowhere()
}
