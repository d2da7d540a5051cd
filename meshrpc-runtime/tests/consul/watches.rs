use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use meshrpc::{
    Kind,
    discovery::{Endpoints, Resolver},
};
use tokio::{sync::watch, time::timeout};

use crate::fake::{Act, Fake, healthy, index, status};

type Watched = watch::Receiver<Arc<Endpoints>>;

async fn until(list: &mut Watched, what: &str, wanted: impl Fn(&Endpoints) -> bool) {
    let seen = timeout(Duration::from_secs(30), list.wait_for(|list| wanted(list))).await;
    let seen = seen.map(|seen| seen.is_ok());
    assert_eq!(seen, Ok(true), "{what}: {:?}", list.borrow());
}

fn names(list: &Endpoints) -> Vec<&str> {
    let ready = list.ready.iter();
    ready
        .filter_map(|endpoint| Some(&*endpoint.instance.as_ref()?.name))
        .collect()
}

#[tokio::test]
async fn the_index_is_sent_back_with_a_wait() {
    let fake = Fake::start(|head| match index(head) {
        Some(_) => Act::Wait,
        None => healthy(head, 47, &["a"]),
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is listed", |list| {
        list.live && names(list) == ["a"]
    })
    .await;
    fake.was_asked("index=47", 1).await;
    let asked = fake.asked("/health/");
    assert!(!asked[0].contains("index="), "{asked:?}");
    assert!(asked[1].contains("index=47&wait=30000ms"), "{asked:?}");
    assert!(
        asked[1].contains("/v1/health/service/echo?passing=true"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_index_that_goes_backward_is_not_waited_on() {
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        match turns.fetch_add(1, Ordering::SeqCst) {
            0 => healthy(head, 47, &["a"]),
            1 => healthy(head, 16, &["a"]),
            2 => healthy(head, 17, &["a", "b"]),
            _ => Act::Wait,
        }
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "both are listed", |list| {
        names(list) == ["a", "b"]
    })
    .await;
    fake.was_asked("/health/", 4).await;
    let indices: Vec<_> = fake
        .asked("/health/")
        .iter()
        .map(|line| index(line))
        .collect();
    assert_eq!(indices, [None, Some(47), None, Some(17)]);
}

#[tokio::test]
async fn after_a_failure_one_in_maintenance_is_believed_to_be_gone() {
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if head.contains("/health/") && !head.contains("passing") {
            let maintenance = |name| format!("_service_maintenance:{name}");
            return registered(&[
                ("a", &maintenance("a")),
                ("b", &maintenance("b")),
                ("c", "c:ttl"),
            ]);
        }
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        match turns.fetch_add(1, Ordering::SeqCst) {
            0 => healthy(head, 47, &["a", "b", "c"]),
            1 => status(500, "rpc error making call: EOF"),
            2 => healthy(head, 48, &["a"]),
            _ => Act::Wait,
        }
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "three are listed", |list| names(list).len() == 3).await;
    // The other that is missing may come back.
    until(&mut list, "one is gone", |list| {
        names(list) == ["a", "c"] && !list.live
    })
    .await;
}

/// A list of those that are registered, each with the id of its check.
fn registered(entries: &[(&str, &str)]) -> Act {
    let entry = |(name, check): &(&str, &str)| {
        serde_json::json!({
            "Node": {"Node": "n1", "Address": "127.0.0.1"},
            "Service": {
                "ID": name, "Service": "echo", "Port": 7001,
                "Meta": {"meshrpc-instance": name, "meshrpc-epoch": "1"},
            },
            "Checks": [{"CheckID": check}],
        })
    };
    let entries: Vec<_> = entries.iter().map(entry).collect();
    crate::fake::ok(&serde_json::json!(entries), "X-Consul-Index: 48\r\n")
}

#[tokio::test]
async fn after_a_failure_it_is_asked_from_the_beginning_once_there_is_a_leader() {
    let turns = AtomicUsize::new(0);
    let leaders = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if head.contains("/status/leader") {
            return match leaders.fetch_add(1, Ordering::SeqCst) {
                1 | 2 => crate::fake::ok(&serde_json::json!(""), ""),
                _ => healthy(head, 0, &[]),
            };
        }
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        match turns.fetch_add(1, Ordering::SeqCst) {
            0 => healthy(head, 47, &["a"]),
            1 => status(500, "rpc error making call: No cluster leader"),
            2 => healthy(head, 48, &["a"]),
            _ => Act::Wait,
        }
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is listed", |list| list.live).await;
    until(&mut list, "it says why it is not live", |list| {
        assert_eq!(names(list), ["a"]);
        let trouble = list.trouble.as_ref();
        !list.live && trouble.is_some_and(|trouble| trouble.kind() == Kind::Unavailable)
    })
    .await;
    until(&mut list, "it is live again", |list| {
        assert_eq!(names(list), ["a"]);
        list.live
    })
    .await;
    fake.was_asked("index=48", 1).await;
    assert_eq!(index(&fake.asked("/health/")[2]), None);
    assert!(fake.asked("/status/leader").len() >= 4);
}

#[tokio::test]
async fn a_denial_right_after_an_outage_is_none() {
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        match turns.fetch_add(1, Ordering::SeqCst) {
            0 => healthy(head, 47, &["a"]),
            // The second time over a connection of its own.
            1 | 2 => Act::End(Vec::new()),
            3 | 4 => status(403, "ACL not found"),
            5 => healthy(head, 48, &["a"]),
            6 => Act::Wait,
            _ => status(403, "ACL not found"),
        }
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is listed", |list| list.live).await;
    until(&mut list, "the agent is away", |list| !list.live).await;
    until(&mut list, "it is live again", |list| {
        let trouble = list.trouble.as_ref();
        assert!(
            trouble.is_none_or(|trouble| trouble.kind() != Kind::Denied),
            "{list:?}"
        );
        assert_eq!(names(list), ["a"]);
        list.live
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_revoked_is_told_and_the_list_stays() {
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        if head.contains("/internal/acl/authorize") {
            return match turns.load(Ordering::SeqCst) {
                0 | 1 => crate::fake::ok(&serde_json::json!([{"Allow": true}]), ""),
                _ => status(403, "ACL not found"),
            };
        }
        if !head.contains("/health/") {
            return healthy(head, 0, &[]);
        }
        match turns.fetch_add(1, Ordering::SeqCst) {
            0 => healthy(head, 47, &["a"]),
            // What a token that is none is shown.
            turn => healthy(head, 48 + turn as u64, &[]),
        }
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is listed", |list| list.live).await;
    until(&mut list, "it is denied", |list| {
        assert_eq!(names(list), ["a"]);
        let trouble = list.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.kind() == Kind::Denied)
    })
    .await;
}

#[tokio::test]
async fn an_empty_list_says_that_nobody_is_healthy() {
    let fake = Fake::start(|head| match index(head) {
        Some(_) => Act::Wait,
        None => healthy(head, 47, &[]),
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is known", |list| list.live).await;
    let trouble = list.borrow().trouble.clone().unwrap();
    assert_eq!(trouble.kind(), Kind::Unavailable);
    assert!(
        trouble
            .to_string()
            .contains("no healthy instance of `echo`")
    );
}

#[tokio::test]
async fn those_who_follow_one_service_share_one_question() {
    let fake = Fake::start(|head| match index(head) {
        Some(_) => Act::Wait,
        None => healthy(head, 47, &["a"]),
    })
    .await;
    // Two that are opened alike are one.
    let (one, other) = (fake.consul(""), fake.consul(""));
    let mut lists: Vec<Watched> = Vec::new();
    for consul in [&one, &other] {
        for _ in 0..10 {
            lists.push(consul.watch("echo").unwrap());
        }
    }
    for list in &mut lists {
        until(list, "it is listed", |list| list.live).await;
    }
    fake.was_asked("index=47", 1).await;
    assert_eq!(fake.asked("/health/").len(), 2);
    // Whoever comes after the last has gone asks again.
    drop(lists);
    let mut list = one.watch("echo").unwrap();
    until(&mut list, "it is listed", |list| list.live).await;
}

#[tokio::test]
async fn an_agent_that_never_waits_is_not_asked_all_the_time() {
    let turns = AtomicUsize::new(0);
    let fake = Fake::start(move |head| {
        let turn = turns.fetch_add(1, Ordering::SeqCst);
        healthy(head, turn as u64 + 1, &["a"])
    })
    .await;
    let mut list = fake.consul("").watch("echo").unwrap();
    until(&mut list, "it is listed", |list| list.live).await;
    let start = std::time::Instant::now();
    fake.was_asked("/health/", 10).await;
    // Five at once, and the others one by one.
    assert!(
        start.elapsed() >= Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );
}
