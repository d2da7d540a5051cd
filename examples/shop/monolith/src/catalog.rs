//! What is sold.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What is sold, and for how much.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The item that is sold as `sku`.
    async fn item(&self, sku: &str) -> Result<Item, Error>;
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What it is ordered by.
    pub sku: String,
    /// What it is.
    pub title: String,
    /// What one costs.
    pub cents: u64,
}

/// A catalogue that does not change until it is printed again.
#[derive(Debug, Default)]
pub struct Printed;

const ITEMS: [(&str, &str, u64); 3] = [
    ("tea", "Darjeeling, 100 g", 950),
    ("pot", "Teapot", 2400),
    ("cup", "Cup and saucer", 1200),
];

#[async_trait]
impl Catalog for Printed {
    async fn item(&self, sku: &str) -> Result<Item, Error> {
        let found = ITEMS.iter().find(|(known, ..)| *known == sku);
        let (sku, title, cents) = found.ok_or_else(|| Error::NotSold(sku.to_owned()))?;
        Ok(Item {
            sku: (*sku).to_owned(),
            title: (*title).to_owned(),
            cents: *cents,
        })
    }
}
