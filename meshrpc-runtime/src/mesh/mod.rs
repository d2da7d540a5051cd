//! The mesh: where instances are announced and found.
//!
//! Each adapter is a [`Registrar`](crate::discovery::Registrar) and a
//! [`Resolver`](crate::discovery::Resolver) under one URL: [`local`] for one machine, a fixed list
//! of addresses (`static:`), and [`in_process`] for tests.

pub mod environment;
pub mod fixed;
pub mod in_process;
#[cfg(feature = "local")]
pub mod local;
mod name;
mod url;

pub use environment::Environment;
pub(crate) use url::open;

use std::sync::Arc;

use tokio::sync::watch;

use crate::discovery::Endpoints;

/// Tells the followers, if there is news.
fn announce(sender: &watch::Sender<Arc<Endpoints>>, now: Endpoints) {
    sender.send_if_modified(|known| {
        let news = **known != now;
        if news {
            *known = Arc::new(now);
        }
        news
    });
}
