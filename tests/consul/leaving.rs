//! A program that only calls others ends.

use std::{process::Command, time::Duration};

use meshrpc_tests::{
    command::{Running, build},
    process::within,
};
use rustix::process::Signal;

use crate::place::{EVERY, Place, each};

/// A registration that nobody removes stays for more than a minute.
const GONE: Duration = Duration::from_secs(5);

#[test]
fn a_caller_that_ends_leaves_nothing_registered() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let programs = build(&["greeter", "mesh_api"]);
        let start = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command
                .env("MESHRPC_MESH", site.url())
                .env("HTTP_LISTEN", "127.0.0.1:0");
            Running::start(command)
        };
        let mut greeter = start("greeter");
        greeter.expect("serving");
        // Who lets go of the mesh last is another one each time.
        for _ in 0..4 {
            let mut caller = start("mesh_api");
            caller.expect("HTTP listening");
            let ids = site.agent.registered("mesh_api").await.expect("it says");
            assert_eq!(ids.len(), 1, "{ids:?}");
            caller.signal(Signal::TERM);
            assert!(caller.wait().success());
            within(GONE, "it is not registered", async || {
                let ids = site.agent.registered("mesh_api").await;
                ids.is_ok_and(|ids| ids.is_empty())
            })
            .await;
        }
    });
}
