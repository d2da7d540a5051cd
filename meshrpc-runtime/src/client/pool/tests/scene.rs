//! A proxy that picks instances by itself, as it is seen from a pool.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{
        counters::Counters,
        members::{Action, DialId, Members, Terms, Way},
        trouble::Trouble,
    },
    Backoff, Pool, address, answered, list, next,
};
use crate::{
    client::balance::{Balancing, Rotation},
    discovery::{Endpoint, Endpoints, Instance, Via},
};

pub(super) const PROXY: u16 = 9191;
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// These instances behind one proxy, by number and boot.
pub(super) fn behind(instances: impl IntoIterator<Item = (u16, u64)>) -> Endpoints {
    let instance = |(n, epoch): (u16, u64)| Instance {
        name: name(n),
        epoch,
    };
    let expected = instances.into_iter().map(instance).collect();
    list(vec![Endpoint {
        dial: address(PROXY),
        instance: None,
        via: Via::Opaque { expected },
        weight: 1,
        zone: None,
    }])
}

pub(super) fn boots(count: u16) -> Endpoints {
    behind((1..=count).map(|n| (n, 1)))
}

pub(super) fn name(n: u16) -> Arc<str> {
    format!("greeter-{n}").into()
}

/// A proxy as it is seen from a pool: time passes from one dial to the next, and what is retired is
/// closed.
pub(super) struct Scene {
    pub(super) pool: Pool,
    pub(super) counters: Arc<Counters>,
    pub(super) now: Instant,
    /// Dials that have not ended.
    pub(super) under_way: Vec<DialId>,
    /// When dials were made.
    pub(super) made: Vec<Instant>,
    /// Whom each open connection leads to.
    pub(super) open: BTreeMap<DialId, (u16, u64)>,
    pub(super) questions: Vec<Way>,
    random: fastrand::Rng,
}

impl Scene {
    pub(super) fn new(balancing: Balancing, seed: u64) -> Self {
        let counters = Arc::<Counters>::default();
        let terms = Terms {
            backoff: Backoff::default(),
            balancing,
            identity: seed,
            counters: Arc::clone(&counters),
        };
        let now = Instant::now();
        Self {
            pool: Members::new(terms, now),
            counters,
            now,
            under_way: Vec::new(),
            made: Vec::new(),
            open: BTreeMap::new(),
            questions: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    pub(super) fn of(count: u16) -> Self {
        let mut scene = Self::new(Balancing::default(), u64::from(count));
        scene.list(&boots(count));
        scene
    }

    pub(super) fn list(&mut self, endpoints: &Endpoints) {
        let actions = self.pool.list(endpoints, self.now);
        self.act(actions);
    }

    pub(super) fn act(&mut self, actions: impl IntoIterator<Item = Action<DialId>>) {
        for action in actions {
            match action {
                Action::Dial(id, target) => {
                    assert_eq!(target.endpoint.dial, address(PROXY));
                    self.under_way.push(id);
                    self.made.push(self.now);
                }
                Action::Retire(id) => {
                    self.open.remove(&id).expect("it was open");
                }
                Action::Explain(way, endpoint) => {
                    assert_eq!(endpoint.dial, address(PROXY));
                    self.questions.push(way);
                }
            }
        }
    }

    /// Time passes until the pool has something to do; false if it never has.
    pub(super) fn pass(&mut self) -> bool {
        let Some(next) = self.pool.next_deadline(self.now) else {
            return false;
        };
        self.now = self.now.max(next);
        let actions = self.pool.due(self.now);
        self.act(actions);
        true
    }

    /// The oldest dial leads to this boot.
    pub(super) fn meet(&mut self, (n, epoch): (u16, u64)) {
        let id = self.under_way.remove(0);
        self.open.insert(id, (n, epoch));
        let random = self.random.f64();
        let answered = answered(id, &name(n), epoch);
        let actions = self.pool.connected(id, answered, self.now, random);
        self.act(actions);
    }

    pub(super) fn fail(&mut self, trouble: Trouble) {
        let id = self.under_way.remove(0);
        let action = self.pool.dial_failed(id, trouble, self.now, 1.0);
        self.act(action);
    }

    /// The proxy leads `most` dials to any of `there`, or fewer if no more are made.
    pub(super) fn search(&mut self, there: &[u16], most: usize) {
        for _ in 0..most {
            while self.under_way.is_empty() {
                if !self.pass() {
                    return;
                }
            }
            let n = there[self.random.usize(..there.len())];
            self.meet((n, 1));
        }
    }

    pub(super) fn close(&mut self, n: u16) {
        let found = self.open.iter().find(|(_, (of, _))| *of == n);
        let id = *found.expect("it is connected").0;
        self.open.remove(&id);
        let random = self.random.f64();
        self.pool.closing((id, &name(n)), "gone", self.now, random);
    }

    /// The instances that calls go to, in turn, in one round.
    pub(super) fn round(&self) -> Vec<u16> {
        let (snapshot, rotation) = (self.pool.snapshot(self.now), Rotation::default());
        let turns = (0..snapshot.connected()).filter_map(|_| next(&snapshot, &rotation));
        turns.map(|id| self.open[&id].0).collect()
    }

    pub(super) fn met(&self) -> BTreeSet<u16> {
        self.open.values().map(|(n, _)| *n).collect()
    }
}
