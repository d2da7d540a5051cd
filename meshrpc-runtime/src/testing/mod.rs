//! A client and an implementation in one test: the real codec, the real protocol, no socket.
//!
//! ```
//! use meshrpc::mesh_service;
//!
//! #[mesh_service]
//! pub trait Greeter {
//!     async fn greet(&self, name: &str) -> anyhow::Result<String>;
//! }
//!
//! struct Polite;
//!
//! impl Greeter for Polite {
//!     async fn greet(&self, name: &str) -> anyhow::Result<String> {
//!         Ok(format!("Hello, {name}!"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let greeter: GreeterClient = meshrpc::testing::pair(Polite);
//! assert_eq!(greeter.greet("Max").await?, "Hello, Max!");
//! # Ok(())
//! # }
//! ```
//!
//! Arguments, results and errors go through what they would go through between two machines. So a
//! test that calls `greeter` instead of `Polite` finds what the trait loses at its seam.
//!
//! - [`Network`]: the same with control over the connections, which a [`Fault`] delays, damages or
//!   ends, at a byte that the test names.
//! - Time: everything waits on tokio's clock. Under `#[tokio::test(start_paused = true)]` a deadline
//!   of 30 s, a delay or a back-off passes at once. Methods that are not async are the exception:
//!   their callers hold up a thread, so their connections live on another, and on the real clock.
//! - Chance: [`seed`] makes the random choices of a test repeatable.
//!
//! # Layout
//! - [`Network`]: pairs, and what a test does to them
//! - [`Fault`]: what happens to the bytes of a connection
//! - `wiring`: dials, and which faults a connection gets
//! - `link`: a connection with its faults
//! - `__http`: the HTTP contract without a stream

#[cfg(feature = "http")]
#[doc(hidden)]
#[path = "http.rs"]
pub mod __http;
mod fault;
mod link;
mod network;
mod wiring;

pub use fault::{Direction, Fault};
pub use network::Network;

pub use crate::rt::v1::Seam;

/// A client of `service`, which is served as long as the client or a clone of it lives. The
/// client's type is generated from the trait:
///
/// ```
/// # use meshrpc::mesh_service;
/// # #[mesh_service]
/// # pub trait Greeter { async fn greet(&self, name: &str) -> anyhow::Result<String>; }
/// # struct Polite;
/// # impl Greeter for Polite {
/// #     async fn greet(&self, name: &str) -> anyhow::Result<String> { Ok(name.to_owned()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let greeter: GreeterClient = meshrpc::testing::pair(Polite);
/// # assert_eq!(greeter.greet("Max").await.unwrap(), "Max");
/// # }
/// ```
///
/// To watch what the implementation does, let it share its state with the test, in an
/// [`Arc`](std::sync::Arc).
///
/// It is served on the runtime that this is called on; without one, on threads of this crate's own.
#[track_caller]
pub fn pair<C, S>(service: S) -> C
where
    C: Seam<S>,
{
    Network::new().pair(service)
}

/// Makes what is chosen at random on this thread from now on the same in every run: jitter of
/// pauses between attempts and of dials. On a runtime of one thread, as `#[tokio::test]` has
/// by default, that is every choice of a test.
pub fn seed(seed: u64) {
    fastrand::seed(seed);
}
