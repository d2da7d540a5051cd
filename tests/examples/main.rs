//! The smallest example: how much of it somebody has to write, and that it runs; and the ring. The
//! greeter and its gateway are the main job, which is tested as such.

mod ring;

use std::{fs, path::Path, thread, time::Instant};

use meshrpc::{discovery::Health, mesh::local::Registry};
use meshrpc_tests::command::{CAP, Place, Running, build};
use rustix::process::Signal;

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

#[test]
fn the_smallest_service_runs() {
    let binaries = build(&["hello"]);
    let place = Place::new();
    let mut server = Running::start(place.command(&binaries.join("hello-server")));
    wait_for_an_instance(&place);

    let output = place
        .command(&binaries.join("hello-client"))
        .output()
        .expect("the client runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Max!\n");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0), "it stops in good order");
}

fn wait_for_an_instance(place: &Place) {
    let registry = Registry::open(&place.environment()).expect("the registry is ours");
    let begun = Instant::now();
    let ready = || {
        let listed = registry.list("hello").unwrap_or_default();
        listed.iter().any(|entry| entry.health == Health::Ready)
    };
    while !ready() {
        assert!(begun.elapsed() < CAP, "hello-server never became ready");
        thread::yield_now();
    }
}
