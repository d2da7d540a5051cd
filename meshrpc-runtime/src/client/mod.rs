//! The calling side: channels, and what is behind them.
//!
//! # Layout
//! - [`Channel`]: one deployment, one contract, options; what a generated client holds.
//! - `pool`: the connections to a deployment's instances, following the registry; [`Connect`] makes
//!   them, [`Counters`] and [`InstanceStatus`] tell of them.
//! - [`balance`]: which instance gets the next call.
//! - [`Outgoing`], `progress`: a call, and what it has been through.
//! - [`ClientLimits`]: what a client takes of its callees, and how often it tries.
//! - `retry`: what follows when a call got no reply.
//! - `health`: instances that are left out because they only fail.
//! - [`Answer`]: what a call brought back.
//! - [`Streaming`], [`Items`]: calls with streams.
//!
//! # When nothing can be called
//! A call takes the next connected instance. If there is none,
//! - while instances are listed it waits for one of them to be reached, until its deadline; if the
//!   registry said why none is, the failure has that kind instead of `DeadlineExceeded`;
//! - if this client may call none of them it fails with [`Kind::Denied`](crate::Kind::Denied) at once;
//! - while the registry lists none it waits one second from when the list became empty (five while
//!   the registry has not answered), and fails with [`Kind::Unavailable`](crate::Kind::Unavailable)
//!   after that, so that a deployment that is not there is told at once;
//! - for a program that starts before its callee does there is [`Channel::wait_ready`].

mod answer;
pub mod balance;
mod call;
mod channel;
mod health;
#[cfg(feature = "http")]
mod http;
mod limits;
mod outgoing;
mod pool;
mod progress;
mod ready;
mod retry;
mod session;
mod streaming;
#[cfg(test)]
mod tests;

pub use crate::streaming::Received;
pub(crate) use answer::remote_error;
pub use answer::{Answer, RemoteFailure, Value};
pub use call::Call;
pub use channel::Channel;
pub use limits::{ClientLimits, RetryBudget};
pub use outgoing::Outgoing;
#[cfg(feature = "consul")]
pub(crate) use pool::Backoff;
#[cfg(feature = "tls")]
pub(crate) use pool::TlsDialer;
#[cfg(feature = "consul")]
pub(crate) use pool::dialled;
#[cfg(feature = "testing")]
pub(crate) use pool::establish;
pub use pool::{Connect, Counters, Dialer, InstanceState, InstanceStatus};
pub(crate) use pool::{Pool, Setting};
pub use session::SessionKey;
pub use streaming::{Items, Replies, Streaming};
