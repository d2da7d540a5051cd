//! How it is paid.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Takes money.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Charges a card, and says under which number. Doing so again charges it again.
    async fn charge(&self, card: &str, cents: u64) -> Result<u64, PaymentError>;
}

/// Why money was not taken.
#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
pub enum PaymentError {
    /// By the bank.
    #[error("the card `{0}` was declined")]
    Declined(String),
}

/// The card terminal on the counter.
#[derive(Debug, Default)]
pub struct Terminal {
    charged: AtomicU64,
}

#[async_trait]
impl Payments for Terminal {
    async fn charge(&self, card: &str, cents: u64) -> Result<u64, PaymentError> {
        if card == "stolen" {
            return Err(PaymentError::Declined(card.to_owned()));
        }
        let number = self.charged.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!("payment {number}: {cents} cents from {card}");
        Ok(number)
    }
}
