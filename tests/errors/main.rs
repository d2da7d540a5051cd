//! `docs/errors.md`, by what a caller sees.
//!
//! # Layout
//! - `table`: the table of the document, row by row
//! - `failures`: one call for each kind of failure
//! - `derived`: errors with `#[derive(MeshError)]`
//! - `own`: errors of methods, and how they cross
//! - `relayed`: errors of calls that a method made

mod derived;
mod failures;
mod own;
mod relayed;
mod table;

use meshrpc::{Error, Handler, Mesh, Server, Serving};

/// The error of a failed call, out of a trait's `anyhow::Error`.
fn mesh_error<T: std::fmt::Debug>(result: anyhow::Result<T>) -> Error {
    result
        .expect_err("the call fails")
        .downcast::<Error>()
        .expect("a mesh error is inside")
}

/// One more instance of `deployment`.
async fn serve(mesh: &Mesh, deployment: &str, handler: impl Handler) -> Serving {
    let server = Server::builder().service(handler).build();
    mesh.serve(deployment, server)
        .await
        .expect("it can be served")
}
