use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use meshrpc::{
    Kind,
    discovery::{Endpoints, Resolver as _},
    mesh::consul::agent::{AgentError, Trouble},
};
use serde_json::json;
use tokio::{sync::watch, time::timeout};

use crate::fake::{Act, Fake, healthy, index, ok, status};

/// How long anything may take that has no time of its own.
const CAP: Duration = Duration::from_secs(60);
/// More than is taken of an answer about one thing, with what is on its way.
const MOST: usize = 16 << 20;

/// What an agent with such answers is found to be.
async fn trouble(options: &str, act: impl Fn() -> Act + Send + Sync + 'static) -> (Trouble, usize) {
    let fake = Fake::start(move |_| act()).await;
    let consul = fake.consul(options);
    let asked = timeout(CAP, consul.agent().leader());
    let error: AgentError = asked.await.expect("an end").expect_err("no answer");
    (error.trouble().clone(), fake.said())
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn heads_without_end_are_given_up() {
    let begun = "HTTP/1.1 200 OK\r\n";
    for then in ["X-More: and more\r\n", "x", "X-Folded: a\r\n b"] {
        let (trouble, said) = trouble("", move || Act::Flow(text(begun), text(then))).await;
        assert!(
            matches!(trouble, Trouble::Malformed { .. }),
            "{then:?}: {trouble:?}"
        );
        assert!(said < MOST, "{then:?}: {said} bytes");
    }
}

#[tokio::test]
async fn bodies_without_end_are_given_up() {
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for (head, then) in [
        ("Transfer-Encoding: chunked\r\n\r\n", &*chunk),
        ("Content-Length: 18446744073709551615\r\n\r\n", &*chunk),
        ("Content-Length: 99999999999\r\n\r\n", &*chunk),
        ("\r\n", &*chunk),
    ] {
        let (then, begun) = (text(then), format!("HTTP/1.1 200 OK\r\n{head}"));
        let flow = move || Act::Flow(text(&begun), then.clone());
        let (trouble, said) = trouble("", flow).await;
        assert!(
            matches!(trouble, Trouble::Malformed { .. }),
            "{head:?}: {trouble:?}"
        );
        assert!(said < MOST, "{head:?}: {said} bytes");
    }
}

#[tokio::test]
async fn what_comes_byte_by_byte_has_no_more_time_than_the_rest() {
    for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let drip = move || Act::Drip(text(head), text("x"));
        let (trouble, _) = trouble("timeout=100ms", drip).await;
        assert!(matches!(trouble, Trouble::TimedOut { .. }), "{trouble:?}");
    }
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let elsewhere = Fake::start(|head| healthy(head, 1, &["a"])).await;
    let url = elsewhere.url("").replace("consul://", "http://");
    for code in [301, 302, 303, 307, 308] {
        let to = url.clone();
        let answer = move || {
            Act::Say(text(&format!(
                "HTTP/1.1 {code} X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            )))
        };
        let (trouble, _) = trouble("", answer).await;
        assert!(
            matches!(trouble, Trouble::Refused { status, .. } if status == code),
            "{trouble:?}"
        );
    }
    // A token would have gone there as well.
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn answers_nobody_asked_for_are_answers_to_nothing() {
    // Two answers to one question: the second must not answer the next question.
    let Act::Say(answer) = ok(&json!("127.0.0.1:8300"), "") else {
        unreachable!()
    };
    let both = [
        answer.clone(),
        text("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\"forged\""),
    ];
    let both = both.concat();
    let fake = Fake::start(move |_| Act::Say(both.clone())).await;
    let consul = fake.consul("");
    for _ in 0..20 {
        let leader = timeout(CAP, consul.agent().leader()).await.expect("an end");
        if let Ok(leader) = leader {
            assert_eq!(leader.as_deref(), Some("127.0.0.1:8300"));
        }
    }
}

/// What a watch shows of an agent that has once told of `a`, and then does this to whoever asks for
/// news, until it is healthy again and tells of `b`.
async fn survives(what: &str, act: impl Fn() -> Act + Send + Sync + 'static) {
    let healed = Arc::new(AtomicUsize::new(0));
    let heals = Arc::clone(&healed);
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        if turns.fetch_add(1, Ordering::SeqCst) == 0 {
            return healthy(head, 47, &["a"]);
        }
        match (heals.load(Ordering::SeqCst), index(head)) {
            (0, _) => act(),
            (_, Some(48)) => Act::Wait,
            _ => healthy(head, 48, &["b"]),
        }
    })
    .await;
    let consul = fake.consul("timeout=300ms");
    let mut list = consul.watch("echo").expect("a service");
    until(&mut list, what, |list| list.live).await;
    until(&mut list, what, |list| {
        assert_eq!(names(list), ["a"], "{what}");
        let trouble = list.trouble.as_ref().map(|trouble| trouble.kind());
        assert!(trouble.is_none_or(|kind| kind == Kind::Unavailable || kind == Kind::Protocol));
        !list.live && trouble.is_some()
    })
    .await;
    let asked = fake.asked("/health/").len();
    assert!(asked < 20, "{what}: asked {asked} times");
    healed.store(1, Ordering::SeqCst);
    until(&mut list, what, |list| {
        assert!(!list.ready.is_empty(), "{what}: {list:?}");
        // Who is missing right after an outage stays for a while.
        names(list).contains(&"b") && list.trouble.is_none()
    })
    .await;
}

async fn until(
    list: &mut watch::Receiver<Arc<Endpoints>>,
    what: &str,
    wanted: impl Fn(&Endpoints) -> bool,
) {
    let seen = timeout(CAP, list.wait_for(|list| wanted(list))).await;
    let seen = seen.map(|seen| seen.is_ok());
    assert_eq!(seen, Ok(true), "{what}: {:?}", list.borrow());
}

fn names(list: &Endpoints) -> Vec<&str> {
    let instances = list.ready.iter();
    let instances = instances.filter_map(|endpoint| endpoint.instance.as_ref());
    instances.map(|instance| &*instance.name).collect()
}

#[tokio::test]
async fn a_list_that_cannot_be_had_leaves_the_last() {
    let json = |text: &str| {
        let length = text.len();
        let head = "HTTP/1.1 200 OK\r\nX-Consul-Index: 48\r\nContent-Length";
        format!("{head}: {length}\r\n\r\n{text}").into_bytes()
    };
    let said = |bytes: Vec<u8>| move || Act::Say(bytes.clone());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    tokio::join!(
        survives("no JSON", said(json("[{\"Service\""))),
        survives("another type", said(json("{\"Service\": 1}"))),
        survives("values in values", said(json(&deep))),
        survives("no HTTP", said(text("ECHO echo\r\n\r\n"))),
        survives("an error", || status(500, "panic: runtime error")),
        survives("elsewhere", || status(302, "")),
        survives("without end", || {
            Act::Flow(text("HTTP/1.1 200 OK\r\n\r\n["), vec![b' '; 1 << 20])
        }),
    );
}

#[tokio::test]
async fn a_million_instances_are_too_many() {
    let entry = json!({
        "Node": {"Address": "127.0.0.1"},
        "Service": {"ID": "echo-1", "Service": "echo", "Port": 7},
    });
    let entry = format!("{entry},");
    let entries = entry.repeat(10_000).into_bytes();
    survives("a million instances", move || {
        Act::Flow(text("HTTP/1.1 200 OK\r\n\r\n["), entries.clone())
    })
    .await;
}

#[tokio::test]
async fn an_index_that_is_none_is_not_waited_on_and_not_hurried() {
    for index_said in [
        "-1",
        "0",
        "18446744073709551616",
        "4.7",
        "0x10",
        "",
        "18446744073709551615",
    ] {
        let fake = Fake::start(move |head| {
            let Act::Say(answer) = healthy(head, 4_711, &["a"]) else {
                unreachable!()
            };
            let answer = String::from_utf8(answer).expect("text");
            Act::Say(answer.replace("4711", index_said).into_bytes())
        })
        .await;
        let mut list = fake.consul("").watch("echo").expect("a service");
        until(&mut list, index_said, |list| list.live).await;
        fake.was_asked("/health/", 6).await;
        for line in &fake.asked("/health/") {
            assert!(
                !line.contains("index=") || line.contains("index=18446744073709551615&"),
                "{index_said}: {line}"
            );
        }
        assert_eq!(names(&list.borrow()), ["a"]);
        // Five at once, the others one by one: it is not asked as fast as it answers.
        let asked = fake.asked("/health/").len();
        assert!(asked < 50, "{index_said}: asked {asked} times");
    }
}
