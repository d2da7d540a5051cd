//! What is measured: each stack's server, and its client as every workload uses it.

pub mod floor;
mod frames;
pub mod meshrpc;
pub mod raw;
pub mod ring;
pub mod tarpc;
pub mod tonic;

use std::{future::Future, net::SocketAddr};

use anyhow::Result;
use bytes::Bytes;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A way to call another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stack {
    /// This workspace's product, as a user has it.
    Meshrpc,
    /// gRPC over HTTP/2.
    Tonic,
    /// A trait, over bincode.
    Tarpc,
    /// Opaque frames, pipelined: no ids, no futures.
    Raw,
    /// A future per call, ids, a task per call on the server.
    Floor,
    /// Five services of meshrpc that call each other in turn.
    #[value(hide = true)]
    Ring,
}

/// One connection of a stack, with the calls that the workloads make. Each call checks what it is
/// answered.
pub trait Caller: Clone + Send + Sync + 'static {
    /// Connects, and waits until calls can be made.
    fn connect(address: SocketAddr) -> impl Future<Output = Result<Self>> + Send;
    /// Sends the message `id`, which comes back.
    fn echo(&self, id: u64) -> impl Future<Output = Result<()>> + Send;
    /// Sends bytes.
    fn put(&self, body: Bytes) -> impl Future<Output = Result<()>> + Send;
    /// Receives `size` bytes.
    fn get(&self, size: u64) -> impl Future<Output = Result<()>> + Send;
    /// Receives the messages 0 to `count` as a stream. `None` where the stack has no streams.
    fn items(&self, count: u64) -> Option<impl Future<Output = Result<()>> + Send>;
}

impl Stack {
    /// All, in their order.
    pub const ALL: [Self; 6] = [
        Self::Meshrpc,
        Self::Tonic,
        Self::Tarpc,
        Self::Raw,
        Self::Floor,
        Self::Ring,
    ];

    /// As it is called on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meshrpc => "meshrpc",
            Self::Tonic => "tonic",
            Self::Tarpc => "tarpc",
            Self::Raw => "raw",
            Self::Floor => "floor",
            Self::Ring => "ring",
        }
    }

    /// Serves until nobody asks any more. The service has a `name` where the stack knows such.
    pub async fn serve(self, name: String) -> Result<()> {
        match self {
            Self::Meshrpc => meshrpc::serve(&name).await,
            Self::Tonic => tonic::serve().await,
            Self::Tarpc => tarpc::serve().await,
            Self::Raw => raw::serve().await,
            Self::Floor => floor::serve().await,
            Self::Ring => ring::serve(&name).await,
        }
    }
}

/// What `get` answers with, made before anything is measured.
fn body(size: usize) -> Bytes {
    vec![7; size].into()
}

/// The sizes of which servers keep a body.
#[derive(Default)]
struct Bodies(std::sync::Mutex<std::collections::HashMap<u64, Bytes>>);

impl Bodies {
    fn of(&self, size: u64) -> Bytes {
        let mut bodies = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        bodies
            .entry(size)
            .or_insert_with(|| body(size as usize))
            .clone()
    }
}
