//! Who bought what.

use std::{
    collections::HashMap,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{Catalog, Error, Inventory, Payments, inventory::Line};

/// Takes orders.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Sells what is ordered. An order that is known already gets the receipt it got before.
    async fn place(&self, number: &str, order: &Order) -> Result<Receipt, Error>;

    /// The receipt of an order.
    async fn find(&self, number: &str) -> Result<Receipt, Error>;
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who pays.
    pub card: String,
    /// For what.
    pub lines: Vec<Line>,
}

/// What was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of the order.
    pub order: String,
    /// How much.
    pub cents: u64,
    /// The number of the payment.
    pub payment: u64,
}

/// A desk, and the book that is kept there.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    catalog: Arc<dyn Catalog>,
    inventory: Arc<dyn Inventory>,
    payments: Arc<dyn Payments>,
    book: Mutex<HashMap<String, Arc<OnceCell<Receipt>>>>,
}

impl Desk {
    /// A desk with an empty book.
    pub fn new(
        catalog: Arc<dyn Catalog>,
        inventory: Arc<dyn Inventory>,
        payments: Arc<dyn Payments>,
    ) -> Self {
        Self(Arc::new(Inner {
            catalog,
            inventory,
            payments,
            book: Mutex::default(),
        }))
    }
}

#[async_trait]
impl Orders for Desk {
    async fn place(&self, number: &str, order: &Order) -> Result<Receipt, Error> {
        let (desk, number, order) = (Arc::clone(&self.0), number.to_owned(), order.clone());
        // In a task of its own: a customer who hangs up leaves nothing half done.
        let placed = tokio::spawn(async move { desk.place(&number, &order).await });
        placed
            .await
            .unwrap_or_else(|error| resume_unwind(error.into_panic()))
    }

    async fn find(&self, number: &str) -> Result<Receipt, Error> {
        let receipt = self
            .0
            .book()
            .get(number)
            .and_then(|page| page.get().cloned());
        receipt.ok_or_else(|| Error::NoOrder(number.to_owned()))
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, HashMap<String, Arc<OnceCell<Receipt>>>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(&self, number: &str, order: &Order) -> Result<Receipt, Error> {
        // Of two who place the same order, one waits for the other.
        let page = Arc::clone(self.book().entry(number.to_owned()).or_default());
        let receipt = page.get_or_try_init(async || {
            let sold = self.sell(number, order).await;
            if sold.is_err() {
                // Whatever went wrong, something may be set aside.
                if let Err(error) = self.inventory.release(number).await {
                    tracing::error!("order {number} may still be set aside: {error}");
                }
            }
            sold
        });
        receipt.await.cloned()
    }

    async fn sell(&self, number: &str, order: &Order) -> Result<Receipt, Error> {
        let mut cents = 0;
        for line in &order.lines {
            let item = self.catalog.item(&line.sku).await?;
            cents += item.cents * u64::from(line.count);
        }
        self.inventory.reserve(number, &order.lines).await?;
        Ok(Receipt {
            order: number.to_owned(),
            cents,
            payment: self.payments.charge(&order.card, cents).await?,
        })
    }
}
