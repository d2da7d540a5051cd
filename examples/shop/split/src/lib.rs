//! A shop. Four traits, an implementation of each, and the web in front of them.

pub mod catalog;
mod error;
pub mod inventory;
pub mod orders;
pub mod payments;
pub mod web;

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

pub use catalog::Catalog;
pub use error::Error;
pub use inventory::Inventory;
pub use orders::Orders;
pub use payments::Payments;

/// What a customer can reach.
#[derive(Clone)]
pub struct Shop {
    /// What is sold.
    pub catalog: Arc<dyn Catalog>,
    /// What is there.
    pub inventory: Arc<dyn Inventory>,
    /// Who bought it.
    pub orders: Arc<dyn Orders>,
}

/// Starts the log of this process.
pub fn start_log() {
    tracing_subscriber::fmt()
        .with_ansi(io::stdout().is_terminal())
        .with_target(false)
        .without_time()
        .init();
}
