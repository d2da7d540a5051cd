//! Requests and answers over connections that are kept.

use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{
    super::{
        token::{Token, TokenFile},
        url::Place,
    },
    connect::{self, Tls},
    error::Trouble,
    request::Request,
};

/// Connections that wait for the next request. An agent takes 200 from one address.
const KEPT: usize = 4;
/// Time after which a connection that nobody used is not trusted any more.
const STALE: Duration = Duration::from_secs(60);
/// Requests at a time that do not wait for news.
const AT_ONCE: usize = 16;
/// What an agent may need beyond the time it was asked to wait.
const GRACE: Duration = Duration::from_secs(3);
/// Within this time an agent closes a connection that is one too many.
const TAKEN: Duration = Duration::from_secs(1);
/// Characters of an agent's own words in a message.
const WORDS: usize = 300;
/// What an agent says that has ACLs off when it is asked about them.
pub(super) const ACLS_OFF: &str = "ACL support disabled";

/// One agent, or several that are as good as each other.
pub(super) struct Exchange {
    pub(super) places: Vec<Place>,
    pub(super) tls: Option<Tls>,
    pub(super) token: Option<TokenFile>,
    pub(super) timeout: Duration,
    /// The place that answered last.
    preferred: AtomicUsize,
    /// The address of a name that was connected to last.
    last: Mutex<Option<SocketAddr>>,
    kept: Mutex<Vec<(Sender, Instant)>>,
    slots: Semaphore,
    /// Counts agents, as far as can be seen: one that was away may come back as another.
    agents: AtomicU64,
    /// The last agent whose ACLs were seen to be off.
    without_acls: AtomicU64,
}

type Sender = SendRequest<Full<Bytes>>;

/// An answer with a status of success.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// An answer of whatever status.
struct Answer {
    status: StatusCode,
    reply: Reply,
}

/// Why there is none.
enum Lost {
    /// The connection was kept, and had ended meanwhile.
    Stale,
    Because(Trouble),
}

impl Exchange {
    pub(super) fn new(
        places: Vec<Place>,
        tls: Option<Tls>,
        token: Option<TokenFile>,
        timeout: Duration,
    ) -> Self {
        Self {
            places,
            tls,
            token,
            timeout,
            preferred: AtomicUsize::new(0),
            last: Mutex::default(),
            kept: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
            agents: AtomicU64::new(1),
            without_acls: AtomicU64::new(0),
        }
    }

    /// Asks, within the time that the request has.
    pub(super) async fn ask(&self, request: &Request) -> Result<Reply, Trouble> {
        let time = match request.wait {
            // 1.8 adds up to a sixteenth of the wait.
            Some(wait) => wait + wait / 16 + self.timeout.min(GRACE),
            None => self.timeout,
        };
        match timeout(time, self.ask_unhurried(request)).await {
            Ok(result) => result,
            Err(_) => Err(Trouble::TimedOut { after: time }),
        }
    }

    async fn ask_unhurried(&self, request: &Request) -> Result<Reply, Trouble> {
        // Those who wait for news would keep the slots.
        let _slot = match request.wait {
            None => self.slots.acquire().await.ok(),
            Some(_) => None,
        };
        let current = || self.token.as_ref().map(TokenFile::current);
        let mut token = current();
        loop {
            let Answer { status, reply } = self.exchange(request, token.as_ref()).await?;
            if status.is_success() {
                return Ok(reply);
            }
            let trouble = judged(status, &reply.body, request, token.as_ref());
            if !matches!(trouble, Trouble::Denied { .. }) {
                return Err(trouble);
            }
            self.doubt();
            // It may have been replaced meanwhile.
            let now = current();
            if now == token {
                return Err(trouble);
            }
            token = now;
        }
    }

    /// Which agent it is: a number that changes whenever it may be another, or the same with other
    /// settings.
    pub(super) fn agent(&self) -> u64 {
        self.agents.load(Ordering::Acquire)
    }

    /// Whether this agent was seen to have ACLs off.
    pub(super) fn acls_are_off(&self) -> bool {
        drop(self.alive());
        self.without_acls.load(Ordering::Acquire) == self.agent()
    }

    /// Notes that [this](Self::agent) agent has ACLs off.
    pub(super) fn note_acls_off(&self, agent: u64) {
        self.without_acls.store(agent, Ordering::Release);
    }

    /// What was seen of the agent may not hold any more.
    fn doubt(&self) {
        self.agents.fetch_add(1, Ordering::AcqRel);
    }

    /// The place that answered last; none only if there is none at all.
    pub(super) fn place(&self) -> Option<&Place> {
        self.places.get(self.preferred.load(Ordering::Relaxed))
    }

    async fn exchange(&self, request: &Request, token: Option<&Token>) -> Result<Answer, Trouble> {
        while let Some(sender) = self.take_kept() {
            match self.over(sender, request, token).await {
                Ok(answer) => return Ok(answer),
                // Whatever is asked of an agent may be asked twice.
                Err(Lost::Stale) => self.doubt(),
                Err(Lost::Because(trouble)) => {
                    self.doubt();
                    return Err(trouble);
                }
            }
        }
        let sender = self.connect().await?;
        let answered = self.over(sender, request, token).await;
        if answered.is_err() {
            self.doubt();
        }
        match answered {
            Ok(answer) => Ok(answer),
            Err(Lost::Because(trouble)) => Err(trouble),
            Err(Lost::Stale) => Err(Trouble::Busy {
                text: "it closes the connection without an answer, being about to stop or having \
                       as many connections as it takes"
                    .to_owned(),
            }),
        }
    }

    async fn connect(&self) -> Result<Sender, Trouble> {
        let unreachable = |reason: String| Trouble::Unreachable { reason };
        let mut last = "it has no address".to_owned();
        let first = self.preferred.load(Ordering::Relaxed);
        for turn in 0..self.places.len() {
            let index = (first + turn) % self.places.len();
            let Some(place) = self.places.get(index) else {
                continue;
            };
            match connect::open(place, self.tls.as_ref(), &self.last).await {
                Ok(stream) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    let shaken = http1::handshake(TokioIo::new(stream)).await;
                    let (sender, connection) =
                        shaken.map_err(|error| unreachable(chain(&error)))?;
                    // It ends with its sender; what it says is said to the sender as well.
                    tokio::spawn(async move { drop(connection.await) });
                    return Ok(sender);
                }
                Err(error) => {
                    self.doubt();
                    last = error.to_string();
                }
            }
        }
        Err(unreachable(last))
    }

    async fn over(
        &self,
        mut sender: Sender,
        request: &Request,
        token: Option<&Token>,
    ) -> Result<Answer, Lost> {
        let message = self.message(request, token).map_err(Lost::Because)?;
        let lost = |error: hyper::Error| {
            let ended = error.is_canceled()
                || error.is_closed()
                || error.is_incomplete_message()
                || is_reset(&error);
            if ended {
                return Lost::Stale;
            }
            let reason = chain(&error);
            Lost::Because(match error.is_parse() {
                true => Trouble::Malformed { reason },
                false => Trouble::Unreachable { reason },
            })
        };
        let sent_at = Instant::now();
        let sent = async {
            sender.ready().await?;
            sender.send_request(message).await
        };
        let response = match sent.await {
            Ok(response) => response,
            Err(error) => {
                return Err(match lost(error) {
                    // One that was taken, and cut later.
                    Lost::Stale if sent_at.elapsed() > TAKEN => {
                        Lost::Because(Trouble::Unreachable {
                            reason: "the connection ended".to_owned(),
                        })
                    }
                    lost => lost,
                });
            }
        };
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, request.largest).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                return Err(Lost::Because(if error.is::<LengthLimitError>() {
                    Trouble::Malformed {
                        reason: format!("its answer has more than {} bytes", request.largest),
                    }
                } else {
                    Trouble::Unreachable {
                        reason: chain(&*error),
                    }
                }));
            }
        };
        self.keep(sender);
        Ok(Answer {
            status: parts.status,
            reply: Reply {
                headers: parts.headers,
                body,
            },
        })
    }

    fn message(
        &self,
        request: &Request,
        token: Option<&Token>,
    ) -> Result<http::Request<Full<Bytes>>, Trouble> {
        let local = |reason: String| Trouble::Local { reason };
        let place = self.place();
        let host = match place {
            Some(place @ Place::Tcp { .. }) => place.to_string(),
            Some(Place::Unix(_)) | None => "localhost".to_owned(),
        };
        let mut message = http::Request::builder()
            .method(request.method.clone())
            .uri(&request.target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, "meshrpc")
            // 1.22 logs a warning for every PUT without it, even one that has no body.
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(request.body.clone()))
            .map_err(|error| local(error.to_string()))?;
        if let Some(token) = token {
            let header: Option<HeaderValue> = token.header();
            let header = header.ok_or_else(|| local("the token cannot be sent".to_owned()))?;
            message.headers_mut().insert("x-consul-token", header);
        }
        Ok(message)
    }

    /// Whether what is said to the agent can be heard on a network.
    pub(super) fn is_exposed(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.tls.is_none() && last.is_some_and(|address| !address.ip().is_loopback())
    }

    fn take_kept(&self) -> Option<Sender> {
        let mut kept = self.alive();
        kept.retain(|(_, since)| since.elapsed() < STALE);
        kept.pop().map(|(sender, _)| sender)
    }

    /// The connections that are kept and have not ended.
    fn alive(&self) -> MutexGuard<'_, Vec<(Sender, Instant)>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.len();
        kept.retain(|(sender, _)| !sender.is_closed());
        if kept.len() < before {
            // An agent closes none unless it ends.
            self.doubt();
        }
        kept
    }

    fn keep(&self, sender: Sender) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && !sender.is_closed() {
            kept.push((sender, Instant::now()));
        }
    }
}

/// What a status other than success means. 1.8 and 1.22 differ in status for the same words.
fn judged(status: StatusCode, body: &[u8], request: &Request, token: Option<&Token>) -> Trouble {
    let text = words(body, token);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let denied = ["Permission denied", "lacks permission", "ACL not found"];
    let leaderless = [
        "No cluster leader",
        "No known Consul servers",
        "leadership lost",
        "rpc error getting client",
        "not the leader",
    ];
    let unknown = [
        "does not have associated TTL",
        "Unknown check",
        "Unknown service",
    ];
    let unsupported = ["Enterprise", "Connect must be enabled", ACLS_OFF];
    if says(&unsupported) {
        return Trouble::Unsupported { text };
    }
    if status == StatusCode::FORBIDDEN || says(&denied) {
        let permission = match &*request.permission {
            "" => "the permission for it".to_owned(),
            permission => permission.to_owned(),
        };
        return Trouble::Denied { permission, text };
    }
    if says(&leaderless) {
        return Trouble::NoLeader { text };
    }
    if status == StatusCode::NOT_FOUND || says(&unknown) {
        return Trouble::Unknown { text };
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS => Trouble::Busy { text },
        StatusCode::SERVICE_UNAVAILABLE => Trouble::NoLeader { text },
        StatusCode::METHOD_NOT_ALLOWED => Trouble::Unsupported { text },
        _ => Trouble::Refused {
            status: status.as_u16(),
            text,
        },
    }
}

/// An agent's words, fit for a message.
fn words(body: &[u8], token: Option<&Token>) -> String {
    let start = body.get(..4 * WORDS).unwrap_or(body);
    let text = String::from_utf8_lossy(start);
    let text = match token {
        Some(token) => token.removed_from(&text),
        None => text.into_owned(),
    };
    let words: Vec<&str> = text
        .split(|char: char| char.is_control() || char.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(WORDS).collect()
}

/// An error with its causes.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn is_reset(error: &hyper::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            );
        }
        source = error.source();
    }
    false
}
