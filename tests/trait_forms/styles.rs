//! How a method comes to its reply: `async fn`, futures written out, boxed, or by waiting.

use std::{
    borrow::Cow,
    collections::HashMap,
    error::Error,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::BoxFuture;
use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;

/// What a shelf can answer.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Not there.
    #[error("no book {0}")]
    Missing(u64),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] meshrpc::Error),
}

/// A trait without futures.
#[mesh_service]
pub trait Shelf {
    /// Borrowed and owned.
    fn put(&self, id: u64, title: &str, tags: &[&str]) -> Result<usize, ShelfError>;
    /// Of a type of errors that stays on its thread.
    fn title(&self, id: u64) -> Result<String, Box<dyn Error>>;
    /// With a body, which the server may replace.
    fn shout(&self, id: u64) -> Result<String, ShelfError> {
        Ok(format!("default {id}"))
    }
    /// With an error that has a source.
    fn sell(&self, id: u64) -> Result<(), Box<dyn Error>>;
    /// Which thread serves it.
    #[mesh(sticky = id, deadline = "20s")]
    fn thread(&self, id: u64) -> anyhow::Result<String>;
}

struct Wooden {
    calls: AtomicU64,
    books: std::sync::Mutex<HashMap<u64, String>>,
}

impl Wooden {
    fn new() -> Self {
        Self {
            calls: AtomicU64::new(0),
            books: std::sync::Mutex::default(),
        }
    }
}

impl Shelf for Wooden {
    fn put(&self, id: u64, title: &str, tags: &[&str]) -> Result<usize, ShelfError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let text = format!("{title}: {}", tags.join(" "));
        let mut books = self.books.lock().unwrap();
        books.insert(id, text);
        Ok(books.len())
    }

    fn title(&self, id: u64) -> Result<String, Box<dyn Error>> {
        let books = self.books.lock().unwrap();
        let title = books.get(&id).ok_or(ShelfError::Missing(id))?;
        Ok(title.clone())
    }

    fn shout(&self, id: u64) -> Result<String, ShelfError> {
        let books = self.books.lock().unwrap();
        let title = books.get(&id).ok_or(ShelfError::Missing(id))?;
        Ok(title.to_uppercase())
    }

    fn sell(&self, id: u64) -> Result<(), Box<dyn Error>> {
        Err(anyhow::Error::new(ShelfError::Missing(id)).context("not sold"))?
    }

    fn thread(&self, id: u64) -> anyhow::Result<String> {
        Ok(format!("{id} {:?}", std::thread::current().id()))
    }
}

#[test]
fn a_trait_without_futures_stays_an_object() {
    let local: Arc<dyn Shelf> = Arc::new(Wooden::new());
    let remote = meshrpc::block_on(pair(ShelfHandler::shared(Arc::clone(&local))));
    let remote: Arc<dyn Shelf> = Arc::new(ShelfClient::from_channel(remote));
    assert_eq!(remote.put(7, "Emma", &["novel", "1815"]).unwrap(), 1);
    assert_eq!(local.title(7).unwrap(), "Emma: novel 1815");
    assert_eq!(remote.title(7).unwrap(), "Emma: novel 1815");
    assert_eq!(remote.shout(7).unwrap(), "EMMA: NOVEL 1815", "the server's");
    assert_eq!(remote.title(8).unwrap_err().to_string(), "no book 8");
    let unsold = remote.sell(8).unwrap_err();
    let source = unsold.source().map(ToString::to_string);
    assert_eq!(unsold.to_string(), "not sold");
    assert_eq!(source.as_deref(), Some("no book 8"), "{unsold:?}");
    assert_eq!(remote.shout(8).unwrap_err().to_string(), "no book 8");
    let here = format!("3 {:?}", std::thread::current().id());
    assert_ne!(remote.thread(3).unwrap(), here);
}

#[tokio::test]
async fn a_thread_that_serves_itself_is_not_in_its_own_way() {
    let channel = pair(ShelfHandler::new(Wooden::new())).await;
    let shelf = ShelfClient::from_channel(channel);
    assert_eq!(shelf.put(1, "Ulysses", &[]).unwrap(), 1);
    assert_eq!(shelf.title(1).unwrap(), "Ulysses: ");
}

/// Sync methods beside async ones.
#[mesh_service]
#[async_trait::async_trait]
pub trait Mixed {
    /// Waits.
    fn now(&self, number: u64) -> anyhow::Result<u64>;
    /// Does not.
    async fn later(&self, number: &str) -> anyhow::Result<u64>;
    /// Does not either.
    fn boxed(&self, number: u64) -> BoxFuture<'_, anyhow::Result<u64>>;
}

struct Added(u64);

#[async_trait::async_trait]
impl Mixed for Added {
    fn now(&self, number: u64) -> anyhow::Result<u64> {
        Ok(self.0 + number)
    }

    async fn later(&self, number: &str) -> anyhow::Result<u64> {
        Ok(self.0 + number.parse::<u64>()?)
    }

    fn boxed(&self, number: u64) -> BoxFuture<'_, anyhow::Result<u64>> {
        Box::pin(async move { Ok(self.0 + number) })
    }
}

#[tokio::test]
async fn an_async_trait_has_both() {
    let channel = pair(MixedHandler::new(Added(40))).await;
    let mixed: Box<dyn Mixed> = Box::new(MixedClient::from_channel(channel));
    assert_eq!(mixed.now(1).unwrap(), 41);
    assert_eq!(mixed.later("2").await.unwrap(), 42);
    assert_eq!(mixed.boxed(3).await.unwrap(), 43);
}

/// `impl Future`, as people write it.
#[mesh_service]
pub trait Futures {
    /// `Send` is added.
    fn plain(&self, text: &str) -> impl Future<Output = anyhow::Result<String>>;
    /// It is there.
    fn send(&self, text: &str) -> impl Future<Output = anyhow::Result<String>> + Send;
    /// It borrows nothing.
    fn detached(
        &self,
        text: &str,
        option: Option<&str>,
        rows: &[u32],
        path: &Path,
        cow: Cow<'_, str>,
        into: impl Into<String>,
        as_ref: impl AsRef<str>,
        items: impl IntoIterator<Item = u8>,
        owned: Vec<u8>,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'static;
    /// The same, in other words.
    fn precise(&self, number: u64) -> impl Future<Output = anyhow::Result<u64>> + Send + use<Self>;
    /// It borrows one of two.
    fn one<'a>(
        &self,
        kept: &'a str,
        not: &str,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'a;
    /// It has a body.
    fn default(&self, number: u64) -> impl Future<Output = anyhow::Result<u64>> + Send {
        async move { Ok(number) }
    }
    /// Native.
    async fn native(&self, text: &str) -> anyhow::Result<String>;
    /// Waits.
    fn sync(&self, text: &str) -> anyhow::Result<String>;
    /// Waits, and converts.
    fn converted(
        &self,
        into: impl Into<String>,
        near: impl AsRef<Path>,
        items: impl IntoIterator<Item = u8>,
    ) -> anyhow::Result<String>;
}

#[derive(Clone)]
struct Prefix(&'static str);

impl Futures for Prefix {
    // As an implementation may write it.
    async fn plain(&self, text: &str) -> anyhow::Result<String> {
        Ok(format!("{} plain {text}", self.0))
    }

    fn send(&self, text: &str) -> impl Future<Output = anyhow::Result<String>> + Send {
        async move { Ok(format!("{} send {text}", self.0)) }
    }

    fn detached(
        &self,
        text: &str,
        option: Option<&str>,
        rows: &[u32],
        path: &Path,
        cow: Cow<'_, str>,
        into: impl Into<String>,
        as_ref: impl AsRef<str>,
        items: impl IntoIterator<Item = u8>,
        owned: Vec<u8>,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'static {
        let (into, items): (String, Vec<u8>) = (into.into(), items.into_iter().collect());
        let as_ref = as_ref.as_ref();
        let all = format!(
            "{} {text} {option:?} {rows:?} {path:?} {cow} {into} {as_ref} {items:?} {owned:?}",
            self.0
        );
        async move { Ok(all) }
    }

    fn precise(&self, number: u64) -> impl Future<Output = anyhow::Result<u64>> + Send + use<> {
        async move { Ok(number * 2) }
    }

    fn one<'a>(
        &self,
        kept: &'a str,
        not: &str,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'a {
        let not = not.to_owned();
        async move { Ok(format!("{kept} {not}")) }
    }

    fn sync(&self, text: &str) -> anyhow::Result<String> {
        Ok(format!("{} sync {text}", self.0))
    }

    fn converted(
        &self,
        into: impl Into<String>,
        near: impl AsRef<Path>,
        items: impl IntoIterator<Item = u8>,
    ) -> anyhow::Result<String> {
        let items: Vec<u8> = items.into_iter().collect();
        Ok(format!("{} {:?} {items:?}", into.into(), near.as_ref()))
    }

    async fn native(&self, text: &str) -> anyhow::Result<String> {
        Ok(format!("{} native {text}", self.0))
    }
}

/// The implementation that writes no `Send` either.
struct Bare;

impl Futures for Bare {
    fn plain(&self, text: &str) -> impl Future<Output = anyhow::Result<String>> {
        let text = text.to_owned();
        async move { Ok(format!("bare {text}")) }
    }

    async fn send(&self, _: &str) -> anyhow::Result<String> {
        anyhow::bail!("no")
    }

    fn detached(
        &self,
        _: &str,
        _: Option<&str>,
        _: &[u32],
        _: &Path,
        _: Cow<'_, str>,
        _: impl Into<String>,
        _: impl AsRef<str>,
        _: impl IntoIterator<Item = u8>,
        _: Vec<u8>,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'static {
        async { anyhow::bail!("no") }
    }

    fn precise(&self, _: u64) -> impl Future<Output = anyhow::Result<u64>> + Send + use<> {
        async { anyhow::bail!("no") }
    }

    fn one<'a>(
        &self,
        _: &'a str,
        _: &str,
    ) -> impl Future<Output = anyhow::Result<String>> + Send + 'a {
        async { anyhow::bail!("no") }
    }

    async fn default(&self, number: u64) -> anyhow::Result<u64> {
        Ok(number + 1)
    }

    async fn native(&self, _: &str) -> anyhow::Result<String> {
        anyhow::bail!("no")
    }

    fn sync(&self, _: &str) -> anyhow::Result<String> {
        anyhow::bail!("no")
    }

    fn converted(
        &self,
        _: impl Into<String>,
        _: impl AsRef<Path>,
        _: impl IntoIterator<Item = u8>,
    ) -> anyhow::Result<String> {
        anyhow::bail!("no")
    }
}

#[tokio::test]
async fn futures_written_out() {
    let client = FuturesClient::from_channel(pair(FuturesHandler::new(Prefix("p"))).await);
    assert_eq!(client.plain("a").await.unwrap(), "p plain a");
    assert_eq!(client.send("b").await.unwrap(), "p send b");
    assert_eq!(client.native("c").await.unwrap(), "p native c");
    assert_eq!(client.sync("d").unwrap(), "p sync d");
    // Not `Send`, which only a future would have to be.
    let not_send = std::rc::Rc::new(3);
    let converted = client.converted("i", "/n", (0..*not_send).map(|x| x + *not_send));
    assert_eq!(converted.unwrap(), "i \"/n\" [3, 4, 5]");
    assert_eq!(client.precise(21).await.unwrap(), 42);
    assert_eq!(client.one("kept", "not").await.unwrap(), "kept not");
    assert_eq!(client.default(5).await.unwrap(), 5);
    let other = FuturesClient::from_channel(pair(FuturesHandler::new(Bare)).await);
    assert_eq!(other.plain("x").await.unwrap(), "bare x");
    assert_eq!(other.default(5).await.unwrap(), 6);
}

#[tokio::test]
async fn a_future_that_borrows_nothing_outlives_its_arguments() {
    let future = {
        let client = FuturesClient::from_channel(pair(FuturesHandler::new(Prefix("p"))).await);
        let (text, path) = (String::from("text"), PathBuf::from("/x"));
        client.detached(
            &text,
            Some(&text.clone()),
            &[1, 2],
            &path,
            Cow::Borrowed(&text.clone()),
            "into",
            &String::from("as_ref"),
            [7, 8],
            vec![9],
        )
    };
    let spawned = tokio::spawn(future).await.unwrap().unwrap();
    assert_eq!(
        spawned,
        "p text Some(\"text\") [1, 2] \"/x\" text into as_ref [7, 8] [9]"
    );
}

/// Boxed, in each spelling.
#[mesh_service]
pub trait Boxed {
    /// Borrows the service.
    fn alias(&self, id: u64, text: &str) -> BoxFuture<'_, anyhow::Result<String>>;
    /// Borrows both.
    fn named<'a>(&'a self, text: &'a str) -> BoxFuture<'a, anyhow::Result<String>>;
    /// Borrows neither.
    fn detached(&self, text: &str) -> BoxFuture<'static, anyhow::Result<String>>;
    /// Written out.
    fn written(
        &self,
        text: &str,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send + '_>>;
    /// Written out, borrows nothing.
    fn object(&self, text: String) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>>;
    /// Borrows an argument only.
    fn argument<'a>(&self, text: &'a str) -> BoxFuture<'a, anyhow::Result<String>>;
}

impl Boxed for Prefix {
    fn alias(&self, id: u64, text: &str) -> BoxFuture<'_, anyhow::Result<String>> {
        let text = text.to_owned();
        Box::pin(async move { Ok(format!("{} {id} {text}", self.0)) })
    }

    fn named<'a>(&'a self, text: &'a str) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async move { Ok(format!("{} {text}", self.0)) })
    }

    fn detached(&self, text: &str) -> BoxFuture<'static, anyhow::Result<String>> {
        let text = text.to_owned();
        Box::pin(async move { Ok(text) })
    }

    fn written(
        &self,
        text: &str,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send + '_>> {
        let text = text.len();
        Box::pin(async move { Ok(format!("{} {text}", self.0)) })
    }

    fn object(&self, text: String) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>> {
        Box::pin(async move { Ok(text) })
    }

    fn argument<'a>(&self, text: &'a str) -> BoxFuture<'a, anyhow::Result<String>> {
        Box::pin(async move { Ok(text.to_owned()) })
    }
}

#[tokio::test]
async fn boxed_futures() {
    let channel = pair(BoxedHandler::new(Prefix("b"))).await;
    let client: Arc<dyn Boxed> = Arc::new(BoxedClient::from_channel(channel));
    assert_eq!(client.alias(1, "x").await.unwrap(), "b 1 x");
    assert_eq!(client.named("y").await.unwrap(), "b y");
    assert_eq!(client.written("long").await.unwrap(), "b 4");
    assert_eq!(client.object("o".into()).await.unwrap(), "o");
    assert_eq!(client.argument("a").await.unwrap(), "a");
    let detached = client.detached(&String::from("z"));
    drop(client);
    assert_eq!(tokio::spawn(detached).await.unwrap().unwrap(), "z");
}

#[tokio::test]
async fn a_future_that_is_not_polled_calls_nobody() {
    let service = Arc::new(Wooden::new());
    let channel = pair(LazyHandler::shared(Arc::clone(&service))).await;
    let client = LazyClient::from_channel(channel);
    drop(client.boxed());
    drop(client.opaque());
    client.boxed().await.unwrap();
    client.opaque().await.unwrap();
    assert_eq!(service.calls.load(Ordering::Relaxed), 2);
}

/// Counts.
#[mesh_service]
trait Lazy {
    fn boxed(&self) -> BoxFuture<'_, anyhow::Result<()>>;
    fn opaque(&self) -> impl Future<Output = anyhow::Result<()>>;
}

impl Lazy for Wooden {
    fn boxed(&self) -> BoxFuture<'_, anyhow::Result<()>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    async fn opaque(&self) -> anyhow::Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
