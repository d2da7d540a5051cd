//! Objects and files of any size: buckets, uploads, archives, snapshots.

use std::{io, path::Path, pin::Pin, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _, stream, stream::BoxStream};
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectMeta {
    pub len: u64,
    pub etag: Option<String>,
    pub modified: SystemTime,
    pub class: StorageClass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StorageClass {
    Hot,
    Cold { days: u16 },
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum ObjectError {
    #[error("no object {key} in {bucket}")]
    #[mesh(status = not_found)]
    NotFound { bucket: String, key: String },
    #[error("it has changed since {0}")]
    Precondition(String),
    #[error("the disk failed")]
    Io(#[from] io::Error),
    #[error("something else")]
    Other(#[source] anyhow::Error),
}

fails!(ObjectError: made =>
    Self::NotFound { bucket: made.text(), key: made.and(1).text() },
    Self::Precondition(made.text()),
    Self::Io(made.io()),
    Self::Other(anyhow::anyhow!("below").context(made.text())),
);

/// Buckets of objects; large ones come in parts.
#[mesh_service]
#[async_trait]
pub trait ObjectStore: Send + Sync {
    async fn put(&self, bucket: &str, key: &str, body: Vec<u8>) -> Result<ObjectMeta, ObjectError>;
    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectMeta, ObjectError>;
    async fn read(
        &self,
        key: &str,
        ranges: &[(u64, u64)],
    ) -> Result<BoxStream<'static, Result<Vec<u8>, ObjectError>>, ObjectError>;
    async fn copy(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        if_match: Option<&str>,
    ) -> Result<bool, ObjectError>;
    async fn delete(&self, bucket: &str, keys: Vec<&str>) -> Result<usize, ObjectError>;
}

#[async_trait]
impl ObjectStore for Calls {
    async fn put(&self, bucket: &str, key: &str, body: Vec<u8>) -> Result<ObjectMeta, ObjectError> {
        self.answer("put", &[&bucket, &key, &body])
    }
    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectMeta, ObjectError> {
        self.answer("head", &[&bucket, &key])
    }
    async fn read(
        &self,
        key: &str,
        ranges: &[(u64, u64)],
    ) -> Result<BoxStream<'static, Result<Vec<u8>, ObjectError>>, ObjectError> {
        let parts = self.answer::<Vec<Vec<u8>>, ObjectError>("read", &[&key, &ranges])?;
        let broken = ObjectError::Precondition(key.to_owned());
        Ok(stream::iter(parts)
            .map(Ok)
            .chain(stream::iter([Err(broken)]))
            .boxed())
    }
    async fn copy(
        &self,
        from: (&str, &str),
        to: (&str, &str),
        if_match: Option<&str>,
    ) -> Result<bool, ObjectError> {
        self.answer("copy", &[&from, &to, &if_match])
    }
    async fn delete(&self, bucket: &str, keys: Vec<&str>) -> Result<usize, ObjectError> {
        self.answer("delete", &[&bucket, &keys])
    }
}

async fn use_objects(objects: Arc<dyn ObjectStore>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        seen.variant(objects.put(&seen.text(), &seen.text(), seen.give()).await);
        seen.variant(objects.head(&seen.text(), &seen.text()).await);
        match objects.read(&seen.text(), &[seen.give(), (0, 1)]).await {
            Ok(mut parts) => {
                while let Some(part) = parts.next().await {
                    seen.variant(part);
                }
            }
            Err(error) => seen.variant(Err::<(), _>(error)),
        }
        let names: [String; 4] = seen.give();
        let [a, b, c, d] = names.each_ref().map(String::as_str);
        seen.variant(objects.copy((a, b), (c, d), None).await);
        seen.variant(objects.delete(a, vec![b, c]).await);
    }
    seen
}

#[tokio::test]
async fn object_store() {
    let there: ObjectStoreClient = served(ObjectStoreHandler::new(Calls::default())).await;
    let here = use_objects(Arc::new(Calls::default())).await;
    assert_eq!(here, use_objects(Arc::new(there)).await);
}

/// Uploads that come bit by bit.
#[mesh_service]
pub trait Uploads: Send + Sync {
    async fn begin(&self, name: &str, expected: Option<u64>) -> anyhow::Result<u64>;
    async fn append(
        &self,
        id: u64,
        body: impl Stream<Item = Vec<u8>> + Send + 'static,
        last: bool,
    ) -> anyhow::Result<u64>;
    fn events(&self, id: u64) -> impl Stream<Item = anyhow::Result<(u64, String)>> + Send;
    async fn log(
        &self,
        since: u64,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<String>> + Send + 'static>;
}

impl Uploads for Calls {
    async fn begin(&self, name: &str, expected: Option<u64>) -> anyhow::Result<u64> {
        self.answer("begin", &[&name, &expected])
    }
    async fn append(
        &self,
        id: u64,
        body: impl Stream<Item = Vec<u8>> + Send + 'static,
        last: bool,
    ) -> anyhow::Result<u64> {
        let body: Vec<Vec<u8>> = body.collect().await;
        self.answer("append", &[&id, &body, &last])
    }
    fn events(&self, id: u64) -> impl Stream<Item = anyhow::Result<(u64, String)>> + Send {
        let made = self.made("events", &[&id]);
        let item = move |n| match n {
            2 => Err(anyhow::anyhow!(made.text()).context("the third")),
            n => Ok((n, made.and(n).text())),
        };
        stream::iter((0..3).map(item))
    }
    async fn log(
        &self,
        since: u64,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<String>> + Send + 'static> {
        let lines = self.answer::<Vec<String>, anyhow::Error>("log", &[&since])?;
        Ok(stream::iter(lines).map(Ok))
    }
}

async fn use_uploads(uploads: &impl Uploads) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..4 {
        seen.messages(uploads.begin(&seen.text(), seen.give()).await);
        let body: Vec<Vec<u8>> = seen.give();
        let body = stream::iter(body);
        seen.messages(uploads.append(seen.give(), body, n == 3).await);
        let mut events = Box::pin(uploads.events(n));
        while let Some(event) = events.next().await {
            seen.messages(event);
        }
        match uploads.log(seen.give()).await {
            Ok(lines) => {
                let lines: Vec<_> = lines.collect().await;
                lines.into_iter().for_each(|line| seen.messages(line));
            }
            Err(error) => seen.messages(Err::<(), _>(error)),
        }
    }
    seen
}

#[tokio::test]
async fn uploads() {
    let there: UploadsClient = served(UploadsHandler::new(Calls::default())).await;
    let here = use_uploads(&Calls::default()).await;
    assert_eq!(here, use_uploads(&there).await);
}

/// Pictures in small, by futures that are written out.
#[mesh_service]
pub trait Thumbnails: Send + Sync {
    fn render(
        &self,
        image: &[u8],
        width: u16,
        height: u16,
    ) -> impl Future<Output = Result<Vec<u8>, ObjectError>> + Send;
    fn warm(&self, keys: &[String]) -> impl Future<Output = Result<usize, ObjectError>> + Send;
    fn forget(&self, key: impl Into<String>) -> impl Future<Output = Result<(), ObjectError>>;
}

impl Thumbnails for Calls {
    async fn render(&self, image: &[u8], width: u16, height: u16) -> Result<Vec<u8>, ObjectError> {
        self.answer("render", &[&image, &width, &height])
    }
    async fn warm(&self, keys: &[String]) -> Result<usize, ObjectError> {
        self.answer("warm", &[&keys])
    }
    async fn forget(&self, key: impl Into<String>) -> Result<(), ObjectError> {
        self.answer("forget", &[&key.into()])
    }
}

async fn use_thumbnails<T: Thumbnails>(thumbnails: T) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..6 {
        seen.variant(thumbnails.render(&[n, 9], seen.give(), seen.give()).await);
        seen.variant(thumbnails.warm(&[seen.text(), seen.text()]).await);
        seen.variant(thumbnails.forget(seen.text()).await);
    }
    seen
}

#[tokio::test]
async fn thumbnails() {
    let there: ThumbnailsClient = served(ThumbnailsHandler::new(Calls::default())).await;
    let here = use_thumbnails(Calls::default()).await;
    assert_eq!(here, use_thumbnails(there).await);
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, ObjectError>> + Send + 'a>>;

/// Archives, in a program that boxes by hand.
#[mesh_service]
pub trait Archive: Send + Sync {
    fn add<'a>(
        &'a self,
        path: &'a Path,
        data: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Result<u64, ObjectError>> + Send + 'a>>;
    fn list(
        &self,
        prefix: Option<String>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<String>, ObjectError>> + Send + '_>>;
    fn seal(&self) -> Pin<Box<dyn Future<Output = Result<u64, ObjectError>> + Send + '_>>;
}

impl Archive for Calls {
    fn add<'a>(&'a self, path: &'a Path, data: &'a [u8]) -> Boxed<'a, u64> {
        Box::pin(async move { self.answer("add", &[&path, &data]) })
    }
    fn list(&self, prefix: Option<String>) -> Boxed<'_, Vec<String>> {
        Box::pin(async move { self.answer("list", &[&prefix]) })
    }
    fn seal(&self) -> Boxed<'_, u64> {
        Box::pin(async move { self.answer("seal", &[]) })
    }
}

async fn use_archive(archive: &dyn Archive) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..6 {
        let name = seen.text();
        seen.variant(archive.add(Path::new(&name), &[n]).await);
        seen.variant(archive.list(seen.give()).await);
        seen.variant(archive.seal().await);
    }
    seen
}

#[tokio::test]
async fn archive() {
    let there: ArchiveClient = served(ArchiveHandler::new(Calls::default())).await;
    let here = use_archive(&Calls::default()).await;
    assert_eq!(here, use_archive(&there).await);
}

/// Copies elsewhere, which go on in tasks of their own.
#[mesh_service]
#[async_trait]
pub trait Replicator: Send + Sync + 'static {
    async fn replicate(self: Arc<Self>, key: String, sites: Vec<String>) -> anyhow::Result<u32>;
    async fn verify(self: Arc<Self>, key: String) -> anyhow::Result<Vec<bool>>;
    async fn lag(&self) -> anyhow::Result<std::time::Duration>;
}

#[async_trait]
impl Replicator for Calls {
    async fn replicate(self: Arc<Self>, key: String, sites: Vec<String>) -> anyhow::Result<u32> {
        let task = async move { self.answer("replicate", &[&key, &sites]) };
        tokio::spawn(task).await?
    }
    async fn verify(self: Arc<Self>, key: String) -> anyhow::Result<Vec<bool>> {
        self.answer("verify", &[&key])
    }
    async fn lag(&self) -> anyhow::Result<std::time::Duration> {
        self.answer("lag", &[])
    }
}

async fn use_replicator(replicator: Arc<dyn Replicator>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        let again = Arc::clone(&replicator);
        seen.messages(again.replicate(seen.give(), seen.give()).await);
        seen.messages(replicator.clone().verify(seen.give()).await);
        seen.messages(replicator.lag().await);
    }
    seen
}

#[tokio::test]
async fn replicator() {
    let there: ReplicatorClient = served(ReplicatorHandler::new(Calls::default())).await;
    let here = use_replicator(Arc::new(Calls::default())).await;
    assert_eq!(here, use_replicator(Arc::new(there)).await);
}
