//! Structs, generic enums, serde enums.

use std::{fmt, io};

use meshrpc::{Error, MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use super::{Foreign, on_a_socket};

/// A struct with a serde field and another.
#[derive(Debug, thiserror::Error, MeshError)]
#[error("row {row} is broken")]
#[mesh(status = data_loss)]
pub(crate) struct Broken {
    row: u64,
    #[source]
    source: io::Error,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Broken {
            row: 0,
            source: error.into(),
        }
    }
}

/// A struct without names.
#[derive(Debug, PartialEq, thiserror::Error, MeshError)]
#[error("{0} of {1}")]
pub(crate) struct Short(u32, String);

impl From<Error> for Short {
    fn from(error: Error) -> Self {
        Short(0, error.to_string())
    }
}

/// Holds what its service says.
#[derive(Debug, MeshError)]
pub(crate) enum Api<T, const N: usize> {
    /// The service's own.
    Detail(T),
    /// Not the service's.
    Limit([u8; 2], usize),
    /// A call that failed.
    #[mesh(transport)]
    Mesh(Box<dyn std::error::Error + Send + Sync>),
}

impl<T: fmt::Debug, const N: usize> fmt::Display for Api<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Implements serde's traits, and has a variant that these leave out.
#[derive(Debug, PartialEq, Serialize, Deserialize, MeshError)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub(crate) enum Tagged {
    /// Its own.
    NoCard {
        /// Which.
        card_id: u64,
    },
    /// A call that failed.
    #[serde(skip)]
    #[mesh(transport)]
    Mesh(String),
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Holds itself.
#[derive(Debug, MeshError)]
pub(crate) enum Chain {
    /// The last.
    End(io::Error),
    /// Not the last.
    Link(u8, Box<Chain>),
    /// A call that failed.
    #[mesh(transport)]
    Mesh(io::Error),
}

/// Has a variant that crosses as text.
#[derive(Debug, thiserror::Error, MeshError)]
pub(crate) enum Pool {
    /// One that does not.
    #[error("{0} connections are too many")]
    Limit(u32),
    /// That one.
    #[error("no connection")]
    Closed(#[source] Foreign),
    /// A call that failed.
    #[error(transparent)]
    #[mesh(transport)]
    Mesh(Error),
}

/// Holds one.
#[derive(Debug, thiserror::Error, MeshError)]
pub(crate) enum Archive {
    /// In a box.
    #[error("the archive is away")]
    Away(#[source] Box<Pool>),
    /// A call that failed.
    #[error(transparent)]
    #[mesh(transport)]
    Mesh(Error),
}

/// One method for each.
#[mesh_service]
pub(crate) trait Shapes {
    /// A struct.
    async fn broken(&self) -> Result<(), Broken>;
    /// Without names.
    async fn short(&self) -> Result<(), Short>;
    /// With a serde parameter.
    async fn detailed(&self) -> Result<(), Api<Vec<u32>, 4>>;
    /// With another parameter.
    async fn foreign(&self) -> Result<(), Api<io::Error, 4>>;
    /// With any parameter.
    async fn limited(&self) -> Result<(), Api<io::Error, 4>>;
    /// A serde enum.
    async fn tagged(&self, transport: bool) -> Result<(), Tagged>;
    /// A recursive one.
    async fn chain(&self) -> Result<(), Chain>;
    /// An error inside of an error.
    async fn archived(&self, closed: bool) -> Result<(), Archive>;
}

struct Fails;

impl Shapes for Fails {
    async fn broken(&self) -> Result<(), Broken> {
        Err(Broken {
            row: 7,
            source: io::Error::new(io::ErrorKind::InvalidData, "bad sum"),
        })
    }
    async fn short(&self) -> Result<(), Short> {
        Err(Short(3, "seven".into()))
    }
    async fn detailed(&self) -> Result<(), Api<Vec<u32>, 4>> {
        Err(Api::Detail(vec![1, 2]))
    }
    async fn foreign(&self) -> Result<(), Api<io::Error, 4>> {
        Err(Api::Detail(io::Error::other("far away")))
    }
    async fn limited(&self) -> Result<(), Api<io::Error, 4>> {
        Err(Api::Limit([1, 2], 3))
    }
    async fn tagged(&self, transport: bool) -> Result<(), Tagged> {
        Err(match transport {
            true => Tagged::Mesh("nobody there".into()),
            false => Tagged::NoCard { card_id: 9 },
        })
    }
    async fn chain(&self) -> Result<(), Chain> {
        let end = Chain::End(io::Error::new(io::ErrorKind::TimedOut, "late"));
        Err(Chain::Link(2, Box::new(Chain::Link(1, Box::new(end)))))
    }
    async fn archived(&self, closed: bool) -> Result<(), Archive> {
        Err(Archive::Away(Box::new(match closed {
            true => Pool::Closed(Foreign),
            false => Pool::Limit(9),
        })))
    }
}

#[tokio::test]
async fn each_shape_arrives_as_it_was() {
    let (mesh, _serving, _folder) = on_a_socket("shapes", ShapesHandler::new(Fails)).await;
    let shapes = ShapesClient::connect(&mesh, "shapes");

    let Broken { row, source } = shapes.broken().await.expect_err("it fails");
    assert_eq!((row, source.kind()), (7, io::ErrorKind::InvalidData));
    assert_eq!(shapes.short().await, Err(Short(3, "seven".into())));
    let Err(Api::Detail(detail)) = shapes.detailed().await else {
        panic!("another variant");
    };
    assert_eq!(detail, [1, 2]);
    let Err(Api::Limit([1, 2], 3)) = shapes.limited().await else {
        panic!("another variant");
    };
    assert_eq!(
        shapes.tagged(false).await,
        Err(Tagged::NoCard { card_id: 9 })
    );
    assert_eq!(
        shapes.tagged(true).await,
        Err(Tagged::Mesh("Mesh(\"nobody there\")".into()))
    );
    let Err(Chain::Link(2, link)) = shapes.chain().await else {
        panic!("another variant");
    };
    let Chain::Link(1, end) = *link else {
        panic!("another variant");
    };
    assert!(matches!(*end, Chain::End(error) if error.kind() == io::ErrorKind::TimedOut));
}

#[tokio::test]
async fn a_parameter_that_is_no_serde_type_crosses_as_text() {
    let (mesh, _serving, _folder) = on_a_socket("shapes", ShapesHandler::new(Fails)).await;
    let shapes = ShapesClient::connect(&mesh, "shapes");
    let Err(Api::Mesh(error)) = shapes.foreign().await else {
        panic!("another variant");
    };
    assert!(error.to_string().contains("far away"), "{error}");
}

#[tokio::test]
async fn an_error_whose_inner_variant_crosses_as_text_does_so_with_all_its_sources() {
    let (mesh, _serving, _folder) = on_a_socket("shapes", ShapesHandler::new(Fails)).await;
    let shapes = ShapesClient::connect(&mesh, "shapes");
    let Err(Archive::Away(pool)) = shapes.archived(false).await else {
        panic!("another variant");
    };
    assert!(matches!(*pool, Pool::Limit(9)), "{pool}");
    let Err(Archive::Mesh(error)) = shapes.archived(true).await else {
        panic!("another variant");
    };
    assert_eq!(
        format!("{:#}", anyhow::Error::new(error)),
        "the archive is away: no connection: connection pool is closed"
    );
}

#[tokio::test]
async fn a_failed_call_has_a_place_in_each() {
    let nowhere = ShapesClient::connect(&meshrpc::Mesh::in_process(), "nowhere");
    assert_eq!(nowhere.broken().await.expect_err("it fails").row, 0);
    assert_eq!(nowhere.short().await.expect_err("it fails").0, 0);
    assert!(matches!(nowhere.detailed().await, Err(Api::Mesh(_))));
    assert!(matches!(nowhere.foreign().await, Err(Api::Mesh(_))));
    assert!(matches!(nowhere.tagged(false).await, Err(Tagged::Mesh(_))));
    assert!(matches!(nowhere.chain().await, Err(Chain::Mesh(_))));
}
