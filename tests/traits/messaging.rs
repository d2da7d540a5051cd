//! Mail, queues, notifications.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    error::Error as StdError,
    io,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Made, Transcript, served};

/// A message to somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// To whom.
    pub to: Vec<String>,
    /// What about.
    pub subject: String,
    /// In several forms.
    pub parts: BTreeMap<String, Vec<u8>>,
}

fn message(text: &str) -> Message {
    Message {
        to: vec![text.to_owned(), "second".to_owned()],
        subject: format!("about {text}"),
        parts: [("text/plain".to_owned(), text.as_bytes().to_vec())].into(),
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

fn or_boxed(made: Made) -> Result<Made, BoxError> {
    match made.turn % 4 {
        1 => Err(made.text().into()),
        3 => Err(Box::new(io::Error::other(made.text()))),
        _ => Ok(made),
    }
}

/// Sends mail, as programs do that box their errors.
#[mesh_service]
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends one.
    async fn send(&self, message: &Message) -> Result<String, Box<dyn StdError + Send + Sync>>;
    /// Sends several, later.
    async fn send_later(&self, messages: Vec<Message>, after: Duration) -> Result<usize, BoxError>;
    /// Fills a template.
    async fn render(
        &self,
        template: &str,
        fields: &HashMap<String, String>,
    ) -> Result<String, BoxError>;
}

#[derive(Default)]
struct Smtp(Calls);

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, message: &Message) -> Result<String, Box<dyn StdError + Send + Sync>> {
        Ok(or_boxed(self.0.made("send", &[message]))?.text())
    }

    async fn send_later(&self, messages: Vec<Message>, after: Duration) -> Result<usize, BoxError> {
        let made = or_boxed(self.0.made("send_later", &[&messages, &after]))?;
        Ok(made.below(9) as usize)
    }

    async fn render(
        &self,
        template: &str,
        fields: &HashMap<String, String>,
    ) -> Result<String, BoxError> {
        let sorted: BTreeMap<_, _> = fields.iter().collect();
        Ok(or_boxed(self.0.made("render", &[&template, &sorted]))?.text())
    }
}

async fn use_mailer(mailer: Box<dyn Mailer>) -> Transcript {
    let mut seen = Transcript::default();
    let fields = [("name", "Max"), ("town", "Berlin")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    for text in ["a", "b", "c", "d"] {
        seen.messages(mailer.send(&message(text)).await);
        let both = vec![message(text), message("x")];
        seen.messages(mailer.send_later(both, Duration::new(3, 7)).await);
        seen.messages(mailer.render(text, &fields).await);
    }
    seen
}

#[tokio::test]
async fn mailer() {
    let there: MailerClient = served(MailerHandler::new(Smtp::default())).await;
    let here = use_mailer(Box::new(Smtp::default())).await;
    assert_eq!(here, use_mailer(Box::new(there)).await);
}

/// What a queue says, in its own serde enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum QueueError {
    /// Full.
    #[error("the queue holds {0} messages")]
    Full(u64),
    /// Not there.
    #[error("no queue {queue}")]
    Unknown {
        /// Which.
        queue: String,
    },
    /// Closed.
    #[error("closed")]
    Closed,
    /// The call failed.
    #[error("the queue cannot be reached: {0}")]
    Unreachable(String),
}

impl From<meshrpc::Error> for QueueError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl QueueError {
    fn of(made: Made) -> Result<Made, Self> {
        match made.turn % 8 {
            1 => Err(Self::Full(made.number())),
            3 => Err(Self::Unknown { queue: made.text() }),
            5 => Err(Self::Closed),
            7 => Err(Self::Unreachable(made.text())),
            _ => Ok(made),
        }
    }
}

/// An alias, as crates have it.
pub type QueueResult<T, E = QueueError> = Result<T, E>;

/// A work queue.
#[mesh_service(name = "jobs.queue")]
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Adds a job.
    async fn push(&self, queue: &str, payload: serde_json::Value, priority: u8)
    -> QueueResult<u64>;
    /// Takes some.
    async fn pull(&self, queue: &str, max: usize) -> QueueResult<Vec<(u64, Cow<'static, str>)>>;
    /// Done with one.
    #[mesh(idempotent)]
    async fn ack(&self, queue: &str, ids: &[u64]) -> QueueResult<()>;
    /// How many there are, of each state.
    async fn depth(&self, queue: Option<&str>) -> QueueResult<BTreeMap<State, u64>>;
}

/// Of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits.
    Ready,
    /// Runs.
    InProgress,
}

#[derive(Default)]
struct Queue(Calls);

#[async_trait]
impl JobQueue for Queue {
    async fn push(
        &self,
        queue: &str,
        payload: serde_json::Value,
        priority: u8,
    ) -> QueueResult<u64> {
        Ok(QueueError::of(self.0.made("push", &[&queue, &payload, &priority]))?.number())
    }

    async fn pull(&self, queue: &str, max: usize) -> QueueResult<Vec<(u64, Cow<'static, str>)>> {
        let made = QueueError::of(self.0.made("pull", &[&queue, &max]))?;
        Ok(vec![(made.number(), made.text().into()), (0, "".into())])
    }

    async fn ack(&self, queue: &str, ids: &[u64]) -> QueueResult<()> {
        QueueError::of(self.0.made("ack", &[&queue, &ids]))?;
        Ok(())
    }

    async fn depth(&self, queue: Option<&str>) -> QueueResult<BTreeMap<State, u64>> {
        let made = QueueError::of(self.0.made("depth", &[&queue]))?;
        Ok([(State::Ready, made.number()), (State::InProgress, 1)].into())
    }
}

async fn use_queue(queue: Arc<dyn JobQueue>) -> Transcript {
    let mut seen = Transcript::default();
    for (round, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let payload = serde_json::json!({ "n": round, "of": [name, null, 1.5] });
        seen.result(queue.push(name, payload, round as u8).await);
        seen.result(queue.pull(name, round).await);
        seen.result(queue.ack(name, &[1, u64::MAX]).await);
        seen.result(queue.depth((round > 2).then_some(name)).await);
    }
    seen
}

#[tokio::test]
async fn job_queue() {
    let there: JobQueueClient = served(JobQueueHandler::new(Queue::default())).await;
    let here = use_queue(Arc::new(Queue::default())).await;
    assert_eq!(here, use_queue(Arc::new(there)).await);
}

/// Subscriptions of devices; its errors are texts.
#[mesh_service]
pub trait Subscriptions {
    /// Adds one.
    async fn subscribe(&self, user: (u32, &str), topics: Vec<&str>) -> Result<Vec<bool>, String>;
    /// Removes one.
    async fn unsubscribe(&self, user: (u32, &str), topic: Option<String>) -> Result<(), String>;
    /// Whose they are.
    async fn owners(&self, tokens: &[[u8; 4]]) -> Result<Vec<Option<u32>>, String>;
}

#[derive(Default)]
struct Topics(Calls);

fn or_text(made: Made) -> Result<Made, String> {
    match made.turn % 3 {
        1 => Err(made.text()),
        _ => Ok(made),
    }
}

impl Subscriptions for Topics {
    async fn subscribe(&self, user: (u32, &str), topics: Vec<&str>) -> Result<Vec<bool>, String> {
        let made = or_text(self.0.made("subscribe", &[&user, &topics]))?;
        Ok(vec![made.flag(), true, false])
    }

    async fn unsubscribe(&self, user: (u32, &str), topic: Option<String>) -> Result<(), String> {
        or_text(self.0.made("unsubscribe", &[&user, &topic])).map(drop)
    }

    async fn owners(&self, tokens: &[[u8; 4]]) -> Result<Vec<Option<u32>>, String> {
        let made = or_text(self.0.made("owners", &[&tokens]))?;
        Ok(vec![None, Some(made.number() as u32)])
    }
}

async fn use_subscriptions(service: &impl Subscriptions) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..4 {
        seen.result(service.subscribe((n, "Max"), vec!["a", "b"]).await);
        seen.result(service.unsubscribe((n, ""), None).await);
        seen.result(service.owners(&[[n as u8; 4], [0; 4]]).await);
    }
    seen
}

#[tokio::test]
async fn subscriptions() {
    let there: SubscriptionsClient = served(SubscriptionsHandler::new(Topics::default())).await;
    let here = use_subscriptions(&Topics::default()).await;
    assert_eq!(here, use_subscriptions(&there).await);
}

/// Templates of notifications, in a file system's error.
#[mesh_service]
#[async_trait]
pub trait Templates {
    /// One, in a language.
    async fn load(&self, name: &str, language: Option<&str>) -> io::Result<String>;
    /// All names.
    async fn names(&self) -> Result<Vec<String>, io::Error>;
    /// How many there are; by default those that are named.
    async fn count(&self) -> io::Result<usize> {
        Ok(self.names().await?.len())
    }
}

#[derive(Default)]
struct Folder(Calls);

fn or_io(made: Made) -> io::Result<Made> {
    match made.turn % 3 {
        2 => Err(io::Error::new(io::ErrorKind::NotFound, made.text())),
        _ => Ok(made),
    }
}

#[async_trait]
impl Templates for Folder {
    async fn load(&self, name: &str, language: Option<&str>) -> io::Result<String> {
        Ok(or_io(self.0.made("load", &[&name, &language]))?.text())
    }

    async fn names(&self) -> Result<Vec<String>, io::Error> {
        let made = or_io(self.0.made("names", &[]))?;
        Ok(vec![made.text(); made.below(4) as usize])
    }
}

async fn use_templates(templates: &dyn Templates) -> Transcript {
    let mut seen = Transcript::default();
    for language in [None, Some("de"), Some("")] {
        seen.wrapped(templates.load("welcome", language).await);
        seen.wrapped(templates.names().await);
        seen.wrapped(templates.count().await);
        seen.wrapped(templates.count().await);
    }
    seen
}

#[tokio::test]
async fn templates() {
    let there: TemplatesClient = served(TemplatesHandler::new(Folder::default())).await;
    let here = use_templates(&Folder::default()).await;
    assert_eq!(here, use_templates(&there).await);
}
