//! What a server does with methods that block.

use std::{
    future::ready,
    sync::Arc,
    time::{Duration, Instant},
};

use meshrpc::{Call, Context, Mesh, Server, Serving};
use meshrpc_tests::{
    gauge::{Dial, Gauge as _, GaugeClient, GaugeHandler},
    process::{CAP, Town, alone, cause, eventually},
};
use tempfile::TempDir;
use tokio::{runtime::Builder, task::spawn_blocking};

use crate::GAUGE;

/// A gauge within this process.
struct Own {
    mesh: Arc<Mesh>,
    folder: TempDir,
    serving: Serving,
    client: GaugeClient,
}

impl Own {
    async fn new() -> Self {
        let mesh = Arc::new(Mesh::in_process());
        let folder = tempfile::tempdir().unwrap();
        let dial = Dial::new(Arc::clone(&mesh), folder.path().to_owned());
        let server = Server::builder().service(GaugeHandler::new(dial)).build();
        let serving = mesh.serve("gauge", server).await.unwrap();
        let client = GaugeClient::connect(&mesh, "gauge");
        Self {
            mesh,
            folder,
            serving,
            client,
        }
    }

    /// A call that its caller has left, and that goes on.
    async fn leave_one(&self) {
        let client = self
            .client
            .with(Call::new().deadline(Duration::from_millis(200)));
        let ended = spawn_blocking(move || client.hold()).await.unwrap();
        ended.expect_err("the deadline ends it");
        eventually("it was begun", async || self.has("held")).await;
    }

    fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }

    fn release(&self) {
        std::fs::write(self.folder.path().join("release"), "").unwrap();
    }
}

#[test]
fn a_server_on_the_callers_own_thread_answers() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let own = Own::new().await;
        assert_eq!(own.client.join(1, "x").unwrap(), "1 x");
        assert_eq!(own.client.join(2, "y").unwrap(), "2 y");
        // Handlers that call as their caller did.
        own.client.relay_context("gauge").unwrap();
        let drained = own.serving.drain(CAP).await.unwrap();
        assert_eq!(drained.cut, 0);
        let error = own.client.join(3, "z").expect_err("it has gone");
        assert_eq!(cause(&error).kind(), meshrpc::Kind::Unavailable);
    });
}

#[test]
fn nobody_needs_a_runtime() {
    let own = meshrpc::block_on(Own::new());
    assert_eq!(own.client.join(1, "x").unwrap(), "1 x");
    let drained = meshrpc::block_on(own.serving.until(ready(())).drain(CAP)).unwrap();
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn a_panic_is_one_failed_call() {
    let own = Own::new().await;
    let error = own.client.panic().expect_err("it panics");
    assert!(error.to_string().contains("panicked"), "{error:#}");
    assert_eq!(own.serving.counters().panics(), 1);
    assert_eq!(own.client.join(1, "x").unwrap(), "1 x");
}

#[tokio::test]
async fn the_context_of_a_call_reaches_the_method_and_its_own_calls() {
    let own = Own::new().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = Context::current().with_deadline(deadline).with_trace(trace);
    let (own_context, relayed) = context.sync_scope(|| {
        let context = own.client.context().unwrap();
        (context, own.client.relay_context("gauge").unwrap())
    });
    for (left, seen) in [own_context, relayed] {
        assert!(left.is_some_and(|left| left <= 20_000), "{left:?}");
        assert_eq!(seen.as_deref(), Some(trace));
    }
}

#[tokio::test]
async fn a_drain_waits_for_work_that_its_caller_has_left() {
    let own = Own::new().await;
    own.leave_one().await;
    let Own {
        folder,
        serving,
        client,
        mesh: _mesh,
    } = own;
    let drain = tokio::spawn(serving.drain(CAP));
    eventually("it takes no calls", async || {
        let client = client.clone();
        spawn_blocking(move || client.join(1, "x"))
            .await
            .unwrap()
            .is_err()
    })
    .await;
    assert!(!drain.is_finished(), "it was not waited for");
    std::fs::write(folder.path().join("release"), "").unwrap();
    assert_eq!(drain.await.unwrap().unwrap().cut, 0);
    assert!(folder.path().join("done").exists(), "it was not waited for");
}

#[tokio::test]
async fn a_drain_that_has_no_time_counts_work_that_goes_on() {
    let own = Own::new().await;
    own.leave_one().await;
    let Own {
        folder, serving, ..
    } = own;
    let drained = serving.drain(Duration::from_millis(10)).await.unwrap();
    assert_eq!(drained.cut, 1);
    std::fs::write(folder.path().join("release"), "").unwrap();
}

#[test]
fn a_program_without_a_runtime_stops_in_good_order() {
    alone(GAUGE, async |town: Town| {
        let instance = town.instance("gauge-1").of("gauge").start().await;
        let client = GaugeClient::connect(town.mesh(), "gauge");
        let held = spawn_blocking(move || client.hold());
        let books = town.folder().join("books");
        eventually("the call is under way", async || {
            books.join("held").exists()
        })
        .await;
        instance.terminate();
        town.release();
        held.await.unwrap().expect("it finishes");
        assert!(instance.ended().await.success());
    });
}

#[test]
fn callers_that_wait_hold_up_nobody_who_does_not() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let own = Own::new().await;
        let client = own.client.clone();
        let held = spawn_blocking(move || client.hold());
        eventually("the call is under way", async || own.has("held")).await;
        let client = own.client.clone();
        let other = spawn_blocking(move || client.join(1, "x"));
        assert_eq!(other.await.unwrap().unwrap(), "1 x");
        own.release();
        held.await.unwrap().unwrap();
    });
}
