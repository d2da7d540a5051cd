//! A method that fails because a call of its own did.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use meshrpc::{Code, Error, Kind, Mesh, Started, mesh_service};

use crate::{mesh_error, serve};

/// Behind.
#[mesh_service]
pub(crate) trait Stock {
    /// How many there are.
    async fn count(&self) -> anyhow::Result<u32>;
}

/// In front; whoever asks may ask again.
#[mesh_service]
pub(crate) trait Shop {
    /// What `Stock` says, without the one on show.
    #[mesh(idempotent)]
    async fn available(&self) -> anyhow::Result<u32>;
}

struct Front {
    stock: StockClient,
    asked: Arc<AtomicUsize>,
}

impl Shop for Front {
    async fn available(&self) -> anyhow::Result<u32> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.stock.count().await?.saturating_sub(1))
    }
}

struct SoldOut;

impl Stock for SoldOut {
    async fn count(&self) -> anyhow::Result<u32> {
        anyhow::bail!("the shelf is gone")
    }
}

/// The error of a call to one of two shops, and how often either was asked.
async fn asked(mesh: &Mesh) -> (Error, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let front = || {
        ShopHandler::new(Front {
            stock: StockClient::connect(mesh, "stock"),
            asked: Arc::clone(&asked),
        })
    };
    let _serving = (
        serve(mesh, "shop", front()).await,
        serve(mesh, "shop", front()).await,
    );
    let shop = ShopClient::connect(mesh, "shop");
    shop.wait_ready_all().await.expect("both can be reached");
    let error = mesh_error(shop.available().await);
    (error, asked.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_passed_on_is_not_retried_although_idempotent() {
    let (error, times) = asked(&Mesh::in_process()).await;
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Remote, Code::Unavailable)
    );
    assert!(error.relayed(), "the shop met it in a call of its own");
    assert_eq!(error.started(), Started::Yes, "the shop's method ran");
    assert_eq!((error.attempts(), times), (1, 1));
    assert!(
        error
            .instance()
            .is_some_and(|name| name.starts_with("shop"))
    );
    let text = error.to_string();
    assert!(
        text.contains("no instance of `stock` is registered"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_method_further_behind_is_passed_on_as_well() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "stock", StockHandler::new(SoldOut)).await;
    let (error, times) = asked(&mesh).await;
    assert_eq!((error.kind(), error.code()), (Kind::Remote, Code::Unknown));
    assert!(error.relayed(), "the shop met it in a call of its own");
    assert_eq!((error.started(), times), (Started::Yes, 1));
    assert_eq!(error.to_string(), "the shelf is gone");
}

/// A serde type, but for what a failed call leaves.
#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub(crate) enum CounterError {
    #[error("sold out")]
    SoldOut,
    #[serde(skip)]
    #[error("the stock cannot be asked")]
    Stock(#[from] Error),
}

/// In front, with an error of its own.
#[mesh_service]
pub(crate) trait Counter {
    /// Sells what `Stock` counts.
    async fn sell(&self) -> Result<u32, CounterError>;
}

struct Seller(StockClient);

impl Counter for Seller {
    async fn sell(&self) -> Result<u32, CounterError> {
        match self.0.count().await {
            Ok(0) => Err(CounterError::SoldOut),
            Ok(left) => Ok(left - 1),
            Err(error) => Err(error
                .downcast::<Error>()
                .map_or(CounterError::SoldOut, Into::into)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_variant_that_serde_skips_is_passed_on_as_well() {
    let mesh = Mesh::in_process();
    let seller = CounterHandler::new(Seller(StockClient::connect(&mesh, "stock")));
    let _serving = serve(&mesh, "counter", seller).await;
    let counter = CounterClient::connect(&mesh, "counter");
    match counter.sell().await {
        Err(CounterError::Stock(error)) => {
            assert_eq!(
                (error.kind(), error.code(), error.relayed()),
                (Kind::Remote, Code::Unavailable, true)
            );
            assert_eq!(error.to_string(), "the stock cannot be asked");
            let source = std::error::Error::source(&error).map(ToString::to_string);
            assert_eq!(
                source.as_deref(),
                Some("no instance of `stock` is registered")
            );
        }
        other => panic!("{other:?}"),
    }
}
