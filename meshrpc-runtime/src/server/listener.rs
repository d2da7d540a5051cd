//! Accepts connections and looks after them until they end.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
};

use crate::{
    connection::{Connection, Dispatch},
    error::{Error, Kind},
    transport,
    wire::Config,
};

/// First and longest pause after an accept that failed for want of something.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What a server has counted since it started.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) broken_connections: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) refused_calls: AtomicU64,
    pub(crate) panics: AtomicU64,
}

impl Counters {
    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections that ended with an error: lost, or a peer that did not speak the protocol.
    pub fn broken_connections(&self) -> u64 {
        self.broken_connections.load(Ordering::Relaxed)
    }

    /// Calls handed to a handler.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls refused before a handler saw them.
    pub fn refused_calls(&self) -> u64 {
        self.refused_calls.load(Ordering::Relaxed)
    }

    /// Handlers that panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// Connections are told to go away, new ones too.
    Draining,
    /// Nothing is accepted, and what is left is cut.
    Stopped,
}

/// A bound listener and the connections that came of it.
pub(crate) struct Listening {
    pub(crate) listener: transport::Listener,
    pub(crate) config: Arc<Config>,
    pub(crate) serving: Arc<dyn Dispatch>,
    pub(crate) draining: Arc<dyn Dispatch>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Connections that are open.
    pub(crate) open: watch::Sender<usize>,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    tasks: JoinSet<Result<(), Error>>,
    handles: HashMap<Id, Connection>,
}

impl Listening {
    /// Accepts until stopped; returns the number of calls that were cut then.
    pub(crate) async fn run(self) -> usize {
        let mut phase = self.phase.clone();
        let mut open = Open::default();
        let mut failures = 0_u32;
        loop {
            tokio::select! {
                changed = phase.changed() => {
                    let phase = *phase.borrow_and_update();
                    if changed.is_err() || phase == Phase::Stopped {
                        break;
                    }
                    if phase == Phase::Draining {
                        open.handles.values().for_each(Connection::go_away);
                    }
                }
                Some(ended) = open.tasks.join_next_with_id() => self.ended(&mut open, ended),
                accepted = self.accept(failures) => match accepted {
                    Ok(io) => {
                        failures = 0;
                        self.adopt(&mut open, io);
                    }
                    Err(error) if is_about_one_connection(&error) => {}
                    Err(error) => {
                        // Once for each time it begins; what runs out stays so for a while.
                        if failures == 0 {
                            tracing::error!(%error, "cannot accept connections: trying on");
                        }
                        failures = failures.saturating_add(1);
                    }
                },
            }
            self.open.send_if_modified(|count| {
                std::mem::replace(count, open.handles.len()) != open.handles.len()
            });
        }
        let cut = open.handles.values().map(Connection::in_flight).sum();
        open.handles.values().for_each(Connection::close);
        // The closing frames still have to go out.
        while open.tasks.join_next().await.is_some() {}
        cut
    }

    /// The next byte stream, after a pause that grows with `failures` in a row.
    async fn accept(&self, failures: u32) -> io::Result<impl crate::connection::Io + use<>> {
        if let Some(doublings) = failures.checked_sub(1) {
            let (first, longest) = PAUSE;
            let pause = first.saturating_mul(1 << doublings.min(16)).min(longest);
            tokio::time::sleep(pause).await;
        }
        self.listener.accept().await
    }

    fn adopt(&self, open: &mut Open, io: impl crate::connection::Io) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let draining = *self.phase.borrow() == Phase::Draining;
        let dispatch = if draining {
            &self.draining
        } else {
            &self.serving
        };
        let (connection, driver) =
            Connection::accept(io, Arc::clone(&self.config), Arc::clone(dispatch));
        if draining {
            connection.go_away();
        }
        let task = open
            .tasks
            .spawn(async { driver.run().await.map_err(|fault| fault.to_error()) });
        open.handles.insert(task.id(), connection);
    }

    /// The one place where the end of a connection is reported.
    fn ended(&self, open: &mut Open, ended: Result<(Id, Result<(), Error>), JoinError>) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (
                error.id(),
                Err(Error::new(Kind::Protocol, error.to_string())),
            ),
        };
        open.handles.remove(&id);
        let Err(error) = result else { return };
        self.counters
            .broken_connections
            .fetch_add(1, Ordering::Relaxed);
        match error.kind() {
            Kind::Unavailable | Kind::Cancelled => tracing::debug!(%error, "connection lost"),
            _ => tracing::warn!(%error, "connection closed"),
        }
    }
}

/// The peer went before its connection was accepted: nothing is wrong on this side.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
