//! How streams end that do not end by themselves: with one error, never as if they were whole.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{FutureExt, Stream, StreamExt, stream, stream::BoxStream};
use meshrpc::{Kind, Mesh, Started, mesh_service};
use tokio::{runtime::Runtime, sync::mpsc};

use crate::support::{Count, Watched, open, serve, within};

#[mesh_service]
trait Ends {
    /// Two items, and then nothing for ever.
    fn stalls(&self) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    fn panics(&self, after: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    async fn opens(&self, how: &str) -> anyhow::Result<BoxStream<'static, anyhow::Result<u64>>>;
    async fn takes(&self, items: impl Stream<Item = u64> + Send) -> anyhow::Result<u64>;
    async fn spawns(&self, items: impl Stream<Item = u64> + Send + 'static) -> anyhow::Result<u64>;
    fn echoes(
        &self,
        items: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = anyhow::Result<u64>> + Send;
}

#[derive(Clone)]
struct Far {
    /// Argument streams of which an item was taken.
    taken: Count,
    /// Argument streams that were taken for whole.
    whole: Count,
    dropped: Count,
}

impl Far {
    fn new() -> Self {
        Self {
            taken: Count::new(),
            whole: Count::new(),
            dropped: Count::new(),
        }
    }

    async fn drain(self, items: impl Stream<Item = u64> + Send) -> u64 {
        let mut items = pin!(Watched::new(items, &Arc::default(), &self.dropped));
        let mut sum = 0;
        while let Some(item) = items.next().await {
            self.taken.add();
            sum += item;
        }
        self.whole.add();
        sum
    }
}

impl Ends for Far {
    fn stalls(&self) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        let items = stream::iter([Ok(1), Ok(2)]).chain(stream::pending());
        Watched::new(items, &Arc::default(), &self.dropped)
    }

    fn panics(&self, after: u64) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        stream::iter(0..).map(move |id| {
            assert!(id < after, "on purpose");
            Ok(id)
        })
    }

    async fn opens(&self, how: &str) -> anyhow::Result<BoxStream<'static, anyhow::Result<u64>>> {
        match how {
            "panic" => panic!("on purpose"),
            "fail" => anyhow::bail!("not today"),
            _ => Ok(stream::iter([Ok(1), Err(anyhow::anyhow!("in the middle")), Ok(3)]).boxed()),
        }
    }

    async fn takes(&self, items: impl Stream<Item = u64> + Send) -> anyhow::Result<u64> {
        Ok(self.clone().drain(items).await)
    }

    async fn spawns(&self, items: impl Stream<Item = u64> + Send + 'static) -> anyhow::Result<u64> {
        Ok(tokio::spawn(self.clone().drain(items)).await?)
    }

    fn echoes(
        &self,
        items: impl Stream<Item = u64> + Send + 'static,
    ) -> impl Stream<Item = anyhow::Result<u64>> + Send {
        items.map(Ok)
    }
}

fn mesh_error(error: &anyhow::Error) -> &meshrpc::Error {
    error.downcast_ref().expect("the client made it")
}

#[tokio::test]
async fn a_server_that_goes_breaks_its_streams_off_with_one_error() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let mut items = pin!(ends.stalls());
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    drop(served.serving);
    // What had arrived is still good.
    assert_eq!(items.next().await.unwrap().unwrap(), 2);
    let error = within("the error", items.next())
        .await
        .unwrap()
        .unwrap_err();
    let error = mesh_error(&error);
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::Yes)
    );
    assert!(error.instance().is_some());
    assert!(
        items.next().await.is_none(),
        "one error, and nothing after it"
    );
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn a_stream_to_nobody_begins_with_its_error() {
    let mesh = Mesh::in_process();
    let ends = EndsClient::connect(&mesh, "nobody");
    let mut items = pin!(ends.stalls());
    let error = within("the error", items.next())
        .await
        .unwrap()
        .unwrap_err();
    let error = mesh_error(&error);
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Unavailable, Started::No)
    );
    assert!(items.next().await.is_none());
    let error = ends.opens("well").await.map(drop).unwrap_err();
    assert_eq!(mesh_error(&error).started(), Started::No);
}

#[tokio::test]
async fn a_panic_breaks_one_stream_off() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let items: Vec<_> = within("the end", ends.panics(100_000).collect::<Vec<_>>()).await;
    let (last, before) = items.split_last().expect("there are items");
    assert!(
        before
            .iter()
            .map(|item| *item.as_ref().unwrap())
            .eq(0..100_000),
        "what was yielded before it arrives: {}",
        before.len()
    );
    let error = mesh_error(last.as_ref().unwrap_err());
    assert_eq!(
        (error.kind(), error.started()),
        (Kind::Remote, Started::Yes)
    );
    assert_eq!(error.to_string(), "the handler of `panics` panicked");
    assert_eq!(served.serving.counters().panics(), 1);
    assert_eq!(
        ends.takes(stream::iter([4])).await.unwrap(),
        4,
        "others go on"
    );
}

#[tokio::test]
async fn errors_before_the_stream_are_told_from_those_within() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let refused = ends.opens("fail").await.map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "not today");
    let refused = ends.opens("panic").await.map(drop).unwrap_err();
    assert_eq!(mesh_error(&refused).kind(), Kind::Remote);
    let items: Vec<_> = ends.opens("well").await.unwrap().collect().await;
    let items: Vec<_> = items
        .into_iter()
        .map(|item| item.map_err(|e| e.to_string()))
        .collect();
    assert_eq!(items, [Ok(1), Err("in the middle".to_owned()), Ok(3)]);
}

/// A stream of one item that then neither goes on nor ends.
fn unfinished() -> impl Stream<Item = u64> + Send + 'static {
    stream::iter([5]).chain(stream::pending())
}

#[tokio::test]
async fn an_argument_that_is_given_up_never_looks_whole() {
    let far = Far::new();
    let served = serve(EndsHandler::new(far.clone())).await;
    let ends: EndsClient = served.client();
    {
        let mut call = pin!(ends.takes(unfinished()));
        tokio::select! {
            answer = &mut call => panic!("answered: {answer:?}"),
            () = far.taken.reaches(1, "an item is taken") => {}
        }
    }
    far.dropped.reaches(1, "the method is dropped").await;
    assert_eq!(far.whole.get(), 0);
}

#[test]
fn an_argument_of_a_client_that_dies_never_looks_whole() {
    let server = Runtime::new().unwrap();
    let far = Far::new();
    let served = server.block_on(serve(EndsHandler::new(far.clone())));
    // A runtime that ends is as abrupt as a process that does: nobody says good-bye.
    let client = Runtime::new().unwrap();
    let mesh = client.block_on(open(&served.url));
    let (first, second) = (far.taken.clone(), far.taken.clone());
    let ends = EndsClient::connect(&mesh, "service");
    let other = ends.clone();
    client.spawn(async move { ends.takes(unfinished()).await });
    client.block_on(first.reaches(1, "an item is taken"));
    client.spawn(async move { other.spawns(unfinished()).await });
    client.block_on(second.reaches(2, "an item is taken in a task"));
    client.shutdown_background();
    server.block_on(far.dropped.reaches(1, "the method is dropped"));
    assert_eq!(far.whole.get(), 0);
}

#[tokio::test]
async fn both_directions_end_when_one_breaks_off() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let (given, dropped) = (Arc::default(), Count::new());
    let mut items = pin!(ends.echoes(Watched::new(unfinished(), &given, &dropped)));
    assert_eq!(items.next().await.unwrap().unwrap(), 5);
    drop(served.serving);
    let error = within("the error", items.next())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(mesh_error(&error).kind(), Kind::Unavailable);
    assert!(items.next().await.is_none());
    dropped.reaches(1, "the argument is let go of").await;
}

#[tokio::test]
async fn a_drain_lets_streams_end() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let (send, mut receive) = mpsc::channel(1);
    let mut items = pin!(ends.echoes(stream::poll_fn(move |cx| receive.poll_recv(cx))));
    send.send(1).await.unwrap();
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    let mut drain = pin!(served.serving.drain(crate::support::CAP));
    for word in 2..10 {
        assert!(
            (&mut drain).now_or_never().is_none(),
            "a stream is under way"
        );
        send.send(word).await.unwrap();
        let echo = within("the echo", items.next()).await;
        assert_eq!(echo.unwrap().unwrap(), word);
    }
    drop(send);
    assert!(within("the end", items.next()).await.is_none());
    let drained = within("the drain", drain).await.unwrap();
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn a_drain_without_time_cuts_streams_with_one_error() {
    let served = serve(EndsHandler::new(Far::new())).await;
    let ends: EndsClient = served.client();
    let mut items = pin!(ends.stalls());
    assert_eq!(items.next().await.unwrap().unwrap(), 1);
    let drained = served.serving.drain(Duration::ZERO).await.unwrap();
    assert_eq!(drained.cut, 1);
    let rest: Vec<_> = within("the end", items.collect::<Vec<_>>()).await;
    assert_eq!(rest.iter().filter(|item| item.is_err()).count(), 1);
    assert!(rest.last().unwrap().is_err(), "the error is the last");
}

/// The same trait with other items.
mod newer {
    use super::{Count, Stream, Watched};

    #[meshrpc::mesh_service]
    pub(super) trait Reads {
        fn read(&self) -> impl Stream<Item = anyhow::Result<String>> + Send;
    }

    pub(super) struct Texts(pub(super) Count);

    impl Reads for Texts {
        fn read(&self) -> impl Stream<Item = anyhow::Result<String>> + Send {
            let texts = ["1", "two", "3"].map(|text| Ok(text.to_owned()));
            let texts = futures_util::StreamExt::chain(
                futures_util::stream::iter(texts),
                futures_util::stream::pending(),
            );
            Watched::new(texts, &std::sync::Arc::default(), &self.0)
        }
    }
}

mod older {
    use super::Stream;

    #[meshrpc::mesh_service]
    pub(super) trait Reads {
        fn read(&self) -> impl Stream<Item = anyhow::Result<u64>> + Send;
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_the_last_and_cancels_the_call() {
    use older::Reads as _;

    let dropped = Count::new();
    let served = serve(newer::ReadsHandler::new(newer::Texts(dropped.clone()))).await;
    let reads: older::ReadsClient = served.client();
    let mut items = pin!(reads.read());
    let error = within("the error", items.next())
        .await
        .unwrap()
        .unwrap_err();
    let error = mesh_error(&error);
    assert_eq!((error.kind(), error.started()), (Kind::Codec, Started::Yes));
    assert!(error.instance().is_some());
    let said = error.to_string();
    assert!(
        said.contains("Result<u64, anyhow::Error>: ") && !said.contains("meshrpc"),
        "it names the item's type, and none of the framework's: {said}"
    );
    assert!(
        std::error::Error::source(error).is_none(),
        "it says it once"
    );
    assert!(items.next().await.is_none(), "the stream ends after it");
    dropped.reaches(1, "the callee's stream is dropped").await;
}
