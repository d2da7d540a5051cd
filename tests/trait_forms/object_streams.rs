//! Streams through objects, and of services that calls change.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;

type Item = Result<u64, String>;

/// Every spelling.
#[mesh_service(dyn)]
pub trait Feed {
    /// Borrows the service.
    fn tail(&self, from: u64, topic: String) -> impl Stream<Item = Item> + Send;
    /// Borrows nothing.
    fn owned(&self, topic: &str) -> impl Stream<Item = Item> + Send + 'static;
    /// Boxed.
    fn boxed(&self, topic: &str) -> BoxStream<'static, Item>;
    /// May fail before it begins.
    async fn open(&self, topic: &str) -> Result<impl Stream<Item = Item> + Send + 'static, String>;
    /// May fail, boxed.
    async fn open_boxed(&self, topic: &str) -> anyhow::Result<BoxStream<'static, Item>>;
    /// Later.
    async fn late(&self, from: u64) -> impl Stream<Item = Item> + Send;
    /// Taken.
    async fn sum(&self, first: &str, rows: impl Stream<Item = u64> + Send + 'static) -> Item;
    /// Taken, and borrowing.
    async fn some(&self, rows: impl Stream<Item = u64> + Send) -> Item;
    /// Taken, boxed.
    async fn sum_boxed(&self, rows: BoxStream<'static, u64>) -> Item;
    /// Both.
    fn echo(
        &self,
        rows: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = Item> + Send + 'static;
}

struct Log(Vec<u64>);

fn counted(topic: &str) -> impl Stream<Item = Item> + Send + use<> {
    let len = topic.len() as u64;
    stream::iter((0..len).map(Ok).chain([Err("end".to_owned())]))
}

impl Feed for Log {
    fn tail(&self, from: u64, topic: String) -> impl Stream<Item = Item> + Send {
        let add = topic.len() as u64;
        stream::iter(self.0.iter().map(move |n| Ok(n + from + add)))
    }
    fn owned(&self, topic: &str) -> impl Stream<Item = Item> + Send + 'static {
        counted(topic)
    }
    fn boxed(&self, topic: &str) -> BoxStream<'static, Item> {
        counted(topic).boxed()
    }
    async fn open(&self, topic: &str) -> Result<impl Stream<Item = Item> + Send + 'static, String> {
        if topic.is_empty() {
            return Err("no topic".to_owned());
        }
        Ok(counted(topic))
    }
    async fn open_boxed(&self, topic: &str) -> anyhow::Result<BoxStream<'static, Item>> {
        anyhow::ensure!(!topic.is_empty(), "no topic");
        Ok(counted(topic).boxed())
    }
    async fn late(&self, from: u64) -> impl Stream<Item = Item> + Send {
        stream::iter(self.0.iter().map(move |n| Ok(n * from)))
    }
    async fn sum(&self, first: &str, rows: impl Stream<Item = u64> + Send + 'static) -> Item {
        let rows: Vec<u64> = rows.collect().await;
        Ok(rows.iter().sum::<u64>() + first.len() as u64)
    }
    async fn some(&self, rows: impl Stream<Item = u64> + Send) -> Item {
        Ok(rows.count().await as u64)
    }
    async fn sum_boxed(&self, rows: BoxStream<'static, u64>) -> Item {
        Ok(rows.fold(0, async |sum, n| sum + n).await)
    }
    fn echo(
        &self,
        rows: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = Item> + Send + 'static {
        rows.map(|n| Ok(n + 1))
    }
}

async fn answered(feed: &impl Feed) {
    let tail: Result<Vec<_>, _> = feed.tail(10, "ab".to_owned()).try_collect().await;
    assert_eq!(tail, Ok(vec![13, 14]));
    let end = vec![Ok(0), Err("end".to_owned())];
    assert_eq!(feed.owned("a").collect::<Vec<_>>().await, end);
    assert_eq!(feed.boxed("a").collect::<Vec<_>>().await, end);
    let opened = feed.open("a").await.expect("it begins");
    assert_eq!(opened.collect::<Vec<_>>().await, end);
    assert_eq!(feed.open("").await.err(), Some("no topic".to_owned()));
    let opened = feed.open_boxed("a").await.expect("it begins");
    assert_eq!(opened.collect::<Vec<_>>().await, end);
    assert!(feed.open_boxed("").await.is_err());
    let late: Result<Vec<_>, _> = feed.late(3).await.try_collect().await;
    assert_eq!(late, Ok(vec![3, 6]));
    assert_eq!(feed.sum("ab", stream::iter([1, 2])).await, Ok(5));
    assert_eq!(feed.some(stream::iter([1, 2, 3])).await, Ok(3));
    assert_eq!(feed.sum_boxed(stream::iter([4, 5]).boxed()).await, Ok(9));
    let echo: Result<Vec<_>, _> = feed.echo(stream::iter([6, 7])).try_collect().await;
    assert_eq!(echo, Ok(vec![7, 8]));
}

#[tokio::test]
async fn streams_come_through_objects() {
    let object: Arc<dyn DynFeed> = Arc::new(Log(vec![1, 2]));
    answered(&object).await;
    let client = FeedClient::from_channel(pair(FeedHandler::shared(object)).await);
    let object: Box<dyn DynFeed> = Box::new(client);
    answered(&object).await;
}

/// Changed by calls, while its streams go on.
#[mesh_service]
pub trait Board {
    /// Changes it.
    async fn post(&mut self, n: u64) -> Item;
    /// What is there.
    fn all(&self, more: u64) -> impl Stream<Item = Item> + Send + 'static;
    /// What is there, if anything is.
    async fn some(&self) -> Result<BoxStream<'static, Item>, String>;
}

impl Board for Log {
    async fn post(&mut self, n: u64) -> Item {
        self.0.push(n);
        Ok(self.0.len() as u64)
    }
    fn all(&self, more: u64) -> impl Stream<Item = Item> + Send + 'static {
        let all = self.0.clone();
        stream::iter(all.into_iter().chain([more]).map(Ok)).chain(stream::pending())
    }
    async fn some(&self) -> Result<BoxStream<'static, Item>, String> {
        match self.0.is_empty() {
            true => Err("empty".to_owned()),
            false => Ok(stream::iter(self.0.clone()).map(Ok).boxed()),
        }
    }
}

#[tokio::test]
async fn a_stream_that_goes_on_keeps_no_call_from_changing_the_service() {
    let mut client = BoardClient::from_channel(pair(BoardHandler::new(Log(Vec::new()))).await);
    assert_eq!(client.some().await.err(), Some("empty".to_owned()));
    let mut all = std::pin::pin!(client.clone().all(9));
    assert_eq!(all.next().await, Some(Ok(9)));
    // It never ends, and holds no lock.
    assert_eq!(client.post(4).await, Ok(1));
    let some: Result<Vec<_>, _> = client.some().await.expect("it begins").try_collect().await;
    assert_eq!(some, Ok(vec![4]));
}
