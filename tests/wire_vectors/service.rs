//! What the tests serve: the greeter, and a contract with every kind of call.

use std::{sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use greeter::{Desk, GreeterHandler};
use meshrpc::{Mesh, Server, Serving, mesh_service, wire::Keys};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

/// Cap on every wait: a test that reaches it has failed.
pub(crate) const CAP: Duration = Duration::from_secs(60);

#[mesh_service]
pub(crate) trait Tour {
    /// Counts from `from` up to `to`, and fails at 13.
    fn count(&self, from: u64, to: u64) -> impl Stream<Item = Result<u64, TourError>> + Send;
    /// `start` and all of `numbers`.
    async fn sum(
        &self,
        start: u64,
        numbers: impl Stream<Item = u64> + Send + 'static,
    ) -> Result<u64, TourError>;
    /// Each word with `prefix`, as it comes.
    fn echo(
        &self,
        prefix: String,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> impl Stream<Item = Result<String, TourError>> + Send;
    /// Takes no item of its stream.
    async fn ignore(
        &self,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> Result<(), TourError>;
    /// The length of `text`, and `text` again.
    async fn measure(&self, text: String) -> Result<(u64, String), TourError>;
    /// Waits until the test lets it go.
    async fn wait(&self) -> Result<String, TourError>;
    /// Streams of [`count`](Self::count) that were dropped before they had counted; at least one.
    async fn dropped(&self) -> Result<u64, TourError>;
}

#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum TourError {
    #[error("{number} is not counted")]
    Unlucky { number: u64 },
    #[error("lost: {0}")]
    Lost(String),
}

impl From<meshrpc::Error> for TourError {
    fn from(error: meshrpc::Error) -> Self {
        TourError::Lost(error.to_string())
    }
}

#[derive(Clone, Default)]
pub(crate) struct Guide {
    pub(crate) go: Arc<Notify>,
    dropped: watch::Sender<u64>,
}

impl Tour for Guide {
    fn count(&self, from: u64, to: u64) -> impl Stream<Item = Result<u64, TourError>> + Send {
        let mut dropped = Dropped(Some(&self.dropped));
        stream::iter(from..=to).map(move |number| {
            if number == to {
                dropped.has_ended();
            }
            match number {
                13 => Err(TourError::Unlucky { number }),
                _ => Ok(number),
            }
        })
    }

    async fn sum(
        &self,
        start: u64,
        numbers: impl Stream<Item = u64> + Send + 'static,
    ) -> Result<u64, TourError> {
        let sum = numbers.fold(start, async |sum, number| sum.wrapping_add(number));
        Ok(sum.await)
    }

    fn echo(
        &self,
        prefix: String,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> impl Stream<Item = Result<String, TourError>> + Send {
        words.map(move |word| Ok(format!("{prefix}{word}")))
    }

    async fn ignore(
        &self,
        words: impl Stream<Item = String> + Send + 'static,
    ) -> Result<(), TourError> {
        let _unread = words;
        std::future::pending().await
    }

    async fn measure(&self, text: String) -> Result<(u64, String), TourError> {
        Ok((text.len() as u64, text))
    }

    async fn wait(&self) -> Result<String, TourError> {
        self.go.notified().await;
        Ok("let go".to_owned())
    }

    async fn dropped(&self) -> Result<u64, TourError> {
        // Whoever asks has given a stream up, which the handler may not know yet.
        let mut dropped = self.dropped.subscribe();
        let counted = dropped.wait_for(|count| *count > 0).await;
        Ok(counted.map_or(0, |count| *count))
    }
}

/// Counts a stream that is dropped.
struct Dropped<'a>(Option<&'a watch::Sender<u64>>);

impl Dropped<'_> {
    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.send_modify(|count| *count += 1);
        }
    }
}

/// A server on a Unix socket.
pub(crate) struct Served {
    pub(crate) serving: Serving,
    pub(crate) guide: Guide,
    pub(crate) folder: TempDir,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::on(|mesh| mesh).await
    }

    /// For those who have this key.
    pub(crate) async fn keyed(key: &str) -> Self {
        let keys = Keys::new([key]).expect("a key");
        Self::on(|mesh| mesh.keys(keys)).await
    }

    async fn on(change: impl FnOnce(Mesh) -> Mesh) -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("static:service=unix:{}/socket", folder.path().display());
        let guide = Guide::default();
        let server = Server::builder()
            .service(GreeterHandler::new(Desk))
            .service(TourHandler::new(guide.clone()))
            .build();
        let mesh = change(Mesh::open(&url).await.expect("a list is a mesh"));
        let serving = mesh.serve("service", server).await;
        Self {
            serving: serving.expect("it can be served"),
            guide,
            folder,
        }
    }

    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("socket")
    }
}
