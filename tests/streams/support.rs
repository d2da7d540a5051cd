//! What these tests share.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use meshrpc::{Client, Handler, Mesh, Server, Serving};
use tempfile::TempDir;
use tokio::sync::watch;

/// Cap on every wait: a test that reaches it has failed.
pub(crate) const CAP: Duration = Duration::from_secs(60);

/// A server on a Unix socket.
pub(crate) struct Served {
    pub(crate) serving: Serving,
    /// Where clients find it.
    pub(crate) url: String,
    /// Of the clients.
    pub(crate) mesh: Mesh,
    _folder: TempDir,
}

/// Serves `handler` on a socket.
pub(crate) async fn serve(handler: impl Handler) -> Served {
    let folder = TempDir::new().expect("a folder");
    let url = format!("static:service=unix:{}/socket", folder.path().display());
    let server = Server::builder().service(handler).build();
    let serving = open(&url).await.serve("service", server).await;
    Served {
        serving: serving.expect("it can be served"),
        mesh: open(&url).await,
        url,
        _folder: folder,
    }
}

pub(crate) async fn open(url: &str) -> Mesh {
    Mesh::open(url).await.expect("a list is a mesh")
}

impl Served {
    pub(crate) fn client<C: Client>(&self) -> C {
        C::connect(&self.mesh, "service")
    }
}

/// Fails the test with `what` if `future` takes too long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(CAP, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: still waiting after {CAP:?}"),
    }
}

/// A number that others wait for.
#[derive(Clone, Debug)]
pub(crate) struct Count(Arc<watch::Sender<usize>>);

impl Count {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(crate) fn add(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn get(&self) -> usize {
        *self.0.borrow()
    }

    pub(crate) async fn reaches(&self, least: usize, what: &str) {
        let mut count = self.0.subscribe();
        let reached = async {
            count
                .wait_for(|count| *count >= least)
                .await
                .map(drop)
                .expect("the count is kept here");
        };
        within(what, reached).await;
    }
}

/// A stream that tells when it is dropped, and how many items it gave.
pub(crate) struct Watched<S> {
    stream: Pin<Box<S>>,
    given: Arc<AtomicUsize>,
    dropped: Count,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, given: &Arc<AtomicUsize>, dropped: &Count) -> Self {
        Self {
            stream: Box::pin(stream),
            given: Arc::clone(given),
            dropped: dropped.clone(),
        }
    }
}

impl<S: Stream> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let next = self.stream.as_mut().poll_next(cx);
        if let Poll::Ready(Some(_)) = next {
            self.given.fetch_add(1, Ordering::Relaxed);
        }
        next
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.dropped.add();
    }
}
