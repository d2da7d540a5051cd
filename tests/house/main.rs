//! The rules of the house that no compiler checks: which way dependencies point, what the wire may
//! know, how long a file may be, what a manifest has to say, and which faults are tested.
//!
//! # Layout
//! - `edges`: who uses whom inside of the runtime
//! - `sources`: what no source file may hold
//! - `faults`: which test says that a fault is survived
//! - `manifests`: what is published, and where versions stand

mod edges;
mod faults;
mod manifests;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders whose code is the product.
const PRODUCT: [&str; 4] = [
    "meshrpc-runtime/src",
    "meshrpc-macros/src",
    "templates/src",
    "cargo-meshrpc/src",
];

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust source under `folder`, relative to the workspace, in order.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for entry in entries {
            let entry = entry.unwrap_or_else(|error| panic!("{folder}: {error}"));
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn parsed(file: &str) -> syn::File {
    syn::parse_file(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Fails with every complaint.
#[track_caller]
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
