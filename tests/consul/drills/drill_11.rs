//! The token is missing, wrong, too weak, or revoked.

use std::time::{Duration, Instant};

use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, eventually, failures, within},
    real::{Agent, Kind},
};

use super::TASKS;
use crate::{
    place::{Place, TOKEN, WAYS, each_secured, keep},
    site::Site,
};

#[test]
fn drill_11_without_a_token_that_may_do_it_nothing_starts() {
    each_secured(WAYS, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let weak = r#"service "another" { policy = "write" }"#;
        let weak = agent.token_with(weak).await.secret;
        let wrong = "00000000-0000-4000-8000-000000000000";
        let right = agent.token_of(&["client", "ledger"]).await;
        keep(&right.secret, &place.folder().join(TOKEN));
        let site = open(place, agent).await;
        let file = site.town.folder().join("given");
        for given in [None, Some(wrong), Some(&*weak)] {
            let start = |name| {
                let start = site.town.instance(name);
                match given {
                    Some(token) => {
                        keep(token, &file);
                        start.env("MESHRPC_TOKEN_FILE", &file)
                    }
                    None => start.env_remove("MESHRPC_TOKEN_FILE"),
                }
            };
            let served = start("ledger-1").fails().await;
            // One that registers nothing only reads.
            let right = match site.via {
                "plain" => "service:read on ledger",
                _ => "service:write on ledger",
            };
            let first = if served.contains(right) {
                right
            } else {
                "service:write on ledger"
            };
            let called = start("caller").env("MESHRPC_DEADLINE", "3s");
            let called = called.cannot_call().await;
            for (told, right) in [(served, first), (called, right)] {
                assert!(told.contains(right), "{given:?}: {told}");
                assert!(given.is_none_or(|token| !told.contains(token)), "{told}");
            }
            let ids = site.agent.registered("ledger").await;
            assert!(ids.expect("it says").is_empty(), "half a registration");
        }
    });
}

#[test]
fn drill_11_a_revoked_token_empties_no_list() {
    each_secured(WAYS, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let first = agent.token_of(&["client", "ledger"]).await;
        let file = place.folder().join(TOKEN);
        keep(&first.secret, &file);
        agent.allow("client", "ledger").await;
        let site = open(place, agent).await;
        let names = ["ledger-1", "ledger-2"];
        let _instances = site.town.start(names).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;
        site.well(Duration::from_secs(9)).await;

        site.agent
            .delete(&format!("/v1/acl/token/{}", first.accessor))
            .await;
        // Lists are asked for anew within 30 s.
        let end = Instant::now() + Duration::from_secs(35);
        site.named("", "token-refused", Duration::from_secs(35))
            .await;
        let newcomer = site.town.instance("newcomer").env("MESHRPC_DEADLINE", "3s");
        let told = newcomer.cannot_call().await;
        assert!(
            told.contains("service:") && !told.contains("no healthy"),
            "{told}"
        );
        while Instant::now() < end {
            client.who().await.expect("it still answers");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(load.failed(), 0);

        let second = site.agent.token_of(&["client", "ledger"]).await;
        keep(&second.secret, &file);
        site.lists(&names, Duration::from_secs(30)).await;
        let third = site.town.instance("ledger-3").start().await;
        within(Duration::from_secs(30), "news arrives", async || {
            load.answered_by(third.pid()) > 5
        })
        .await;
        site.well(Duration::from_secs(30)).await;
        let outcomes = load.stop().await;
        site.check(&outcomes);
        // Each of three sidecars is started again with the new token, and cuts what it carries.
        let failed = failures(&outcomes);
        assert!(failed.len() as u64 <= 3 * TASKS, "{failed:?}");
    });
}

async fn open(place: Place, agent: Agent) -> Site {
    let mut options = format!("proxy={}&via={}", place.kind, place.via);
    if let Kind::Envoy(_) = place.kind {
        // The agent says it to tokens with `agent:read` only.
        options.push_str(&format!("&grpc={}", agent.grpc()));
    }
    place.open_with(agent, &options).await
}
