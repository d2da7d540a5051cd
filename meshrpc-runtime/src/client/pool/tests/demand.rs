//! Subsets of a long list, and the instances outside of them that sessions belong to.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    super::{members::DialId, snapshot::Home},
    Action, Pool, answered, balanced, dials, greeters,
};
use crate::client::balance::{Balancing, Rotation, ranked};

/// A pool that connects to `subset` of `count` instances, and has; greeter-n on connection n of the
/// result.
fn connected(count: u16, subset: usize, now: Instant) -> (Pool, BTreeSet<String>) {
    let balancing = Balancing {
        subset,
        ..Balancing::default()
    };
    let mut pool = balanced(balancing, now);
    let names = connect(&mut pool, count, now);
    (pool, names)
}

/// Lists `count` instances, and lets dials succeed.
fn connect(pool: &mut Pool, count: u16, now: Instant) -> BTreeSet<String> {
    let actions = pool.list(&greeters(count), now);
    succeed(pool, actions, now)
}

fn succeed(pool: &mut Pool, actions: Vec<Action<DialId>>, now: Instant) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for action in actions {
        if let Action::Dial(id, target) = action {
            let name = target.to_string();
            assert_eq!(pool.connected(id, answered(id, &name, 1), now, 0.0), []);
            names.insert(name);
        }
    }
    names
}

/// A session that belongs to an instance outside of the subset, and that instance.
fn stranger(pool: &Pool, now: Instant) -> (String, String) {
    let snapshot = pool.snapshot(now);
    let names: Vec<&str> = snapshot.members().iter().map(AsRef::as_ref).collect();
    let mut keys = (0..).map(|n| format!("acct-{n}"));
    let found = keys.find_map(|key| {
        let own = &snapshot.members()[ranked(&key, &names)[0]];
        (!own.is_connected()).then(|| (key, own.name.to_string()))
    });
    found.unwrap()
}

#[test]
fn a_client_connects_to_its_subset_alone_and_that_is_all_there_is_to_wait_for() {
    let now = Instant::now();
    let (pool, names) = connected(30, 5, now);
    assert_eq!(names.len(), 5);
    let snapshot = pool.snapshot(now);
    assert!(snapshot.all_connected());
    assert_eq!(snapshot.members().len(), 30);
    let trouble = snapshot.trouble("greeter");
    assert_eq!(trouble, "5 of 30 instances of `greeter` connected");
}

#[test]
fn an_instance_more_moves_at_most_one_connection() {
    let now = Instant::now();
    let (mut pool, _) = connected(30, 5, now);
    let mut moved = 0;
    for count in 31..=60 {
        let actions = pool.list(&greeters(count), now);
        let (dialled, retired) = (dials(&actions).len(), actions.len() - dials(&actions).len());
        assert!(dialled <= 1 && retired == dialled, "{actions:?}");
        moved += dialled;
        succeed(&mut pool, actions, now);
        assert_eq!(pool.snapshot(now).connected(), 5);
    }
    assert!((1..=15).contains(&moved), "{moved} of 5 connections moved");
}

#[test]
fn a_dial_that_is_overtaken_by_a_change_of_the_subset_is_closed() {
    let now = Instant::now();
    let balancing = Balancing {
        subset: 1,
        ..Balancing::default()
    };
    let mut pool = balanced(balancing, now);
    let first = pool.list(&greeters(1), now);
    assert_eq!(dials(&first).len(), 1);
    // Its place goes to another sooner or later.
    let mut count = 1;
    while dials(&pool.list(&greeters(count), now)).is_empty() {
        count += 1;
    }
    let late = pool.connected(1, answered(1, "greeter-1", 1), now, 0.0);
    assert_eq!(late, [Action::Retire(1)]);
}

#[test]
fn a_session_is_taken_to_its_own_instance_outside_of_the_subset() {
    let now = Instant::now();
    let (mut pool, _) = connected(30, 5, now);
    let (key, own) = stranger(&pool, now);
    let home = |pool: &Pool, patient| pool.snapshot(now).for_session(&key, patient, |_| true);
    // It is asked for once, and waited for.
    assert_eq!(home(&pool, true), Some(Home::Outside(own.as_str().into())));
    assert_eq!(home(&pool, true), Some(Home::Dialled));
    assert!(matches!(home(&pool, false), Some(Home::Later(_))));

    let actions = pool.want(&own, now);
    assert_eq!(dials(&actions).len(), 1);
    assert_eq!(pool.want(&own, now), []);
    assert_eq!(home(&pool, true), Some(Home::Dialled));
    succeed(&mut pool, actions, now);
    assert_eq!(home(&pool, true), Some(Home::Own(6)));
    // Other calls do not go there.
    let (snapshot, rotation) = (pool.snapshot(now), Rotation::default());
    assert!((0..50).all(|_| snapshot.in_turn(&rotation, |_| true) != Some(6)));
}

#[test]
fn an_instance_that_no_session_wants_any_more_is_left() {
    let start = Instant::now();
    let (mut pool, _) = connected(30, 5, start);
    let (key, own) = stranger(&pool, start);
    let call = |pool: &Pool, now| pool.snapshot(now).for_session(&key, true, |_| true);
    call(&pool, start);
    let actions = pool.want(&own, start);
    succeed(&mut pool, actions, start);
    let mut now = start;
    for _ in 0..3 {
        assert_eq!(call(&pool, now), Some(Home::Own(6)));
        now += Duration::from_secs(300);
        assert_eq!(pool.next_deadline(now), Some(now));
        assert_eq!(pool.due(now), []);
    }
    now += Duration::from_secs(300);
    assert_eq!(pool.due(now), [Action::Retire(6)]);
    assert_eq!(pool.next_deadline(now), None);
    // And is asked for again by the next call.
    assert_eq!(call(&pool, now), Some(Home::Outside(own.as_str().into())));
}

#[test]
fn of_two_instances_the_one_with_less_to_do_is_called() {
    let now = Instant::now();
    let (pool, _) = connected(2, 5, now);
    let snapshot = pool.snapshot(now);
    let least = |calls: [usize; 2], usable: fn(&DialId) -> bool| {
        let load = |id: &DialId| calls[*id as usize - 1];
        let taken: BTreeSet<Option<DialId>> = (0..2)
            .map(|first| snapshot.less_loaded(|below| first.min(below - 1), usable, load))
            .collect();
        taken
    };
    assert_eq!(least([5, 3], |_| true), BTreeSet::from([Some(2)]));
    assert_eq!(least([0, 1], |_| true), BTreeSet::from([Some(1)]));
    assert_eq!(least([5, 3], |&id| id == 1), BTreeSet::from([Some(1)]));
    assert_eq!(least([5, 3], |_| false), BTreeSet::from([None]));
}
