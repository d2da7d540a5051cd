//! Errors of methods: what a caller gets of them, and what is known of the call.

use std::{error::Error as StdError, io, sync::Arc};

use anyhow::Context as _;
use meshrpc::{Code, Error, Kind, Mesh, Started, mesh_service};
use serde::{Deserialize, Serialize};

use crate::{mesh_error, serve};

/// Crosses as a value.
#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum NoCard {
    /// Its own.
    #[error("no card {0}")]
    Number(u64),
    /// A call that failed.
    #[error("{0}")]
    Mesh(String),
}

impl From<Error> for NoCard {
    fn from(error: Error) -> Self {
        NoCard::Mesh(error.to_string())
    }
}

/// Holds what serde cannot carry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Storage {
    /// From the system.
    #[error("the page cannot be written")]
    Io(#[from] io::Error),
    /// A call that failed.
    #[error(transparent)]
    Mesh(#[from] Error),
}

/// A method for each kind of error.
#[mesh_service]
pub(crate) trait Pages {
    /// A serde type.
    async fn typed(&self) -> Result<(), NoCard>;
    /// With two contexts.
    async fn anyhow(&self) -> anyhow::Result<()>;
    /// thiserror, with a source.
    async fn storage(&self) -> Result<(), Storage>;
    /// In a box, as large errors are.
    async fn storage_in_a_box(&self) -> Result<(), Box<Storage>>;
    /// Shared, as the errors of caches are.
    async fn shared_storage(&self) -> Result<(), Arc<Storage>>;
    /// A serde type in a box.
    async fn typed_in_a_box(&self) -> Result<(), Box<NoCard>>;
    /// Any error.
    async fn boxed(&self) -> Result<(), Box<dyn StdError + Send + Sync>>;
    /// The system's.
    async fn io(&self) -> io::Result<()>;
}

struct Full;

fn disk() -> io::Error {
    io::Error::other("disk full")
}

impl Pages for Full {
    async fn typed(&self) -> Result<(), NoCard> {
        Err(NoCard::Number(7))
    }
    async fn anyhow(&self) -> anyhow::Result<()> {
        Err(disk()).context("writing the page").context("saving")
    }
    async fn storage(&self) -> Result<(), Storage> {
        Err(disk().into())
    }
    async fn storage_in_a_box(&self) -> Result<(), Box<Storage>> {
        Err(Box::new(disk().into()))
    }
    async fn shared_storage(&self) -> Result<(), Arc<Storage>> {
        Err(Arc::new(disk().into()))
    }
    async fn typed_in_a_box(&self) -> Result<(), Box<NoCard>> {
        Err(Box::new(NoCard::Number(8)))
    }
    async fn boxed(&self) -> Result<(), Box<dyn StdError + Send + Sync>> {
        Err(Box::new(Storage::from(disk())))
    }
    async fn io(&self) -> io::Result<()> {
        Err(disk())
    }
}

fn messages(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        messages.push(error.to_string());
        next = error.source();
    }
    messages
}

/// What every error of a method says of the call.
fn ran_once(error: &Error) {
    assert_eq!((error.kind(), error.code()), (Kind::Remote, Code::Unknown));
    assert_eq!((error.started(), error.attempts()), (Started::Yes, 1));
    assert!(!error.relayed(), "it is the method's own");
    assert!(
        error
            .instance()
            .is_some_and(|name| name.starts_with("pages"))
    );
}

#[tokio::test]
async fn a_serde_error_is_the_same_value() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "pages", PagesHandler::new(Full)).await;
    let pages = PagesClient::connect(&mesh, "pages");
    assert_eq!(pages.typed().await, Err(NoCard::Number(7)));
}

#[tokio::test]
async fn an_error_behind_a_pointer_is_what_it_is_without() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "pages", PagesHandler::new(Full)).await;
    let pages = PagesClient::connect(&mesh, "pages");
    let typed = pages.typed_in_a_box().await;
    assert_eq!(typed, Err(Box::new(NoCard::Number(8))));

    let boxed = pages.storage_in_a_box().await.expect_err("it fails");
    let Storage::Mesh(error) = &*boxed else {
        panic!("the variant for calls");
    };
    ran_once(error);
    assert_eq!(messages(error), ["the page cannot be written", "disk full"]);

    let shared = pages.shared_storage().await.expect_err("it fails");
    let Storage::Mesh(error) = &*shared else {
        panic!("the variant for calls");
    };
    ran_once(error);
    assert_eq!(messages(error), ["the page cannot be written", "disk full"]);
}

#[tokio::test]
async fn any_other_error_is_its_message_and_its_sources() {
    let mesh = Mesh::in_process();
    let _serving = serve(&mesh, "pages", PagesHandler::new(Full)).await;
    let pages = PagesClient::connect(&mesh, "pages");

    let error = mesh_error(pages.anyhow().await);
    ran_once(&error);
    assert_eq!(
        messages(&error),
        ["saving", "writing the page", "disk full"]
    );

    let Err(Storage::Mesh(error)) = pages.storage().await else {
        panic!("the variant for calls");
    };
    ran_once(&error);
    assert_eq!(
        messages(&error),
        ["the page cannot be written", "disk full"]
    );

    let error = pages.boxed().await.expect_err("it fails");
    ran_once(error.downcast_ref().expect("a mesh error"));
    assert_eq!(
        messages(&*error),
        ["the page cannot be written", "disk full"]
    );

    let error = pages.io().await.expect_err("it fails");
    let inside = error.get_ref().and_then(|inner| inner.downcast_ref());
    ran_once(inside.expect("a mesh error"));
    assert_eq!(error.to_string(), "disk full");
}
