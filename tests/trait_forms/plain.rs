//! Methods without a `Result`: what they give when the call fails.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Mutex};

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::{nowhere, pair};
use serde::{Deserialize, Serialize};

/// A type with a default of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score(pub i32);

impl Default for Score {
    fn default() -> Self {
        Score(-1)
    }
}

type Listed<T> = Result<Vec<T>, std::io::Error>;

#[expect(clippy::needless_pass_by_value, reason = "as it is called")]
fn lost(error: meshrpc::Error) -> Option<String> {
    Some(format!("lost: {:?}", error.kind()))
}

/// One for all, and some for their own.
#[mesh_service(on_failure = default)]
pub trait Scores {
    /// A type of the program's.
    async fn score(&self, player: &str) -> Score;
    /// Nothing.
    async fn record(&self, player: &str, score: i32);
    /// The same, written out.
    async fn forget(&self, player: &str) -> ();
    /// A container.
    async fn all(&self) -> BTreeMap<String, i32>;
    /// A tuple.
    async fn best(&self) -> (String, Score);
    /// A future written out.
    fn count(&self) -> impl Future<Output = usize> + Send;
    /// A boxed one.
    fn total<'a>(&'a self, of: &'a [&'a str]) -> Pin<Box<dyn Future<Output = i64> + Send + 'a>>;
    /// By a function.
    #[mesh(on_failure = lost)]
    async fn nickname(&self, player: &str) -> Option<String>;
    /// By a closure.
    #[mesh(on_failure = |error: meshrpc::Error| error.to_string())]
    async fn motto(&self) -> String;
    /// By a panic.
    #[mesh(on_failure = panic)]
    async fn must(&self) -> u8;
    /// A result, which needs nothing.
    async fn fallible(&self) -> anyhow::Result<u8>;
    /// A result by another name.
    async fn listed(&self) -> Listed<u8>;
    /// A thread waits for it.
    fn blocking(&self, times: u8) -> Vec<u8>;
}

struct Table(Mutex<BTreeMap<String, i32>>);

impl Table {
    fn of(&self, player: &str) -> i32 {
        self.0
            .lock()
            .expect("not poisoned")
            .get(player)
            .copied()
            .unwrap_or(-7)
    }
}

impl Scores for Table {
    async fn score(&self, player: &str) -> Score {
        Score(self.of(player))
    }
    async fn record(&self, player: &str, score: i32) {
        self.0
            .lock()
            .expect("not poisoned")
            .insert(player.to_owned(), score);
    }
    async fn forget(&self, player: &str) {
        self.0.lock().expect("not poisoned").remove(player);
    }
    async fn all(&self) -> BTreeMap<String, i32> {
        self.0.lock().expect("not poisoned").clone()
    }
    async fn best(&self) -> (String, Score) {
        let all = self.0.lock().expect("not poisoned");
        let (player, score) = all
            .iter()
            .max_by_key(|(_, score)| **score)
            .expect("there is one");
        (player.clone(), Score(*score))
    }
    async fn count(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }
    fn total<'a>(&'a self, of: &'a [&'a str]) -> Pin<Box<dyn Future<Output = i64> + Send + 'a>> {
        Box::pin(async move { of.iter().map(|player| i64::from(self.of(player))).sum() })
    }
    async fn nickname(&self, player: &str) -> Option<String> {
        player.strip_suffix("us").map(str::to_owned)
    }
    async fn motto(&self) -> String {
        "per aspera".into()
    }
    async fn must(&self) -> u8 {
        5
    }
    async fn fallible(&self) -> anyhow::Result<u8> {
        anyhow::bail!("its own")
    }
    async fn listed(&self) -> Listed<u8> {
        Ok(vec![1, 2])
    }
    fn blocking(&self, times: u8) -> Vec<u8> {
        (0..times).collect()
    }
}

#[tokio::test]
async fn a_plain_value_is_what_the_method_returned() {
    let table = Table(Mutex::default());
    let scores = ScoresClient::from_channel(pair(ScoresHandler::new(table)).await);
    scores.record("ann", 3).await;
    scores.record("bob", 4).await;
    assert_eq!(scores.score("ann").await, Score(3));
    assert_eq!(
        scores.all().await,
        BTreeMap::from([("ann".into(), 3), ("bob".into(), 4)])
    );
    assert_eq!(scores.best().await, ("bob".to_owned(), Score(4)));
    assert_eq!(scores.total(&["ann", "bob", "ann"]).await, 10);
    scores.forget("bob").await;
    assert_eq!(scores.count().await, 1);
    assert_eq!(scores.nickname("marcus").await.as_deref(), Some("marc"));
    assert_eq!(scores.motto().await, "per aspera");
    assert_eq!(scores.must().await, 5);
    assert_eq!(
        scores.fallible().await.expect_err("it fails").to_string(),
        "its own"
    );
    assert_eq!(scores.listed().await.expect("it answers"), [1, 2]);
    let again = scores.clone();
    let counted = tokio::task::spawn_blocking(move || again.blocking(3)).await;
    assert_eq!(counted.expect("no panic"), [0, 1, 2]);
}

#[tokio::test]
async fn a_failed_call_gives_what_was_said() {
    let scores = ScoresClient::from_channel(nowhere().await);
    assert_eq!(scores.score("ann").await, Score(-1));
    scores.record("ann", 3).await;
    assert_eq!(scores.all().await, BTreeMap::new());
    assert_eq!(scores.best().await, (String::new(), Score(-1)));
    assert_eq!(scores.count().await, 0);
    assert_eq!(scores.total(&[]).await, 0);
    assert_eq!(
        scores.nickname("ann").await.as_deref(),
        Some("lost: Unavailable")
    );
    assert!(scores.motto().await.contains("no instance"));
    assert!(scores.fallible().await.is_err(), "it can tell");
    assert!(scores.listed().await.is_err(), "it can tell");
    let failed = tokio::spawn(async move { scores.must().await })
        .await
        .expect_err("a panic");
    let words = *failed.into_panic().downcast::<String>().expect("words");
    assert!(
        words.starts_with("the call of `Scores::must` failed: "),
        "{words}"
    );
}
