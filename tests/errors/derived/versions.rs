//! A caller and a callee whose error is not the same.

use std::io;

use meshrpc::{Error, MeshError};

use super::on_a_socket;

/// The caller's.
mod old {
    use super::{Error, MeshError, io};

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
    }

    #[meshrpc::mesh_service]
    pub(super) trait Table {
        async fn read(&self, with: u8) -> Result<(), Failure>;
    }
}

/// The callee's: a variant before the others, one whose field has another type, fields more and
/// fewer.
mod new {
    use super::{Error, MeshError};

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
    }
}

#[tokio::test]
async fn a_variant_arrives_as_itself_or_where_failed_calls_do() {
    use old::{Failure, Table as _};

    let (mesh, _serving, _folder) = on_a_socket("table", new::TableHandler::new(new::Fails)).await;
    let table = old::TableClient::connect(&mesh, "table");
    let unknown = |result| match result {
        Err(Failure::Mesh(error)) => error.to_string(),
        other => panic!("not what failed calls are: {other:?}"),
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
