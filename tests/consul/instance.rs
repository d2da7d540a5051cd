//! `via=instance`: the sidecars of instances are dialled with our own mesh certificate.

use std::time::Duration;

use meshrpc::{
    Call, Context, Error, Kind, Mesh, Server, Serving, Started, discovery::Address, mesh_service,
    wire::Identity,
};
use meshrpc_tests::{
    process::within,
    real::{Agent, Kind as Proxies, Release},
};
use rcgen::KeyPair;
use serde_json::json;

use crate::place::{EVERY, PROXIES, Place, each};

/// How long anything here may take.
const CAP: Duration = Duration::from_secs(60);

#[mesh_service]
trait Doorman {
    #[mesh(idempotent)]
    async fn who(&self) -> Result<String, Error>;
}

struct Door;

impl Doorman for Door {
    async fn who(&self) -> Result<String, Error> {
        let context = Context::current();
        let identity = context.peer().map(|peer| peer.identity.clone());
        Ok(format!("{:?}", identity.unwrap_or_default()))
    }
}

async fn serve(place: &Place, agent: &Agent, deployment: &str) -> Serving {
    let url = agent.url(&format!("as={deployment}&proxy={}", place.kind));
    let mesh = Mesh::open(&url).await.expect("the mesh can be joined");
    let server = Server::builder().service(DoormanHandler::new(Door)).build();
    mesh.serve(deployment, server).await.expect("it is served")
}

/// A client of this name, as long as its mesh is there.
async fn client(agent: &Agent, name: &str, deployment: &str) -> (Mesh, DoormanClient) {
    let url = agent.url(&format!("via=instance&as={name}"));
    let mesh = Mesh::open(&url).await.expect("the mesh can be joined");
    let client = DoormanClient::connect(&mesh, deployment);
    let client = client.with(Call::new().deadline(CAP));
    (mesh, client)
}

#[test]
fn the_chosen_sidecar_is_met_with_a_certificate_of_our_own() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let serving = serve(&place, &agent, "doorman").await;
        let (_own, caller) = client(&agent, "client", "doorman").await;
        let known = caller.who().await;
        assert_eq!(
            known.expect("a call"),
            format!("{:?}", Identity::Unverified)
        );

        // Its sidecar asks Consul who may come in.
        let denial = agent.deny("stranger", "doorman").await;
        // Envoy is told after a moment, and leaves what is connected by then.
        within(CAP, "the sidecar knows", async || {
            let (_mesh, early) = client(&agent, "stranger", "doorman").await;
            early.who().await.is_err()
        })
        .await;
        let (_mesh, stranger) = client(&agent, "stranger", "doorman").await;
        // The reason is asked for once a dial has failed.
        within(CAP, "an intention denies it", async || {
            let Err(error) = stranger.who().await else {
                return false;
            };
            assert_eq!(error.started(), Started::No, "{error}");
            error.kind() == Kind::Denied && error.to_string().contains("stranger")
        })
        .await;
        agent.take_back(denial).await;
        within(CAP, "it is let in", async || stranger.who().await.is_ok()).await;
        serving.drain(CAP).await.expect("it ends in good order");
    });
}

#[test]
fn another_service_at_a_listed_address_is_not_called() {
    each(PROXIES, async |place: Place| {
        let agent = place.agent().start().await;
        let serving = serve(&place, &agent, "doorman").await;
        // The catalog says that `vault` is where the sidecar of `doorman` listens.
        let text = agent
            .get("/v1/health/connect/doorman")
            .await
            .expect("it says")
            .text;
        let listed: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let service = &listed[0]["Service"];
        let address = match service["Address"].as_str() {
            Some("") | None => listed[0]["Node"]["Address"].clone(),
            Some(address) => address.into(),
        };
        let wrong = json!({
            "ID": "wrong", "Name": "vault-proxy", "Kind": "connect-proxy",
            "Address": address, "Port": service["Port"],
            "Proxy": {"DestinationServiceName": "vault"},
        });
        agent.put("/v1/agent/service/register", &wrong).await;
        let (_mesh, vault) = client(&agent, "client", "vault").await;
        let error = vault.who().await.expect_err("it is somebody else");
        assert_eq!(error.kind(), Kind::Denied, "{error}");
        let text = error.to_string();
        assert!(text.contains("/svc/vault` was expected"), "{text}");
        assert!(text.contains("/svc/doorman]"), "{text}");
        serving.drain(CAP).await.expect("it ends in good order");
    });
}

#[test]
fn certificates_are_replaced_while_calls_go_on() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let serving = serve(&place, &agent, "doorman").await;
        let (_mesh, before) = client(&agent, "client", "doorman").await;
        before.who().await.expect("a call");
        let roots = async || {
            let text = agent
                .get("/v1/agent/connect/ca/roots")
                .await
                .expect("it says")
                .text;
            let roots: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
            roots["Roots"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(roots().await, 1);
        let key = KeyPair::generate().expect("a key").serialize_pem();
        let authority =
            json!({"Provider": "consul", "Config": {"PrivateKey": key, "RootCert": ""}});
        agent.put("/v1/connect/ca/configuration", &authority).await;
        within(CAP, "there is a second root", async || roots().await == 2).await;
        for _ in 0..20 {
            before.who().await.expect("a connection that is held");
        }
        // Another process, and one that has to learn of the new root.
        within(CAP, "a newcomer is let in", async || {
            let (_mesh, newcomer) = client(&agent, "newcomer", "doorman").await;
            newcomer.who().await.is_ok()
        })
        .await;
        let ends = serving.drain(CAP).await.expect("it ends in good order");
        assert_eq!(ends.cut, 0);
        let _again = serve(&place, &agent, "doorman").await;
        within(CAP, "the old client has a new connection", async || {
            before.who().await.is_ok()
        })
        .await;
    });
}

#[test]
fn a_server_behind_envoy_listens_where_no_other_user_gets() {
    each(EVERY, async |place: Place| {
        let agent = place.agent().start().await;
        let serving = serve(&place, &agent, "doorman").await;
        let is_envoy = matches!(place.kind, Proxies::Envoy(_));
        assert!(!is_envoy || place.consul.release >= Release::V1_22);
        match serving.address() {
            Address::Unix(path) => {
                use std::os::unix::fs::PermissionsExt;
                assert!(is_envoy, "the built-in proxy does not find it");
                let folder = path.parent().expect("a socket is in a folder");
                let mode = folder.metadata().expect("it is there").permissions().mode();
                assert_eq!(mode & 0o777, 0o700);
            }
            other => assert!(!is_envoy, "{other}"),
        }
        let (_mesh, caller) = client(&agent, "client", "doorman").await;
        caller.who().await.expect("a call");
        serving.drain(CAP).await.expect("it ends in good order");
    });
}
