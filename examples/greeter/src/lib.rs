//! A greeter: the trait, what crosses with it, and the implementation that is served.
//!
//! The code generated from the trait stands beside it, in `greeter_handler_gen.rs` and
//! `greeter_client_gen.rs`; `cargo meshrpc expose` writes both.

mod desk;

use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

pub use desk::Desk;

/// Greets people, and sends their postcards.
#[mesh_service(exposed)]
pub trait Greeter {
    /// Greets `name`.
    #[mesh(idempotent)]
    async fn greet(&self, name: &str) -> anyhow::Result<String>;

    /// Sends a postcard, and says what was sent.
    async fn send_postcard(&self, card: Postcard) -> Result<String, PostcardError>;
}

/// A postcard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postcard {
    /// Who gets it.
    pub recipient: String,
    /// Where they live.
    pub address: String,
    /// What it says.
    pub message: String,
}

/// Why a postcard was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PostcardError {
    /// Nobody to send it to.
    #[error("a postcard needs a recipient and an address")]
    NoRecipient,
    /// More than fits on a postcard.
    #[error("{length} characters do not fit on a postcard, which takes {limit}")]
    TooLong {
        /// Characters of the message.
        length: usize,
        /// Characters that fit.
        limit: usize,
    },
    /// The greeter could not be asked.
    #[error("the greeter could not be asked: {0}")]
    Mesh(String),
}

impl From<meshrpc::Error> for PostcardError {
    fn from(error: meshrpc::Error) -> Self {
        PostcardError::Mesh(error.to_string())
    }
}
