//! Every place where a thread may wait, with the server in another process.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use meshrpc::{Mesh, Server, mesh_service};
use meshrpc_tests::{
    gauge::{Gauge as _, GaugeClient},
    process::{Town, alone},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinSet, LocalSet, spawn_local},
};

use crate::GAUGE;

/// Runs `test` with a client, on a thread of its own without a runtime.
async fn apart(town: &Town, test: impl FnOnce(GaugeClient) + Send + 'static) {
    let _instance = town.instance("gauge-1").of("gauge").start().await;
    let client = GaugeClient::connect(town.mesh(), "gauge");
    let panics = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&panics);
    let known = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::Relaxed);
        known(info);
    }));
    let (done, ended) = tokio::sync::oneshot::channel();
    let thread = thread::spawn(move || {
        test(client);
        let _ = done.send(());
    });
    let ended = ended.await;
    thread.join().expect("the test does not panic");
    ended.expect("it ends");
    assert_eq!(panics.load(Ordering::Relaxed), 0, "panics on the way");
}

fn call(client: &GaugeClient) {
    assert_eq!(client.join(7, "x").expect("it answers"), "7 x");
}

fn two_workers() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn without_a_runtime() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| call(&client)).await;
    });
}

#[test]
fn with_a_mesh_that_was_opened_without_a_runtime() {
    alone(GAUGE, async |town: Town| {
        let _instance = town.instance("gauge-1").of("gauge").start().await;
        let thread = thread::spawn(|| {
            let mesh = Mesh::from_env_blocking().expect("it can be joined");
            let client = GaugeClient::connect(&mesh, "gauge");
            meshrpc::block_on(client.wait_ready_all()).expect("it is there");
            call(&client);
        });
        tokio::task::spawn_blocking(|| thread.join().expect("no panic"))
            .await
            .unwrap();
    });
}

#[test]
fn in_a_task_of_a_multi_threaded_runtime() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            let spawned = async move { tokio::spawn(async move { call(&client) }).await.unwrap() };
            two_workers().block_on(spawned);
        })
        .await;
    });
}

#[test]
fn in_the_main_future_of_a_multi_threaded_runtime() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            two_workers().block_on(async { call(&client) });
        })
        .await;
    });
}

#[test]
fn on_a_thread_for_blocking_work() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            let work = async move { tokio::task::spawn_blocking(move || call(&client)).await };
            two_workers().block_on(work).unwrap();
        })
        .await;
    });
}

#[test]
fn within_block_in_place() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            let work = async move { tokio::task::block_in_place(move || call(&client)) };
            two_workers().block_on(async { tokio::spawn(work).await.unwrap() });
        })
        .await;
    });
}

#[test]
fn on_a_single_threaded_runtime() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            one_thread().block_on(async {
                call(&client);
                tokio::spawn(async move { call(&client) }).await.unwrap();
            });
        })
        .await;
    });
}

#[test]
fn in_a_local_set_of_a_multi_threaded_runtime() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            let local = LocalSet::new();
            let work = local.run_until(async {
                call(&client);
                let client = client.clone();
                spawn_local(async move { call(&client) }).await.unwrap();
            });
            two_workers().block_on(work);
        })
        .await;
    });
}

#[test]
fn in_a_local_set_on_a_thread_for_blocking_work() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            let runtime = two_workers();
            let handle = runtime.handle().clone();
            let work = move || {
                let local = LocalSet::new();
                let task = async move { call(&client) };
                let spawned = local.run_until(async { spawn_local(task).await.unwrap() });
                handle.block_on(spawned);
            };
            runtime.block_on(runtime.spawn_blocking(work)).unwrap();
        })
        .await;
    });
}

#[test]
fn under_another_executor() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            futures_util::FutureExt::now_or_never(async { call(&client) }).unwrap();
        })
        .await;
    });
}

#[test]
fn two_hundred_at_once_on_two_workers() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            two_workers().block_on(async {
                let mut calls = JoinSet::new();
                for _ in 0..200 {
                    let client = client.clone();
                    // Answered once all of them are under way.
                    calls.spawn(async move { client.meet(200).expect("it answers") });
                }
                while let Some(ended) = calls.join_next().await {
                    ended.expect("no panic");
                }
            });
        })
        .await;
    });
}

/// Asks a gauge.
#[mesh_service]
trait Reporter {
    async fn report(&self) -> anyhow::Result<String>;
}

impl Reporter for GaugeClient {
    async fn report(&self) -> anyhow::Result<String> {
        self.join(3, "from a handler")
    }
}

#[test]
fn inside_an_async_handler() {
    alone(GAUGE, async |town: Town| {
        apart(&town, |client| {
            two_workers().block_on(report(client.clone()));
            one_thread().block_on(report(client));
        })
        .await;
    });
}

/// Serves a reporter, and asks it.
async fn report(client: GaugeClient) {
    let mesh = Mesh::in_process();
    let server = Server::builder()
        .service(ReporterHandler::new(client))
        .build();
    let serving = mesh.serve("reporter", server).await.unwrap();
    let reporter = ReporterClient::connect(&mesh, "reporter");
    assert_eq!(reporter.report().await.unwrap(), "3 from a handler");
    drop(serving);
}
