//! What is registered, and what is not left behind.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use meshrpc::mesh::consul::{CheckStatus, ConsulError, Service, Template};
use meshrpc_tests::{
    process::{eventually, within},
    real::{Agent, beside, free},
};
use serde_json::Value;

use super::{Echo, answered, consul, everything};
use crate::place::{EVERY, Place, RELEASES, each};

#[test]
fn a_status_that_is_set_by_hand_stays_until_another_is() {
    each(RELEASES, async |place: Place| {
        let mut agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, "via=plain", "one").await;
        consul.start(echo.service("echo")).await.expect("it starts");
        let passing = async |agent: &Agent| {
            let list = agent.json("/v1/health/service/echo?passing").await;
            list.as_array().map_or(0, Vec::len)
        };
        assert_eq!(passing(&agent).await, 1);
        let id = consul.info("echo").expect("it is known").id;
        let note = Some("the disk is nearly full");
        let set = consul.set_status("echo", CheckStatus::Warning, note).await;
        set.expect("it is set");
        eventually("it is not called", async || passing(&agent).await == 0).await;
        let warns = async |agent: &Agent| {
            let checks = agent.json("/v1/agent/checks").await;
            let check = &checks[format!("{id}:ttl")];
            check["Status"] == "warning" && check["Output"] == "the disk is nearly full"
        };
        assert!(warns(&agent).await);
        // It is beaten like any other: an agent that has forgotten it is told the same, though it
        // is registered as what passes.
        agent.kill();
        agent.start_again();
        agent.is_ready().await;
        eventually("it warns again", async || warns(&agent).await).await;
        assert_eq!(
            consul.info("echo").expect("it is known").status,
            CheckStatus::Warning
        );
        let set = consul.set_status(&id, CheckStatus::Passing, None).await;
        set.expect("it is set");
        eventually("it is called again", async || passing(&agent).await == 1).await;
        let unknown = consul
            .set_status("nobody", CheckStatus::Passing, None)
            .await;
        assert!(matches!(unknown, Err(ConsulError::NotOwned { .. })));
    });
}

#[test]
fn a_template_of_the_users_is_what_is_registered() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let template = r#"{"ID": "${id}", "Name": "${service}", "Port": "${port}",
            "Tags": ["at-${port}"], "Meta": {"version": "1.0", "instance": "${instance}"},
            "Check": {"CheckID": "${id}:alive", "TTL": "5s", "Status": "passing"},
            "Connect": {"SidecarService": {"Port": "${sidecar_port}", "Checks": [
                {"CheckID": "${id}:proxy", "TTL": "5s", "Status": "critical"}]}}}"#;
        let file = place.folder().join("template.json");
        fs::write(&file, template).expect("the folder can be written");
        let options = format!("template={}", file.display());
        let (_mesh, consul) = consul(&agent, &options, "one").await;
        consul.start(echo.service("echo")).await.expect("it starts");
        let info = consul.info("echo").expect("it is known");
        let path = "/v1/health/connect/echo?filter=Service.Meta.version==%221.0%22";
        let listed = agent.json(path).await;
        let service = &listed[0]["Service"];
        assert_eq!(
            service["Proxy"]["DestinationServiceID"],
            Value::from(info.id)
        );
        let tag = format!("at-{}", echo.address.port());
        assert_eq!(service["Tags"][0], Value::from(tag));

        let refused = Template::parse(r#"{"ID": "${id}", "Name": "${servce}"}"#);
        assert!(refused.is_err_and(|why| why.contains("servce")));
    });
}

#[test]
fn a_service_whose_sidecar_cannot_run_is_not_left_registered() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let nowhere = place.folder().join("nowhere");
        let silent = place.folder().join("silent");
        fs::write(&silent, "#!/bin/sh\necho no leader >&2\nexit 7\n").expect("it can be written");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&silent, mode).expect("it is ours");
        for (options, word) in [
            (format!("consul={}", nowhere.display()), "nowhere"),
            (format!("command={}", silent.display()), "no leader"),
        ] {
            let (_mesh, consul) = consul(&agent, &options, "one").await;
            let failed = consul.start(echo.service("echo")).await;
            let failure = failed.expect_err("it has no sidecar");
            assert!(matches!(failure, ConsulError::NotAlive { .. }), "{failure}");
            assert!(failure.to_string().contains(word), "{failure}");
            assert!(consul.list().is_empty());
            assert!(everything(&agent).await.is_empty());
        }
    });
}

#[test]
fn a_service_that_is_refused_is_not_left_registered() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        // This agent's refusal: it knows no such field.
        let template = r#"{"ID": "${id}", "Name": "${service}", "Colour": "red",
            "Check": {"CheckID": "${id}:alive", "TTL": "5s"},
            "Connect": {"SidecarService": {"Port": "${sidecar_port}"}}}"#;
        let template = Template::parse(template).expect("it could be one");
        let (_mesh, consul) = consul(&agent, "", "one").await;
        let refused = consul.start(echo.service("echo").template(template)).await;
        let refusal = refused.expect_err("it is refused");
        assert!(refusal.to_string().contains("Colour"), "{refusal}");
        for name in ["", "a/b"] {
            let refused = consul.start(echo.service(name)).await;
            assert!(matches!(refused, Err(ConsulError::Invalid(_))));
        }
        assert!(consul.list().is_empty());
        assert!(everything(&agent).await.is_empty());
    });
}

#[test]
fn a_start_that_is_given_up_leaves_nothing() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, "command=sleep 1000", "one").await;
        {
            let starting = consul.start(echo.service("echo"));
            tokio::pin!(starting);
            eventually("it is registered", async || {
                tokio::select! {
                    started = &mut starting => panic!("{started:?}"),
                    everything = everything(&agent) => !everything.is_empty(),
                }
            })
            .await;
        }
        eventually("it is not registered", async || {
            everything(&agent).await.is_empty()
        })
        .await;
        assert!(consul.list().is_empty());
    });
}

#[test]
fn ports_are_taken_from_the_range_that_is_given() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let port = free();
        let options = format!("ports={port}-{port}");
        let (_mesh, consul) = consul(&agent, &options, "one").await;
        {
            let _taken = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
            let failed = consul.start(echo.service("echo")).await;
            let failure = failed.expect_err("there is none");
            assert!(matches!(failure, ConsulError::NoPort { .. }), "{failure}");
            assert!(failure.to_string().contains(&port.to_string()), "{failure}");
            assert!(everything(&agent).await.is_empty());
        }
        consul.start(echo.service("echo")).await.expect("it starts");
        let listener = consul.info("echo").expect("it is known").listener;
        assert_eq!(listener.expect("it has a sidecar").port(), port);
    });
}

#[test]
fn an_agent_that_has_forgotten_is_told_again() {
    each(EVERY, async |place: Place| {
        let mut agent = place.agent().start().await;
        let options = format!("proxy={}", place.kind);
        let echo = Echo::start(b'a').await;
        let (_one, serving) = consul(&agent, &options, "one").await;
        let (_two, calling) = consul(&agent, &options, "two").await;
        serving
            .start(echo.service("echo"))
            .await
            .expect("it starts");
        let connected = calling.connect(["echo"]).await.expect("it connects");
        let at = connected[0].address;
        eventually("it answers", async || answered(at).await.is_some()).await;
        let ids = || [&serving, &calling].map(|consul| consul.list()[0].id.clone());
        let before = ids();
        agent.kill();
        agent.start_again();
        agent.is_ready().await;
        let cap = std::time::Duration::from_secs(15);
        within(cap, "both are registered again", async || {
            let everything = everything(&agent).await;
            before.iter().all(|id| everything.contains(id))
        })
        .await;
        eventually("it is listed again", async || {
            let passing = agent.passing("echo").await;
            passing.is_ok_and(|passing| passing == [&*before[0]])
        })
        .await;
        eventually("it answers again", async || answered(at).await.is_some()).await;
        assert_eq!(ids(), before);
    });
}

#[test]
fn a_killed_process_leaves_no_sidecar_and_is_dropped_from_the_list() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [mut instance] = site.town.start(["ledger-1"]).await;
        let sidecars = beside(instance.pid());
        assert_eq!(sidecars.len(), 1, "{sidecars:?}");
        let id = site.ids().await.remove(0);
        instance.kill();
        eventually("its sidecar is gone", async || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", sidecars[0].pid()));
            stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
        })
        .await;
        eventually("it is not listed", async || site.ids().await.is_empty()).await;
        // The agent removes it after a minute of this.
        let path = format!("/v1/agent/health/service/id/{id}");
        eventually("its check is critical", async || {
            let reply = site.agent.get(&path).await;
            reply.is_ok_and(|reply| reply.status == 503)
        })
        .await;
    });
}

#[test]
fn a_caller_that_is_called_as_a_service_is_takes_no_calls() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let options = format!("proxy={}", place.kind);
        let (echo, other) = (Echo::start(b'a').await, Echo::start(b'b').await);
        let (_one, consul_of_one) = consul(&agent, &options, "echo").await;
        consul_of_one
            .start(other.service("other"))
            .await
            .expect("it starts");
        // Under the name `echo` it calls others, and later serves.
        let connected = consul_of_one.connect(["other"]).await.expect("it connects");
        let at = connected[0].address;
        eventually("it answers", async || answered(at).await == Some(b'b')).await;
        consul_of_one
            .start(echo.service("echo"))
            .await
            .expect("it starts");
        let serving = consul_of_one.list();
        let serving = serving
            .iter()
            .find(|info| info.service == "echo" && info.application.is_some());
        let id = serving.expect("it is known").id.clone();
        assert_eq!(agent.passing("echo").await.expect("it says"), [id]);
        let (_two, calling) = consul(&agent, &options, "two").await;
        let connected = calling.connect(["echo"]).await.expect("it connects");
        eventually("it answers", async || {
            answered(connected[0].address).await.is_some()
        })
        .await;
        for _ in 0..20 {
            assert_eq!(answered(connected[0].address).await, Some(b'a'));
        }
        assert_eq!(answered(at).await, Some(b'b'), "and it calls on");
    });
}

#[test]
fn without_sidecars_the_listener_itself_is_registered() {
    each(RELEASES, async |place: Place| {
        let agent = place.agent().start().await;
        let echo = Echo::start(b'a').await;
        let (_mesh, consul) = consul(&agent, "via=plain", "one").await;
        consul.start(echo.service("echo")).await.expect("it starts");
        let listed = agent.json("/v1/health/service/echo?passing").await;
        assert_eq!(
            listed[0]["Service"]["Port"],
            Value::from(echo.address.port())
        );
        assert_eq!(listed[0]["Service"]["Address"], "127.0.0.1");
        assert_eq!(everything(&agent).await.len(), 1);
        let refused = consul.connect(["echo"]).await;
        assert!(matches!(refused, Err(ConsulError::InvalidState { .. })));
        let socket = "unix:/run/echo.sock".parse().expect("it is one");
        let refused = consul.start(Service::new("other", socket)).await;
        assert!(matches!(refused, Err(ConsulError::Invalid(_))));
        consul.stop("echo").await.expect("it stops");
        assert!(everything(&agent).await.is_empty());
    });
}
