use std::{fs, time::Duration};

use meshrpc::mesh::{
    Environment,
    consul::agent::{Agent, AgentError, CheckStatus, Lookup, Right, Trouble},
};
use proptest::{collection::vec, prelude::*};
use serde_json::json;
use tokio::time::timeout;

use crate::fake::{Act, Fake, healthy, ok, status};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Everything that an agent may be asked.
async fn ask_everything(agent: &Agent) -> Vec<Result<(), AgentError>> {
    let lookup = Lookup {
        service: "echo".to_owned(),
        connect: true,
        passing: true,
    };
    let wait = Duration::from_millis(1);
    vec![
        agent.about().await.map(drop),
        agent.leader().await.map(drop),
        agent.register(&json!({"Name": "x"})).await,
        agent.deregister("x").await,
        agent.update_check("x", CheckStatus::Passing, "").await,
        agent.maintenance("x", true, "").await,
        agent.service("x").await.map(drop),
        agent.service_changed("x", "0", wait).await.map(drop),
        agent.services().await.map(drop),
        agent.catalog().await.map(drop),
        agent.instances(&lookup, 1, wait).await.map(drop),
        agent.may_connect("a", "b").await.map(drop),
        agent.require(&[Right::read_nodes()]).await,
        agent.roots(1, wait).await.map(drop),
        agent.require_roots().await,
        agent.leaf("x", 1, wait).await.map(drop),
        agent.authorize("x", "y", "z").await.map(drop),
    ]
}

/// Values that look like what agents say, and are not.
fn nonsense() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "ID",
        "Service",
        "Node",
        "Meta",
        "Address",
        "Port",
        "Checks",
        "Roots",
        "TrustDomain",
        "Config",
        "Version",
        "Weights",
        "Passing",
        "Proxy",
        "CertPEM",
        "Allowed",
        "Allow",
    ]);
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,8}".prop_map(|value| json!(value)),
    ];
    let value = leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| json!(values)),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|values| json!(values)),
        ]
    });
    prop_oneof![value.prop_map(|value| value.to_string()), ".{0,40}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_an_agent_answers_is_an_answer_or_an_error(
        code in 100_u16..600,
        body in nonsense(),
        headers in prop::sample::select(vec![
            "", "X-Consul-Index: -1\r\n", "X-Consul-Index: 99999999999999999999\r\n",
            "X-Consul-Index: 5\r\nX-Consul-Index: 4\r\n", "Transfer-Encoding: chunked\r\n",
            "Content-Length: 7\r\n", "Content-Type: \r\n",
        ]),
    ) {
        runtime().block_on(async {
            let length = body.len();
            let answer = format!("HTTP/1.1 {code} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
            let fake = Fake::start(move |_| Act::End(answer.clone().into_bytes())).await;
            let consul = fake.consul("timeout=500ms");
            for result in ask_everything(consul.agent()).await {
                if let Err(error) = result {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn whatever_bytes_come_back_there_is_an_end(bytes in vec(any::<u8>(), 0..200)) {
        runtime().block_on(async {
            let fake = Fake::start(move |_| Act::End(bytes.clone())).await;
            let consul = fake.consul("timeout=500ms");
            prop_assert!(consul.agent().leader().await.is_err());
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n\"{}", "x".repeat(2 << 20));
    let fake = Fake::start(move |_| Act::Say(endless.clone().into_bytes())).await;
    let consul = fake.consul("");
    let error = consul.agent().leader().await.unwrap_err();
    assert!(
        matches!(error.trouble(), Trouble::Malformed { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_when_its_time_is_over() {
    let fake = Fake::start(|_| Act::Wait).await;
    let consul = fake.consul("timeout=50ms");
    for result in ask_everything(consul.agent()).await {
        let Err(error) = result else { continue };
        assert!(
            matches!(error.trouble(), Trouble::TimedOut { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_question_that_nobody_waits_for_is_given_up() {
    let fake = Fake::start(|_| Act::Wait).await;
    let consul = fake.consul("timeout=10m");
    // As many as are asked at a time: another one would wait for these.
    let asked: Vec<_> = (0..16)
        .map(|_| {
            let agent = consul.agent().clone();
            tokio::spawn(async move { agent.leader().await.map(drop) })
        })
        .collect();
    fake.was_asked("/status/leader", 16).await;
    for asked in asked {
        asked.abort();
    }
    tokio::select! {
        _ = consul.agent().about() => panic!("nobody answers"),
        asked = timeout(Duration::from_secs(30), fake.was_asked("/agent/self", 1)) => {
            assert!(asked.is_ok(), "it is not asked");
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let fake = Fake::start(|head| healthy(head, 0, &[])).await;
    let consul = fake.consul("");
    for _ in 0..20 {
        assert!(consul.agent().leader().await.unwrap().is_some());
    }
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_ended_while_it_was_kept_is_replaced() {
    let fake = Fake::start(|_| {
        let Act::Say(answer) = ok(&json!("127.0.0.1:8300"), "") else {
            unreachable!()
        };
        Act::End(answer)
    })
    .await;
    let consul = fake.consul("");
    for _ in 0..20 {
        assert!(consul.agent().leader().await.unwrap().is_some());
    }
    assert_eq!(fake.asked("leader").len(), 20);
}

#[tokio::test]
async fn a_token_is_sent_and_never_told() {
    const TOKEN: &str = "4711c0de-secret";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).unwrap();
    let environment = Environment::from_vars([("MESHRPC_TOKEN_FILE", &file)]).unwrap();
    // It says the token again, where it can.
    let fake = Fake::start(|head| {
        let token = head
            .split_once("x-consul-token: ")
            .map_or("", |(_, rest)| rest);
        let token = token.lines().next().unwrap_or_default();
        status(500, &format!("what is {token}? a token, {token}"))
    })
    .await;
    let consul = fake.consul_in("timeout=500ms", &environment);
    let errors = ask_everything(consul.agent()).await;
    for error in errors.into_iter().filter_map(Result::err) {
        assert!(error.to_string().contains("what is …?"), "{error}");
        let error = meshrpc::Error::from(error);
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
    assert!(!format!("{consul:?}").contains(TOKEN));
    assert!(fake.heads().iter().all(|head| head.contains(TOKEN)));
}
