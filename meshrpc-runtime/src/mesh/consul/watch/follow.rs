//! The loop behind one watch.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time};

use super::{
    Watches,
    cursor::{Cursor, News},
    settled::Settled,
};
use crate::{
    connection,
    discovery::{Endpoint, Endpoints},
    error::{Error, Kind},
    mesh::{
        announce,
        consul::{
            agent::{Agent, AgentError, Answer, Entry, Lookup, Right, Trouble},
            listing::Listing,
        },
    },
};

/// How long an agent is asked to wait for news: as long as it may take until a list is noticed to
/// be old that an agent has without telling.
const WAIT: Duration = Duration::from_secs(30);
/// An agent denies everything for some time after it came back.
const ADMISSION: Duration = Duration::from_secs(30);

/// Asks an agent for the instances of one service, again and again.
pub(super) struct Follower {
    agent: Agent,
    lookup: Lookup,
    sender: watch::Sender<Arc<Endpoints>>,
    listing: Listing,
    cursor: Cursor,
    settled: Settled,
    presence: Presence,
}

/// Whether the agent answers.
#[derive(Clone, Copy, Debug)]
enum Presence {
    /// It never has.
    Unknown,
    /// It did, and does not.
    Away,
    /// It does again, since then, but not as it should.
    Returning(Instant),
    /// It does.
    There,
}

impl Follower {
    pub(super) fn new(agent: Agent, lookup: Lookup, sender: watch::Sender<Arc<Endpoints>>) -> Self {
        Self {
            agent,
            lookup,
            sender,
            listing: Listing::default(),
            cursor: Cursor::default(),
            settled: Settled::default(),
            presence: Presence::Unknown,
        }
    }

    /// Runs until nobody follows.
    pub(super) async fn run(mut self, watches: Watches) {
        let sender = self.sender.clone();
        loop {
            tokio::select! {
                () = self.turn() => {}
                () = sender.closed() => {
                    if watches.end(&self.lookup.service, &sender) {
                        return;
                    }
                }
            }
        }
    }

    /// Asks once, and waits for as long as there should be until the next time.
    async fn turn(&mut self) {
        let asked = connection::now();
        let pause = match self.ask().await {
            Ok(answer) => {
                let news = self.cursor.answered(answer.index, asked.elapsed());
                self.present(news);
                if news != News::None || self.settled.doubted(asked).is_some() {
                    let list = self.listing.endpoints(answer.value, &self.lookup).await;
                    let left = self.left(&list).await;
                    self.tell(list, &left);
                }
                self.cursor.pause()
            }
            Err(error) => {
                self.failed(error);
                self.cursor.failed(fastrand::f64())
            }
        };
        time::sleep(pause).await;
    }

    /// The list, from an agent that can be believed.
    async fn ask(&self) -> Result<Answer<Vec<Entry>>, AgentError> {
        let Self { agent, lookup, .. } = self;
        if !matches!(self.presence, Presence::There) {
            agent.require_leader().await?;
        }
        let doubted = self.settled.doubted(connection::now());
        // A list in doubt is looked at again when the doubt is over.
        let wait = doubted.map_or(WAIT, |left| left.clamp(Duration::from_millis(1), WAIT));
        let answer = agent.instances(lookup, self.cursor.index(), wait).await?;
        let empty = answer.value.is_empty();
        if empty || self.cursor.index() == 0 {
            // A token that may not read a service is shown an empty list.
            agent
                .require(&[Right::read_service(&lookup.service)])
                .await?;
        }
        if empty {
            agent.require(&[Right::read_nodes()]).await?;
        }
        Ok(answer)
    }

    /// The agent answered as it should.
    fn present(&mut self, news: News) {
        match self.presence {
            Presence::Unknown | Presence::There => {}
            Presence::Away | Presence::Returning(_) => {
                self.settled.doubt(connection::now());
                tracing::info!(
                    service = self.lookup.service,
                    "the Consul agent answers again"
                );
            }
        }
        self.presence = Presence::There;
        if news == News::Older {
            self.settled.doubt(connection::now());
            tracing::warn!(
                service = self.lookup.service,
                "the Consul agent or its servers lost their state: asked anew"
            );
        }
    }

    /// Of those that `list` misses after an outage, the ones that were taken out on purpose.
    async fn left(&mut self, list: &[Endpoint]) -> Vec<Endpoint> {
        if !self.settled.misses(list, connection::now()) {
            return Vec::new();
        }
        let all = Lookup {
            passing: false,
            ..self.lookup.clone()
        };
        // Without an answer they stay, as others do.
        let Ok(answer) = self.agent.instances(&all, 0, Duration::ZERO).await else {
            return Vec::new();
        };
        let mut left = answer.value;
        left.retain(Entry::is_in_maintenance);
        self.listing.endpoints(left, &self.lookup).await
    }

    fn tell(&mut self, list: Vec<Endpoint>, left: &[Endpoint]) {
        let (list, whole) = self.settled.take(list, left, connection::now());
        tracing::debug!(
            service = self.lookup.service,
            instances = list.len(),
            whole,
            "Consul's list"
        );
        let nobody = whole && list.is_empty();
        let known = Endpoints {
            live: whole,
            trouble: nobody.then(|| Arc::new(nobody_healthy(&self.lookup.service))),
            ready: list,
        };
        announce(&self.sender, known);
    }

    fn failed(&mut self, error: AgentError) {
        let now = connection::now();
        let was = self.presence;
        let absent = matches!(
            error.trouble(),
            Trouble::Unreachable { .. } | Trouble::TimedOut { .. }
        );
        self.presence = match was {
            Presence::Unknown => Presence::Unknown,
            _ if absent => Presence::Away,
            Presence::Returning(since) => Presence::Returning(since),
            Presence::Away | Presence::There => Presence::Returning(now),
        };
        let service = &*self.lookup.service;
        if matches!(was, Presence::There) {
            let kept = self.settled.last().len();
            tracing::warn!(service, %error, kept, "Consul's list cannot be had: the last is kept");
        } else {
            tracing::debug!(service, %error, "Consul's list cannot be had");
        }
        // That it is denied says nothing of the token yet.
        let transient = match self.presence {
            Presence::Returning(since) => error.is_denied() && now < since + ADMISSION,
            _ => false,
        };
        let before = self.sender.borrow().trouble.clone();
        let trouble = match (transient, before) {
            (true, Some(before)) => before,
            _ => Arc::new(Error::from(error)),
        };
        let last = self.settled.last().to_vec();
        announce(&self.sender, Endpoints::last_known(last, Some(trouble)));
    }
}

/// Who is registered and fails a check is not listed, any more than who is not registered.
pub(crate) fn nobody_healthy(service: &str) -> Error {
    let message = format!("Consul lists no healthy instance of `{service}`");
    Error::new(Kind::Unavailable, message)
}
