//! Every kind of error, as the method's own and as a call that failed.

use std::{error::Error as StdError, io};

use anyhow::Context as _;
use meshrpc::{Client as _, Kind, mesh_service, testing::pair};
use serde::{Deserialize, Serialize};

/// Crosses as a value.
#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Typed {
    /// Its own.
    #[error("no card {id}")]
    NoCard {
        /// Which.
        id: u64,
    },
    /// The mesh's.
    #[error("{0}")]
    Mesh(String),
}

impl From<meshrpc::Error> for Typed {
    fn from(error: meshrpc::Error) -> Self {
        Typed::Mesh(error.to_string())
    }
}

/// Holds a source, and has a place for whatever is an `io::Error`.
#[derive(Debug, thiserror::Error)]
pub enum WithIo {
    /// From the system.
    #[error("storage failed")]
    Io(#[from] io::Error),
}

/// Holds a source, and has a place for failed calls.
#[derive(Debug, thiserror::Error)]
pub enum WithMesh {
    /// From the system.
    #[error("storage failed")]
    Io(#[from] io::Error),
    /// From the mesh.
    #[error(transparent)]
    Mesh(#[from] meshrpc::Error),
}

/// Can be made of any error, and only be shown to programmers.
#[derive(Debug)]
pub struct Opaque(pub String);

impl From<Box<dyn StdError + Send + Sync>> for Opaque {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Opaque(error.to_string())
    }
}

type Alias<T> = Result<T, WithIo>;

/// One method for each kind of error.
#[mesh_service]
pub trait Failing {
    /// A serde type.
    async fn typed(&self, id: u64) -> Result<u32, Typed>;
    /// anyhow.
    async fn anyhow(&self) -> anyhow::Result<u32>;
    /// A box.
    async fn boxed(&self) -> Result<u32, Box<dyn StdError + Send + Sync>>;
    /// The system's.
    async fn io(&self) -> io::Result<u32>;
    /// An enum with a source.
    async fn with_io(&self) -> Result<u32, WithIo>;
    /// An enum with a source and a variant for the mesh.
    async fn with_mesh(&self) -> Result<u32, WithMesh>;
    /// An alias.
    async fn alias(&self) -> Alias<u32>;
    /// Text.
    async fn text(&self) -> Result<u32, String>;
    /// Without `Display`.
    async fn opaque(&self) -> Result<u32, Opaque>;
    /// What a call of its own failed with.
    async fn relay(&self) -> anyhow::Result<u32>;
    /// The same, inside the system's error.
    async fn relay_io(&self) -> io::Result<u32>;
}

struct Fails;

fn disk() -> io::Error {
    io::Error::other("disk full")
}

impl Failing for Fails {
    async fn typed(&self, id: u64) -> Result<u32, Typed> {
        Err(Typed::NoCard { id })
    }
    async fn anyhow(&self) -> anyhow::Result<u32> {
        Err(disk()).context("writing the page").context("saving")
    }
    async fn boxed(&self) -> Result<u32, Box<dyn StdError + Send + Sync>> {
        Err(Box::new(WithIo::from(disk())))
    }
    async fn io(&self) -> io::Result<u32> {
        Err(disk())
    }
    async fn with_io(&self) -> Result<u32, WithIo> {
        Err(disk().into())
    }
    async fn with_mesh(&self) -> Result<u32, WithMesh> {
        Err(disk().into())
    }
    async fn alias(&self) -> Alias<u32> {
        Err(disk().into())
    }
    async fn text(&self) -> Result<u32, String> {
        Err("as text".into())
    }
    async fn opaque(&self) -> Result<u32, Opaque> {
        Err(Opaque("hidden".into()))
    }
    async fn relay(&self) -> anyhow::Result<u32> {
        nowhere()
            .await
            .anyhow()
            .await
            .context("asking the next one")
    }
    async fn relay_io(&self) -> io::Result<u32> {
        nowhere().await.io().await
    }
}

async fn client() -> FailingClient {
    pair(Fails)
}

/// A client of what is not there.
async fn nowhere() -> FailingClient {
    FailingClient::from_channel(meshrpc_tests::nowhere().await)
}

fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        messages.push(error.to_string());
        next = error.source();
    }
    messages
}

#[tokio::test]
async fn serde_errors_cross_as_values() {
    assert_eq!(client().await.typed(7).await, Err(Typed::NoCard { id: 7 }));
}

#[tokio::test]
async fn other_errors_cross_as_message_and_sources() {
    let error = client().await.anyhow().await.expect_err("it fails");
    assert_eq!(
        chain(error.as_ref()),
        ["saving", "writing the page", "disk full"]
    );
    let mesh = error
        .downcast_ref::<meshrpc::Error>()
        .expect("a mesh error is inside");
    assert_eq!(mesh.kind(), Kind::Remote);
    assert!(!mesh.relayed(), "nothing was passed on");

    let error = client().await.boxed().await.expect_err("it fails");
    assert_eq!(chain(error.as_ref()), ["storage failed", "disk full"]);

    let error = client().await.io().await.expect_err("it fails");
    assert_eq!(error.to_string(), "disk full");

    let WithIo::Io(error) = client().await.with_io().await.expect_err("it fails");
    assert_eq!(error.to_string(), "storage failed");
    let WithIo::Io(error) = client().await.alias().await.expect_err("it fails");
    assert_eq!(error.to_string(), "storage failed");

    let error = client().await.with_mesh().await.expect_err("it fails");
    assert!(matches!(error, WithMesh::Mesh(_)), "{error:?}");
    assert_eq!(chain(&error), ["storage failed", "disk full"]);

    assert_eq!(
        client().await.text().await.expect_err("it fails"),
        "as text"
    );
    assert_eq!(
        client().await.opaque().await.expect_err("it fails").0,
        "Opaque(\"hidden\")"
    );
}

#[tokio::test]
async fn a_failed_call_is_told_by_every_error_type() {
    let unavailable = |error: &(dyn StdError + 'static)| {
        let mesh = error
            .downcast_ref::<meshrpc::Error>()
            .expect("a mesh error");
        assert_eq!(mesh.kind(), Kind::Unavailable);
    };
    let client = nowhere().await;
    assert!(matches!(client.typed(1).await, Err(Typed::Mesh(_))));
    unavailable(client.anyhow().await.expect_err("it fails").as_ref());
    unavailable(client.boxed().await.expect_err("it fails").as_ref());
    unavailable(
        client
            .io()
            .await
            .expect_err("it fails")
            .get_ref()
            .expect("made from one"),
    );
    let WithIo::Io(error) = client.with_io().await.expect_err("it fails");
    unavailable(error.get_ref().expect("made from one"));
    let WithMesh::Mesh(error) = client.with_mesh().await.expect_err("it fails") else {
        panic!("it has a variant for the mesh");
    };
    unavailable(&error);
    assert!(
        client
            .text()
            .await
            .expect_err("it fails")
            .contains("no instance")
    );
    assert!(
        client
            .opaque()
            .await
            .expect_err("it fails")
            .0
            .contains("no instance")
    );
}

#[tokio::test]
async fn an_error_of_the_callees_own_call_is_relayed() {
    let error = client().await.relay().await.expect_err("it fails");
    let mesh = error
        .downcast_ref::<meshrpc::Error>()
        .expect("a mesh error is inside");
    assert!(mesh.relayed(), "{mesh:?}");
    assert_eq!(mesh.code(), meshrpc::Code::Unavailable);
    assert_eq!(mesh.started(), meshrpc::Started::Yes);

    let error = client().await.relay_io().await.expect_err("it fails");
    let mesh = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<meshrpc::Error>());
    assert!(mesh.expect("a mesh error is inside").relayed(), "{error:?}");
}
