//! Accepts connections and looks after them until they end.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

use crate::{
    connection::Connection,
    error::Kind,
    server::{Counters, admission::Admission, dispatch::Dispatcher, reception::Reception},
    transport,
    wire::{Config, Fault, GoAwayReason},
};

/// First and longest pause after an accept that failed for want of something.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Turns that others get before a handshake is given up for a newer one.
const TURNS: u32 = 16;
/// Connections that were closed for newer ones and are not gone yet.
const MAX_ENDING: usize = 64;

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
    pub(crate) serving: Arc<Dispatcher>,
    pub(crate) draining: Arc<Dispatcher>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) counters: Arc<Counters>,
    /// Connections at one time, over all listeners.
    pub(crate) max_connections: usize,
    /// Those of them whose handshake is not done, on this listener.
    pub(crate) max_handshakes: usize,
    /// Whoever connects is a proxy, and speaks for others.
    pub(crate) behind_proxy: bool,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Changes when what carries the connections is about to cut them.
    pub(crate) cuts: Option<watch::Receiver<u64>>,
    /// Connections that are open.
    pub(crate) open: watch::Sender<usize>,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    tasks: JoinSet<Result<(), Fault>>,
    handles: HashMap<Id, (Connection, AbortHandle)>,
    /// Connections whose handshake was not done when last looked, the oldest first.
    handshakes: VecDeque<Id>,
}

impl Listening {
    /// Accepts until stopped; returns the number of calls that were cut then.
    pub(crate) async fn run(self) -> usize {
        let mut phase = self.phase.clone();
        let mut cuts = self.cuts.clone();
        let mut open = Open::default();
        let mut failures = 0_u32;
        loop {
            self.give_way(&mut open).await;
            tokio::select! {
                changed = phase.changed() => {
                    let phase = *phase.borrow_and_update();
                    if changed.is_err() || phase == Phase::Stopped {
                        break;
                    }
                    if phase == Phase::Draining {
                        open.connections().for_each(Connection::go_away);
                    }
                }
                () = changed(&mut cuts) => open.connections().for_each(Connection::go_away),
                Some(ended) = open.tasks.join_next_with_id() => self.ended(&mut open, ended),
                accepted = self.accept(failures), if open.has_room() => match accepted {
                    Ok(io) => {
                        failures = 0;
                        self.adopt(&mut open, io);
                    }
                    Err(error) if is_about_one_connection(&error) => {}
                    Err(error) => {
                        self.counters.failed_accepts.fetch_add(1, Ordering::Relaxed);
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
        let cut = open.connections().map(Connection::in_flight).sum();
        open.connections().for_each(Connection::close);
        // The closing frames still have to go out.
        while open.tasks.join_next().await.is_some() {}
        cut
    }

    /// The next byte stream, after a pause that grows with `failures` in a row.
    async fn accept(&self, failures: u32) -> io::Result<transport::Stream> {
        if let Some(doublings) = failures.checked_sub(1) {
            let (first, longest) = PAUSE;
            let pause = first.saturating_mul(1 << doublings.min(16)).min(longest);
            tokio::time::sleep(pause).await;
        }
        self.listener.accept().await
    }

    fn adopt(&self, open: &mut Open, io: transport::Stream) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let draining = *self.phase.borrow() == Phase::Draining;
        let dispatcher = if draining {
            &self.draining
        } else {
            &self.serving
        };
        let reception = Arc::new(Reception::new(Arc::clone(dispatcher)));
        let config = Arc::clone(&self.config);
        let (connection, driver) = match self.behind_proxy {
            // It is known who the proxy is, and nothing of the callers.
            true => Connection::accept(io, config, reception),
            false => Connection::accept_on(io, config, reception),
        };
        let others = self.admission.connections.fetch_add(1, Ordering::Relaxed);
        if draining {
            connection.go_away();
        } else if others >= self.max_connections {
            self.counters
                .refused_connections
                .fetch_add(1, Ordering::Relaxed);
            let most = self.max_connections;
            let text = format!("{others} are open, {most} may be (`Limits::max_connections`)");
            connection.refuse(GoAwayReason::Full, text);
        }
        self.make_room(open);
        let abort = open.tasks.spawn(driver.run());
        open.handshakes.push_back(abort.id());
        open.handles.insert(abort.id(), (connection, abort));
    }

    /// Closes the connection whose handshake takes longest, if there are as many as may be. A good
    /// client needs one round trip, so that it is only in the way of those who come faster.
    fn make_room(&self, open: &mut Open) {
        while open.is_crowded(self.max_handshakes)
            && let Some(oldest) = open.handshakes.pop_front()
        {
            if let Some((_, abort)) = open.handles.remove(&oldest) {
                abort.abort();
            }
            let before = self.counters.cut_handshakes.fetch_add(1, Ordering::Relaxed);
            if before == 0 {
                let most = self.max_handshakes;
                tracing::warn!(most, "too many handshakes at a time: the oldest are closed");
            }
        }
    }

    /// Lets the others have their turn before one of them has to go: where many good clients come
    /// at once, what they wait for is this server.
    async fn give_way(&self, open: &mut Open) {
        for turn in 1..=TURNS {
            // To look at all of them takes longer than many a turn.
            if turn.is_power_of_two() && !open.is_crowded(self.max_handshakes) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// The one place where the end of a connection is reported.
    fn ended(&self, open: &mut Open, ended: Result<(Id, Result<(), Fault>), JoinError>) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) if error.is_cancelled() => (error.id(), Ok(())),
            Err(error) => {
                tracing::error!(%error, "the task of a connection panicked");
                (error.id(), Err(Fault::ClosedHere))
            }
        };
        open.handles.remove(&id);
        self.admission.connections.fetch_sub(1, Ordering::Relaxed);
        let Err(fault) = result else { return };
        self.counters.broken(&fault);
        match fault.to_error().kind() {
            Kind::Unavailable | Kind::Cancelled => {
                tracing::debug!(error = %fault, "connection lost");
            }
            _ => tracing::warn!(error = %fault, "connection closed"),
        }
    }
}

impl Open {
    /// Whether as many handshakes as may be are under way.
    fn is_crowded(&mut self, most: usize) -> bool {
        if self.handshakes.len() < most {
            return false;
        }
        let handles = &self.handles;
        self.handshakes.retain(|id| {
            let known = handles.get(id);
            known.is_some_and(|(connection, _)| !connection.is_established())
        });
        self.handshakes.len() >= most
    }

    /// Whether those that were closed are nearly gone: connections must not come faster than that.
    fn has_room(&self) -> bool {
        self.tasks.len() < self.handles.len() + MAX_ENDING
    }

    fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.handles.values().map(|(connection, _)| connection)
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

/// Resolves at the next change; never without anything that could.
async fn changed(watched: &mut Option<watch::Receiver<u64>>) {
    if let Some(watched) = watched
        && watched.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
