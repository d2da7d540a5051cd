//! Other attribute macros on the trait.

use std::sync::Arc;

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;

/// `#[async_trait]` under a condition that is true, as crates write it that are built for browsers
/// too.
#[mesh_service]
#[cfg_attr(not(target_arch = "wasm32"), async_trait::async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait::async_trait(?Send))]
pub trait Everywhere {
    /// Greets.
    async fn greet(&self, name: &str) -> Result<String, String>;
}

/// Under one that is false: the trait is as if it were not there.
#[mesh_service]
#[cfg_attr(any(), async_trait::async_trait)]
pub trait Nowhere {
    /// Greets.
    async fn greet(&self, name: &str) -> Result<String, String>;
}

/// Re-exported under another path.
mod exported {
    pub(super) use async_trait::async_trait;
}

/// By that path, and with what the compiler and the linter are told.
#[diagnostic::on_unimplemented(message = "not one of us")]
#[allow(clippy::unused_async, async_fn_in_trait)]
#[doc(alias = "other")]
#[doc(hidden)]
#[mesh_service]
#[exported::async_trait]
pub trait Exported: 'static {
    /// Greets.
    #[must_use]
    #[doc(hidden)]
    #[allow(clippy::pedantic)]
    async fn greet(&self, #[allow(unused)] name: &str) -> Result<String, String>;
}

/// Native, with attributes on its methods.
#[diagnostic::on_unimplemented(message = "not one of us")]
#[must_use]
#[mesh_service]
pub trait Marked {
    /// Greets.
    #[must_use = "it was said"]
    #[inline]
    #[doc(alias = "hello")]
    async fn greet(&self, #[allow(unused)] name: &str) -> Result<String, String> {
        Ok(format!("default {name}"))
    }
    /// Not here.
    #[cfg(target_os = "none")]
    async fn gone(&self, name: &str) -> Result<Missing, String>;
}

/// The whole trait, under a condition that is false.
#[cfg(target_os = "none")]
#[mesh_service]
pub trait Gone {
    /// Of a type that does not exist.
    async fn gone(&self) -> Missing;
}

struct Polite;

#[async_trait::async_trait]
impl Everywhere for Polite {
    async fn greet(&self, name: &str) -> Result<String, String> {
        Ok(format!("everywhere {name}"))
    }
}

impl Nowhere for Polite {
    async fn greet(&self, name: &str) -> Result<String, String> {
        Ok(format!("nowhere {name}"))
    }
}

#[async_trait::async_trait]
impl Exported for Polite {
    async fn greet(&self, name: &str) -> Result<String, String> {
        Ok(format!("exported {name}"))
    }
}

impl Marked for Polite {}

#[tokio::test]
async fn async_trait_is_seen_through_cfg_attr_and_other_paths() {
    let service: Arc<dyn Everywhere> = Arc::new(Polite);
    let client = EverywhereClient::from_channel(pair(EverywhereHandler::shared(service)).await);
    let client: Box<dyn Everywhere> = Box::new(client);
    assert_eq!(client.greet("a").await, Ok("everywhere a".to_owned()));
    let client = NowhereClient::from_channel(pair(NowhereHandler::new(Polite)).await);
    // Its futures are `Send`, as those of every native trait.
    let task = tokio::spawn(async move { client.greet("b").await });
    assert_eq!(task.await.expect("no panic"), Ok("nowhere b".to_owned()));
    let service: Arc<dyn Exported> = Arc::new(Polite);
    let client = ExportedClient::from_channel(pair(ExportedHandler::shared(service)).await);
    assert_eq!(client.greet("c").await, Ok("exported c".to_owned()));
    let client = MarkedClient::from_channel(pair(MarkedHandler::new(Polite)).await);
    assert_eq!(client.greet("d").await, Ok("default d".to_owned()));
}

mod mocks {
    use mockall::{automock, predicate::eq};

    use super::*;

    /// The mock is made of futures written out.
    #[mesh_service]
    #[automock]
    pub trait Below {
        /// Greets.
        async fn greet(&self, name: &str) -> Result<String, String>;
    }

    /// With `#[async_trait]` between.
    #[mesh_service]
    #[automock]
    #[async_trait::async_trait]
    pub trait Boxed {
        /// Greets.
        async fn greet(&self, name: &str) -> Result<String, String>;
    }

    #[tokio::test]
    async fn mocks_are_served() {
        let mut mock = MockBelow::new();
        mock.expect_greet()
            .with(eq("b"))
            .times(1)
            .returning(|name| {
                let name = name.to_owned();
                Box::pin(async move { Err(format!("below {name}")) })
            });
        let client = BelowClient::from_channel(pair(BelowHandler::new(mock)).await);
        assert_eq!(client.greet("b").await, Err("below b".to_owned()));

        let mut mock = MockBoxed::new();
        mock.expect_greet()
            .times(1)
            .returning(|name| Ok(format!("boxed {name}")));
        let client = BoxedClient::from_channel(pair(BoxedHandler::new(mock)).await);
        assert_eq!(client.greet("c").await, Ok("boxed c".to_owned()));
    }
}
