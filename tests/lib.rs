//! What the tests by topic share.

pub mod command;
pub mod gauge;
pub mod http;
pub mod ledger;
pub mod process;
pub mod real;

use std::{
    env,
    future::pending,
    io::{self, Write},
    process::{Command, Stdio},
};

use meshrpc::{Channel, Handler, Mesh, Server, contract::ServiceSpec};

/// Whether a test that needs `tool` can run. If not, it says so, past the capture of test output.
///
/// # Panics
/// If the tool is missing and `MESHRPC_TEST_REQUIRE` is `all`.
pub fn has_tool(tool: &str) -> bool {
    is_there(tool, &[tool, "--version"])
}

/// Whether a test that needs `what` can run, which is so if `command` succeeds. Otherwise as
/// [`has_tool`].
///
/// # Panics
/// As [`has_tool`].
pub fn is_there(what: &str, command: &[&str]) -> bool {
    let found = command.split_first().is_some_and(|(program, arguments)| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if !found {
        not_run(what);
    }
    found
}

/// Says that a test is not run for want of `what`, past the capture of test output.
///
/// # Panics
/// If `MESHRPC_TEST_REQUIRE` is `all`.
pub fn not_run(what: &str) {
    // Nobody reads it if it cannot be written.
    let _ = writeln!(io::stderr(), "not run: needs {what}");
    let required = env::var("MESHRPC_TEST_REQUIRE").is_ok_and(|required| required == "all");
    assert!(!required, "needs {what}, and MESHRPC_TEST_REQUIRE is `all`");
}

/// A channel to `handler`, over the real wire within this process, for as long as the test's
/// runtime.
///
/// # Panics
/// If it cannot be served.
pub async fn pair(handler: impl Handler) -> Channel {
    let mesh = Mesh::in_process();
    let spec = handler.spec();
    let server = Server::builder().service(handler).build();
    let serving = mesh
        .serve("service", server)
        .await
        .expect("a handler can be served");
    let channel = mesh.channel("service", spec);
    channel
        .wait_ready()
        .await
        .expect("the handler can be reached");
    tokio::spawn(async move {
        let _kept = (mesh, serving);
        pending::<()>().await;
    });
    channel
}

/// A channel to a deployment that no instance serves.
pub async fn nowhere() -> Channel {
    static NOTHING: ServiceSpec = ServiceSpec {
        name: "Nothing",
        methods: &[],
    };
    let mesh = Mesh::in_process();
    let channel = mesh.channel("nowhere", &NOTHING);
    tokio::spawn(async move {
        let _kept = mesh;
        pending::<()>().await;
    });
    channel
}

/// The guides: their code is compiled and run.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/balancing.md")]
    mod balancing {}
    #[doc = include_str!("../docs/evolution.md")]
    mod evolution {}
    #[doc = include_str!("../docs/error-handling.md")]
    mod error_handling {}
    #[doc = include_str!("../docs/generated.md")]
    mod generated {}
    #[doc = include_str!("../docs/limits.md")]
    mod limits {}
    #[doc = include_str!("../docs/split-a-monolith.md")]
    mod split_a_monolith {}
    #[doc = include_str!("../docs/streams.md")]
    mod streams {}
    #[doc = include_str!("../docs/sync-traits.md")]
    mod sync_traits {}
    #[doc = include_str!("../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../docs/types.md")]
    mod types {}
}
