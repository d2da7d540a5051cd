//! A till, who pays at it, and, in `tests`, what happens when the network between them fails.

use std::sync::{Arc, Mutex};

use meshrpc::{Error, Kind, Started, mesh_service};

/// Takes money.
#[mesh_service]
pub trait Till {
    /// Takes the money for an order, and says how much is in the till.
    async fn charge(&self, order: u64, cents: u64) -> anyhow::Result<u64>;

    /// The orders that were paid.
    #[mesh(idempotent)]
    async fn paid(&self) -> anyhow::Result<Vec<u64>>;
}

/// A till with a drawer. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Drawer {
    payments: Arc<Mutex<Vec<(u64, u64)>>>,
}

impl Drawer {
    /// How often an order was charged.
    pub fn charges(&self, order: u64) -> usize {
        let payments = self.payments.lock().unwrap();
        payments.iter().filter(|(paid, _)| *paid == order).count()
    }
}

impl Till for Drawer {
    async fn charge(&self, order: u64, cents: u64) -> anyhow::Result<u64> {
        anyhow::ensure!(cents > 0, "order {order} costs nothing");
        let mut payments = self.payments.lock().unwrap();
        payments.push((order, cents));
        Ok(payments.iter().map(|(_, cents)| cents).sum())
    }

    async fn paid(&self) -> anyhow::Result<Vec<u64>> {
        let payments = self.payments.lock().unwrap();
        Ok(payments.iter().map(|(order, _)| *order).collect())
    }
}

/// What came of an attempt to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// The money is in the till.
    Done,
    /// It is not, for a reason that is shown to the customer.
    Failed(String),
    /// Nobody knows. The order is held until somebody has looked.
    Unclear,
}

/// Pays for an order.
pub async fn pay(till: &impl Till, order: u64, cents: u64) -> Payment {
    let Err(error) = till.charge(order, cents).await else {
        return Payment::Done;
    };
    match error.downcast_ref::<Error>() {
        Some(lost) if lost.kind() != Kind::Remote && lost.started() != Started::No => {
            Payment::Unclear
        }
        _ => Payment::Failed(error.to_string()),
    }
}
