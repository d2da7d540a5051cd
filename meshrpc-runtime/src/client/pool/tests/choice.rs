//! Who is called when some instances fail, and where sessions go.

use std::time::Instant;

use super::{
    super::{members::DialId, snapshot::Home},
    FIRST, Pool, answered, connected, dials, endpoint, greeters, next,
};
use crate::client::balance::{Rotation, ranked};

#[test]
fn an_ejected_instance_is_passed_over_and_returns() {
    let now = Instant::now();
    let mut pool = connected(2, now);
    assert!(pool.suspect((1, "greeter-1"), now, 0.0));
    let rotation = Rotation::default();
    assert!((0..9).all(|_| next(&pool.snapshot(now), &rotation) == Some(2)));
    // Half are out: the other one stays.
    assert!(!pool.suspect((2, "greeter-2"), now, 0.0));
    let back = pool.next_deadline(now).unwrap();
    let turns: Vec<_> = (0..4)
        .filter_map(|_| next(&pool.snapshot(back), &rotation))
        .collect();
    assert_eq!(turns.iter().filter(|&&turn| turn == 1).count(), 2);
}

#[test]
fn an_ejected_instance_is_better_than_none() {
    let now = Instant::now();
    let mut pool = connected(2, now);
    pool.suspect((1, "greeter-1"), now, 0.0);
    pool.closing((2, "greeter-2"), "gone", now, 1.0);
    let snapshot = pool.snapshot(now);
    assert_eq!(next(&snapshot, &Rotation::default()), Some(1));
    assert_eq!(
        snapshot.for_session("k", false, |_| true),
        Some(Home::Own(1))
    );
}

#[test]
fn news_about_an_older_connection_ejects_nobody() {
    let now = Instant::now();
    let mut pool = connected(2, now);
    assert!(!pool.suspect((7, "greeter-1"), now, 0.0));
}

#[test]
fn a_session_waits_for_its_own_instance_and_then_takes_the_next() {
    let now = Instant::now();
    let names = ["greeter-1", "greeter-2", "greeter-3"];
    let order = ranked("acct-7", &names);
    let mut pool = connected(3, now);
    let own = order[0] as DialId + 1;
    let own_name = names[order[0]];
    let at = |pool: &Pool, patient| pool.snapshot(now).for_session("acct-7", patient, |_| true);
    assert_eq!(at(&pool, true), Some(Home::Own(own)));

    // It is lost, and soon dialled again.
    pool.closing((own, own_name), "gone", now, 1.0);
    assert_eq!(at(&pool, true), Some(Home::Dialled));
    let again = dials(&pool.due(now + FIRST))[0].0;
    pool.dial_failed(again, "refused".into(), now, 1.0);
    assert_eq!(at(&pool, true), Some(Home::Later(order[1] as DialId + 1)));

    // It restarts: its successor is dialled, then connected.
    let mut endpoints = greeters(3);
    let port = u16::try_from(own).unwrap();
    endpoints.ready[order[0]] = endpoint(own_name, 2, port);
    pool.list(&endpoints, now);
    assert_eq!(at(&pool, true), Some(Home::Dialled));
    assert_eq!(at(&pool, false), Some(Home::Later(order[1] as DialId + 1)));
    pool.connected(5, answered(5, own_name, 2), now, 0.0);
    assert_eq!(at(&pool, true), Some(Home::Own(5)));
}

#[test]
fn a_session_that_was_refused_by_its_instance_takes_the_next() {
    let now = Instant::now();
    let pool = connected(3, now);
    let order = ranked("k", &["greeter-1", "greeter-2", "greeter-3"]);
    let refused = order[0] as DialId + 1;
    let pick = pool
        .snapshot(now)
        .for_session("k", true, |&id| id != refused);
    assert_eq!(pick, Some(Home::Later(order[1] as DialId + 1)));
}
