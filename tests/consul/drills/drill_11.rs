//! The token is missing, wrong, too weak, or revoked.

use std::{
    fs,
    time::{Duration, Instant},
};

use meshrpc_tests::{
    ledger::Ledger as _,
    process::{Load, Method, eventually, failures, within},
    real::Agent,
};
use serde_json::json;

use super::TASKS;
use crate::place::{Place, RELEASES, TOKEN, each_secured};

#[test]
fn drill_11_without_a_token_that_may_register_nothing_starts() {
    each_secured(RELEASES, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let (_, weak) = token(&agent, &["another"]).await;
        let wrong = "00000000-0000-4000-8000-000000000000";
        let (_, right) = token(&agent, &["client", "ledger"]).await;
        let file = place.folder().join(TOKEN);
        write(&file, &right);
        let site = place.open_at(agent).await;
        for (token, said) in [
            (None, "service:write"),
            (Some(wrong), "token"),
            (Some(&*weak), "service:write"),
        ] {
            let mut start = site.town.instance("ledger-1");
            let file = site.town.folder().join("given");
            start = match token {
                Some(token) => {
                    write(&file, token);
                    start.env("MESHRPC_TOKEN_FILE", &file)
                }
                None => start.env_remove("MESHRPC_TOKEN_FILE"),
            };
            let told = start.fails().await;
            assert!(told.contains(said), "{token:?}: {told}");
            assert!(token.is_none_or(|token| !told.contains(token)), "{told}");
            let ids = site.agent.registered("ledger").await;
            assert!(ids.expect("it says").is_empty(), "half a registration");
        }
    });
}

#[test]
fn drill_11_a_revoked_token_empties_no_list() {
    each_secured(RELEASES, async |place: Place| {
        let agent = place.agent().secured().start().await;
        let (accessor, first) = token(&agent, &["client", "ledger"]).await;
        let file = place.folder().join(TOKEN);
        write(&file, &first);
        agent.allow("client", "ledger").await;
        let site = place.open_at(agent).await;
        let names = ["ledger-1", "ledger-2"];
        let _instances = site.town.start(names).await;
        let client = site.client().await;
        let load = Load::start(&client, Method::Add { ballast: 0 }, TASKS).slow();
        eventually("calls are made", async || load.ended() > 20).await;

        site.agent
            .delete(&format!("/v1/acl/token/{accessor}"))
            .await;
        // Lists are asked for anew within 30 s.
        let end = Instant::now() + Duration::from_secs(35);
        while Instant::now() < end {
            client.who().await.expect("it still answers");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(load.failed(), 0);

        let (_, second) = token(&site.agent, &["client", "ledger"]).await;
        write(&file, &second);
        site.lists(&names, Duration::from_secs(30)).await;
        let third = site.town.instance("ledger-3").start().await;
        within(Duration::from_secs(30), "news arrives", async || {
            load.answered_by(third.pid()) > 5
        })
        .await;
        let outcomes = load.stop().await;
        site.check(&outcomes);
        // Each of three sidecars is started again with the new token, and cuts what it carries.
        let failed = failures(&outcomes);
        assert!(failed.len() as u64 <= 3 * TASKS, "{failed:?}");
    });
}

/// A token that may be these services: its name and its value.
async fn token(agent: &Agent, services: &[&str]) -> (String, String) {
    let service = |name: &&str| json!({"ServiceName": name});
    let services: Vec<_> = services.iter().map(service).collect();
    let token = json!({"ServiceIdentities": services});
    let made = agent.put("/v1/acl/token", &token).await;
    let made: serde_json::Value = serde_json::from_str(&made.text).expect("it is JSON");
    let part = |name: &str| made[name].as_str().expect("it is there").to_owned();
    (part("AccessorID"), part("SecretID"))
}

/// Puts a file there at once, as whoever rotates tokens does.
fn write(file: &std::path::Path, token: &str) {
    let new = file.with_extension("new");
    let written = fs::write(&new, token)
        .and_then(|()| {
            fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        })
        .and_then(|()| fs::rename(&new, file));
    written.expect("the folder can be written");
}
