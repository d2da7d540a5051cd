//! What is wrong with a mesh, and what the doctor says then.

use std::{fs, net::TcpStream, path::PathBuf, process::Command};

use meshrpc_tests::{
    process::eventually,
    real::{Release, free},
};
use serde_json::{Value, json};

use crate::{
    doctor::{PATIENCE, Visit, command},
    place::{Choice, DIRECT, Place, RELEASES, TOKEN, WAYS, each, each_secured, keep},
    site::{Site, dialled},
};

/// Each release, by addresses alone.
const PLAIN: &[Choice] = &[
    (Release::V1_8, false, "plain"),
    (Release::V1_22, false, "plain"),
];
/// Each release, by sidecars that are dialled.
const INSTANCE: &[Choice] = &[
    (Release::V1_8, false, "instance"),
    (Release::V1_22, false, "instance"),
];

#[test]
fn a_mesh_that_is_well_is_said_to_be() {
    each(WAYS, async |place: Place| {
        let site = place.open().await;
        let _instance = site.town.start(["ledger-1"]).await;
        let _client = site.client().await;
        let agent = ["agent", "leader", "version", "token", "clock"].map(|check| (check, ""));
        let listed = ["registered", "healthy"].map(|check| (check, "ledger"));
        let way: &[(&str, &str)] = match site.via {
            "upstream" => &[
                ("sidecar", "ledger-1"),
                ("intentions", "client → ledger"),
                ("upstream", "client → ledger"),
                ("handshake", "client → ledger"),
            ],
            "instance" => &[
                ("sidecar", "ledger-1"),
                ("intentions", "client → ledger"),
                ("handshake", "ledger-1"),
            ],
            _ => &[("handshake", "ledger-1")],
        };
        let visit = site.well(PATIENCE).await;
        for (check, subject) in [&agent[..], &listed, way].concat() {
            assert!(visit.is_ok(check, subject), "{check} {subject}: {visit:?}");
        }
        assert!(text(command(site.url())).contains("ok registered ledger"));
    });
}

#[test]
fn a_deployment_without_sidecars_is_told_to_callers_that_need_them() {
    each(RELEASES, async |place: Place| {
        let site = place.open().await;
        let service = json!({"ID": "bare", "Name": "ledger", "Address": "127.0.0.1", "Port": 7});
        register(&site, &service).await;
        let visit = site.named("ledger", "sidecar-missing", PATIENCE).await;
        assert!(visit.names("client → ledger", "upstream-missing"));
        assert_eq!(visit.code, Some(1));
    });
}

#[test]
fn a_token_that_is_not_enough_is_named_and_none_is_shown() {
    each_secured(RELEASES, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let right = agent.token_of(&["client", "ledger"]).await.secret;
        // Whoever is a service may read all others.
        let weak = agent.token_of(&[]).await.secret;
        let bogus = "00000000-0000-4000-8000-000000000000".to_owned();
        fs::write(place.folder().join(TOKEN), &right).expect("the folder can be written");
        let site = place.open_at(agent).await;
        let _instance = site.town.start(["ledger-1"]).await;
        site.agent.allow("client", "ledger").await;
        let _client = site.client().await;
        for token in [None, Some(&bogus), Some(&weak), Some(&right)] {
            let given = || {
                let mut command = command(&format!("{}&as=client", site.url()));
                match token {
                    Some(token) => {
                        let file = secret(&site, "given", token);
                        command.env("MESHRPC_TOKEN_FILE", file)
                    }
                    None => command.env_remove("MESHRPC_TOKEN_FILE"),
                };
                command
            };
            let visit = Visit::pay(given()).await;
            match token == Some(&right) {
                true => assert!(visit.is_clean(), "{visit:?}"),
                false => assert!(visit.names("", "token-refused"), "{token:?}: {visit:?}"),
            }
            for text in [visit.text, text(given())] {
                let shown = [&right, &weak, &bogus].map(|token| text.contains(&**token));
                assert_eq!(shown, [false; 3], "{text}");
            }
        }
    });
}

#[test]
fn a_key_that_is_not_shared_is_named_and_none_is_shown() {
    each(PLAIN, async |place: Place| {
        let site = place.open().await;
        let [right, wrong] = ["r", "w"].map(|letter| letter.repeat(40));
        let key = secret(&site, "right", &right);
        let start = site.town.instance("ledger-1").env("MESHRPC_KEY_FILE", &key);
        let _instance = start.start().await;
        for (key, expected) in [
            (None, Some("key-refused")),
            (Some(secret(&site, "wrong", &wrong)), Some("key-refused")),
            (Some(key), None),
        ] {
            let given = || {
                let mut command = command(site.url());
                if let Some(key) = &key {
                    command.env("MESHRPC_KEY_FILE", key);
                }
                command
            };
            let visit = Visit::pay(given()).await;
            match expected {
                Some(cause) => assert!(visit.names("ledger-1", cause), "{key:?}: {visit:?}"),
                None => assert!(visit.is_clean(), "{visit:?}"),
            }
            for text in [visit.text, text(given())] {
                assert!(!text.contains(&right) && !text.contains(&wrong), "{text}");
            }
        }
    });
}

#[test]
fn an_agent_that_takes_no_more_connections_is_busy() {
    each(RELEASES, async |place: Place| {
        let site = place.open().await;
        // Two hundred are what an agent takes from one address.
        let connect = |_| TcpStream::connect(site.agent.http()).expect("it listens");
        let many: Vec<TcpStream> = (0..250).map(connect).collect();
        let visit = site.doctor().await;
        assert!(visit.names("", "agent-busy"), "{visit:?}");
        assert_eq!(visit.code, Some(1));
        drop(many);
        eventually("it answers", async || {
            site.doctor().await.is_ok("agent", "")
        })
        .await;
    });
}

#[test]
fn another_on_the_port_of_a_stale_registration_is_told() {
    each(DIRECT, async |place: Place| {
        let site = place.open().await;
        let _other = site.town.instance("other-1").of("other").start().await;
        let port = dialled(&site, "other").await;
        let (service, expected) = match site.via {
            "plain" => (ghost("ghost", port), "wrong-instance"),
            // Its certificate is that of another service.
            _ => (with_sidecar(ghost("ghost", 7), port), "certificate-refused"),
        };
        register(&site, &service).await;
        let visit = site.named("ghost", expected, PATIENCE).await;
        assert_eq!(visit.code, Some(1));
        if site.via == "plain" {
            // Consul itself, which is no meshrpc server.
            register(&site, &ghost("stray", site.agent.http().port())).await;
            site.named("stray", "handshake-failed", PATIENCE).await;
        }
    });
}

#[test]
fn a_status_that_the_registry_lost_is_told() {
    each(PLAIN, async |place: Place| {
        let site = place.open().await;
        let kept = site.town.instance("ledger-1").start().await;
        register(&site, &ghost("ghost", 7)).await;
        let entries = site.agent.json("/v1/health/service/ledger").await;
        let entries = entries.as_array().expect("it is a list");
        let mut entries = entries.iter();
        let ghost = entries.find(|entry| entry["Service"]["ID"] == "ghost");
        let node = &ghost.expect("it is listed")["Node"];
        // Past the agent, which tells the registry again within two minutes.
        let otherwise = json!({
            "Node": node["Node"], "Address": node["Address"], "SkipNodeUpdate": true,
            "Check": {
                "Node": node["Node"], "CheckID": "ghost:ttl", "Name": "meshrpc",
                "ServiceID": "ghost", "Status": "warning",
            },
        });
        site.agent.put("/v1/catalog/register", &otherwise).await;
        let visit = site.named("ghost", "catalog-differs", PATIENCE).await;
        assert!(visit.is_ok("handshake", kept.name()), "{visit:?}");
    });
}

#[test]
fn sidecars_that_are_there_without_their_servers_are_told() {
    each(INSTANCE, async |place: Place| {
        let site = place.open().await;
        let service = with_sidecar(ghost("ghost", free()), free());
        register(&site, &service).await;
        site.named("ghost", "sidecar-down", PATIENCE).await;
        let _sidecar = site.kind.start(&site.agent, "ghost");
        let visit = site.named("ghost", "instance-unreachable", PATIENCE).await;
        assert_eq!(visit.code, Some(1));
    });
}

/// A registration of `ledger` that says it is well.
fn ghost(id: &str, port: u16) -> Value {
    json!({
        "ID": id, "Name": "ledger", "Address": "127.0.0.1", "Port": port,
        "Meta": {"meshrpc-instance": id, "meshrpc-epoch": "1"}, "Checks": [passing(id)],
    })
}

/// The same, beside a sidecar on this port that says it is well.
fn with_sidecar(mut service: Value, port: u16) -> Value {
    let checks = [passing("ghost-sidecar")];
    service["Connect"] = json!({"SidecarService": {"Port": port, "Checks": checks}});
    service
}

fn passing(id: &str) -> Value {
    json!({"CheckID": format!("{id}:ttl"), "Name": "meshrpc", "TTL": "10m", "Status": "passing"})
}

async fn register(site: &Site, service: &Value) {
    let path = "/v1/agent/service/register?replace-existing-checks=true";
    site.agent.put(path, service).await;
    eventually("it is listed", async || {
        let listed = site.agent.registered("ledger").await.unwrap_or_default();
        listed.iter().any(|id| service["ID"] == **id)
    })
    .await;
}

/// What it says to people.
fn text(mut command: Command) -> String {
    let output = command.output().expect("it can be run");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// A file with a secret in it.
fn secret(site: &Site, name: &str, text: &str) -> PathBuf {
    let file = site.town.folder().join(name);
    keep(text, &file);
    file
}
