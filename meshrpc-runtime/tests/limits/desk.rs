//! What is called.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use futures_core::Stream;
use meshrpc::{
    ClientLimits, Error, HandlerExt as _, Limits, Mesh, Server, Serving, mesh_service,
    server::{Counters, Quota},
};
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};

/// Cap on every wait: a test that reaches it has failed.
pub(crate) const CAP: Duration = Duration::from_secs(60);

#[mesh_service]
pub(crate) trait Desk {
    /// How many bytes there are.
    async fn measure(&self, bytes: Vec<u8>) -> anyhow::Result<u64>;
    /// So many bytes.
    async fn fill(&self, len: u64) -> anyhow::Result<Vec<u8>>;
    /// The same after a second: as many calls as may be are under way by then.
    async fn fill_late(&self, len: u64) -> anyhow::Result<Vec<u8>>;
    /// How many bytes there are, once it is let go.
    #[mesh(deadline = "none")]
    async fn hold(&self, bytes: Vec<u8>) -> anyhow::Result<u64>;
    /// Goes on without its caller, until it is let go.
    #[mesh(deadline = "none", run_to_completion)]
    async fn finish(&self) -> anyhow::Result<()>;
    /// Is done once it is let go.
    #[mesh(oneway)]
    async fn cast(&self, bytes: Vec<u8>) -> anyhow::Result<()>;
    /// How many bytes the items have.
    async fn sum(&self, items: impl Stream<Item = Vec<u8>> + Send + 'static)
    -> anyhow::Result<u64>;
    /// One item of so many bytes.
    async fn list(
        &self,
        len: u64,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<Vec<u8>>> + Send + 'static>;
}

/// Works, or waits to be let go.
#[derive(Clone)]
pub(crate) struct Clerk {
    /// Calls that have begun to wait.
    begun: Arc<watch::Sender<usize>>,
    /// Calls that wait.
    waiting: Arc<watch::Sender<usize>>,
    gate: Arc<Semaphore>,
}

impl Clerk {
    pub(crate) fn new() -> Self {
        Self {
            begun: Arc::default(),
            waiting: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets calls go, those that come later too.
    pub(crate) fn release(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    /// Once `calls` have begun to wait, and no more.
    pub(crate) async fn begun(&self, calls: usize) {
        self.reach("calls have begun", &self.begun, calls).await;
    }

    /// Once `calls` wait.
    pub(crate) async fn waiting(&self, calls: usize) {
        self.reach("calls wait", &self.waiting, calls).await;
    }

    /// Calls that have begun to wait up to now.
    pub(crate) fn begun_so_far(&self) -> usize {
        *self.begun.borrow()
    }

    async fn reach(&self, what: &str, count: &watch::Sender<usize>, wanted: usize) {
        let mut seen = count.subscribe();
        let reached = tokio::time::timeout(CAP, seen.wait_for(|count| *count == wanted)).await;
        assert!(reached.is_ok(), "not {wanted} {what}: {}", *count.borrow());
    }

    async fn pass(&self) {
        self.begun.send_modify(|count| *count += 1);
        self.waiting.send_modify(|count| *count += 1);
        let _left = Leaving(Arc::clone(&self.waiting));
        let permit = self.gate.acquire().await;
        permit.expect("it is never closed").forget();
    }
}

struct Leaving(Arc<watch::Sender<usize>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Desk for Clerk {
    async fn measure(&self, bytes: Vec<u8>) -> anyhow::Result<u64> {
        Ok(bytes.len() as u64)
    }

    async fn fill(&self, len: u64) -> anyhow::Result<Vec<u8>> {
        Ok(vec![7; usize::try_from(len)?])
    }

    async fn fill_late(&self, len: u64) -> anyhow::Result<Vec<u8>> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.fill(len).await
    }

    async fn hold(&self, bytes: Vec<u8>) -> anyhow::Result<u64> {
        self.pass().await;
        Ok(bytes.len() as u64)
    }

    async fn finish(&self) -> anyhow::Result<()> {
        self.pass().await;
        Ok(())
    }

    async fn cast(&self, _: Vec<u8>) -> anyhow::Result<()> {
        self.pass().await;
        Ok(())
    }

    async fn sum(
        &self,
        items: impl Stream<Item = Vec<u8>> + Send + 'static,
    ) -> anyhow::Result<u64> {
        let mut items = std::pin::pin!(items);
        let mut sum = 0;
        while let Some(item) = std::future::poll_fn(|cx| items.as_mut().poll_next(cx)).await {
            sum += item.len() as u64;
        }
        Ok(sum)
    }

    async fn list(
        &self,
        len: u64,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<Vec<u8>>> + Send + 'static> {
        Ok(once(Ok(vec![7; usize::try_from(len)?])))
    }
}

/// A stream of one item.
pub(crate) fn once<T: Unpin>(item: T) -> Once<T> {
    Once(Some(item))
}

pub(crate) struct Once<T>(Option<T>);

impl<T: Unpin> Stream for Once<T> {
    type Item = T;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<T>> {
        std::task::Poll::Ready(self.0.take())
    }
}

/// The first item of a stream.
pub(crate) async fn first<T>(stream: impl Stream<Item = T>) -> Option<T> {
    let mut stream = std::pin::pin!(stream);
    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

/// A desk on a Unix socket.
pub(crate) struct Office {
    pub(crate) clerk: Clerk,
    pub(crate) serving: Serving,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    url: String,
    mesh: Mesh,
    _folder: TempDir,
}

impl Office {
    pub(crate) async fn new(limits: Limits) -> Self {
        Self::within(limits, Quota::new()).await
    }

    /// With a quota of the contract.
    pub(crate) async fn within(limits: Limits, quota: Quota) -> Self {
        let folder = TempDir::new().expect("a folder");
        let socket = folder.path().join("desk");
        let url = format!("static:desk=unix:{}", socket.display());
        let clerk = Clerk::new();
        let handler = DeskHandler::new(clerk.clone()).within(quota);
        let server = Server::builder().service(handler).limits(limits).build();
        let mesh = Mesh::open(&url).await.expect("a list is a mesh");
        let serving = mesh.serve("desk", server).await.expect("it can be served");
        Self {
            clerk,
            serving,
            socket,
            url,
            mesh,
            _folder: folder,
        }
    }

    /// A client; those of one office share a connection.
    pub(crate) fn client(&self) -> DeskClient {
        DeskClient::connect(&self.mesh, "desk")
    }

    /// A client on connections of its own.
    pub(crate) async fn stranger(&self, limits: ClientLimits) -> (Mesh, DeskClient) {
        let mesh = Mesh::open(&self.url).await.expect("a list is a mesh");
        let mesh = mesh.limits(limits);
        let client = DeskClient::connect(&mesh, "desk");
        (mesh, client)
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.serving.counters()
    }

    /// Once `count` is `wanted`.
    pub(crate) async fn counted(&self, what: &str, wanted: u64, count: fn(&Counters) -> u64) {
        let end = tokio::time::Instant::now() + CAP;
        while count(self.counters()) != wanted {
            let seen = count(self.counters());
            assert!(
                tokio::time::Instant::now() < end,
                "{what}: {seen}, not {wanted}"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// The runtime's error of a call that failed.
pub(crate) fn failure<T>(result: anyhow::Result<T>) -> Error {
    let Err(error) = result else {
        panic!("the call was answered");
    };
    error.downcast().expect("not an error of the method itself")
}

/// Fails the test with `what` if `future` takes too long.
pub(crate) async fn timely<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(CAP, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: still waiting after {CAP:?}"),
    }
}
