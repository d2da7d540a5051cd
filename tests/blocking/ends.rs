//! How a call ends that a thread waits for.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use meshrpc::{Call, Kind, Mesh, Server, Started};
use meshrpc_tests::{
    gauge::{Dial, Gauge as _, GaugeClient, GaugeHandler},
    ledger::{Ledger as _, LedgerClient},
    process::{CAP, Town, alone, cause, eventually},
};
use tokio::{runtime::Builder, sync::oneshot, task::spawn_blocking};

use crate::GAUGE;

/// A call of `hold`, which waits on a thread of its own; returns once the server has begun it.
async fn held(town: &Town, client: GaugeClient) -> oneshot::Receiver<anyhow::Result<()>> {
    let (answer, answered) = oneshot::channel();
    thread::spawn(move || answer.send(client.hold()));
    eventually("the call is under way", async || has(town, "held")).await;
    answered
}

fn has(town: &Town, file: &str) -> bool {
    books(town).join(file).exists()
}

fn books(town: &Town) -> PathBuf {
    town.folder().join("books")
}

#[test]
fn at_its_deadline() {
    alone(GAUGE, async |town: Town| {
        let _instance = town.instance("gauge-1").of("gauge").start().await;
        let client = GaugeClient::connect(town.mesh(), "gauge");
        let client = client.with(Call::new().deadline(Duration::from_millis(300)));
        let error = spawn_blocking(move || client.hold()).await.unwrap();
        let error = error.expect_err("it never answers");
        assert_eq!(cause(&error).kind(), Kind::DeadlineExceeded, "{error:#}");
        town.release();
    });
}

#[test]
fn at_its_deadline_with_nobody_to_call() {
    alone(GAUGE, async |town: Town| {
        let socket = town.folder().join("nobody");
        let url = format!("static:gauge=unix:{}", socket.display());
        let mesh = Mesh::open(&url).await.unwrap();
        let client = GaugeClient::connect(&mesh, "gauge");
        let client = client.with(Call::new().deadline(Duration::from_millis(300)));
        let error = client.join(1, "x").expect_err("nobody is there");
        assert_eq!(cause(&error).started(), Started::No, "{error:#}");
    });
}

#[test]
fn when_the_mesh_is_dropped_with_nobody_to_call() {
    alone(GAUGE, async |town: Town| {
        let socket = town.folder().join("nobody");
        let url = format!("static:gauge=unix:{}", socket.display());
        let mesh = Mesh::open(&url).await.unwrap();
        let client = GaugeClient::connect(&mesh, "gauge").with(Call::new().no_deadline());
        let (begun, begins) = oneshot::channel();
        let waiting = spawn_blocking(move || {
            begun.send(()).unwrap();
            client.join(1, "x")
        });
        begins.await.unwrap();
        drop(mesh);
        let ended = tokio::time::timeout(CAP, waiting).await.expect("it ends");
        let error = ended.unwrap().expect_err("nobody is there");
        assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
    });
}

#[test]
fn when_the_server_is_killed() {
    alone(GAUGE, async |town: Town| {
        let mut instance = town.instance("gauge-1").of("gauge").start().await;
        let answered = held(&town, GaugeClient::connect(town.mesh(), "gauge")).await;
        instance.kill();
        let answered = tokio::time::timeout(CAP, answered).await;
        let error = answered.expect("it ends").unwrap().unwrap_err();
        assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
        assert_eq!(cause(&error).started(), Started::Unknown, "{error:#}");
    });
}

#[test]
fn with_its_answer_though_the_mesh_was_dropped_and_no_later_one_is_made() {
    alone(GAUGE, async |town: Town| {
        let _instance = town.instance("gauge-1").of("gauge").start().await;
        let mesh = Mesh::from_env().await.unwrap();
        let client = GaugeClient::connect(&mesh, "gauge");
        let answered = held(&town, client.clone()).await;
        drop(mesh);
        let mut refusal = None;
        eventually("no call is taken", async || {
            let client = client.clone();
            let later = spawn_blocking(move || client.join(1, "x")).await.unwrap();
            refusal = later.err();
            refusal.is_some()
        })
        .await;
        let error = refusal.expect("it was refused");
        assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
        town.release();
        answered.await.unwrap().expect("it was under way");
    });
}

#[test]
fn as_ever_when_the_runtime_is_gone_that_the_mesh_was_opened_on() {
    alone(GAUGE, async |town: Town| {
        let _instance = town.instance("gauge-1").of("gauge").start().await;
        let (mesh, client) = thread::spawn(|| {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let mesh = runtime.block_on(Mesh::from_env()).unwrap();
            let client = GaugeClient::connect(&mesh, "gauge");
            client.join(1, "x").expect("it answers");
            (mesh, client)
        })
        .join()
        .unwrap();
        // Its connections have never lived there.
        let later = move || (client.join(2, "y"), mesh);
        let (later, _mesh) = spawn_blocking(later).await.unwrap();
        assert_eq!(later.expect("it answers"), "2 y");
    });
}

#[test]
fn with_an_error_if_it_is_async_and_the_runtime_is_gone_that_the_mesh_was_opened_on() {
    alone(GAUGE, async |_: Town| {
        let opened = thread::spawn(|| {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let mesh = runtime.block_on(Mesh::from_env()).unwrap();
            let before = LedgerClient::connect(&mesh, "before");
            (mesh, before)
        });
        let (mesh, before) = opened.join().unwrap();
        let after = LedgerClient::connect(&mesh, "after");
        for client in [before, after] {
            let ended = tokio::time::timeout(CAP, client.who()).await;
            let error = ended.expect("it ends").expect_err("nobody carries it");
            assert_eq!(cause(&error).kind(), Kind::Unavailable, "{error:#}");
        }
    });
}

#[test]
fn with_its_answer_though_the_server_came_later_and_the_callers_runtime_stands_still() {
    alone(GAUGE, async |town: Town| {
        let socket = town.folder().join("late");
        let url = format!("static:gauge=unix:{}", socket.display());
        let (answer, answered) = oneshot::channel();
        let (begun, begins) = oneshot::channel();
        let target = url.clone();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            answer.send(runtime.block_on(async {
                let mesh = Mesh::open(&target).await.unwrap();
                let client = GaugeClient::connect(&mesh, "gauge");
                begun.send(()).unwrap();
                client.join(5, "late")
            }))
        });
        begins.await.unwrap();
        let mesh = Arc::new(Mesh::open(&url).await.unwrap());
        let dial = Dial::new(Arc::clone(&mesh), books(&town));
        let server = Server::builder().service(GaugeHandler::new(dial)).build();
        let serving = mesh.serve("gauge", server).await.unwrap();
        let answer = tokio::time::timeout(CAP, answered).await;
        assert_eq!(answer.expect("it ends").unwrap().unwrap(), "5 late");
        drop(serving);
    });
}
