//! The processes beside services.

use std::{
    fs,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use meshrpc::mesh::consul::{ConsulError, SidecarEvent, SidecarInfo, SidecarState};
use meshrpc_tests::{process::eventually, real::beside};

use super::{Echo, answered, consul, shown};
use crate::place::{EVERY, Place, RELEASES, each};

#[test]
fn a_sidecar_is_stopped_started_restarted_and_comes_back_when_it_is_killed() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let options = format!("proxy={}", place.kind);
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, &options, "one").await;
        let told = Arc::<Mutex<Vec<SidecarEvent>>>::default();
        consul.on_sidecar({
            let told = Arc::clone(&told);
            move |event| told.lock().expect("nobody panics").push(event.clone())
        });
        consul.start(echo.service("echo")).await.expect("it starts");
        let connected = consul.connect(["echo"]).await.expect("it connects");
        let at = connected[0].address;
        let answers = async || answered(at).await.is_some();
        eventually("it answers", answers).await;
        let sidecar = consul.sidecar("echo").expect("it has one");
        let pid = || sidecar.info().pid.expect("it runs");
        let listed = async |count: usize| {
            let passing = agent.passing("echo").await;
            passing.is_ok_and(|passing| passing.len() == count)
        };

        let id = consul.info("echo").expect("it is known").id;
        // Some proxies hang at their start now and then, and are started again.
        let deaths = || {
            let told = told.lock().expect("nobody panics");
            let ends = told.iter().filter_map(|event| match event {
                SidecarEvent::Died {
                    service_id, end, ..
                } if **service_id == *id => Some(end.clone()),
                _ => None,
            });
            ends.collect::<Vec<String>>()
        };
        let counted = || sidecar.info().restarts == deaths().len() as u64;

        let first = pid();
        sidecar.stop().await;
        let stopped = sidecar.info();
        assert_eq!((stopped.state, stopped.pid), (SidecarState::Stopped, None));
        eventually("it is not called", async || listed(0).await).await;
        sidecar.start().await.expect("it starts");
        let second = pid();
        eventually("it is called", async || listed(1).await).await;
        sidecar.start().await.expect("it runs");
        assert_eq!(pid(), second);
        sidecar.restart().await.expect("it starts");
        let third = pid();
        assert!(first != second && second != third);
        assert!(counted(), "others were asked for: {:?}", sidecar.info());
        eventually("it answers", answers).await;

        let before = deaths().len();
        let killed = beside(std::process::id());
        let killed = killed.iter().find(|found| found.pid() == third);
        killed.expect("it runs").kill();
        eventually("there is another", async || {
            deaths().len() > before && counted() && sidecar.info().is_running()
        })
        .await;
        assert!(deaths()[before].contains("signal: 9"), "{:?}", deaths());
        assert_eq!(sidecar.info().last_end, deaths().pop());
        eventually("it answers", answers).await;

        let told = told.lock().expect("nobody panics");
        let output = |event: &SidecarEvent| matches!(event, SidecarEvent::Output { .. });
        assert!(told.iter().any(output));
    });
}

#[test]
fn a_sidecar_whose_port_was_taken_moves_to_another() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let options = format!("proxy={}", place.kind);
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, &options, "one").await;
        consul.start(echo.service("echo")).await.expect("it starts");
        let connected = consul.connect(["echo"]).await.expect("it connects");
        let at = connected[0].address;
        let sidecar = consul.sidecar("echo").expect("it has one");
        let listener = || consul.info("echo").expect("it is known").listener;
        let before = listener().expect("it has a sidecar");
        sidecar.stop().await;
        // Nobody is given this port, but whoever asks for it gets it.
        let _taken = TcpListener::bind(before).expect("nobody listens there");
        sidecar.start().await.expect("it starts");
        let after = listener().expect("it has a sidecar");
        assert_ne!(before, after);
        eventually("it answers", async || answered(at).await == Some(b'a')).await;
        let listed = agent.json("/v1/health/connect/echo?passing").await;
        assert_eq!(listed[0]["Service"]["Port"], after.port());
    });
}

#[test]
fn a_sidecar_that_somebody_else_runs_is_waited_for() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, "proxy=external", "one").await;
        let starting = tokio::spawn({
            let (consul, service) = (Arc::clone(&consul), echo.service("echo"));
            async move { consul.start(service).await }
        });
        eventually("it is registered", async || {
            let registered = agent.registered("echo").await;
            registered.is_ok_and(|registered| registered.len() == 1)
        })
        .await;
        assert!(agent.passing("echo").await.expect("it says").is_empty());
        let id = consul.info("echo").expect("it is known").id;
        let mut theirs = place.kind.start(&agent, &id);
        starting.await.expect("it ends").expect("it starts");
        assert_eq!(agent.passing("echo").await.expect("it says"), [&*id]);
        assert_eq!(beside(std::process::id()).len(), 1, "theirs");
        let info = consul.info("echo").expect("it is known").sidecar;
        assert!(info.is_some_and(|info| info.state == SidecarState::External));
        let refused = consul.sidecar("echo");
        assert!(matches!(refused, Err(ConsulError::InvalidState { .. })));
        theirs.kill();
        eventually("it is not called", async || {
            agent
                .passing("echo")
                .await
                .is_ok_and(|passing| passing.is_empty())
        })
        .await;
        let _another = place.kind.start(&agent, &id);
        eventually("it is called", async || {
            agent
                .passing("echo")
                .await
                .is_ok_and(|passing| passing.len() == 1)
        })
        .await;
    });
}

#[test]
fn a_command_of_the_users_is_a_sidecar_too() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let wrapper = place.folder().join("wrapper");
        let script = "#!/bin/sh\necho for $1 at $3\nexec consul connect proxy -proxy-id $2\n";
        fs::write(&wrapper, script).expect("it can be written");
        let words = format!("sh {} ${{id}} ${{sidecar_id}} ${{port}}", wrapper.display());
        let options = format!("command={}", words.replace(' ', "%20"));
        let (_mesh, consul) = consul(&agent, &options, "one").await;
        let lines = Arc::<Mutex<Vec<String>>>::default();
        consul.on_sidecar({
            let lines = Arc::clone(&lines);
            move |event| {
                if let SidecarEvent::Output { line, .. } = event {
                    lines.lock().expect("nobody panics").push(line.clone());
                }
            }
        });
        consul.start(echo.service("echo")).await.expect("it starts");
        let info = consul.info("echo").expect("it is known");
        let port = info.listener.expect("it has a sidecar").port();
        let first = lines.lock().expect("nobody panics")[0].clone();
        assert_eq!(first, format!("for {} at {port}", info.id));
        assert!(info.sidecar.as_ref().is_some_and(SidecarInfo::is_running));
    });
}

#[test]
fn the_token_is_seen_in_no_process_list() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let token = agent.master().expect("it asks for one");
        let file = place.folder().join("token");
        fs::write(&file, token).expect("it can be written");
        let vars = [
            ("MESHRPC_TOKEN_FILE", file.as_os_str()),
            ("MESHRPC_RUNTIME_DIR", place.folder().as_os_str()),
        ];
        let environment = meshrpc::mesh::Environment::from_vars(vars).expect("it is one");
        let url = agent.url(&format!("proxy={}&as=one", place.kind));
        let consul = meshrpc::mesh::consul::Consul::open(&url, &environment).expect("it is one");
        consul.join().await.expect("the mesh can be joined");
        let echo = Echo::start(b'a').await;
        consul.start(echo.service("echo")).await.expect("it starts");
        assert!(!shown("connect").is_empty(), "its sidecar runs");
        assert_eq!(shown(token), [] as [String; 0]);
        assert!(!format!("{consul:?} {:?}", consul.list()).contains(token));
    });
}
