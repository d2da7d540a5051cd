use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use meshrpc::{Kind, Mesh};
use serde_json::json;

use crate::fake::{Act, Fake, healthy, ok, status};

/// An agent that has a leader when it was asked `late` times, and denies everything before.
async fn late(late: usize) -> Fake {
    let leaders = AtomicUsize::new(0);
    Fake::start(move |head| {
        let asked = match head.contains("/status/leader") {
            true => leaders.fetch_add(1, Ordering::SeqCst),
            false => leaders.load(Ordering::SeqCst),
        };
        match asked < late {
            true if head.contains("/status/leader") => ok(&json!(""), ""),
            true => status(
                403,
                "ACL system must be bootstrapped before making any requests",
            ),
            false => healthy(head, 1, &["a"]),
        }
    })
    .await
}

#[tokio::test]
async fn an_agent_that_has_no_leader_yet_is_waited_for() {
    let fake = late(3).await;
    fake.consul("").join().await.unwrap();
    assert_eq!(fake.asked("/status/leader").len(), 4);
}

#[tokio::test]
async fn a_denial_by_an_agent_with_a_leader_is_final() {
    let fake = Fake::start(|head| match head.contains("/internal/acl/authorize") {
        true => status(403, "ACL not found"),
        false => healthy(head, 1, &["a"]),
    })
    .await;
    let error = fake.consul("via=instance&as=web").join().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(
        error.to_string().contains("service:write on web"),
        "{error}"
    );
    assert_eq!(fake.asked("/internal/acl/authorize").len(), 1);
}

#[tokio::test]
async fn what_is_no_agent_is_told_at_once() {
    let fake = Fake::start(|_| Act::End(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let error = fake.consul("").join().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.to_string().contains("no Consul agent"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_program_without_a_runtime_joins_too() {
    let fake = late(2).await;
    let url = fake.url("");
    let opened = tokio::task::spawn_blocking(move || {
        let opened = thread::spawn(move || Mesh::open_blocking(&url).map(drop));
        opened.join().unwrap()
    });
    opened.await.unwrap().unwrap();
}
