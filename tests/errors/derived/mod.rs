//! Errors with `#[derive(MeshError)]`, each variant over a real socket.
//!
//! # Layout
//! - here: an enum with a variant of each kind
//! - `shapes`: structs, generic enums, serde enums, errors inside of errors
//! - `versions`: an enum that another version of the program has otherwise

mod shapes;
mod versions;

use std::{error::Error as StdError, io, sync::Arc};

use anyhow::Context as _;
use meshrpc::{Code, Error, Kind, Mesh, MeshError, Server, Serving, Started, mesh_service};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// A serde type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    number: u64,
    title: String,
}

/// What stands for a database's own error: no serde, and nothing makes one.
#[derive(Debug, thiserror::Error)]
#[error("connection pool is closed")]
pub(crate) struct Foreign;

/// Has the derive, and is no serde type.
#[derive(Debug, thiserror::Error, MeshError)]
pub(crate) enum DiskError {
    /// From the system.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A call that failed.
    #[error(transparent)]
    #[mesh(transport)]
    Mesh(Error),
}

/// A variant of each kind.
#[derive(Debug, thiserror::Error, MeshError)]
pub(crate) enum StoreError {
    /// Nothing.
    #[error("the store is closed")]
    #[mesh(status = failed_precondition)]
    Closed,
    /// One value.
    #[error("there is no page {0}")]
    #[mesh(status = not_found)]
    NoPage(u64),
    /// Values without names.
    #[error("page {0:?} conflicts with {1:?}")]
    #[mesh(status = already_exists, name = "Conflict")]
    Twice(Page, Option<Page>),
    /// Values with names.
    #[error("page {number} has {found} bytes")]
    Size {
        /// Which.
        number: u64,
        /// How many.
        found: i128,
    },
    /// The system's error.
    #[error("the disk failed")]
    Disk(#[from] io::Error),
    /// One that can be cloned.
    #[error("the disk failed for all")]
    Shared(Arc<io::Error>),
    /// Any error, with a context.
    #[error("page {number} cannot be rendered")]
    Render {
        /// Which.
        number: u64,
        /// Why.
        #[source]
        why: anyhow::Error,
    },
    /// Any error, or none.
    #[error("gave up after {0}")]
    GaveUp(u8, #[source] Option<Box<dyn StdError + Send + Sync>>),
    /// With the derive.
    #[error(transparent)]
    Below(#[from] DiskError),
    /// A call that the store made, for a page.
    #[error("the index did not answer for {0}")]
    Index(u64, #[source] Error),
    /// Nothing makes one.
    #[error("the database failed")]
    #[mesh(status = data_loss)]
    Database(#[from] Foreign),
    /// A call that failed.
    #[error(transparent)]
    #[mesh(transport)]
    Mesh(Error),
    /// What cannot be rebuilt.
    #[error("{0}")]
    #[mesh(fallback)]
    Other(String),
    /// Not there.
    #[cfg(any())]
    #[error("absent")]
    Absent(Gone),
}

/// Fails as it is told.
#[mesh_service]
pub(crate) trait Store {
    /// With this variant.
    async fn fail(&self, with: &str) -> Result<Page, StoreError>;
}

/// Fails as it is told.
struct Failing;

impl Store for Failing {
    async fn fail(&self, with: &str) -> Result<Page, StoreError> {
        let denied = || io::Error::new(io::ErrorKind::PermissionDenied, "locked");
        Err(match with {
            "closed" => StoreError::Closed,
            "no page" => StoreError::NoPage(u64::MAX),
            "twice" => StoreError::Twice(page(1), Some(page(2))),
            "size" => StoreError::Size {
                number: 3,
                found: -4,
            },
            "disk" => denied().into(),
            "shared" => StoreError::Shared(Arc::new(denied())),
            "render" => StoreError::Render {
                number: 5,
                why: Err::<(), _>(denied())
                    .context("line 7")
                    .expect_err("it is one"),
            },
            "gave up" => StoreError::GaveUp(9, Some(Box::new(denied()))),
            "gave up silently" => StoreError::GaveUp(9, None),
            "below" => DiskError::Read {
                path: "a.txt".into(),
                source: denied(),
            }
            .into(),
            "index" => match nowhere().await.fail("").await {
                Err(StoreError::Mesh(error)) => StoreError::Index(11, error),
                other => panic!("no failed call: {other:?}"),
            },
            "database" => Foreign.into(),
            "mesh" => match nowhere().await.fail("").await {
                Err(error) => error,
                Ok(_) => panic!("no failed call"),
            },
            "other" => StoreError::Other("whatever".into()),
            _ => panic!("no such failure"),
        })
    }
}

fn page(number: u64) -> Page {
    Page {
        number,
        title: format!("page {number}"),
    }
}

/// A client of a store that no instance serves.
async fn nowhere() -> StoreClient {
    StoreClient::connect(&Mesh::in_process(), "nowhere")
}

/// Serves `handler` on a Unix socket, for as long as the last two are kept.
pub(crate) async fn on_a_socket(
    name: &str,
    handler: impl meshrpc::Handler,
) -> (Mesh, Serving, TempDir) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let socket = folder.path().join("s.sock");
    let mesh = Mesh::open(&format!("static:{name}=unix:{}", socket.display()))
        .await
        .expect("a list is a mesh");
    let server = Server::builder().service(handler).build();
    let serving = mesh.serve(name, server).await.expect("it can be served");
    (mesh, serving, folder)
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

async fn failed(with: &str) -> StoreError {
    let (mesh, _serving, _folder) = on_a_socket("store", StoreHandler::new(Failing)).await;
    let store = StoreClient::connect(&mesh, "store");
    store.fail(with).await.expect_err("it fails")
}

#[tokio::test]
async fn variants_of_serde_fields_arrive_with_them() {
    assert!(matches!(failed("closed").await, StoreError::Closed));
    assert!(matches!(
        failed("no page").await,
        StoreError::NoPage(u64::MAX)
    ));
    let StoreError::Twice(first, Some(second)) = failed("twice").await else {
        panic!("another variant");
    };
    assert_eq!((first, second), (page(1), page(2)));
    let error = failed("size").await;
    assert!(
        matches!(
            error,
            StoreError::Size {
                number: 3,
                found: -4
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_system_error_arrives_with_its_kind() {
    let StoreError::Disk(error) = failed("disk").await else {
        panic!("another variant");
    };
    assert_eq!(
        (error.kind(), error.to_string()),
        (io::ErrorKind::PermissionDenied, "locked".to_owned())
    );
    let StoreError::Shared(error) = failed("shared").await else {
        panic!("another variant");
    };
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn other_fields_arrive_as_message_and_sources_in_the_same_variant() {
    let error = failed("render").await;
    assert_eq!(
        messages(&error),
        ["page 5 cannot be rendered", "line 7", "locked"]
    );
    assert!(
        matches!(error, StoreError::Render { number: 5, .. }),
        "{error:?}"
    );

    let error = failed("gave up").await;
    assert_eq!(messages(&error), ["gave up after 9", "locked"]);
    assert!(matches!(error, StoreError::GaveUp(9, Some(_))), "{error:?}");
    let error = failed("gave up silently").await;
    assert!(matches!(error, StoreError::GaveUp(9, None)), "{error:?}");
}

#[tokio::test]
async fn an_error_with_the_derive_inside_of_another_arrives_as_itself() {
    let StoreError::Below(DiskError::Read { path, source }) = failed("below").await else {
        panic!("another variant");
    };
    assert_eq!(
        (path.as_str(), source.kind()),
        ("a.txt", io::ErrorKind::PermissionDenied)
    );
}

#[tokio::test]
async fn a_failed_call_of_the_callee_is_told_as_relayed() {
    let StoreError::Index(11, error) = failed("index").await else {
        panic!("another variant");
    };
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Remote, Code::Unavailable)
    );
    assert!(error.relayed(), "the callee's own call failed");

    let StoreError::Mesh(error) = failed("mesh").await else {
        panic!("another variant");
    };
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Remote, Code::Unavailable)
    );
    assert!(error.relayed(), "the callee's own call failed");
    assert_eq!((error.started(), error.attempts()), (Started::Yes, 1));
}

#[tokio::test]
async fn what_cannot_be_rebuilt_arrives_in_the_fallback() {
    let StoreError::Other(text) = failed("database").await else {
        panic!("another variant");
    };
    assert_eq!(text, "the database failed: connection pool is closed");
    let StoreError::Other(text) = failed("other").await else {
        panic!("another variant");
    };
    assert_eq!(text, "whatever");
}

#[tokio::test]
async fn a_failed_call_arrives_in_the_variant_for_it() {
    let Err(StoreError::Mesh(error)) = nowhere().await.fail("closed").await else {
        panic!("another variant");
    };
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::No)
    );
}

#[test]
fn the_error_is_part_of_the_fingerprint_and_crosses_positionally() {
    let [fail] = STORE.methods else {
        panic!("one method");
    };
    assert_eq!(fail.obstacle(), None);
    assert_ne!(fail.fingerprint(), 0);
}

/// The same contract, to a caller that does not know the type of its errors.
mod foreign {
    #[meshrpc::mesh_service]
    pub(super) trait Store {
        async fn fail(&self, with: &str) -> anyhow::Result<()>;
    }
}

#[tokio::test]
async fn another_caller_sees_the_code_of_the_variant_and_its_message() {
    use foreign::Store as _;

    let (mesh, _serving, _folder) = on_a_socket("store", StoreHandler::new(Failing)).await;
    let store = foreign::StoreClient::connect(&mesh, "store");
    for (with, code, message) in [
        ("closed", Code::FailedPrecondition, "the store is closed"),
        ("twice", Code::AlreadyExists, "page Page"),
        ("size", Code::Unknown, "page 3 has -4 bytes"),
        ("database", Code::DataLoss, "the database failed"),
        (
            "index",
            Code::Unavailable,
            "the index did not answer for 11",
        ),
    ] {
        let error = store.fail(with).await.expect_err("it fails");
        let error: Error = error.downcast().expect("a mesh error");
        assert_eq!((error.kind(), error.code()), (Kind::Remote, code), "{with}");
        assert!(error.to_string().starts_with(message), "{with}: {error}");
    }
}
