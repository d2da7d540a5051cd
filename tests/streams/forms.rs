//! Every spelling of a stream, each called through its client.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

use crate::support::serve;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    id: u64,
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum FeedError {
    #[error("there is no {0}")]
    Absent(String),
    #[error("{0} is broken")]
    Broken(u64),
    #[error("lost: {0}")]
    Lost(String),
}

impl From<meshrpc::Error> for FeedError {
    fn from(error: meshrpc::Error) -> Self {
        FeedError::Lost(error.to_string())
    }
}

fn event(id: u64, text: &str) -> Event {
    let text = format!("{text}-{id}");
    Event { id, text }
}

fn lost(text: &str) -> FeedError {
    FeedError::Lost(text.to_owned())
}

#[mesh_service]
pub(crate) trait Feed {
    fn tail(&self, from: u64, topic: &str) -> impl Stream<Item = Result<Event, FeedError>> + Send;
    fn owned(&self, from: u64) -> impl Stream<Item = Result<Event, FeedError>> + Send + 'static;
    fn captures(&self, from: u64) -> impl Stream<Item = Result<u64, FeedError>> + Send + use<Self>;
    fn boxed(&self, topic: &str) -> BoxStream<'static, Result<Event, FeedError>>;
    async fn open(
        &self,
        topic: &str,
    ) -> Result<impl Stream<Item = Result<Event, FeedError>> + Send + 'static, FeedError>;
    async fn open_boxed(
        &self,
        topic: String,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Vec<u8>>>>;
    async fn late(&self, from: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    fn future(
        &self,
        from: u64,
    ) -> impl Future<Output = Result<BoxStream<'static, Result<u64, FeedError>>, FeedError>> + Send;
    async fn sum(
        &self,
        first: u64,
        rows: impl Stream<Item = u64> + Send + 'static,
        last: &str,
    ) -> Result<String, FeedError>;
    async fn borrowed(&self, rows: impl Stream<Item = Event> + Send) -> Result<u64, FeedError>;
    async fn sum_boxed(&self, rows: BoxStream<'static, Vec<u8>>) -> Result<u64, FeedError>;
    fn echo(
        &self,
        prefix: &str,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> impl Stream<Item = Result<String, FeedError>> + Send;
    async fn relay(
        &self,
        words: BoxStream<'static, String>,
        prefix: &str,
    ) -> Result<impl Stream<Item = Result<String, FeedError>> + Send + 'static, FeedError>;
    async fn plain(&self, id: u64) -> Result<u64, FeedError>;
}

struct Here {
    name: String,
}

impl Feed for Here {
    fn tail(&self, from: u64, topic: &str) -> impl Stream<Item = Result<Event, FeedError>> + Send {
        // Borrows from the service and from an argument.
        stream::iter(from..from + 3).map(move |id| match id {
            9 => Err(FeedError::Broken(id)),
            id => Ok(event(id, &format!("{}/{topic}", self.name))),
        })
    }

    fn owned(&self, from: u64) -> impl Stream<Item = Result<Event, FeedError>> + Send + 'static {
        let name = self.name.clone();
        stream::iter(from..from + 2).map(move |id| Ok(event(id, &name)))
    }

    fn captures(&self, from: u64) -> impl Stream<Item = Result<u64, FeedError>> + Send + use<> {
        stream::iter([Ok(from), Ok(from + 1)])
    }

    fn boxed(&self, topic: &str) -> BoxStream<'static, Result<Event, FeedError>> {
        stream::iter([
            Ok(event(1, topic)),
            Err(lost("on purpose")),
            Ok(event(2, topic)),
        ])
        .boxed()
    }

    async fn open(
        &self,
        topic: &str,
    ) -> Result<impl Stream<Item = Result<Event, FeedError>> + Send + 'static, FeedError> {
        if topic == "nothing" {
            return Err(FeedError::Absent(topic.to_owned()));
        }
        let topic = topic.to_owned();
        Ok(stream::iter(0..2).map(move |id| Ok(event(id, &topic))))
    }

    async fn open_boxed(
        &self,
        topic: String,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Vec<u8>>>> {
        anyhow::ensure!(!topic.is_empty(), "no topic");
        let cause = anyhow::anyhow!("the disk is full").context("cannot go on");
        Ok(stream::iter([Ok(topic.into_bytes()), Err(cause), Ok(Vec::new())]).boxed())
    }

    async fn late(&self, from: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        tokio::task::yield_now().await;
        stream::iter(0..from).map(Ok)
    }

    async fn future(
        &self,
        from: u64,
    ) -> Result<BoxStream<'static, Result<u64, FeedError>>, FeedError> {
        match from {
            0 => Err(FeedError::Broken(0)),
            from => Ok(stream::iter([Ok(from)]).boxed()),
        }
    }

    async fn sum(
        &self,
        first: u64,
        rows: impl Stream<Item = u64> + Send + 'static,
        last: &str,
    ) -> Result<String, FeedError> {
        let sum = rows.fold(0, async |sum, row| sum * 10 + row).await;
        if sum == 0 {
            return Err(FeedError::Absent(format!("row of {first}")));
        }
        Ok(format!("{first} {sum} {last}"))
    }

    async fn borrowed(&self, rows: impl Stream<Item = Event> + Send) -> Result<u64, FeedError> {
        let mut rows = std::pin::pin!(rows);
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum = sum * 100 + row.id + row.text.len() as u64;
        }
        Ok(sum)
    }

    async fn sum_boxed(&self, mut rows: BoxStream<'static, Vec<u8>>) -> Result<u64, FeedError> {
        let mut sum = 0;
        while let Some(row) = rows.next().await {
            sum += row.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        }
        Ok(sum)
    }

    fn echo(
        &self,
        prefix: &str,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> impl Stream<Item = Result<String, FeedError>> + Send {
        words.map(move |word| Ok(format!("{prefix}{word}")))
    }

    async fn relay(
        &self,
        words: BoxStream<'static, String>,
        prefix: &str,
    ) -> Result<impl Stream<Item = Result<String, FeedError>> + Send + 'static, FeedError> {
        let prefix = prefix.to_owned();
        Ok(words.map(move |word| Ok(format!("{prefix}{word}"))))
    }

    async fn plain(&self, id: u64) -> Result<u64, FeedError> {
        Ok(id + 1)
    }
}

#[tokio::test]
async fn every_spelling_crosses() {
    let name = "here".to_owned();
    let served = serve(FeedHandler::new(Here { name })).await;
    let feed: FeedClient = served.client();

    let tail: Vec<_> = feed.tail(8, "news").collect().await;
    let expected = [
        Ok(event(8, "here/news")),
        Err(FeedError::Broken(9)),
        Ok(event(10, "here/news")),
    ];
    assert_eq!(tail, expected);
    let owned: Vec<_> = feed.owned(3).try_collect().await.unwrap();
    assert_eq!(owned, [event(3, "here"), event(4, "here")]);
    let captures: Vec<_> = feed.captures(3).try_collect().await.unwrap();
    assert_eq!(captures, [3, 4]);
    let boxed: Vec<_> = feed.boxed("b").collect().await;
    let expected = [
        Ok(event(1, "b")),
        Err(lost("on purpose")),
        Ok(event(2, "b")),
    ];
    assert_eq!(boxed, expected);

    let open: Vec<_> = feed.open("o").await.unwrap().try_collect().await.unwrap();
    assert_eq!(open, [event(0, "o"), event(1, "o")]);
    let refused = feed.open("nothing").await.map(drop).unwrap_err();
    assert_eq!(refused, FeedError::Absent("nothing".to_owned()));

    let opened = feed.open_boxed("bytes".to_owned()).await.unwrap();
    let items: Vec<_> = opened.collect().await;
    assert_eq!(items[0].as_ref().unwrap(), b"bytes");
    let chain: Vec<_> = items[1]
        .as_ref()
        .unwrap_err()
        .chain()
        .map(ToString::to_string)
        .collect();
    assert_eq!(chain, ["cannot go on", "the disk is full"]);
    assert_eq!(items[2].as_ref().unwrap(), b"");
    assert_eq!(items.len(), 3);
    let refused = feed.open_boxed(String::new()).await.map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "no topic");

    let late: Vec<_> = feed.late(2).await.try_collect().await.unwrap();
    assert_eq!(late, [0, 1]);
    let future: Vec<_> = feed.future(7).await.unwrap().try_collect().await.unwrap();
    assert_eq!(future, [7]);
    assert_eq!(feed.future(0).await.map(drop), Err(FeedError::Broken(0)));
    assert_eq!(feed.plain(4).await, Ok(5));
}

#[tokio::test]
async fn streams_are_taken_in_every_spelling() {
    let name = "here".to_owned();
    let served = serve(FeedHandler::new(Here { name })).await;
    let feed: FeedClient = served.client();

    let sum = feed.sum(4, stream::iter([1, 2, 3]), "end").await;
    assert_eq!(sum.as_deref(), Ok("4 123 end"));
    let refused = feed.sum(5, stream::empty(), "end").await;
    assert_eq!(refused, Err(FeedError::Absent("row of 5".to_owned())));
    let rows = [event(1, "x"), event(2, "yy")];
    let sum = feed.borrowed(stream::iter(&rows).map(Clone::clone)).await;
    assert_eq!(sum, Ok(406));
    let sum = feed
        .sum_boxed(stream::iter([vec![1, 2], vec![], vec![255]]).boxed())
        .await;
    assert_eq!(sum, Ok(258));

    let words = || stream::iter(["a", "b"]).map(str::to_owned);
    let echoed: Vec<_> = feed.echo("> ", words()).try_collect().await.unwrap();
    assert_eq!(echoed, ["> a", "> b"]);
    let relayed = feed.relay(words().boxed(), "| ").await.unwrap();
    let relayed: Vec<_> = relayed.try_collect().await.unwrap();
    assert_eq!(relayed, ["| a", "| b"]);
}

#[mesh_service]
#[async_trait::async_trait]
trait Boxed {
    fn tail(&self, from: u64) -> BoxStream<'static, Result<u64, FeedError>>;
    async fn open(
        &self,
        topic: &str,
    ) -> Result<BoxStream<'static, Result<Event, FeedError>>, FeedError>;
    async fn sum(&self, rows: BoxStream<'static, u64>, last: &str) -> Result<String, FeedError>;
}

struct Shelf;

#[async_trait::async_trait]
impl Boxed for Shelf {
    fn tail(&self, from: u64) -> BoxStream<'static, Result<u64, FeedError>> {
        stream::iter([Ok(from), Err(FeedError::Broken(from))]).boxed()
    }

    async fn open(
        &self,
        topic: &str,
    ) -> Result<BoxStream<'static, Result<Event, FeedError>>, FeedError> {
        match topic {
            "nothing" => Err(FeedError::Absent(topic.to_owned())),
            topic => Ok(stream::iter([Ok(event(1, topic))]).boxed()),
        }
    }

    async fn sum(&self, rows: BoxStream<'static, u64>, last: &str) -> Result<String, FeedError> {
        let sum = rows.fold(0, async |sum, row| sum * 10 + row).await;
        Ok(format!("{sum} {last}"))
    }
}

#[mesh_service(dyn)]
trait Object {
    fn tail(&self, from: u64) -> BoxStream<'static, Result<u64, FeedError>>;
    async fn open(
        &self,
        topic: &str,
    ) -> Result<BoxStream<'static, Result<Event, FeedError>>, FeedError>;
    async fn sum(&self, rows: BoxStream<'static, u64>, last: &str) -> Result<String, FeedError>;
}

impl Object for Shelf {
    fn tail(&self, from: u64) -> BoxStream<'static, Result<u64, FeedError>> {
        Boxed::tail(self, from)
    }

    async fn open(
        &self,
        topic: &str,
    ) -> Result<BoxStream<'static, Result<Event, FeedError>>, FeedError> {
        Boxed::open(self, topic).await
    }

    async fn sum(&self, rows: BoxStream<'static, u64>, last: &str) -> Result<String, FeedError> {
        Boxed::sum(self, rows, last).await
    }
}

macro_rules! boxed_streams_cross {
    ($shelf:expr) => {{
        let shelf = $shelf;
        let tail: Vec<_> = shelf.tail(4).collect().await;
        assert_eq!(tail, [Ok(4), Err(FeedError::Broken(4))]);
        let open: Vec<_> = shelf.open("o").await.unwrap().try_collect().await.unwrap();
        assert_eq!(open, [event(1, "o")]);
        let refused = shelf.open("nothing").await.map(drop).unwrap_err();
        assert_eq!(refused, FeedError::Absent("nothing".to_owned()));
        let sum = shelf.sum(stream::iter([1, 2, 3]).boxed(), "end").await;
        assert_eq!(sum.as_deref(), Ok("123 end"));
    }};
}

#[tokio::test]
async fn async_trait_has_streams_in_boxes() {
    let served = serve(BoxedHandler::new(Shelf)).await;
    boxed_streams_cross!(served.client::<BoxedClient>());
}

#[tokio::test]
async fn objects_have_streams_in_boxes() {
    let served = serve(ObjectHandler::new(Shelf)).await;
    let object: Arc<dyn DynObject> = Arc::new(served.client::<ObjectClient>());
    boxed_streams_cross!(object);
}

#[mesh_service]
trait Locked {
    fn values(&self) -> impl Stream<Item = anyhow::Result<u64>> + Send + 'static;
    async fn open(&self) -> anyhow::Result<BoxStream<'static, anyhow::Result<u64>>>;
    async fn push(&mut self, values: impl Stream<Item = u64> + Send) -> anyhow::Result<usize>;
}

#[derive(Default)]
struct Values(Vec<u64>);

impl Locked for Values {
    fn values(&self) -> impl Stream<Item = anyhow::Result<u64>> + Send + 'static {
        stream::iter(self.0.clone())
            .map(Ok)
            .chain(stream::pending())
    }

    async fn open(&self) -> anyhow::Result<BoxStream<'static, anyhow::Result<u64>>> {
        Ok(stream::iter(self.0.clone()).map(Ok).boxed())
    }

    async fn push(&mut self, values: impl Stream<Item = u64> + Send) -> anyhow::Result<usize> {
        self.0.extend(values.collect::<Vec<_>>().await);
        Ok(self.0.len())
    }
}

#[tokio::test]
async fn a_stream_does_not_hold_the_lock_of_its_service() {
    let served = serve(LockedHandler::new(Values::default())).await;
    let mut values: LockedClient = served.client();
    assert_eq!(values.push(stream::iter([3, 4])).await.unwrap(), 2);
    let other = values.clone();
    let mut held = std::pin::pin!(other.values());
    assert_eq!(held.next().await.unwrap().unwrap(), 3);
    assert_eq!(values.push(stream::iter([5])).await.unwrap(), 3);
    let open: Vec<_> = values.open().await.unwrap().try_collect().await.unwrap();
    assert_eq!(open, [3, 4, 5]);
    assert_eq!(held.next().await.unwrap().unwrap(), 4);
}
