mod choice;
mod demand;
mod proxies;
mod rule;
mod scene;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{
    backoff::{Backoff, FIRST, LONGEST},
    members::{Action, Answered, DialId, Members, Terms},
    snapshot::{Pick, Snapshot},
};
use crate::{
    client::balance::{Balancing, Rotation},
    discovery::{Address, Endpoint, Endpoints, Instance, Via},
};

/// A connection is the number of the dial it came of.
type Pool = Members<DialId>;

/// A pool that knows of nothing.
fn empty(now: Instant) -> Pool {
    balanced(Balancing::default(), now)
}

fn balanced(balancing: Balancing, now: Instant) -> Pool {
    let terms = Terms {
        backoff: Backoff::default(),
        balancing,
        identity: 7,
        counters: Arc::default(),
    };
    Pool::new(terms, now)
}

fn address(port: u16) -> Address {
    Address::Tcp(([127, 0, 0, 1], port).into())
}

fn endpoint(name: &str, epoch: u64, port: u16) -> Endpoint {
    let instance = Some(Instance {
        name: name.into(),
        epoch,
    });
    Endpoint {
        dial: address(port),
        instance,
        via: Via::Direct,
        weight: 1,
        zone: None,
    }
}

fn list(ready: Vec<Endpoint>) -> Endpoints {
    Endpoints::live(ready)
}

fn greeters(count: u16) -> Endpoints {
    list(
        (1..=count)
            .map(|n| endpoint(&format!("greeter-{n}"), 1, n))
            .collect(),
    )
}

fn answered(id: DialId, name: &str, epoch: u64) -> Answered<DialId> {
    Answered {
        connection: id,
        name: name.into(),
        epoch,
    }
}

/// Dials asked for: number and address.
fn dials(actions: &[Action<DialId>]) -> Vec<(DialId, String)> {
    let dial = |action: &Action<DialId>| match action {
        Action::Dial(id, target) => Some((*id, target.endpoint.dial.to_string())),
        _ => None,
    };
    actions.iter().filter_map(dial).collect()
}

/// A pool whose instances are all connected; greeter-n on connection n.
fn connected(count: u16, now: Instant) -> Pool {
    let mut pool = empty(now);
    pool.list(&greeters(count), now);
    for n in 1..=count {
        let (id, name) = (n.into(), format!("greeter-{n}"));
        assert_eq!(pool.connected(id, answered(id, &name, 1), now, 0.5), []);
    }
    pool
}

fn next(snapshot: &Snapshot<DialId>, rotation: &Rotation) -> Option<DialId> {
    snapshot.in_turn(rotation, |_| true)
}

#[test]
fn every_listed_instance_is_dialled_once() {
    let now = Instant::now();
    let mut pool = empty(now);
    let actions = pool.list(&greeters(3), now);
    let expected = [(1, "127.0.0.1:1"), (2, "127.0.0.1:2"), (3, "127.0.0.1:3")];
    assert_eq!(
        dials(&actions),
        expected.map(|(id, address)| (id, address.to_owned()))
    );
    assert_eq!(pool.list(&greeters(3), now), []);
}

#[test]
fn calls_go_in_turn_over_connected_instances() {
    let now = Instant::now();
    let (pool, rotation) = (connected(3, now), Rotation::default());
    let snapshot = pool.snapshot(now);
    assert!(snapshot.all_connected());
    let turns: Vec<_> = (0..300)
        .filter_map(|_| next(&snapshot, &rotation))
        .collect();
    assert!(turns.chunks(3).all(|round| round == [1, 2, 3]), "{turns:?}");
}

#[test]
fn a_failed_dial_waits_within_its_bound_and_is_made_again() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&greeters(1), now);
    pool.dial_failed(1, "connection refused".into(), now, 1.0);
    let until = now + FIRST;
    assert_eq!(pool.next_deadline(now), Some(until));
    assert_eq!(pool.due(until - Duration::from_millis(1)), []);
    assert_eq!(dials(&pool.due(until)), [(2, "127.0.0.1:1".to_owned())]);
    assert_eq!(pool.due(until), []);
    let trouble = pool.snapshot(until).trouble("greeter");
    assert!(
        trouble.contains("greeter-1: connection refused"),
        "{trouble}"
    );
}

#[test]
fn a_restart_or_a_new_address_does_not_wait_for_the_back_off() {
    for successor in [endpoint("greeter-1", 2, 1), endpoint("greeter-1", 1, 9)] {
        let now = Instant::now();
        let mut pool = empty(now);
        pool.list(&greeters(1), now);
        for id in 1..8 {
            pool.dial_failed(id, "connection refused".into(), now, 1.0);
            pool.due(now + LONGEST);
        }
        pool.dial_failed(8, "connection refused".into(), now, 1.0);
        let actions = pool.list(&list(vec![successor]), now);
        assert_eq!(dials(&actions).len(), 1);
        // And the first wait is short again.
        pool.dial_failed(9, "connection refused".into(), now, 1.0);
        assert_eq!(pool.next_deadline(now), Some(now + FIRST));
    }
}

#[test]
fn an_instance_that_was_gone_and_is_back_is_dialled_at_once() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&greeters(1), now);
    pool.dial_failed(1, "connection refused".into(), now, 1.0);
    pool.list(&list(Vec::new()), now);
    assert_eq!(dials(&pool.list(&greeters(1), now)).len(), 1);
}

#[test]
fn a_port_that_another_instance_uses_now_is_not_called() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&greeters(1), now);
    let actions = pool.connected(1, answered(1, "billing-1", 7), now, 1.0);
    assert_eq!(actions, [Action::Retire(1)]);
    let snapshot = pool.snapshot(now);
    assert_eq!(next(&snapshot, &Rotation::default()), None);
    assert!(
        snapshot
            .trouble("greeter")
            .contains("`billing-1` answers there")
    );
    assert_eq!(pool.next_deadline(now), Some(now + FIRST));
}

#[test]
fn whoever_answers_at_a_listed_address_is_accepted_under_the_lists_name() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&list(vec![endpoint("host:7001", 0, 1)]), now);
    let name = "host:7001";
    assert_eq!(pool.connected(1, answered(1, "greeter-9", 5), now, 0.5), []);
    assert_eq!(next(&pool.snapshot(now), &Rotation::default()), Some(1));
    // The list is repeated, and says nothing new.
    assert_eq!(pool.list(&list(vec![endpoint(name, 0, 1)]), now), []);
}

#[test]
fn whoever_answers_at_a_bare_address_is_accepted_under_it() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(
        &list(vec![Endpoint {
            instance: None,
            ..endpoint("", 0, 5)
        }]),
        now,
    );
    assert_eq!(pool.connected(1, answered(1, "any", 3), now, 0.0), []);
    assert_eq!(next(&pool.snapshot(now), &Rotation::default()), Some(1));
}

#[test]
fn news_of_the_boot_that_already_answered_changes_nothing() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&greeters(1), now);
    assert_eq!(pool.connected(1, answered(1, "greeter-1", 2), now, 0.0), []);
    assert_eq!(pool.list(&list(vec![endpoint("greeter-1", 2, 1)]), now), []);
}

#[test]
fn a_successor_takes_over_from_the_connection_to_the_old_boot() {
    let now = Instant::now();
    let mut pool = connected(1, now);
    let actions = pool.list(&list(vec![endpoint("greeter-1", 2, 1)]), now);
    assert_eq!(dials(&actions).len(), 1);
    // The old one is called until then.
    assert_eq!(next(&pool.snapshot(now), &Rotation::default()), Some(1));
    let actions = pool.connected(2, answered(2, "greeter-1", 2), now, 0.0);
    assert_eq!(actions, [Action::Retire(1)]);
    assert_eq!(next(&pool.snapshot(now), &Rotation::default()), Some(2));
}

#[test]
fn an_instance_that_left_gets_no_calls_and_may_finish() {
    let now = Instant::now();
    let mut pool = connected(2, now);
    assert_eq!(pool.list(&greeters(1), now), [Action::Retire(2)]);
    let (snapshot, rotation) = (pool.snapshot(now), Rotation::default());
    assert!((0..9).all(|_| next(&snapshot, &rotation) == Some(1)));
    // The end of its connection concerns nobody.
    pool.closing((2, "greeter-2"), "gone", now, 0.0);
    assert_eq!(pool.next_deadline(now), None);
}

#[test]
fn a_dial_that_was_overtaken_is_closed_when_it_succeeds() {
    let now = Instant::now();
    let mut pool = empty(now);
    pool.list(&greeters(1), now);
    pool.list(&list(vec![endpoint("greeter-1", 2, 1)]), now);
    let late = pool.connected(1, answered(1, "greeter-1", 1), now, 0.0);
    assert_eq!(late, [Action::Retire(1)]);
    assert_eq!(pool.connected(2, answered(2, "greeter-1", 2), now, 0.0), []);
}

#[test]
fn a_proven_connection_that_ends_is_replaced_after_the_first_pause_and_a_fresh_one_later() {
    let start = Instant::now();
    let later = start + Duration::from_secs(10);
    let mut pool = connected(1, start);
    let mut ends = |id, pause| {
        pool.closing((id, "greeter-1"), "it is going away", later, 1.0);
        // What is told twice counts once.
        pool.closing((id, "greeter-1"), "it is going away", later, 1.0);
        assert_eq!(pool.next_deadline(later), Some(later + pause));
        assert_eq!(dials(&pool.due(later + pause)).len(), 1);
        pool.connected(id + 1, answered(2, "greeter-1", 1), later, 0.0);
    };
    ends(1, FIRST);
    ends(2, 2 * FIRST);
    ends(3, 4 * FIRST);
}

#[test]
fn an_empty_list_is_waited_out_for_a_moment_only() {
    let start = Instant::now();
    let mut pool = empty(start);
    let at = |pool: &Pool, millis| {
        let now = start + Duration::from_millis(millis);
        pool.snapshot(now).otherwise(now)
    };
    // Nothing is known yet.
    assert_eq!(
        at(&pool, 0),
        Pick::EmptyUntil(start + Duration::from_secs(5))
    );
    assert_eq!(at(&pool, 5000), Pick::Never);
    pool.list(&list(Vec::new()), start);
    assert_eq!(
        at(&pool, 999),
        Pick::EmptyUntil(start + Duration::from_secs(1))
    );
    assert_eq!(at(&pool, 1000), Pick::Never);
    // What is listed is waited for.
    pool.list(&greeters(1), start);
    assert_eq!(at(&pool, 60_000), Pick::Wait);
    pool.list(&list(Vec::new()), start + Duration::from_secs(61));
    assert_eq!(
        at(&pool, 61_000),
        Pick::EmptyUntil(start + Duration::from_secs(62))
    );
}

/// One thing that happens to a pool.
#[derive(Clone, Debug)]
enum Step {
    List(Vec<(u16, u64)>),
    DialsEnd(Vec<bool>),
    Close(usize),
    Suspect(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let instances = prop::collection::vec((1_u16..6, 1_u64..3), 0..6);
    prop_oneof![
        instances.prop_map(Step::List),
        prop::collection::vec(any::<bool>(), 1..6).prop_map(Step::DialsEnd),
        (0_usize..6).prop_map(Step::Close),
        (0_usize..6).prop_map(Step::Suspect),
        (0_u64..12_000).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens: one dial per instance at a time, no connection is lost track of, and every
    /// listed instance is connected, being dialled, or waiting for a time.
    #[test]
    fn every_listed_instance_is_looked_after(steps in prop::collection::vec(step(), 1..60)) {
        let mut now = Instant::now();
        let mut pool = empty(now);
        let mut under_way: BTreeMap<DialId, (String, u64)> = BTreeMap::new();
        let mut open: BTreeMap<DialId, String> = BTreeMap::new();
        let mut listed: BTreeMap<String, u64> = BTreeMap::new();
        for step in steps {
            let mut actions = Vec::new();
            match step {
                Step::List(instances) => {
                    listed = instances.iter().map(|(n, e)| (format!("greeter-{n}"), *e)).collect();
                    let ready = listed.iter().map(|(name, epoch)| endpoint(name, *epoch, 1));
                    actions = pool.list(&list(ready.collect()), now);
                }
                Step::DialsEnd(results) => {
                    for success in results {
                        let Some((id, (name, epoch))) = under_way.pop_first() else { break };
                        if success {
                            open.insert(id, name.clone());
                            let answered = answered(id, &name, epoch);
                            actions.extend(pool.connected(id, answered, now, 0.5));
                        } else {
                            pool.dial_failed(id, "refused".into(), now, 0.5);
                        }
                    }
                }
                Step::Close(which) => {
                    if let Some((id, name)) = open.clone().into_iter().nth(which) {
                        open.remove(&id);
                        pool.closing((id, &name), "gone", now, 0.5);
                    }
                }
                Step::Suspect(which) => {
                    if let Some((id, name)) = open.clone().into_iter().nth(which) {
                        pool.suspect((id, &name), now, 0.5);
                    }
                }
                Step::Pass(millis) => {
                    now += Duration::from_millis(millis);
                    actions = pool.due(now);
                }
            }
            for action in actions {
                match action {
                    Action::Dial(id, target) => {
                        let epoch = target.endpoint.instance.as_ref().map(|instance| instance.epoch);
                        let dial = (target.to_string(), epoch.unwrap_or_default());
                        prop_assert!(under_way.insert(id, dial).is_none());
                    }
                    Action::Retire(id) => prop_assert!(open.remove(&id).is_some()),
                    Action::Explain(..) => prop_assert!(false, "nothing stands between"),
                }
            }
            let snapshot = pool.snapshot(now);
            prop_assert_eq!(snapshot.connected(), open.len(), "one connection per instance");
            let names: Vec<&String> = open.values().collect();
            prop_assert!(names.windows(2).all(|pair| names.iter().filter(|n| *n == &pair[0]).count() == 1));
            for name in listed.keys() {
                let looked_after = names.contains(&name)
                    || under_way.values().any(|(dialled, _)| dialled == name)
                    || pool.next_deadline(now).is_some();
                prop_assert!(looked_after, "{} is forgotten", name);
            }
            if !open.is_empty() {
                let pick: Option<DialId> = snapshot.in_turn(&Rotation::default(), |_| true);
                prop_assert!(pick.is_some_and(|id| open.contains_key(&id)));
            }
        }
    }
}

#[test]
fn members_are_in_the_order_of_their_names() {
    let now = Instant::now();
    let mut pool = empty(now);
    let mut endpoints = greeters(3);
    endpoints.ready.reverse();
    pool.list(&endpoints, now);
    for n in [3, 1, 2] {
        let name: Arc<str> = format!("greeter-{n}").into();
        // Dials are numbered in the order of names, whatever the registry's.
        pool.connected(n, answered(n, &name, 1), now, 0.0);
    }
    let (snapshot, rotation) = (pool.snapshot(now), Rotation::default());
    let turns: Vec<_> = (0..3).filter_map(|_| next(&snapshot, &rotation)).collect();
    assert_eq!(turns, [1, 2, 3]);
}
