//! What is there.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What is there, and for whom it is set aside.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// How many of an item can be ordered.
    async fn left(&self, sku: &str) -> Result<u32, Error>;

    /// Sets everything aside for an order, or nothing. Once it is, doing so again changes nothing.
    async fn reserve(&self, order: &str, lines: &[Line]) -> Result<(), Error>;

    /// Puts back what is set aside for an order, if anything is.
    async fn release(&self, order: &str) -> Result<(), Error>;
}

/// So many of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item.
    pub sku: String,
    /// How many.
    pub count: u32,
}

/// A shelf, and a corner for what is set aside.
#[derive(Debug)]
pub struct Shelf(Mutex<Stock>);

#[derive(Debug)]
struct Stock {
    free: HashMap<String, u32>,
    reserved: HashMap<String, Vec<Line>>,
}

impl Shelf {
    /// A shelf as it is in the morning.
    pub fn full() -> Self {
        let free = [("tea", 12), ("pot", 3), ("cup", 24)];
        Self(Mutex::new(Stock {
            free: free.map(|(sku, count)| (sku.to_owned(), count)).into(),
            reserved: HashMap::new(),
        }))
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Inventory for Shelf {
    async fn left(&self, sku: &str) -> Result<u32, Error> {
        let left = self.stock().free.get(sku).copied();
        left.ok_or_else(|| Error::NotSold(sku.to_owned()))
    }

    async fn reserve(&self, order: &str, lines: &[Line]) -> Result<(), Error> {
        let mut stock = self.stock();
        if stock.reserved.contains_key(order) {
            tracing::info!("order {order} is set aside already");
            return Ok(());
        }
        let mut free = stock.free.clone();
        for Line { sku, count } in lines {
            let left = free.get_mut(sku);
            let left = left.ok_or_else(|| Error::NotSold(sku.clone()))?;
            *left = left.checked_sub(*count).ok_or_else(|| Error::OutOfStock {
                sku: sku.clone(),
                left: *left,
            })?;
        }
        stock.free = free;
        stock.reserved.insert(order.to_owned(), lines.to_vec());
        tracing::info!("order {order} is set aside");
        Ok(())
    }

    async fn release(&self, order: &str) -> Result<(), Error> {
        let mut stock = self.stock();
        for Line { sku, count } in stock.reserved.remove(order).unwrap_or_default() {
            *stock.free.entry(sku).or_default() += count;
        }
        tracing::info!("nothing is set aside for order {order}");
        Ok(())
    }
}
