//! Trait objects of traits that have none by themselves.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::Debug,
    path::Path,
    sync::{Arc, Mutex},
};

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;

/// Everything an object answers.
#[mesh_service(dyn)]
pub trait Speaker {
    /// Borrows.
    async fn greet(&self, name: &str) -> anyhow::Result<String>;
    /// Borrows in every way.
    async fn many(
        &self,
        pairs: &[(&str, u64)],
        note: Option<&str>,
        map: HashMap<&str, u8>,
        cow: Cow<'_, str>,
    ) -> Result<String, String>;
    /// Names its lifetimes.
    async fn named<'a, 'b: 'a>(&'a self, one: &'a str, two: &'b [u8]) -> Result<usize, String>;
    /// Converts.
    async fn converted<'w>(
        &self,
        name: impl Into<String>,
        text: impl AsRef<str>,
        path: impl AsRef<Path> + Send,
        items: impl IntoIterator<Item = u64>,
        words: impl IntoIterator<Item = &'w str, IntoIter: Send> + Send,
    ) -> Result<String, String>
    where
        Self: Sync;
    /// With a body that an implementation may replace.
    async fn default(&self, n: u8) -> Result<u8, String> {
        Ok(n)
    }
    /// Not in this build.
    #[cfg(any())]
    async fn absent(&self, missing: Missing) -> Gone;
    /// In this build, and going away.
    #[deprecated]
    #[cfg(not(any()))]
    async fn old(&self, (a, b): (u8, u8)) -> Result<u8, String> {
        Ok(a + b)
    }
    /// Stays here, and borrows from the service.
    #[mesh(local)]
    fn label(&self, _prefix: &str) -> &str {
        "none"
    }
    /// Stays here.
    #[mesh(local)]
    async fn slogan(&self) -> &str {
        "none"
    }
    /// Generic, so an object has the body.
    fn debug<T: Debug>(&self, value: &T) -> String {
        format!("default {value:?}")
    }
    /// Generic over what is returned.
    fn make<T: Default>(&self) -> T {
        T::default()
    }
    /// Of known size only.
    fn sized(&self) -> u8
    where
        Self: Sized,
    {
        7
    }
    /// No `self`.
    fn limit() -> u8 {
        Self::LIMIT
    }
    /// A constant.
    const LIMIT: u8 = 9;
}

#[derive(Debug)]
struct Polite(&'static str);

impl Speaker for Polite {
    async fn greet(&self, name: &str) -> anyhow::Result<String> {
        tokio::task::yield_now().await;
        anyhow::ensure!(!name.is_empty(), "no name");
        Ok(format!("{} {name}", self.0))
    }
    async fn many(
        &self,
        pairs: &[(&str, u64)],
        note: Option<&str>,
        map: HashMap<&str, u8>,
        cow: Cow<'_, str>,
    ) -> Result<String, String> {
        Ok(format!("{pairs:?} {note:?} {map:?} {cow}"))
    }
    async fn named<'a, 'b: 'a>(&'a self, one: &'a str, two: &'b [u8]) -> Result<usize, String> {
        Ok(one.len() * 10 + two.len())
    }
    async fn converted<'w>(
        &self,
        name: impl Into<String>,
        text: impl AsRef<str>,
        path: impl AsRef<Path> + Send,
        items: impl IntoIterator<Item = u64>,
        words: impl IntoIterator<Item = &'w str, IntoIter: Send> + Send,
    ) -> Result<String, String> {
        let (name, path) = (name.into(), path.as_ref().display().to_string());
        let sum: u64 = items.into_iter().sum();
        let words: Vec<_> = words.into_iter().collect();
        Ok(format!("{name} {} {path} {sum} {words:?}", text.as_ref()))
    }
    async fn default(&self, n: u8) -> Result<u8, String> {
        Ok(n + 1)
    }
    fn label(&self, _: &str) -> &str {
        self.0
    }
    async fn slogan(&self) -> &str {
        self.0
    }
    fn debug<T: Debug>(&self, value: &T) -> String {
        format!("own {value:?}")
    }
    const LIMIT: u8 = 10;
}

/// What takes any of them.
async fn greeted(by: impl Speaker, name: &str) -> String {
    by.greet(name).await.expect("it answers")
}

#[tokio::test]
async fn an_object_answers_as_what_it_holds() {
    let object: Arc<dyn DynSpeaker> = Arc::new(Polite("Hello"));
    assert_eq!(object.greet("Max").await.expect("it answers"), "Hello Max");
    object.greet("").await.expect_err("a name is missing");
    let many = object.many(
        &[("a", 1)],
        Some("n"),
        HashMap::from([("k", 2)]),
        "cow".into(),
    );
    assert_eq!(
        many.await.expect("it answers"),
        r#"[("a", 1)] Some("n") {"k": 2} cow"#
    );
    let text = String::from("x");
    assert_eq!(object.named(&text, b"ab").await, Ok(12));
    let converted = object.converted("n", "t", "p", [1, 2], ["w"]).await;
    assert_eq!(converted.expect("it answers"), r#"n t p 3 ["w"]"#);
    assert_eq!(object.default(1).await, Ok(2));
    assert_eq!(object.label("x"), "Hello");
    assert_eq!(object.slogan().await, "Hello");
    #[expect(deprecated)]
    let old = object.old((1, 2)).await;
    assert_eq!(old, Ok(3));
    // `Arc<dyn …>` has a size, and passes on what it can.
    assert_eq!(object.sized(), 7);
    assert_eq!(object.debug(&1), "default 1");
    assert_eq!(Arc::new(Polite("x")).debug(&1), "own 1");
    assert_eq!(Box::new(Polite("x")).make::<u8>(), 0);
    assert_eq!(<Arc<Polite> as Speaker>::limit(), 10);

    let task = tokio::spawn(greeted(Arc::clone(&object), "Ann"));
    assert_eq!(task.await.expect("no panic"), "Hello Ann");
    assert_eq!(greeted(&object, "Bo").await, "Hello Bo");
    let boxed: Box<dyn DynSpeaker> = Box::new(object);
    assert_eq!(greeted(boxed, "Cy").await, "Hello Cy");
    let short: &dyn DynSpeaker = &Polite("Hi");
    assert_eq!(greeted(short, "Di").await, "Hi Di");
}

#[tokio::test]
async fn an_object_is_served_and_a_client_is_one() {
    let service: Arc<dyn DynSpeaker> = Arc::new(Polite("Hello"));
    let handler = SpeakerHandler::shared(service);
    let client: Arc<dyn DynSpeaker> = Arc::new(SpeakerClient::from_channel(pair(handler).await));
    assert_eq!(client.greet("Max").await.expect("it answers"), "Hello Max");
    assert_eq!(client.default(1).await, Ok(2));
    let converted = client.converted("n", "t", "p", [1, 2], ["w"]).await;
    assert_eq!(converted.expect("it answers"), r#"n t p 3 ["w"]"#);

    // An `Arc` is an implementation too.
    let handler = SpeakerHandler::new(Arc::new(Polite("Again")));
    let client = SpeakerClient::from_channel(pair(handler).await);
    assert_eq!(client.greet("Max").await.expect("it answers"), "Again Max");
}

/// Generic, kept behind a lock.
#[mesh_service(dyn, generics(T = String), types(Error = String))]
pub trait Queue<T: Send + Sync + 'static>: Debug {
    /// How it fails.
    type Error;
    /// Changes it.
    async fn push(&mut self, item: T) -> Result<usize, Self::Error>;
    /// Reads it.
    async fn peek(&self) -> Result<Option<T>, Self::Error>;
    /// Stays here.
    #[mesh(local)]
    fn last(&mut self) -> Option<T> {
        None
    }
}

#[derive(Debug, Default)]
struct Stack(Vec<String>);

impl Queue<String> for Stack {
    type Error = String;
    async fn push(&mut self, item: String) -> Result<usize, String> {
        self.0.push(item);
        Ok(self.0.len())
    }
    async fn peek(&self) -> Result<Option<String>, String> {
        Ok(self.0.last().cloned())
    }
    fn last(&mut self) -> Option<String> {
        self.0.pop()
    }
}

#[tokio::test]
async fn an_object_that_calls_change_is_owned() {
    let mut object: Box<dyn DynQueue> = Box::new(Stack::default());
    assert_eq!(object.push("a".into()).await, Ok(1));
    assert_eq!(object.last().as_deref(), Some("a"));
    let client = QueueClient::from_channel(pair(QueueHandler::new(object)).await);
    let mut client: Box<dyn DynQueue> = Box::new(client);
    assert_eq!(client.push("b".into()).await, Ok(1));
    assert_eq!(client.peek().await, Ok(Some("b".to_owned())));
    assert_eq!(format!("{:?}", Stack::default()), "Stack([])");
}

/// Takes its `Arc`.
#[mesh_service(dyn)]
pub trait Worker: Send + Sync + 'static {
    /// Takes it.
    async fn start(self: Arc<Self>, job: &str) -> Result<usize, String>;
    /// Borrows it.
    async fn done(&self) -> Result<Vec<String>, String>;
}

#[derive(Default)]
struct Jobs(Mutex<Vec<String>>);

impl Worker for Jobs {
    async fn start(self: Arc<Self>, job: &str) -> Result<usize, String> {
        self.0.lock().expect("no panic").push(job.to_owned());
        Ok(Arc::strong_count(&self))
    }
    async fn done(&self) -> Result<Vec<String>, String> {
        Ok(self.0.lock().expect("no panic").clone())
    }
}

#[tokio::test]
async fn an_object_is_handed_over_by_its_arc() {
    let object: Arc<dyn DynWorker> = Arc::new(Jobs::default());
    assert_eq!(Arc::clone(&object).start("a").await, Ok(2));
    // The `Arc` of an `Arc`.
    assert_eq!(Arc::new(Arc::clone(&object)).start("b").await, Ok(3));
    let client = WorkerClient::from_channel(pair(WorkerHandler::shared(object)).await);
    let client: Arc<dyn DynWorker> = Arc::new(client);
    Arc::clone(&client).start("c").await.expect("it answers");
    assert_eq!(client.done().await.expect("it answers"), ["a", "b", "c"]);
}

/// Implemented for `Arc` by the user.
#[mesh_service(dyn(forward = false))]
trait Manual {
    async fn f(&self) -> Result<u8, String>;
}

impl<M: Manual + ?Sized> Manual for Arc<M> {
    async fn f(&self) -> Result<u8, String> {
        Ok(100 + (**self).f().await?)
    }
}

impl Manual for u8 {
    async fn f(&self) -> Result<u8, String> {
        Ok(*self)
    }
}

#[tokio::test]
async fn pointers_are_left_to_the_user_where_asked_for() {
    let object: Arc<dyn DynManual> = Arc::new(3);
    assert_eq!(object.f().await, Ok(103));
    assert_eq!((*object).f().await, Ok(3));
    let client = ManualClient::from_channel(pair(ManualHandler::new(object)).await);
    assert_eq!(client.f().await, Ok(103));
}

/// Every style of method.
#[mesh_service(dyn)]
trait Styles {
    fn future(&self, text: &str) -> impl Future<Output = Result<usize, String>>;
    fn forever(&self, text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'static;
    fn some<'a>(&'a self, text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'a;
    fn boxed<'a>(
        &'a self,
        text: &'a str,
    ) -> meshrpc::discovery::BoxFuture<'a, Result<usize, String>>;
    fn blocking(&self, text: &str) -> Result<usize, String>;
    async fn borrowed<'a>(&'a self, text: &'a str) -> Result<usize, String>
    where
        Self: 'a;
}

impl Styles for usize {
    async fn future(&self, text: &str) -> Result<usize, String> {
        Ok(self + text.len())
    }
    fn forever(&self, text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'static {
        std::future::ready(Ok(self + text.len()))
    }
    fn some<'a>(&'a self, text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'a {
        let more = text.len();
        async move { Ok(self + more) }
    }
    fn boxed<'a>(
        &'a self,
        text: &'a str,
    ) -> meshrpc::discovery::BoxFuture<'a, Result<usize, String>> {
        Box::pin(async move { Ok(self + text.len()) })
    }
    fn blocking(&self, text: &str) -> Result<usize, String> {
        Ok(self + text.len())
    }
    async fn borrowed<'a>(&'a self, text: &'a str) -> Result<usize, String>
    where
        Self: 'a,
    {
        Ok(self + text.len())
    }
}

async fn each_style(object: impl Styles) {
    let text = String::from("ab");
    assert_eq!(object.future(&text).await, Ok(7));
    let forever = object.forever(&String::from("ab"));
    let some = object.some(&String::from("abc"));
    assert_eq!(forever.await, Ok(7));
    assert_eq!(some.await, Ok(8));
    assert_eq!(object.boxed(&text).await, Ok(7));
    assert_eq!(object.borrowed(&text).await, Ok(7));
    assert_eq!(object.blocking(&text), Ok(7));
}

#[tokio::test]
async fn objects_have_every_style_of_method() {
    let object: Arc<dyn DynStyles> = Arc::new(5);
    each_style(&object).await;
    let client = StylesClient::from_channel(pair(StylesHandler::shared(object)).await);
    let client: Box<dyn DynStyles> = Box::new(client);
    each_style(client).await;
}

/// With a lifetime of its own.
#[mesh_service(dyn)]
trait Reader<'a> {
    async fn read(&self, text: &'a str) -> Result<usize, String>;
}

impl<'a> Reader<'a> for u8 {
    async fn read(&self, text: &'a str) -> Result<usize, String> {
        Ok(text.len() + usize::from(*self))
    }
}

#[tokio::test]
async fn objects_keep_lifetimes_of_the_trait_open() {
    let object: Box<dyn DynReader> = Box::new(3_u8);
    let text = String::from("ab");
    assert_eq!(object.read(&text).await, Ok(5));
    let client = ReaderClient::from_channel(pair(ReaderHandler::new(object)).await);
    assert_eq!(client.read(&text).await, Ok(5));
}
