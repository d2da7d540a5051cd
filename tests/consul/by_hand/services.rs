//! Several services, those that cannot be, and agents that are away.

use std::net::TcpListener;

use meshrpc::{
    discovery::Address,
    mesh::consul::{ConsulError, Service, Started},
};
use meshrpc_tests::{
    process::eventually,
    real::{Kind, beside},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixListener,
};

use super::{Echo, answered, consul, everything};
use crate::place::{EVERY, Place, RELEASES, each};

#[test]
fn instances_on_one_machine_have_names_ids_and_ports_of_their_own() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let mut meshes = Vec::new();
        let mut ids = Vec::new();
        let mut names = Vec::new();
        let mut ports = Vec::new();
        for name in ["one", "two", "three"] {
            let (mesh, consul) = consul(&agent, "", name).await;
            let started = consul.start(echo.service("echo")).await;
            assert_eq!(started.expect("it starts"), Started::New);
            let info = consul.info("echo").expect("it is known");
            ids.push(info.id);
            names.push(info.instance.name);
            ports.push(info.listener.expect("it has a sidecar"));
            meshes.push((mesh, consul));
        }
        let mut listed = agent.passing("echo").await.expect("it says");
        listed.sort();
        ids.sort();
        assert_eq!(listed, ids);
        names.sort();
        names.dedup();
        ports.sort();
        ports.dedup();
        assert_eq!((names.len(), ports.len()), (3, 3), "{names:?} {ports:?}");
    });
}

#[test]
fn what_listens_at_a_unix_socket_is_a_service_where_the_proxy_finds_it() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let path = place.folder().join("echo");
        let listener = UnixListener::bind(&path).expect("nobody is there");
        let answering = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() {
                        if stream.write_all(&[b'u', byte[0]]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let options = format!("proxy={}", place.kind);
        let (_one, serving) = consul(&agent, &options, "one").await;
        let service = Service::new("echo", Address::Unix(path.clone()));
        let started = serving.start(service).await;
        if matches!(place.kind, Kind::BuiltIn) {
            let refused = started.expect_err("the built-in proxy does not");
            assert!(matches!(refused, ConsulError::Invalid(_)), "{refused}");
            assert!(refused.to_string().contains("proxy=envoy"), "{refused}");
            assert!(everything(&agent).await.is_empty());
            return;
        }
        assert_eq!(started.expect("it starts"), Started::New);
        let info = serving.info("echo").expect("it is known");
        assert_eq!(info.application, Some(format!("unix:{}", path.display())));
        let (_two, calling) = consul(&agent, &options, "two").await;
        let connected = calling.connect(["echo"]).await.expect("it connects");
        eventually("it answers", async || {
            answered(connected[0].address).await == Some(b'u')
        })
        .await;
        answering.abort();
    });
}

#[test]
fn what_cannot_all_be_connected_is_not_connected_at_all() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let (_mesh, consul) = consul(&agent, "", "one").await;
        let failed = consul.connect(["echo", "other", "a/b"]).await;
        let failure = failed.expect_err("no service is called so");
        assert!(matches!(failure, ConsulError::Invalid(_)), "{failure}");
        eventually("nothing is left of it", async || {
            consul.upstreams().is_empty()
                && consul.list().is_empty()
                && everything(&agent).await.is_empty()
        })
        .await;
        // What was there before stays.
        let before = consul.connect(["echo"]).await.expect("it connects");
        let failed = consul.connect(["echo", "other", "a/b"]).await;
        failed.expect_err("no service is called so");
        eventually("the other is not connected", async || {
            consul.upstreams() == before
        })
        .await;
    });
}

#[test]
fn a_service_that_an_agent_cannot_be_told_of_is_stopped_all_the_same() {
    each(RELEASES, async |place: Place| {
        let mut agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, "", "one").await;
        consul.start(echo.service("echo")).await.expect("it starts");
        let listener = consul.info("echo").expect("it is known").listener;
        agent.kill();
        let stopped = consul.stop("echo").await;
        let failure = stopped.expect_err("the agent is away");
        assert!(matches!(failure, ConsulError::Agent(_)), "{failure}");
        assert!(consul.list().is_empty());
        assert!(beside(std::process::id()).is_empty(), "its sidecar");
        TcpListener::bind(listener.expect("it has one")).expect("its port is free");
        agent.start_again();
        agent.is_ready().await;
        let again = consul.start(echo.service("echo")).await;
        assert_eq!(again.expect("its name is free"), Started::New);
    });
}

#[test]
fn what_an_agent_does_not_know_of_is_refused_in_its_words() {
    each(&RELEASES[..1], async |place: Place| {
        let agent = place.agent().start().await;
        // Before 1.10 no agent takes a socket, whoever the proxy is.
        let (_mesh, consul) = consul(&agent, "command=sleep%201000", "one").await;
        let path = place.folder().join("echo");
        let service = Service::new("echo", Address::Unix(path));
        let refused = consul.start(service).await;
        let refusal = refused.expect_err("it knows no sockets");
        assert!(matches!(refusal, ConsulError::Agent(_)), "{refusal}");
        assert!(refusal.to_string().contains("SocketPath"), "{refusal}");
        assert!(everything(&agent).await.is_empty());
    });
}
