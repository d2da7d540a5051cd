//! A caller and a callee whose error is not the same.

use std::io;

use futures_util::{Stream, StreamExt, stream};
use meshrpc::{Error, Kind, MeshError};

use super::on_a_socket;

/// The caller's.
mod old {
    use super::{Error, MeshError, Stream, io};

    #[derive(Debug, thiserror::Error, MeshError)]
    pub(super) enum Failure {
        #[error("no row {0}")]
        NoRow(u64),
        #[error("no column {name}")]
        NoColumn {
            name: String,
            nearest: Option<String>,
        },
        #[error("disk")]
        Disk(io::Error),
        #[error(transparent)]
        #[mesh(transport)]
        Mesh(Error),
        #[error("another error")]
        #[mesh(fallback)]
        Other(Error),
    }

    #[meshrpc::mesh_service]
    pub(super) trait Table {
        async fn read(&self, with: u8) -> Result<(), Failure>;
        fn rows(&self) -> impl Stream<Item = Result<u64, Failure>> + Send;
    }
}

/// The callee's: a variant before the others, one whose field has another type, fields more and
/// fewer.
mod new {
    use super::{Error, MeshError, Stream, stream};

    #[derive(Debug, thiserror::Error, MeshError)]
    pub(super) enum Failure {
        #[error("read only")]
        ReadOnly,
        #[error("no row {0}")]
        NoRow(u64),
        #[error("no column {name}")]
        NoColumn { name: String, table: u64 },
        #[error("disk {0}")]
        Disk(u64),
        #[error(transparent)]
        #[mesh(transport)]
        Mesh(Error),
    }

    #[meshrpc::mesh_service]
    pub(super) trait Table {
        async fn read(&self, with: u8) -> Result<(), Failure>;
        fn rows(&self) -> impl Stream<Item = Result<u64, Failure>> + Send;
    }

    pub(super) struct Fails;

    impl Table for Fails {
        async fn read(&self, with: u8) -> Result<(), Failure> {
            Err(match with {
                0 => Failure::ReadOnly,
                1 => Failure::NoRow(4),
                2 => Failure::NoColumn {
                    name: "id".into(),
                    table: 8,
                },
                _ => Failure::Disk(5),
            })
        }

        fn rows(&self) -> impl Stream<Item = Result<u64, Failure>> + Send {
            stream::iter([
                Ok(1),
                Err(Failure::ReadOnly),
                Err(Failure::NoRow(4)),
                Err(Failure::Disk(5)),
                Ok(2),
            ])
        }
    }
}

#[tokio::test]
async fn a_variant_arrives_as_itself_or_in_the_fallback() {
    use old::{Failure, Table as _};

    let (mesh, _serving, _folder) = on_a_socket("table", new::TableHandler::new(new::Fails)).await;
    let table = old::TableClient::connect(&mesh, "table");
    let unknown = |result| match result {
        Err(Failure::Other(error)) => error.to_string(),
        other => panic!("not the fallback: {other:?}"),
    };
    assert_eq!(unknown(table.read(0).await), "read only");
    assert!(matches!(table.read(1).await, Err(Failure::NoRow(4))));
    let Err(Failure::NoColumn {
        name,
        nearest: None,
    }) = table.read(2).await
    else {
        panic!("another variant");
    };
    assert_eq!(name, "id");
    assert_eq!(unknown(table.read(3).await), "disk 5");
}

#[tokio::test]
async fn an_error_among_items_arrives_as_itself_or_in_the_fallback() {
    use old::{Failure, Table as _};

    let (mesh, _serving, _folder) = on_a_socket("table", new::TableHandler::new(new::Fails)).await;
    let table = old::TableClient::connect(&mesh, "table");
    let unknown = |item: &Result<u64, Failure>, why: &str| match item {
        Err(Failure::Other(error)) => {
            assert_eq!(error.kind(), Kind::Remote, "{error:?}");
            let cause = std::error::Error::source(error).expect("it says why");
            let cause = cause.to_string();
            assert!(cause.contains(why) && !cause.contains("Rebuilt"), "{cause}");
        }
        other => panic!("not the fallback: {other:?}"),
    };
    let items: Vec<_> = table.rows().collect().await;
    assert_eq!(
        items.len(),
        5,
        "the stream goes on after an error: {items:?}"
    );
    assert!(matches!((&items[0], &items[4]), (Ok(1), Ok(2))));
    unknown(&items[1], "`ReadOnly`");
    assert!(matches!(items[2], Err(Failure::NoRow(4))));
    unknown(&items[3], "Failure");
}
