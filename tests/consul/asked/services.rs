use std::time::Duration;

use meshrpc::mesh::consul::agent::{Agent, CheckStatus, Lookup, Trouble};
use meshrpc_tests::real::Release;
use serde_json::{Value, json};

use super::{client, open};
use crate::place::{RELEASES, each};

fn echo() -> Value {
    json!({
        "ID": "echo-1", "Name": "echo", "Address": "10.0.0.5", "Port": 7001, "Tags": ["meshrpc"],
        "Meta": {"meshrpc-instance": "echo-0", "meshrpc-epoch": "7"},
        "Checks": [{"CheckID": "echo-1:ttl", "Name": "meshrpc", "TTL": "30s", "Status": "passing"}],
    })
}

async fn listed(agent: &Agent, index: u64) -> (Vec<String>, u64) {
    let lookup = Lookup {
        service: "echo".to_owned(),
        connect: false,
        passing: true,
    };
    let answer = agent
        .instances(&lookup, index, Duration::from_secs(30))
        .await
        .expect("the list can be had");
    let ids = answer.value.into_iter().map(|entry| entry.service.id);
    (ids.collect(), answer.index)
}

#[test]
fn an_agent_says_which_it_is() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let about = client(&running).about().await.expect("it says");
        let version = about.version();
        assert!(
            version.starts_with(&format!("{}.", place.consul.release)),
            "{version}"
        );
        assert_eq!(about.datacenter(), "dc1");
        assert_eq!(about.connect_enabled(), Some(true));
        assert_eq!(about.grpc_port(), Some(running.grpc().port()));
        assert!(!about.envoy_versions().is_empty());
        assert!(client(&running).leader().await.expect("it says").is_some());
    });
}

#[test]
fn a_service_is_registered_changed_and_removed() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        let (none, index) = listed(&agent, 0).await;
        assert_eq!((none.len(), index > 0), (0, true));

        // Each change wakes who waits for it.
        let mut waiting = tokio::spawn(wait(agent.clone(), index, 0));
        agent.register(&echo()).await.expect("it can be registered");
        let (ids, index) = next(waiting).await;
        assert_eq!(ids, ["echo-1"]);
        let service = agent.service("echo-1").await.expect("it is there");
        assert_eq!((service.service.as_str(), service.port), ("echo", 7001));
        assert!(
            agent
                .services()
                .await
                .expect("they are listed")
                .contains_key("echo-1")
        );
        assert!(
            agent
                .catalog()
                .await
                .expect("it is listed")
                .contains_key("echo")
        );

        waiting = tokio::spawn(wait(agent.clone(), index, 1));
        let critical = agent.update_check("echo-1:ttl", CheckStatus::Critical, "down");
        critical.await.expect("the check is there");
        let (ids, index) = next(waiting).await;
        assert!(ids.is_empty(), "{ids:?}");

        waiting = tokio::spawn(wait(agent.clone(), index, 0));
        let passing = agent.update_check("echo-1:ttl", CheckStatus::Passing, "up");
        passing.await.expect("the check is there");
        let (ids, index) = next(waiting).await;
        assert_eq!(ids, ["echo-1"]);

        waiting = tokio::spawn(wait(agent.clone(), index, 1));
        let drain = agent.maintenance("echo-1", true, "drain & go");
        drain.await.expect("the service is there");
        let (ids, _) = next(waiting).await;
        assert!(ids.is_empty(), "{ids:?}");

        let hash = service.content_hash;
        let changed = agent.service_changed("echo-1", &hash, Duration::from_secs(30));
        let (changed, removed) = tokio::join!(changed, agent.deregister("echo-1"));
        removed.expect("it can be removed");
        assert!(changed.expect_err("it is gone").is_unknown());
        agent
            .deregister("echo-1")
            .await
            .expect("it is gone already");
    });
}

#[test]
fn an_agent_says_to_anybody_whether_services_may_listen_on_unix_sockets() {
    each(RELEASES, async |place| {
        for start in [place.agent(), place.agent().secured()] {
            let running = start.start().await;
            let nobody = open(&running.url("via=plain"), None, &running);
            let taken = nobody.agent().takes_sockets().await.expect("it says");
            assert_eq!(taken, place.consul.release == Release::V1_22);
            let services = client(&running).services().await.expect("it says");
            assert!(services.is_empty(), "asked, and not told: {services:?}");
        }
    });
}

/// The list once it is longer or shorter than `before`.
async fn wait(agent: Agent, mut index: u64, before: usize) -> (Vec<String>, u64) {
    loop {
        let (ids, now) = listed(&agent, index).await;
        if ids.len() != before {
            return (ids, now);
        }
        index = now;
    }
}

async fn next(waiting: tokio::task::JoinHandle<(Vec<String>, u64)>) -> (Vec<String>, u64) {
    waiting.await.expect("the list changes")
}

#[test]
fn what_an_agent_has_forgotten_is_unknown_whatever_it_calls_that() {
    each(RELEASES, async |place| {
        for start in [place.agent(), place.agent().secured()] {
            let running = start.start().await;
            let agent = client(&running);
            let update = agent.update_check("nobody:ttl", CheckStatus::Passing, "up");
            assert!(update.await.expect_err("it is not there").is_unknown());
            let maintenance = agent.maintenance("nobody", true, "drain");
            assert!(maintenance.await.expect_err("it is not there").is_unknown());
            assert!(
                agent
                    .service("nobody")
                    .await
                    .expect_err("it is not there")
                    .is_unknown()
            );
            agent
                .deregister("nobody")
                .await
                .expect("there is nothing to be done");
        }
    });
}

#[test]
fn what_an_agent_refuses_is_told_in_its_words() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        let nameless = agent.register(&json!({"ID": "x"})).await;
        let error = nameless.expect_err("it has no name");
        assert!(
            matches!(error.trouble(), Trouble::Refused { status: 400, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("Missing service name"),
            "{error}"
        );
        let unknown = agent.register(&json!({"Name": "x", "Foo": 1})).await;
        let error = unknown.expect_err("there is no such field");
        assert!(error.to_string().contains("Foo"), "{error}");
    });
}
