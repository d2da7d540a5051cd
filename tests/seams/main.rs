//! What a seam does when the network fails, in one process and on a paused clock: the tests that
//! `meshrpc::testing` lets everybody write of a trait of theirs.
//!
//! # Layout
//! - `bytes`: a connection that ends, or a bit that flips, at every byte of a call
//! - `bodies`: the same within the bodies of an HTTP handler
//! - `streams`: the same within streams
//! - `chance`: many faults at random, while calls are made
//! - `losses`: replies, requests and dials that are lost
//! - `instances`: calls that another instance answers
//! - `time`: delays, deadlines, partitions, and chance
//! - `many`: ten thousand calls whose time is over at once
//! - `panics`: handlers that panic, among calls that do not
//! - `pairs`: how long a pair lives, and what else lives on its network

mod bodies;
mod bytes;
mod chance;
mod instances;
mod losses;
mod many;
mod pairs;
mod panics;
mod streams;
mod time;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use meshrpc::{Error, Started, mesh_service};

/// A till: charging twice is a fault, looking twice is none.
#[mesh_service]
pub(crate) trait Till {
    async fn charge(&self, call: u64, note: &str) -> Result<String, Error>;
    #[mesh(idempotent)]
    async fn look(&self, call: u64, note: &str) -> Result<String, Error>;
    async fn hold(&self, call: u64) -> Result<(), Error>;
}

/// An implementation that counts how often each call ran.
#[derive(Clone, Debug, Default)]
struct Drawer {
    name: &'static str,
    ran: Arc<Mutex<BTreeMap<u64, u64>>>,
}

impl Drawer {
    fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn ran(&self, call: u64) -> u64 {
        self.ran.lock().unwrap().get(&call).copied().unwrap_or(0)
    }

    fn run(&self, call: u64) -> u64 {
        let mut ran = self.ran.lock().unwrap();
        let times = ran.entry(call).or_default();
        *times += 1;
        *times
    }
}

impl Till for Drawer {
    async fn charge(&self, call: u64, note: &str) -> Result<String, Error> {
        let times = self.run(call);
        Ok(format!("{}:{call}:{note}:{times}", self.name))
    }

    async fn look(&self, call: u64, note: &str) -> Result<String, Error> {
        self.charge(call, note).await
    }

    async fn hold(&self, call: u64) -> Result<(), Error> {
        self.run(call);
        std::future::pending().await
    }
}

/// Lets everything that is under way come to rest: a paused clock goes on when nobody has anything
/// to do.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Whether an error is right about a call that ran so many times.
#[track_caller]
fn assert_truthful(error: &Error, ran: u64) {
    let right = match error.started() {
        Started::No => ran == 0,
        Started::Yes => ran == 1,
        Started::Unknown => ran <= 1,
    };
    assert!(
        right,
        "it ran {ran} times, and the error says {:?}: {error}",
        error.started()
    );
}
