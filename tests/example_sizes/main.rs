//! The examples, as far as they can be judged without being run.

use std::{fs, path::Path};

/// Lines that somebody had to write: neither blank nor comment.
fn written(file: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

#[test]
fn the_smallest_service_is_at_most_25_lines() {
    let files = [
        "hello/src/lib.rs",
        "hello/src/bin/hello-server.rs",
        "hello/src/bin/hello-client.rs",
    ];
    let lines: usize = files.into_iter().map(written).sum();
    // The trait was there before; only its attribute is new.
    let of_the_trait = 3;
    assert!(lines - of_the_trait <= 25, "{} lines", lines - of_the_trait);
}
