use std::time::Duration;

use http::Method;
use meshrpc::mesh::consul::agent::Agent;
use meshrpc_tests::process::eventually;
use serde_json::json;

use super::client;
use crate::place::{RELEASES, each};

#[test]
fn intentions_in_the_form_of_either_release_are_obeyed() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        assert!(agent.may_connect("web", "echo").await.expect("it says"));
        deny(&agent).await;
        assert!(!agent.may_connect("web", "echo").await.expect("it says"));
        assert!(agent.may_connect("shop", "echo").await.expect("it says"));
    });
}

/// Keeps web from echo, as 1.8 does it, which 1.22 still knows.
async fn deny(agent: &Agent) {
    let intention = json!({
        "SourceName": "web", "DestinationName": "echo", "SourceType": "consul", "Action": "deny",
    });
    let body = intention.to_string();
    agent
        .raw(Method::POST, "connect/intentions", body)
        .await
        .expect("an intention can be made");
}

#[test]
fn a_service_has_a_certificate_that_the_roots_know() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        eventually("there are roots", async || {
            agent.require_roots().await.is_ok()
        })
        .await;
        let roots = agent
            .roots(0, Duration::ZERO)
            .await
            .expect("there are roots");
        assert!(roots.index > 0);
        let roots = roots.value;
        assert!(
            roots
                .roots
                .iter()
                .any(|root| root.active && root.id == roots.active)
        );
        let leaf = agent
            .leaf("web", 0, Duration::ZERO)
            .await
            .expect("there is one");
        let leaf = leaf.value;
        let uri = format!("spiffe://{}/ns/default/dc/dc1/svc/web", roots.trust_domain);
        assert_eq!(leaf.uri, uri);
        assert!(leaf.chain.contains("BEGIN CERTIFICATE"));
        assert!(leaf.key.contains("PRIVATE KEY"));
        let printed = format!("{leaf:?}");
        assert!(!printed.contains("PRIVATE"), "{printed}");

        let allowed = agent.authorize("echo", &leaf.uri, &leaf.serial).await;
        assert!(allowed.expect("it says").authorized);
        deny(&agent).await;
        let denied = agent.authorize("echo", &leaf.uri, &leaf.serial).await;
        assert!(!denied.expect("it says").authorized);
    });
}
