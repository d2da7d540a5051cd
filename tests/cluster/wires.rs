//! The network between clients and instances: what becomes of dials and of bytes, and whether anybody
//! dials when the rules say not to.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use meshrpc::{
    Error, Kind,
    client::Connect,
    connection::Connection,
    discovery::{BoxFuture, Endpoint},
    transport,
    wire::Config,
};
use tokio::time::{Instant, timeout};

use crate::{
    door::Door,
    line::{End, Line, Passing},
    pace::{GRAIN, Pace},
};

/// Dial and handshake together, at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The network.
#[derive(Debug)]
pub(crate) struct Wires {
    start: Instant,
    state: Mutex<State>,
}

/// The network, as one client dials over it.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) client: usize,
    pub(crate) wires: Arc<Wires>,
}

/// What the network does at an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It answers.
    #[default]
    Whole,
    /// It does not run: connections are made and nothing is said on them.
    Stalled,
    /// Nothing listens there.
    Refused,
    /// The machine is gone, without a word.
    Gone,
}

type SharedLine = Arc<Mutex<Line>>;

#[derive(Debug, Default)]
struct State {
    reach: BTreeMap<String, Reach>,
    /// Instances that tell their clients to go elsewhere.
    draining: Vec<String>,
    /// By client and by the name of the instance it means to dial.
    ways: BTreeMap<(usize, String), Way>,
    lines: Vec<(String, SharedLine)>,
    dials: Vec<Dial>,
    pace: Pace,
    complaints: Vec<String>,
}

/// A dial that was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dial {
    pub(crate) at: Duration,
    pub(crate) client: usize,
    pub(crate) name: String,
}

/// How a client stands with an instance.
#[derive(Debug, Default)]
struct Way {
    /// The latest dial, which alone counts.
    number: u64,
    under_way: bool,
    /// When the registry last said something new.
    news: Option<Instant>,
    /// Dials and short connections that failed in a row.
    failures: u32,
    /// How many is not known, until the registry has news.
    unsure: bool,
    /// When the latest dial failed.
    failed: Option<Instant>,
    line: Option<(Instant, SharedLine)>,
}

impl Wires {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// The registry lists `name` anew, or somewhere else: everybody may dial it at once.
    pub(crate) fn announced(&self, name: &str) {
        for ((_, of), way) in &mut self.state().ways {
            if of == name {
                way.news = Some(Instant::now());
                way.failures = 0;
                way.unsure = false;
            }
        }
    }

    pub(crate) fn set_reach(&self, name: &str, reach: Reach) {
        let mut state = self.state();
        state.reach.insert(name.to_owned(), reach);
        for (owner, line) in &state.lines {
            if owner == name {
                lock(line).set(reach.passing());
            }
        }
    }

    pub(crate) fn set_draining(&self, name: &str, draining: bool) {
        let mut state = self.state();
        state.draining.retain(|known| known != name);
        if draining {
            state.draining.push(name.to_owned());
        }
    }

    /// Ends every line to an instance.
    pub(crate) fn cut(&self, name: &str) {
        for (owner, line) in &self.state().lines {
            if owner == name {
                lock(line).cut();
            }
        }
    }

    /// Whether `client` has a line to `name` that it may use.
    pub(crate) fn is_connected(&self, client: usize, name: &str) -> bool {
        let state = self.state();
        let way = state.ways.get(&(client, name.to_owned()));
        way.is_some_and(|way| !way.under_way && way.is_connected())
    }

    /// Dials so far.
    pub(crate) fn dials(&self) -> Vec<Dial> {
        self.state().dials.clone()
    }

    /// What was found against the rules, and how long was waited between dials that failed.
    pub(crate) fn findings(&self) -> (Vec<String>, Pace) {
        let state = self.state();
        (state.complaints.clone(), state.pace.clone())
    }

    async fn dial(&self, door: &Door) -> io::Result<(SharedLine, End)> {
        match self.reach(&door.owner) {
            Reach::Gone => std::future::pending().await,
            Reach::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
            Reach::Whole | Reach::Stalled => {}
        }
        let io = transport::dial(&door.listener()).await?;
        let (line, end) = Line::new(io, self.reach(&door.owner).passing());
        let mut state = self.state();
        state.lines.retain(|(_, line)| lock(line).ended().is_none());
        state.lines.push((door.owner.clone(), Arc::clone(&line)));
        Ok((line, end))
    }

    fn reach(&self, name: &str) -> Reach {
        self.state().reach.get(name).copied().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A dial begins; its number.
    fn begins(&mut self, client: usize, name: &str, at: Duration) -> u64 {
        let name = name.to_owned();
        let leaves = self.draining.contains(&name);
        let known = self.ways.contains_key(&(client, name.clone()));
        let way = self.ways.entry((client, name.clone())).or_default();
        way.number += 1;
        let news = way.news.take().is_some_and(|at| at.elapsed() < GRAIN);
        let verdict = if news || !known {
            // It is dialled at once.
            Ok(())
        } else if way.under_way {
            Err("dials while a dial is under way".to_owned())
        } else if way.is_connected() && !leaves {
            Err("dials though it is connected".to_owned())
        } else if let Some((since, failures)) = way.failure(leaves) {
            self.pace.waited(since.elapsed(), failures)
        } else {
            Ok(())
        };
        way.under_way = true;
        way.failed = None;
        let number = way.number;
        if let Err(complaint) = verdict {
            let complaint = format!("{at:?}: client {client}, {name}: {complaint}");
            self.complaints.push(complaint);
        }
        self.dials.push(Dial { client, name, at });
        number
    }

    /// A dial ends: with a line to who was meant, or with nothing.
    fn ends(&mut self, client: usize, name: &str, number: u64, line: Option<SharedLine>) {
        let way = self.ways.entry((client, name.to_owned())).or_default();
        if way.number != number {
            return;
        }
        way.under_way = false;
        let now = Instant::now();
        match line {
            Some(line) => way.line = Some((now, line)),
            None => way.failed = Some(now),
        }
    }
}

impl Way {
    fn is_connected(&self) -> bool {
        let line = self.line.as_ref();
        line.is_some_and(|(_, line)| lock(line).ended().is_none())
    }

    /// Since when the next dial has been waited for, after how many failures.
    fn failure(&mut self, leaves: bool) -> Option<(Instant, u32)> {
        // When an instance drains, its client knows before the line ends.
        self.unsure |= leaves;
        if self.unsure {
            return None;
        }
        let since = match (self.failed, &self.line) {
            (Some(failed), _) => failed,
            (None, Some((since, line))) => {
                let ended = lock(line).ended()?;
                if ended - *since >= Duration::from_secs(10) {
                    self.failures = 0;
                }
                ended
            }
            (None, None) => return None,
        };
        self.failures += 1;
        Some((since, self.failures - 1))
    }
}

impl Reach {
    fn passing(self) -> Passing {
        match self {
            Reach::Whole | Reach::Refused => Passing::Through,
            Reach::Stalled => Passing::Held,
            Reach::Gone => Passing::Lost,
        }
    }
}

impl Connect for Phone {
    fn connect<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        config: Arc<Config>,
    ) -> BoxFuture<'a, Result<Connection, Error>> {
        Box::pin(async move {
            let door = Door::of(&endpoint.dial);
            let at = self.wires.start.elapsed();
            let number = self.wires.state().begins(self.client, &door.said, at);
            let mut made = None;
            let connect = async {
                let dialled = self.wires.dial(&door).await;
                let (line, end) = dialled.map_err(|error| unavailable(&error.to_string()))?;
                made = Some(line);
                Connection::connect(end, config).await
            };
            let connection = match timeout(TIMEOUT, connect).await {
                Ok(connection) => connection,
                Err(_) => Err(unavailable("no answer")),
            };
            let meant = |connection: &Connection| *connection.peer().name == *door.said;
            let line = made.filter(|_| connection.as_ref().is_ok_and(meant));
            let mut state = self.wires.state();
            state.ends(self.client, &door.said, number, line);
            connection
        })
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(Kind::Unavailable, why.to_owned())
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
