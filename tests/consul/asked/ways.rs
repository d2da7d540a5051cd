use std::time::Duration;

use meshrpc::{
    Code, Kind,
    mesh::consul::agent::{Lookup, Trouble},
};
use meshrpc_tests::real::free;
use serde_json::json;
use tokio::task::JoinSet;

use super::{client, open};
use crate::place::{RELEASES, Tls, each};

#[test]
fn an_agent_is_asked_over_tls_and_shows_the_certificate_it_should() {
    each(RELEASES, async |place| {
        let port = free();
        let Tls {
            settings,
            trust,
            show,
        } = place.tls(port);
        let running = place.agent().with(settings).start().await;
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("consul+tls://{host}:{port}?via=plain&{trust}&{show}");
            open(&url, None, &running)
                .join()
                .await
                .expect("TLS is spoken");
        }
        let url = format!("consul+tls://127.0.0.1:{port}?via=plain&{trust}");
        let named = format!("{url}&{show}&server-name=server.dc1.consul");
        open(&named, None, &running)
            .join()
            .await
            .expect("it has that name");
        for (refused, why) in [
            (
                format!("{url}&{show}&server-name=other.example"),
                "certificate",
            ),
            (url, "certificate"),
        ] {
            let agent = open(&refused, None, &running).agent().clone();
            let error = agent
                .leader()
                .await
                .expect_err("it is not to be trusted, or does not trust");
            assert!(error.is_transient(), "{error}");
            assert!(error.to_string().to_lowercase().contains(why), "{error}");
        }
    });
}

#[test]
fn an_agent_is_asked_over_a_unix_socket_and_by_name() {
    each(RELEASES, async |place| {
        let folder = place.folder().display();
        let addresses = format!("127.0.0.1 unix://{folder}/agent-socket");
        let running = place
            .agent()
            .with(json!({"addresses": {"http": addresses}}))
            .start()
            .await;
        let urls = [
            format!("consul+unix://{folder}/agent%2Dsocket?via=plain"),
            format!("consul://localhost:{}?via=plain", running.http().port()),
            format!("consul://127.0.0.1:{},{}?via=plain", free(), running.http()),
        ];
        for url in urls {
            let joined = open(&url, None, &running).join().await;
            assert!(joined.is_ok(), "{url}: {joined:?}");
        }
    });
}

#[test]
fn what_this_agent_cannot_do_is_told_when_it_is_joined() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        for route in ["plain", "upstream", "instance"] {
            let url = running.url(&format!("via={route}&ns=team"));
            let consul = open(&url, None, &running);
            let error = consul.join().await.expect_err("it has no namespaces");
            assert_eq!(error.code(), Code::Unimplemented, "{error}");
            assert!(error.to_string().contains("Enterprise"), "{error}");
        }
        let consul = open(&running.url("via=plain&dc=dc9"), None, &running);
        let error = consul
            .join()
            .await
            .expect_err("it knows no such datacenter");
        assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
        assert!(error.to_string().contains("datacenter"), "{error}");
    });
}

#[test]
fn an_agent_without_a_mesh_is_no_hindrance_to_those_who_need_none() {
    each(RELEASES, async |place| {
        let off = json!({"connect": {"enabled": false}});
        let running = place.agent().kept().with(off).start().await;
        let consul = open(&running.url("via=plain"), None, &running);
        consul.join().await.expect("no mesh is needed");
        for route in ["upstream", "instance"] {
            let consul = open(&running.url(&format!("via={route}")), None, &running);
            let error = consul.join().await.expect_err("there is no mesh");
            assert_eq!(error.code(), Code::Unimplemented, "{error}");
            assert!(
                error.to_string().contains("Connect must be enabled"),
                "{error}"
            );
        }
    });
}

#[test]
fn an_agent_that_does_not_answer_is_given_up() {
    each(RELEASES, async |place| {
        let mut running = place.agent().start().await;
        let url = running.url("via=plain&timeout=300ms");
        let agent = open(&url, None, &running).agent().clone();
        agent.leader().await.expect("it answers");
        running.freeze();
        let error = agent.leader().await.expect_err("it is frozen");
        assert!(
            matches!(error.trouble(), Trouble::TimedOut { .. }),
            "{error}"
        );
        running.thaw();
        agent.leader().await.expect("it answers again");
        running.kill();
        let error = agent.leader().await.expect_err("it is gone");
        assert!(
            matches!(error.trouble(), Trouble::Unreachable { .. }),
            "{error}"
        );
        assert_eq!(meshrpc::Error::from(error).kind(), Kind::Unavailable);
    });
}

#[test]
fn an_agent_with_all_the_connections_it_takes_is_busy() {
    each(RELEASES, async |place| {
        let limits = json!({"limits": {"http_max_conns_per_client": 3}});
        let running = place.agent().with(limits).start().await;
        let agent = client(&running);
        let lookup = |n: usize| Lookup {
            service: format!("echo-{n}"),
            connect: false,
            passing: true,
        };
        let first = agent.instances(&lookup(0), 0, Duration::ZERO).await;
        let index = first.expect("the list can be had").index;
        let wait = Duration::from_secs(30);
        let mut asked = JoinSet::new();
        for n in 0..5 {
            let (agent, lookup) = (agent.clone(), lookup(n));
            asked.spawn(async move { agent.instances(&lookup, index, wait).await.map(drop) });
        }
        // Those that are taken wait for news that never comes.
        let error = loop {
            let ended = asked
                .join_next()
                .await
                .expect("one is more than there may be");
            // An agent that has just started may have news all the same.
            if let Err(error) = ended.expect("it ends") {
                break error;
            }
        };
        assert!(matches!(error.trouble(), Trouble::Busy { .. }), "{error}");
    });
}
