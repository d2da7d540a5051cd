//! Sidecars of agents that are not asked at a plain port.

use std::{fs, path::PathBuf, sync::Arc};

use meshrpc::mesh::{Environment, consul::Consul};
use meshrpc_tests::{
    process::eventually,
    real::{Agent, Release, free},
};
use serde_json::json;

use super::{Echo, answered, consul, everything, shown};
use crate::place::{EVERY, Place, Tls, each};

#[test]
fn a_sidecar_finds_an_agent_that_asks_for_certificates_and_a_token() {
    each(EVERY, async |place: Place| {
        let port = free();
        let Tls {
            mut settings,
            trust,
            show,
        } = place.tls(port);
        if place.consul.release >= Release::V1_22 {
            // Envoy is configured over TLS only.
            settings["ports"]["grpc"] = (-1).into();
            settings["ports"]["grpc_tls"] = free().into();
        }
        let agent = place.agent().secured().with(settings).start().await;
        let token = agent.master().expect("it asks for one");
        let token_file = place.folder().join("token");
        fs::write(&token_file, token).expect("it can be written");
        let url = format!(
            "consul+tls://127.0.0.1:{port}?proxy={}&{trust}&{show}",
            place.kind
        );
        bytes_pass(&place, &agent, &url, Some(token_file)).await;
    });
}

#[test]
fn a_sidecar_finds_an_agent_at_a_unix_socket() {
    each(EVERY, async |place: Place| {
        let socket = place.folder().join("agent");
        let addresses = format!("127.0.0.1 unix://{}", socket.display());
        let agent = place
            .agent()
            .with(json!({"addresses": {"http": addresses}}));
        let agent = agent.start().await;
        let url = format!(
            "consul+unix://{}?proxy={}&dc=dc1",
            socket.display(),
            place.kind
        );
        bytes_pass(&place, &agent, &url, None).await;
    });
}

/// Through two sidecars of the mesh at `url`, whose agent nobody asks otherwise; nothing stays.
async fn bytes_pass(place: &Place, agent: &Agent, url: &str, token_file: Option<PathBuf>) {
    let joined = async |name: &str| {
        let mut variables = vec![("MESHRPC_RUNTIME_DIR", place.folder().to_owned())];
        variables.extend(token_file.clone().map(|file| ("MESHRPC_TOKEN_FILE", file)));
        let environment = Environment::from_vars(variables).expect("it is one");
        let consul = Consul::open(&format!("{url}&as={name}"), &environment);
        let consul = Arc::new(consul.expect("the URL is well-formed"));
        consul.join().await.expect("the mesh can be joined");
        consul
    };
    let echo = Echo::start(b'a').await;
    let serving = joined("one").await;
    serving
        .start(echo.service("echo"))
        .await
        .expect("it starts");
    let calling = joined("two").await;
    let secured = agent.master().is_some();
    if secured {
        // Nobody may call anybody unless it is said, where tokens are needed.
        let refused = calling.connect(["echo"]).await.expect("it connects");
        assert_eq!(answered(refused[0].address).await, None, "nobody may");
        agent.allow("two", "echo").await;
    }
    let connected = calling.connect(["echo"]).await.expect("it connects");
    eventually("it answers", async || {
        answered(connected[0].address).await == Some(b'a')
    })
    .await;
    if let Some(token) = agent.master() {
        assert_eq!(shown(token), [] as [String; 0]);
    }
    drop((serving, calling));
    eventually("nothing is left", async || {
        everything(agent).await.is_empty()
    })
    .await;
}

#[test]
fn a_service_of_another_datacenter_is_a_port_too() {
    each(EVERY, async |place: Place| {
        let wan = free();
        let datacenter = |name: &str, wan: u16| {
            json!({
                "datacenter": name, "primary_datacenter": "dc1", "ports": {"serf_wan": wan},
            })
        };
        let near = place.agent().with(datacenter("dc1", wan)).start().await;
        let far = place.agent().with(datacenter("dc2", free()));
        let join = json!({"retry_join_wan": [format!("127.0.0.1:{wan}")]});
        let far = far.with(join).start().await;
        eventually("they know each other", async || {
            let known = near.get("/v1/catalog/nodes?dc=dc2").await;
            known.is_ok_and(|reply| reply.status == 200)
        })
        .await;
        let echo = Echo::start(b'f').await;
        let options = format!("proxy={}", place.kind);
        let (_one, serving) = consul(&far, &options, "one").await;
        serving
            .start(echo.service("echo"))
            .await
            .expect("it starts");
        let (_two, calling) = consul(&near, &format!("{options}&dc=dc2"), "two").await;
        let connected = calling.connect(["echo"]).await.expect("it connects");
        eventually("it answers", async || {
            answered(connected[0].address).await == Some(b'f')
        })
        .await;
        // Here nobody is called so.
        let (_three, calling) = consul(&near, &options, "three").await;
        let connected = calling.connect(["echo"]).await.expect("it connects");
        assert_eq!(answered(connected[0].address).await, None);
    });
}
