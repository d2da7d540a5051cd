use std::{sync::Arc, time::Duration};

use http::Method;
use meshrpc::{
    Code, Kind, Mesh, Server,
    discovery::{Address, Endpoint, Endpoints, Registrar, Resolver, Via},
    mesh::consul::{Consul, agent::Agent},
    mesh_service,
};
use meshrpc_tests::{
    process::{CAP, cause},
    real::free,
};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{client, open};
use crate::place::{RELEASES, each};

pub(super) type Watched = watch::Receiver<Arc<Endpoints>>;

/// Waits until the list is as wanted.
pub(super) async fn until(list: &mut Watched, what: &str, wanted: impl Fn(&Endpoints) -> bool) {
    let seen = timeout(CAP, list.wait_for(|list| wanted(list)))
        .await
        .map(|seen| seen.is_ok());
    let now = list.borrow();
    assert_eq!(seen, Ok(true), "{what}: {now:?}");
}

pub(super) fn names(list: &Endpoints) -> Vec<String> {
    let name = |endpoint: &Endpoint| {
        endpoint
            .instance
            .as_ref()
            .map(|instance| instance.name.to_string())
    };
    list.ready.iter().filter_map(name).collect()
}

fn service(number: u16) -> Value {
    json!({
        "ID": format!("echo-{number}"), "Name": "echo", "Address": "127.0.0.1", "Port": 7000 + number,
        "Meta": {"meshrpc-instance": format!("echo-{number}"), "meshrpc-epoch": "7"},
    })
}

pub(super) async fn register(agent: &Agent, numbers: &[u16]) {
    for &number in numbers {
        agent
            .register(&service(number))
            .await
            .expect("it can be registered");
    }
}

#[test]
fn a_list_is_followed() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        let consul = open(&running.url("via=plain"), None, &running);
        let mut list = consul.watch("echo").expect("it has a name");
        until(&mut list, "nobody is there", |list| {
            list.live && list.ready.is_empty()
        })
        .await;
        register(&agent, &[1, 2, 3]).await;
        until(&mut list, "three are there", |list| {
            list.live && names(list) == ["echo-1", "echo-2", "echo-3"]
        })
        .await;
        let expected = Address::Tcp(([127, 0, 0, 1], 7001).into());
        let first = list.borrow().ready[0].clone();
        assert_eq!((first.dial, first.via), (expected, Via::Direct));
        agent.deregister("echo-2").await.expect("it can be removed");
        until(&mut list, "two are left", |list| {
            names(list) == ["echo-1", "echo-3"]
        })
        .await;
        let drain = agent.maintenance("echo-3", true, "drain");
        drain.await.expect("it is there");
        until(&mut list, "one is left", |list| names(list) == ["echo-1"]).await;
    });
}

#[test]
fn the_last_list_stays_while_the_agent_is_away() {
    each(RELEASES, async |place| {
        let mut running = place.agent().kept().start().await;
        let agent = client(&running);
        let consul = open(&running.url("via=plain"), None, &running);
        register(&agent, &[1, 2]).await;
        let mut list = consul.watch("echo").expect("it has a name");
        until(&mut list, "two are there", |list| {
            list.live && list.ready.len() == 2
        })
        .await;
        running.kill();
        until(&mut list, "the agent is away", |list| {
            assert_eq!(list.ready.len(), 2, "{list:?}");
            let trouble = list.trouble.as_ref();
            !list.live && trouble.is_some_and(|trouble| trouble.kind() == Kind::Unavailable)
        })
        .await;
        running.start_again();
        until(&mut list, "the agent is back", |list| {
            assert_eq!(list.ready.len(), 2, "{list:?}");
            list.live
        })
        .await;
        register(&agent, &[3]).await;
        until(&mut list, "a third comes", |list| list.ready.len() == 3).await;
        // Who is taken out on purpose is not doubted, though this is soon after.
        let drain = agent.maintenance("echo-3", true, "drain");
        drain.await.expect("it is there");
        let gone = list.wait_for(|list| list.live && names(list) == ["echo-1", "echo-2"]);
        let gone = timeout(Duration::from_secs(9), gone)
            .await
            .map(|gone| gone.is_ok());
        assert!(matches!(gone, Ok(true)), "{:?}", list.borrow());
    });
}

#[test]
fn instances_that_an_agent_forgot_have_time_to_register_again() {
    each(RELEASES, async |place| {
        let mut running = place.agent().start().await;
        let agent = client(&running);
        let consul = open(&running.url("via=plain"), None, &running);
        register(&agent, &[1, 2]).await;
        let mut list = consul.watch("echo").expect("it has a name");
        until(&mut list, "two are there", |list| {
            list.live && list.ready.len() == 2
        })
        .await;
        running.kill();
        running.start_again();
        running.is_ready().await;
        register(&agent, &[1]).await;
        // The second is gone, which is believed after some time.
        until(&mut list, "one is left", |list| {
            let all = names(list) == ["echo-1", "echo-2"];
            assert!(all || list.live, "{list:?}");
            list.live && names(list) == ["echo-1"]
        })
        .await;
    });
}

#[test]
fn the_last_list_stays_while_the_servers_of_the_agent_are_away() {
    each(RELEASES, async |place| {
        let mut server = place.agent().kept().start().await;
        let running = place.agent().beside(&server).start().await;
        let agent = client(&running);
        let consul = open(&running.url("via=plain&timeout=2s"), None, &running);
        register(&agent, &[1]).await;
        let mut list = consul.watch("echo").expect("it has a name");
        until(&mut list, "it is there", |list| {
            list.live && list.ready.len() == 1
        })
        .await;
        server.kill();
        until(&mut list, "the servers are away", |list| {
            assert_eq!(names(list), ["echo-1"], "{list:?}");
            let trouble = list.trouble.as_ref();
            !list.live && trouble.is_some_and(|trouble| trouble.kind() == Kind::Unavailable)
        })
        .await;
        server.start_again();
        until(&mut list, "the servers are back", |list| {
            assert_eq!(names(list), ["echo-1"], "{list:?}");
            list.live
        })
        .await;
    });
}

#[test]
fn a_list_that_may_not_be_read_is_no_empty_list() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        register(&client(&running), &[1]).await;
        for token in [None, Some("bogus")] {
            let consul = open(&running.url("via=plain&as=web"), token, &running);
            let mut list = consul.watch("echo").expect("it has a name");
            until(&mut list, "it is denied", |list| {
                assert!(!list.live && list.ready.is_empty(), "{list:?}");
                list.trouble.is_some()
            })
            .await;
            let trouble = list.borrow().trouble.clone().expect("it was seen");
            assert_eq!(trouble.kind(), Kind::Denied);
            assert!(
                trouble.to_string().contains("service:read on echo"),
                "{trouble}"
            );
        }
        let consul = open(&running.url("via=plain&as=web"), running.master(), &running);
        let mut list = consul.watch("echo").expect("it has a name");
        until(&mut list, "it is listed", |list| {
            list.live && names(list) == ["echo-1"]
        })
        .await;
    });
}

#[mesh_service]
trait Echo {
    async fn say(&self, text: &str) -> anyhow::Result<String>;
}

struct Wall;

impl Echo for Wall {
    async fn say(&self, text: &str) -> anyhow::Result<String> {
        Ok(text.to_owned())
    }
}

#[test]
fn instances_that_somebody_else_registered_are_called() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        let port = free();
        let fixed = Mesh::open(&format!("static:echo=127.0.0.1:{port}")).await;
        let fixed = fixed.expect("the URL is well-formed");
        let server = Server::builder().service(EchoHandler::new(Wall)).build();
        let serving = fixed.serve("echo", server).await.expect("it can be served");
        let foreign = json!({"ID": "wall-1", "Name": "echo", "Address": "127.0.0.1", "Port": port});
        agent
            .register(&foreign)
            .await
            .expect("it can be registered");

        let mesh = Mesh::open(&running.url("via=plain")).await;
        let mesh = mesh.expect("the mesh can be joined");
        let echo = EchoClient::connect(&mesh, "echo");
        assert_eq!(echo.say("hello").await.expect("it is there"), "hello");
        drop(serving);
    });
}

#[test]
fn a_call_says_what_the_agent_says() {
    each(RELEASES, async |place| {
        let running = place.agent().secured().start().await;
        let consul = Arc::new(open(&running.url("via=plain&as=web"), None, &running));
        let registrar: Arc<dyn Registrar> = consul.clone();
        let mesh = Mesh::from_parts(registrar, consul, Arc::new(meshrpc::client::Dialer));
        let echo = EchoClient::connect(&mesh, "echo");
        let error = echo.say("hello").await.expect_err("it is denied");
        assert_eq!(cause(&error).kind(), Kind::Denied);
        assert!(
            error.to_string().contains("service:read on echo"),
            "{error}"
        );
    });
}

#[test]
fn why_nobody_answers_is_asked_of_consul() {
    each(RELEASES, async |place| {
        let running = place.agent().start().await;
        let agent = client(&running);
        let consul = open(&running.url("via=instance&as=web"), None, &running);
        let way = Endpoint {
            dial: Address::Tcp(([127, 0, 0, 1], free()).into()),
            instance: None,
            via: Via::Opaque {
                expected: Vec::new(),
            },
            weight: 1,
            zone: None,
        };
        let why = async |consul: &Consul| consul.explain(&way, "echo").await.expect("it is known");
        let empty = why(&consul).await;
        assert_eq!(empty.kind(), Kind::Unavailable);
        assert!(
            empty.to_string().contains("no healthy instance of `echo`"),
            "{empty}"
        );
        let native =
            json!({"ID": "echo-1", "Name": "echo", "Port": 7001, "Connect": {"Native": true}});
        agent.register(&native).await.expect("it can be registered");
        let down = why(&consul).await;
        assert_eq!(down.kind(), Kind::Unavailable);
        assert!(down.to_string().contains("1 healthy instance"), "{down}");
        let intention = json!({
            "SourceName": "web", "DestinationName": "echo", "SourceType": "consul", "Action": "deny",
        });
        let denied = agent.raw(Method::POST, "connect/intentions", intention.to_string());
        denied.await.expect("an intention can be made");
        let denied = why(&consul).await;
        assert_eq!(
            (denied.kind(), denied.code()),
            (Kind::Denied, Code::PermissionDenied)
        );
        assert!(
            denied.to_string().contains("`web` may not call `echo`"),
            "{denied}"
        );
    });
}
