//! Tests with processes that are started, stopped and killed.

mod caller;
mod instance;
mod load;
mod network;
mod own;
mod proxy;
mod town;
mod upstream;

use std::time::{Duration, Instant};

pub use caller::Caller;
pub use instance::Instance;
pub use load::{Load, Method, Outcome, check, failed_at, failures};
pub use network::own_network;
pub use own::Own;
pub use proxy::{Damage, Proxy};
pub use town::{Start, Town, alone, apart};
pub use upstream::{Picks, Upstream};

/// How long anything that has to happen may take.
pub const CAP: Duration = Duration::from_secs(60);

/// Waits until `happened`, however it is found out.
///
/// # Panics
/// If it has not after [`CAP`].
pub async fn eventually(what: &str, happened: impl AsyncFnMut() -> bool) {
    within(CAP, what, happened).await;
}

/// Waits until `happened`, which may take as long as `cap`.
///
/// # Panics
/// If it has not by then.
pub async fn within(cap: Duration, what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + cap;
    while !happened().await {
        assert!(Instant::now() < end, "not within {cap:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The runtime's error within an `anyhow` one.
///
/// # Panics
/// If there is none.
pub fn cause(error: &anyhow::Error) -> &meshrpc::Error {
    error
        .downcast_ref()
        .unwrap_or_else(|| panic!("an error of the method itself: {error:#}"))
}
