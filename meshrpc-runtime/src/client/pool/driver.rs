//! Carries out what [`Members`] decides.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    Shared,
    backoff::Backoff,
    connect::Connect,
    lane::Lane,
    members::{Action, Answered, DialId, Members, Target, Terms, Way},
    snapshot::Snapshot,
    trouble::Trouble,
};
use crate::{
    client::health::Streak,
    connection::{self, Connection},
    discovery::{Endpoint, Endpoints, Resolver},
    error::{Error, Kind},
};

/// What happened to a dial, or to a connection that came of one, or what a call asks for.
#[derive(Debug)]
pub(crate) enum Event {
    Dialled(DialId, Target, Box<Result<Connection, Error>>),
    Explained(Way, Option<Error>),
    Closing(DialId, Arc<str>, Option<String>),
    Suspect(DialId, Arc<str>),
    /// Sessions belong to this instance, which is outside of the subset.
    Wanted(Arc<str>),
}

/// The task behind a pool. Ends when the pool or the mesh is gone.
pub(crate) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) endpoints: watch::Receiver<Arc<Endpoints>>,
    pub(super) publish: watch::Sender<Arc<Snapshot<Arc<Lane>>>>,
    members: Members<Arc<Lane>>,
    /// Dials, and a watcher per connection; ended with the driver.
    tasks: JoinSet<()>,
    events: mpsc::UnboundedSender<Event>,
    inbox: mpsc::UnboundedReceiver<Event>,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        (connect, resolver): (Arc<dyn Connect>, Arc<dyn Resolver>),
        endpoints: watch::Receiver<Arc<Endpoints>>,
        publish: watch::Sender<Arc<Snapshot<Arc<Lane>>>>,
    ) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let limits = &shared.limits;
        let terms = Terms {
            backoff: Backoff::new(limits.first_backoff, limits.longest_backoff),
            balancing: (*shared.balancing).clone(),
            identity: fastrand::u64(..),
            counters: Arc::clone(&shared.counters),
        };
        let members = Members::new(terms, connection::now());
        let tasks = JoinSet::new();
        Self {
            shared,
            connect,
            resolver,
            endpoints,
            publish,
            members,
            tasks,
            events,
            inbox,
        }
    }

    /// Where calls tell what they want.
    pub(super) fn events(&self) -> mpsc::UnboundedSender<Event> {
        self.events.clone()
    }

    /// Runs until `stop` resolves.
    pub(super) async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        self.list();
        self.publish();
        let mut resolving = true;
        loop {
            let now = connection::now();
            let sleep = self
                .members
                .next_deadline(now)
                .map(tokio::time::Instant::from_std);
            tokio::select! {
                () = &mut stop => break,
                changed = self.endpoints.changed(), if resolving => match changed {
                    Ok(()) => self.list(),
                    // The resolver ended; what is known stays.
                    Err(_) => resolving = false,
                },
                Some(event) = self.inbox.recv() => self.handle(event),
                Some(_) = self.tasks.join_next() => continue,
                () = tokio::time::sleep_until(sleep.unwrap_or_else(far_away)), if sleep.is_some() => {
                    let actions = self.members.due(connection::now());
                    self.act(actions);
                }
            }
            self.publish();
        }
        let actions = self.members.list(&Endpoints::default(), connection::now());
        self.act(actions);
        self.publish
            .send_replace(Arc::new(Snapshot::ended("the mesh was dropped")));
    }

    fn publish(&self) {
        let snapshot = self.members.snapshot(connection::now());
        self.publish.send_replace(Arc::new(snapshot));
    }

    fn list(&mut self) {
        let endpoints = Arc::clone(&self.endpoints.borrow_and_update());
        let deployment = &*self.shared.deployment;
        tracing::debug!(
            deployment,
            instances = endpoints.ready.len(),
            live = endpoints.live,
            "list"
        );
        let actions = self.members.list(&endpoints, connection::now());
        self.act(actions);
    }

    fn handle(&mut self, event: Event) {
        let now = connection::now();
        let deployment = &*self.shared.deployment;
        match event {
            Event::Dialled(id, target, result) => match *result {
                Ok(connection) => {
                    // Behind a proxy only the handshake tells who answered.
                    let met = Arc::clone(&connection.peer().name);
                    let name = target.name.unwrap_or(met);
                    tracing::debug!(deployment, instance = &*name, "connected");
                    let lane = self.lane(id, &name, connection);
                    let peer = lane.connection.peer();
                    let answered = Answered {
                        connection: Arc::clone(&lane),
                        name: Arc::clone(&peer.name),
                        epoch: peer.epoch,
                    };
                    let actions = self.members.connected(id, answered, now, fastrand::f64());
                    self.act(actions);
                }
                Err(error) => {
                    tracing::debug!(deployment, %target, %error, "cannot connect");
                    let trouble = Trouble::from(&error);
                    let action = self.members.dial_failed(id, trouble, now, fastrand::f64());
                    self.act(action);
                }
            },
            Event::Explained(way, explanation) => {
                if let Some(explanation) = &explanation {
                    tracing::debug!(deployment, ?way, %explanation, "why it cannot connect");
                }
                let trouble = explanation.as_ref().map(Trouble::explained);
                self.members.explained(&way, trouble);
            }
            Event::Closing(id, name, reason) => {
                let trouble = reason.as_deref().unwrap_or("it is going away");
                tracing::debug!(deployment, instance = &*name, trouble, "connection ends");
                self.members
                    .closing((id, &name), trouble, now, fastrand::f64());
            }
            Event::Suspect(id, name) => {
                if self.members.suspect((id, &name), now, fastrand::f64()) {
                    tracing::warn!(
                        deployment,
                        instance = &*name,
                        "keeps failing: left out for a while"
                    );
                }
            }
            Event::Wanted(name) => {
                let actions = self.members.want(&name, now);
                self.act(actions);
            }
        }
    }

    fn act(&mut self, actions: impl IntoIterator<Item = Action<Arc<Lane>>>) {
        for action in actions {
            match action {
                Action::Dial(id, target) => self.dial(id, target),
                Action::Retire(lane) => lane.connection.go_away(),
                Action::Explain(way, endpoint) => self.explain(way, endpoint),
            }
        }
    }

    fn dial(&mut self, id: DialId, target: Target) {
        let (connect, events) = (Arc::clone(&self.connect), self.events.clone());
        let config = self.shared.config();
        let time = self.shared.limits.dial_timeout;
        self.tasks.spawn(async move {
            let connected = connect.connect(&target.endpoint, config);
            let result = match tokio::time::timeout(time, connected).await {
                Ok(result) => result,
                Err(_) => Err(no_answer(&target, time)),
            };
            // Only a driver that is gone does not listen.
            let _ = events.send(Event::Dialled(id, target, Box::new(result)));
        });
    }

    /// Asks the resolver why a dial failed; dials go on meanwhile.
    fn explain(&mut self, way: Way, endpoint: Endpoint) {
        let (resolver, events) = (Arc::clone(&self.resolver), self.events.clone());
        let deployment = Arc::clone(&self.shared.deployment);
        let time = self.shared.limits.dial_timeout;
        self.tasks.spawn(async move {
            let explanation = resolver.explain(&endpoint, &deployment);
            // A registry that does not answer knows no reason.
            let explanation = tokio::time::timeout(time, explanation).await;
            let _ = events.send(Event::Explained(way, explanation.ok().flatten()));
        });
    }

    /// A lane over `connection`, and the watcher that reports its end.
    fn lane(&mut self, id: DialId, name: &Arc<str>, connection: Connection) -> Arc<Lane> {
        let (watched, events) = (connection.clone(), self.events.clone());
        let reported = Arc::clone(name);
        self.tasks.spawn(async move {
            watched.closing().await;
            let reason = tokio::select! {
                biased;
                fault = watched.closed() => Some(fault.to_string()),
                () = std::future::ready(()) => None,
            };
            let _ = events.send(Event::Closing(id, reported, reason));
        });
        let epoch = connection.peer().epoch;
        Arc::new(Lane {
            connection,
            name: Arc::clone(name),
            epoch,
            id,
            streak: Streak::default(),
            events: self.events.clone(),
        })
    }
}

fn no_answer(target: &Target, time: Duration) -> Error {
    let address = &target.endpoint.dial;
    let message = format!("{address}: no answer within {time:?} (`ClientLimits::dial_timeout`)");
    Error::new(Kind::Unavailable, message)
}

/// Stands in for a deadline that is not there; never waited for.
fn far_away() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(86_400)
}
