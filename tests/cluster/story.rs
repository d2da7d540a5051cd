//! What happens to a deployment in one run, all of it from the run's number, and what holds of it.

use std::{path::Path, sync::Arc, sync::atomic::Ordering, time::Duration};

use fastrand::Rng;
use meshrpc::{Call, Error, Kind, Started, client::balance::ranked, testing::seed};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    Till as _,
    pace::Pace,
    town::{Host, Town},
    trouble::Trouble,
};

const CALLS: u64 = 90;
const CLIENTS: usize = 2;
/// In which calls are made and troubles begin.
const TIME: Duration = Duration::from_secs(90);
/// The longest that anything is remembered: an ejection, a wait between dials, a dead connection.
const QUIET: Duration = Duration::from_secs(300);
/// The clock's grain, and that of timers.
const GRAIN: Duration = Duration::from_millis(3);

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What was seen, in order; the same in every run of this number.
    pub(crate) seen: Vec<String>,
    pub(crate) pace: Pace,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// Sessions that were served elsewhere, and had to be.
    pub(crate) moved: u64,
}

/// A call that has ended.
struct Ended {
    call: u64,
    way: Way,
    client: usize,
    time: Duration,
    deadline: Duration,
    result: Result<String, Error>,
    /// What was against the rules of sessions.
    moved: Result<bool, String>,
}

/// How a call is made.
#[derive(Clone, Debug)]
enum Way {
    Once,
    Idempotent,
    Session(String),
}

/// Runs a story, and panics at what must not be.
pub(crate) async fn story(run: u64, folder: &Path) -> Outcome {
    seed(run);
    let mut rng = Rng::with_seed(run);
    let town = Arc::new(Town::new(rng.usize(2..6), CLIENTS, folder));
    for host in 0..town.hosts.len() {
        town.start(host).await;
    }
    for client in &town.clients {
        client.wait_ready_all().await.expect("nothing is wrong yet");
    }
    town.hosts.iter().for_each(Host::is_well);

    let start = Instant::now();
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        calls.spawn(make(Arc::clone(&town), call, rng.fork()));
    }
    let mut troubles = JoinSet::new();
    for host in 0..town.hosts.len() {
        troubles.spawn(trouble(Arc::clone(&town), host, rng.fork()));
    }
    let mut ended = calls.join_all().await;
    ended.sort_by_key(|ended| ended.call);
    let happened = troubles.join_all().await;
    town.directory.speak();
    sleep(QUIET).await;

    let mut outcome = Outcome::default();
    for (host, troubles) in happened.iter().enumerate() {
        outcome.seen.push(format!("{host}: {troubles:?}"));
    }
    for ended in &ended {
        if let Err(complaint) = ended.check(&town) {
            panic!("run {run}, call {}: {complaint}: {happened:#?}", ended.call);
        }
        outcome.answered += u64::from(ended.result.is_ok());
        outcome.failed += u64::from(ended.result.is_err());
        outcome.moved += u64::from(ended.moved == Ok(true));
        outcome.seen.push(ended.line());
    }
    check_quiet(run, &town).await;
    let (complaints, pace) = town.wires.findings();
    assert!(
        complaints.is_empty(),
        "run {run}: {complaints:#?}: {happened:#?}"
    );
    outcome.pace = pace;
    let mut dials = town.wires.dials();
    dials.sort();
    outcome
        .seen
        .extend(dials.iter().map(|dial| format!("{dial:?}")));
    outcome.seen.push(format!("{:?}", start.elapsed()));
    outcome
}

/// Makes a call at some time.
async fn make(town: Arc<Town>, call: u64, mut rng: Rng) -> Ended {
    let client = rng.usize(..CLIENTS);
    let way = match rng.u8(..3) {
        0 => Way::Once,
        1 => Way::Idempotent,
        _ => Way::Session(format!("account-{}", rng.u8(..8))),
    };
    let deadline = Duration::from_millis(rng.u64(500..30_000));
    sleep(Duration::from_millis(rng.u64(..TIME.as_millis() as u64))).await;

    let options = Call::new().deadline(deadline);
    let till = match &way {
        Way::Session(key) => town.clients[client].with(options.session(key.clone())),
        _ => town.clients[client].with(options),
    };
    let (listed, start) = (town.directory.listed(), Instant::now());
    let result = match way {
        Way::Idempotent => till.look(call).await,
        Way::Once | Way::Session(_) => till.charge(call).await,
    };
    let time = start.elapsed();
    let moved = match (&way, &result) {
        (Way::Session(key), Ok(answer)) => town.session(key, &listed, start, answer),
        _ => Ok(false),
    };
    Ended {
        call,
        way,
        client,
        time,
        deadline,
        result,
        moved,
    }
}

/// Lets one thing after the other go wrong with an instance.
async fn trouble(town: Arc<Town>, host: usize, mut rng: Rng) -> Vec<Trouble> {
    let start = Instant::now();
    let mut happened = Vec::new();
    loop {
        sleep(Duration::from_millis(rng.u64(..40_000))).await;
        if start.elapsed() > TIME {
            return happened;
        }
        let trouble = Trouble::any(&mut rng, town.hosts.len());
        let time = Duration::from_millis(rng.u64(1..30_000));
        trouble.happen(&town, host, time).await;
        happened.push(trouble);
    }
}

impl Ended {
    /// What holds of a call, whatever goes wrong.
    fn check(&self, town: &Town) -> Result<(), String> {
        let ran = town.ran(self.call);
        let Self {
            way, result, time, ..
        } = self;
        let told = match result {
            Ok(answer) => {
                let by = |host: &&Host| *answer == format!("{}:{}", host.name, self.call);
                town.hosts
                    .iter()
                    .find(by)
                    .is_some_and(|host| host.drawer.ran(self.call) > 0)
            }
            Err(error) => match error.started() {
                Started::No => ran == 0,
                Started::Yes => ran > 0,
                Started::Unknown => true,
            },
        };
        if !told {
            return Err(format!(
                "it ran {ran} times, and its caller was told {result:?}"
            ));
        }
        if ran > 1 && !matches!(way, Way::Idempotent) {
            return Err(format!("it ran {ran} times: {result:?}"));
        }
        if *time > self.deadline + GRAIN {
            let deadline = self.deadline;
            return Err(format!(
                "it took {time:?}, and had {deadline:?}: {result:?}"
            ));
        }
        if let Err(error) = result
            && error.kind() == Kind::DeadlineExceeded
            && *time + GRAIN < self.deadline
            && error.started() != Started::No
        {
            return Err(format!("its time was not over after {time:?}: {error}"));
        }
        self.moved.clone().map(|_| ())
    }

    fn line(&self) -> String {
        let Self {
            call,
            way,
            client,
            time,
            result,
            ..
        } = self;
        let result = result
            .as_ref()
            .map_err(|error| (error.kind(), error.started()));
        format!("{call} of {client}, {way:?}: {time:?}, {result:?}")
    }
}

impl Town {
    /// Whether a session was served elsewhere than at its own instance; an error if it need not have
    /// been.
    fn session(
        &self,
        key: &str,
        listed: &[String],
        start: Instant,
        answer: &str,
    ) -> Result<bool, String> {
        let host = |name: &str| self.hosts.iter().find(|host| host.name == name);
        let by = answer.split(':').next().unwrap_or_default();
        let order = ranked(key, listed).into_iter().map(|index| &*listed[index]);
        let before: Vec<&str> = order.take_while(|name| *name != by).collect();
        for name in &before {
            if !host(name).is_some_and(|host| host.is_excused(start)) {
                return Err(format!(
                    "the session {key} went to {by}, past {name}, with which nothing is wrong"
                ));
            }
        }
        Ok(!before.is_empty())
    }
}

/// What holds once nothing is wrong any more: exact turns, sessions at home, and everybody is
/// connected to everybody.
async fn check_quiet(run: u64, town: &Town) {
    let mut names: Vec<String> = town.hosts.iter().map(|host| host.name.clone()).collect();
    names.sort();
    assert_eq!(town.directory.listed(), names, "run {run}");
    let mut call = CALLS;
    let mut next = || {
        call += 1;
        call
    };
    for (number, client) in town.clients.iter().enumerate() {
        for name in &names {
            let connected = town.wires.is_connected(number, name);
            assert!(
                connected,
                "run {run}: client {number} is not connected to {name}"
            );
        }
        let mut by = Vec::new();
        for _ in 0..3 * names.len() {
            let answer = client.charge(next()).await;
            let answer = answer.unwrap_or_else(|error| panic!("run {run}, quiet: {error}"));
            by.push(answer.split(':').next().unwrap_or_default().to_owned());
        }
        for turn in by.windows(names.len()) {
            let mut turn = turn.to_vec();
            turn.sort();
            assert_eq!(turn, names, "run {run}, client {number}: {by:?}");
        }
        for account in 0..8 {
            let key = format!("account-{account}");
            let home = &names[ranked(&key, &names)[0]];
            let till = client.with(Call::new().session(key.clone()));
            let number = next();
            let answer = till.charge(number).await;
            let answer = answer.unwrap_or_else(|error| panic!("run {run}, quiet: {error}"));
            assert_eq!(answer, format!("{home}:{number}"), "run {run}: {key}");
        }
    }
    for host in &town.hosts {
        assert_eq!(host.drawer.slow.load(Ordering::Relaxed), 0, "run {run}");
    }
}
