//! What happened, and to whom it is told.

use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::harness::{Calls, Transcript, served};

/// What happened, told to nobody who waits.
#[mesh_service]
#[async_trait]
pub trait AuditTrail: Send + Sync {
    #[mesh(oneway)]
    async fn note(&self, who: &str, what: &str, r#where: Option<&str>);
    #[mesh(oneway)]
    async fn note_all(&self, events: Vec<(String, u64)>) -> anyhow::Result<()>;
    /// A digest of the first so many notes, once they are there.
    async fn digest(&self, count: u64, r#type: &str) -> anyhow::Result<String>;
    async fn r#match(&self, pattern: &str) -> anyhow::Result<Vec<u64>>;
}

#[derive(Default)]
struct Trail {
    notes: Calls,
    count: watch::Sender<u64>,
    calls: Calls,
}

#[async_trait]
impl AuditTrail for Trail {
    async fn note(&self, who: &str, what: &str, r#where: Option<&str>) {
        self.notes.made("note", &[&who, &what, &r#where]);
        self.count.send_modify(|count| *count += 1);
    }
    async fn note_all(&self, events: Vec<(String, u64)>) -> anyhow::Result<()> {
        self.notes.made("note_all", &[&events]);
        self.count.send_modify(|count| *count += 1);
        Ok(())
    }
    async fn digest(&self, count: u64, r#type: &str) -> anyhow::Result<String> {
        let mut noted = self.count.subscribe();
        noted.wait_for(|noted| *noted >= count).await?;
        let notes: u64 = self.notes.value("digest", &[&count]);
        self.calls.answer("digest", &[&notes, &r#type])
    }
    async fn r#match(&self, pattern: &str) -> anyhow::Result<Vec<u64>> {
        self.calls.answer("match", &[&pattern])
    }
}

async fn use_trail(trail: Arc<dyn AuditTrail>) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..4 {
        trail
            .note(&seen.text(), &seen.text(), Some(&seen.text()))
            .await;
        seen.messages(trail.digest(2 * n + 1, &seen.text()).await);
        seen.messages(trail.note_all(seen.give()).await);
        seen.messages(trail.digest(2 * n + 2, &seen.text()).await);
        seen.messages(trail.r#match(&seen.text()).await);
    }
    seen
}

#[tokio::test]
async fn audit_trail() {
    let there: AuditTrailClient = served(AuditTrailHandler::new(Trail::default())).await;
    let here = use_trail(Arc::new(Trail::default())).await;
    assert_eq!(here, use_trail(Arc::new(there)).await);
}

/// Tells people; mocked where it is not what is tested.
#[mesh_service]
#[mockall::automock]
#[async_trait]
pub trait Notifier: Send + Sync {
    async fn notify(&self, user: u64, text: String) -> Result<bool, String>;
    async fn broadcast(&self, users: Vec<u64>, text: String) -> Result<usize, String>;
    #[mesh(on_failure = default)]
    async fn unread(&self, user: u64) -> u32;
    fn channels(&self) -> Result<Vec<String>, String>;
}

#[async_trait]
impl Notifier for Calls {
    async fn notify(&self, user: u64, text: String) -> Result<bool, String> {
        self.answer("notify", &[&user, &text])
    }
    async fn broadcast(&self, users: Vec<u64>, text: String) -> Result<usize, String> {
        self.answer("broadcast", &[&users, &text])
    }
    async fn unread(&self, user: u64) -> u32 {
        self.value("unread", &[&user])
    }
    fn channels(&self) -> Result<Vec<String>, String> {
        self.answer("channels", &[])
    }
}

async fn use_notifier(notifier: &dyn Notifier) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(notifier.notify(seen.give(), seen.give()).await);
        seen.result(notifier.broadcast(seen.give(), seen.give()).await);
        seen.note(notifier.unread(seen.give()).await);
        seen.result(notifier.channels());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn notifier() {
    let there: NotifierClient = served(NotifierHandler::new(Calls::default())).await;
    let here = use_notifier(&Calls::default()).await;
    assert_eq!(here, use_notifier(&there).await);
}

/// What stores hold and how they fail, in types of their own.
pub trait Describe {
    fn describe(&self) -> String;
}

impl Describe for Calls {
    fn describe(&self) -> String {
        "a store".to_owned()
    }
}

impl Describe for DepotClient {
    fn describe(&self) -> String {
        "a store".to_owned()
    }
}

/// A depot of anything that describes itself.
#[mesh_service(supertraits = manual, types(Item = Parcel, Error = io::Error))]
#[async_trait]
pub trait Depot: Describe + Send + Sync {
    type Item: Send + fmt::Debug;
    type Error: std::error::Error;
    async fn put(&self, item: Self::Item, shelf: u16) -> Result<u64, Self::Error>;
    async fn take(&self, id: u64) -> Result<Option<Self::Item>, Self::Error>;
    async fn all(&self, shelf: u16, within: Duration) -> Result<Vec<Self::Item>, Self::Error>;
}

#[async_trait]
impl Depot for Calls {
    type Item = Parcel;
    type Error = io::Error;
    async fn put(&self, item: Parcel, shelf: u16) -> Result<u64, io::Error> {
        self.answer("put", &[&item, &shelf])
    }
    async fn take(&self, id: u64) -> Result<Option<Parcel>, io::Error> {
        self.answer("take", &[&id])
    }
    async fn all(&self, shelf: u16, within: Duration) -> Result<Vec<Parcel>, io::Error> {
        self.answer("all", &[&shelf, &within])
    }
}

async fn use_depot(depot: Box<dyn Depot<Item = Parcel, Error = io::Error>>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(depot.put(seen.give(), seen.give()).await);
        seen.wrapped(depot.take(seen.give()).await);
        seen.wrapped(depot.all(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn depot() {
    let there: DepotClient = served(DepotHandler::new(Calls::default())).await;
    let here = use_depot(Box::new(Calls::default())).await;
    assert_eq!(here, use_depot(Box::new(there)).await);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    pub to: String,
    pub grams: u32,
}
