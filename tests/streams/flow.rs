//! Streams that wait for their readers, and end with them.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::{Stream, StreamExt, stream};
use meshrpc::mesh_service;
use tokio::sync::{Semaphore, mpsc};

use crate::support::{Count, Watched, serve, within};

/// Bytes of an item.
const ITEM: usize = 64 << 10;
/// Items that fit the window of a stream, the chunk that its reader has at hand, what may be queued
/// before it, and what was asked for since.
const IN_FLIGHT: usize = ((1 << 20) + (256 << 10) + (256 << 10) + (256 << 10)) / ITEM;

#[mesh_service]
trait Pipe {
    fn produce(&self) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send;
    async fn consume(&self, items: impl Stream<Item = Vec<u8>> + Send) -> anyhow::Result<usize>;
    fn echo(
        &self,
        words: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    async fn ping(&self) -> anyhow::Result<()>;
}

#[derive(Clone)]
struct Far {
    /// Items that were asked for.
    given: Arc<AtomicUsize>,
    dropped: Count,
    begun: Count,
    /// One permit lets one item be consumed.
    consumed: Arc<Semaphore>,
}

impl Far {
    fn new() -> Self {
        Self {
            given: Arc::default(),
            dropped: Count::new(),
            begun: Count::new(),
            consumed: Arc::new(Semaphore::new(0)),
        }
    }
}

impl Pipe for Far {
    fn produce(&self) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send {
        let endless = stream::repeat_with(|| Ok(vec![7; ITEM]));
        Watched::new(endless, &self.given, &self.dropped)
    }

    async fn consume(&self, items: impl Stream<Item = Vec<u8>> + Send) -> anyhow::Result<usize> {
        let mut items = pin!(Watched::new(items, &self.given, &self.dropped));
        self.begun.add();
        let mut count = 0;
        while items.next().await.is_some() {
            self.consumed.acquire().await?.forget();
            count += 1;
        }
        Ok(count)
    }

    fn echo(
        &self,
        words: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        words.map(Ok)
    }

    async fn ping(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_the_producer() {
    let far = Far::new();
    let served = serve(PipeHandler::new(far.clone())).await;
    let pipe: PipeClient = served.client();
    let mut items = pin!(pipe.produce());
    assert_eq!(items.next().await.unwrap().unwrap().len(), ITEM);
    for _ in 0..500 {
        pipe.ping().await.unwrap();
    }
    let given = far.given.load(Ordering::Relaxed);
    assert!(given <= 1 + IN_FLIGHT, "{given} items for a reader of one");
    for _ in 0..4 * IN_FLIGHT {
        assert_eq!(items.next().await.unwrap().unwrap().len(), ITEM);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_method_holds_its_caller() {
    let far = Far::new();
    let served = serve(PipeHandler::new(far.clone())).await;
    let pipe: PipeClient = served.client();
    let total = 4 * IN_FLIGHT;
    let (given, dropped) = (Arc::<AtomicUsize>::default(), Count::new());
    let items = stream::repeat_with(|| vec![7; ITEM]).take(total);
    let items = Watched::new(items, &given, &dropped);
    let caller = pipe.clone();
    let call = tokio::spawn(async move { caller.consume(items).await });
    far.begun.reaches(1, "the call begins").await;
    for _ in 0..500 {
        pipe.ping().await.unwrap();
    }
    let sent = given.load(Ordering::Relaxed);
    assert!(
        sent <= 1 + IN_FLIGHT,
        "{sent} items for a method that takes none"
    );
    far.consumed.add_permits(total);
    let consumed = within("the rest is consumed", call).await.unwrap();
    assert_eq!(consumed.unwrap(), total);
}

#[tokio::test]
async fn a_lone_item_does_not_wait_for_company() {
    let served = serve(PipeHandler::new(Far::new())).await;
    let pipe: PipeClient = served.client();
    let (send, mut receive) = mpsc::channel(1);
    let words = stream::poll_fn(move |cx| receive.poll_recv(cx));
    let mut echoed = pin!(pipe.echo(words));
    for word in 0..1_000 {
        send.send(word).await.unwrap();
        let echo = within("the echo of one word", echoed.next()).await;
        assert_eq!(echo.unwrap().unwrap(), word);
    }
    drop(send);
    assert!(within("the end", echoed.next()).await.is_none());
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_dropped_at_its_producer() {
    let far = Far::new();
    let served = serve(PipeHandler::new(far.clone())).await;
    let pipe: PipeClient = served.client();
    {
        let mut items = pin!(pipe.produce());
        items.next().await.unwrap().unwrap();
        assert_eq!(far.dropped.get(), 0);
    }
    far.dropped
        .reaches(1, "the producer's stream is dropped")
        .await;
    // The connection is as good as before.
    pipe.ping().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_is_never_polled_is_never_asked_for() {
    let far = Far::new();
    let served = serve(PipeHandler::new(far.clone())).await;
    let pipe: PipeClient = served.client();
    drop(pipe.produce());
    pipe.ping().await.unwrap();
    assert_eq!(far.dropped.get(), 0);
}
