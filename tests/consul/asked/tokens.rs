use std::fs;

use http::Method;
use meshrpc::{
    Kind,
    mesh::{
        Environment,
        consul::{
            Consul,
            agent::{Right, Trouble},
        },
    },
};
use meshrpc_tests::real::Release;
use serde_json::{Value, json};

use super::{client, open};
use crate::place::{RELEASES, each};

#[test]
fn a_token_that_is_not_enough_is_told_at_the_start_with_the_permission() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        let weak = r#"service "other" { policy = "write" }"#;
        let weak = running.token_with(weak).await.secret;
        for given in [None, Some("bogus"), Some(weak.as_str())] {
            let consul = open(&running.url("as=web"), given, &running);
            let error = consul.join().await.expect_err("the token is not enough");
            assert_eq!(error.kind(), Kind::Denied, "{given:?}: {error}");
            assert!(
                error.to_string().contains("service:write on web"),
                "{given:?}: {error}"
            );
            let token = given.unwrap_or("MESHRPC_TOKEN");
            assert!(
                given.is_none() || !format!("{error:?}").contains(token),
                "{error:?}"
            );
        }
        let strong = r#"service "web" { policy = "write" }"#;
        let strong = running.token_with(strong).await.secret;
        let consul = open(&running.url("as=web"), Some(&strong), &running);
        consul.join().await.expect("the token is enough");
    });
}

#[test]
fn the_rights_of_a_token_are_told_one_by_one() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        let weak = r#"service "web" { policy = "read" }"#;
        let weak = running.token_with(weak).await.secret;
        let agent = open(&running.url("via=plain"), Some(&weak), &running)
            .agent()
            .clone();
        let rights = [
            Right::read_service("web"),
            Right::write_service("web"),
            Right::read_service("echo"),
            Right::read_nodes(),
        ];
        let missing = agent.missing_rights(&rights).await.expect("it says");
        assert_eq!(missing, rights[1..]);
        assert!(agent.require(&rights[..1]).await.is_ok());
    });
}

#[test]
fn a_service_identity_is_enough_for_a_server() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        let token = running.token_of(&["web"]).await.secret;
        let consul = open(&running.url("as=web&via=instance"), Some(&token), &running);
        consul.join().await.expect("the token is enough");
        let rights = [Right::read_service("echo"), Right::read_nodes()];
        consul
            .agent()
            .require(&rights)
            .await
            .expect("it may find others");
    });
}

#[test]
fn a_token_that_is_replaced_in_its_file_is_used_at_once() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        let file = running.folder().join("token");
        fs::write(&file, "bogus").expect("the folder can be written");
        let environment = Environment::from_vars([("MESHRPC_TOKEN_FILE", &file)]);
        let environment = environment.expect("the environment is well-formed");
        let consul = Consul::open(&running.url("via=plain"), &environment);
        let agent = consul.expect("the URL is well-formed").agent().clone();
        let right = [Right::read_service("web")];
        let error = agent
            .require(&right)
            .await
            .expect_err("the token is unknown");
        assert!(matches!(error.trouble(), Trouble::Denied { .. }), "{error}");
        fs::write(&file, running.master().expect("it is secured")).expect("it can be written");
        agent.require(&right).await.expect("the token is known");
        let body = agent.raw(Method::GET, "acl/token/self", "").await;
        assert!(!body.expect("it is known").is_empty());
    });
}

#[test]
fn an_agent_without_acls_is_asked_for_rights_once_and_again_when_it_may_have_them() {
    each(RELEASES, async |place| {
        let mut running = place.agent().kept().start().await;
        let agent = client(&running);
        let right = [Right::read_service("web")];
        for _ in 0..3 {
            agent.require(&right).await.expect("nothing is denied");
        }
        // 1.22 notes each question as an error, at the latest by its end.
        running.terminate();
        let noted = running.log().matches("ACL support disabled").count();
        let expected = usize::from(place.consul.release >= Release::V1_22);
        assert_eq!(noted, expected, "{}", running.log());
        let file = running.folder().join("settings.json");
        let settings = fs::read(&file).expect("it has settings");
        let mut settings: Value = serde_json::from_slice(&settings).expect("they are JSON");
        settings["acl"] = json!({"enabled": true, "default_policy": "deny"});
        fs::write(&file, settings.to_string()).expect("they can be written");
        running.start_again();
        running.is_ready().await;
        let denied = agent.require(&right).await;
        let error = denied.expect_err("there is no token");
        assert!(matches!(error.trouble(), Trouble::Denied { .. }), "{error}");
    });
}
