//! How a method takes the service.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;

/// Kept behind a lock.
#[mesh_service]
pub trait Till {
    /// Changes the till.
    async fn put(&mut self, cents: u64, note: &str) -> anyhow::Result<u64>;
    /// Changes it, by the type of `self`.
    async fn take(self: &mut Self, cents: u64) -> Result<u64, String>;
    /// Reads it.
    async fn total(&self) -> Result<u64, String>;
    /// Reads it, by the type of `self`.
    async fn notes(self: &Self) -> Result<Vec<String>, String>;
    /// Runs at the service.
    async fn swap(&mut self, cents: u64) -> Result<u64, String> {
        let before = self.total().await?;
        self.take(before).await?;
        self.put(cents, "swap").await.map_err(|e| e.to_string())?;
        Ok(before)
    }
    /// Stays here.
    #[mesh(local)]
    fn is_open(&mut self) -> bool {
        true
    }
}

#[derive(Default)]
struct Drawer {
    cents: u64,
    notes: Vec<String>,
}

impl Till for Drawer {
    async fn put(&mut self, cents: u64, note: &str) -> anyhow::Result<u64> {
        let before = self.cents;
        tokio::task::yield_now().await;
        self.cents = before + cents;
        self.notes.push(note.to_owned());
        Ok(self.cents)
    }
    async fn take(&mut self, cents: u64) -> Result<u64, String> {
        self.cents = self.cents.checked_sub(cents).ok_or("not that much")?;
        Ok(self.cents)
    }
    async fn total(&self) -> Result<u64, String> {
        Ok(self.cents)
    }
    async fn notes(&self) -> Result<Vec<String>, String> {
        Ok(self.notes.clone())
    }
}

#[tokio::test]
async fn a_service_that_calls_change_is_changed_by_one_at_a_time() {
    let handler = TillHandler::new(Drawer::default());
    let mut client = TillClient::from_channel(pair(handler).await);
    let puts = (0..50).map(|n| {
        let mut client = client.clone();
        async move { client.put(n, "n").await }
    });
    // Each reads, lets others run, and writes: without the lock, puts would be lost.
    for put in futures_util::future::join_all(puts).await {
        put.expect("it answers");
    }
    assert_eq!(client.total().await, Ok(49 * 50 / 2));
    assert_eq!(client.take(225).await, Ok(1000));
    assert_eq!(client.take(2000).await, Err("not that much".to_owned()));
    assert_eq!(client.swap(7).await, Ok(1000));
    assert_eq!(client.total().await, Ok(7));
    assert_eq!(client.notes().await.expect("it answers").len(), 51);
    assert!(client.is_open());
}

/// By `#[async_trait]`, with `&mut self`.
#[mesh_service]
#[async_trait::async_trait]
pub trait Counter {
    /// Changes it.
    async fn add(&mut self, n: u64) -> Result<u64, String>;
    /// Reads it.
    async fn get(&self) -> Result<u64, String>;
}

struct Count(u64);

#[async_trait::async_trait]
impl Counter for Count {
    async fn add(&mut self, n: u64) -> Result<u64, String> {
        self.0 += n;
        Ok(self.0)
    }
    async fn get(&self) -> Result<u64, String> {
        Ok(self.0)
    }
}

#[tokio::test]
async fn an_async_trait_may_change_its_service() {
    let client = CounterClient::from_channel(pair(CounterHandler::new(Count(1))).await);
    let mut boxed: Box<dyn Counter> = Box::new(client);
    assert_eq!(boxed.add(2).await, Ok(3));
    assert_eq!(boxed.get().await, Ok(3));
}

/// Shared by reference count.
#[mesh_service]
pub trait Shared: 'static {
    /// Takes the `Arc`.
    async fn spawned(self: Arc<Self>, name: &str) -> anyhow::Result<String>;
    /// Takes the `Arc` by its path, with a body.
    async fn twice(self: std::sync::Arc<Self>, name: String) -> anyhow::Result<String> {
        let first = Arc::clone(&self).spawned(&name).await?;
        Ok(first + &self.spawned(&name).await?)
    }
    /// Takes a reference with a name.
    async fn borrowed<'a, 'b>(&'a self, one: &'a str, two: &'b str) -> anyhow::Result<String>
    where
        'b: 'a;
    /// Takes a reference with a name, by the type of `self`.
    async fn written<'a>(self: &'a Self, one: &'a [u8]) -> anyhow::Result<usize>;
}

#[derive(Default)]
struct Tasks(AtomicUsize);

impl Shared for Tasks {
    async fn spawned(self: Arc<Self>, name: &str) -> anyhow::Result<String> {
        let name = name.to_owned();
        let task = tokio::spawn(async move {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            format!("{name}{count}")
        });
        Ok(task.await?)
    }
    async fn borrowed<'a, 'b>(&'a self, one: &'a str, two: &'b str) -> anyhow::Result<String>
    where
        'b: 'a,
    {
        Ok(format!("{one}-{two}"))
    }
    async fn written<'a>(&'a self, one: &'a [u8]) -> anyhow::Result<usize> {
        Ok(one.len())
    }
}

#[tokio::test]
async fn an_arc_of_the_service_is_handed_over() {
    let service = Arc::new(Tasks::default());
    let handler = SharedHandler::shared(Arc::clone(&service));
    let client = Arc::new(SharedClient::from_channel(pair(handler).await));
    let first = Arc::clone(&client).spawned("a").await;
    assert_eq!(first.expect("it answers"), "a0");
    let twice = Arc::clone(&client).twice("b".to_owned()).await;
    assert_eq!(twice.expect("it answers"), "b1b2");
    assert_eq!(client.borrowed("x", "y").await.expect("it answers"), "x-y");
    assert_eq!(client.written(&[1, 2]).await.expect("it answers"), 2);
    assert_eq!(service.0.load(Ordering::Relaxed), 3);
}
