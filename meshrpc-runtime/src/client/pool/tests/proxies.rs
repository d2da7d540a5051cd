//! Instances behind a proxy that picks them by itself.

use std::{collections::BTreeSet, time::Duration};

use super::{
    super::{
        members::{DialId, Way},
        snapshot::{Home, Pick},
        trouble::Trouble,
    },
    address, next,
    scene::{MINUTE, PROXY, Scene, behind, boots, name},
};
use crate::{
    client::balance::{Balancing, Rotation, ranked},
    error::{Error, Kind},
};

#[test]
fn the_first_dial_is_at_once_and_the_next_half_a_second_apart() {
    let mut scene = Scene::of(5);
    assert_eq!(scene.made, [scene.now]);
    for n in 1..=5 {
        while scene.under_way.is_empty() {
            assert!(scene.pass());
        }
        scene.meet((n, 1));
    }
    assert_eq!(scene.round(), [1, 2, 3, 4, 5]);
    assert!(scene.pool.snapshot(scene.now).all_connected());
    for pair in scene.made.windows(2) {
        let gap = pair[1] - pair[0];
        let expected = Duration::from_millis(250)..Duration::from_millis(750);
        assert!(expected.contains(&gap), "{gap:?}");
    }
    // All are met, and that is that.
    assert_eq!(scene.pool.next_deadline(scene.now), None);
}

#[test]
fn a_search_without_end_is_eight_dials_for_each_and_then_one_a_minute() {
    let mut scene = Scene::of(5);
    // The fifth is listed, and the proxy leads nobody there.
    scene.search(&[1, 2, 3, 4], 40);
    assert_eq!(scene.met(), BTreeSet::from([1, 2, 3, 4]));
    let began = scene.now;
    scene.search(&[1, 2, 3, 4], 10);
    let minutes = (scene.now - began).as_secs_f64() / 60.0;
    assert!(
        (7.0..13.0).contains(&minutes),
        "ten dials in {minutes} minutes"
    );
    assert_eq!((scene.counters.dials(), scene.counters.met()), (50, 4));
    assert_eq!(scene.counters.surplus(), 46);
    // It comes after all.
    scene.search(&[5], 1);
    assert_eq!(scene.met().len(), 5);
    assert_eq!(scene.pool.next_deadline(scene.now), None);
}

#[test]
fn a_change_of_the_list_begins_the_search_anew() {
    let mut scene = Scene::of(2);
    scene.search(&[1], 17);
    let began = scene.now;
    scene.list(&boots(3));
    scene.search(&[1], 24);
    assert!(scene.now - began < MINUTE / 2, "24 dials at two a second");
    // So does a restart of an instance, met or not.
    let began = scene.now;
    scene.list(&behind([(1, 1), (2, 2), (3, 1)]));
    scene.search(&[1], 24);
    assert!(scene.now - began < MINUTE / 2, "24 dials at two a second");
    // The same list says nothing new.
    let began = scene.now;
    scene.list(&behind([(1, 1), (2, 2), (3, 1)]));
    scene.search(&[1], 1);
    assert!(scene.now - began >= MINUTE / 2);
}

#[test]
fn no_more_dials_are_under_way_than_there_are_instances_to_be_met() {
    // The proxy leads to somebody who hangs.
    let mut scene = Scene::of(3);
    for _ in 0..9 {
        scene.pass();
    }
    assert_eq!(scene.under_way.len(), 3);
    assert_eq!(scene.pool.next_deadline(scene.now), None);
    scene.meet((1, 1));
    assert!(
        !scene.pass(),
        "two are missing, and two dials are under way"
    );
    scene.fail("no answer".into());
    assert!(scene.pass());
    assert_eq!(scene.under_way.len(), 2);
}

#[test]
fn an_instance_that_leaves_is_not_searched_for_and_one_that_comes_is_called_once_met() {
    let mut scene = Scene::of(3);
    scene.search(&[1, 2, 3], 24);
    scene.list(&behind([(1, 1), (3, 1)]));
    assert_eq!(scene.round(), [1, 3]);
    assert_eq!(scene.pool.next_deadline(scene.now), None);
    scene.list(&behind([(1, 1), (3, 1), (4, 1)]));
    assert_eq!(scene.round(), [1, 3]);
    scene.search(&[1, 3, 4], 24);
    assert_eq!(scene.round(), [1, 3, 4]);
}

#[test]
fn a_lost_connection_is_searched_for_again_and_one_that_keeps_breaking_within_the_bound() {
    let mut scene = Scene::of(3);
    scene.search(&[1, 2, 3], 24);
    scene.now += MINUTE;
    scene.close(2);
    assert_eq!(scene.round(), [1, 3]);
    let began = scene.now;
    scene.search(&[1, 2, 3], 24);
    assert_eq!(scene.round(), [1, 2, 3]);
    assert!(scene.now - began < MINUTE / 2);
    // This one dies as soon as it is met.
    let before = scene.made.len();
    for _ in 0..30 {
        scene.close(2);
        while scene.under_way.is_empty() {
            scene.pass();
        }
        scene.meet((2, 1));
    }
    let began = scene.made[before];
    assert!(
        scene.now - began > 2 * MINUTE,
        "the bound was renewed each time"
    );
}

#[test]
fn a_later_boot_replaces_an_earlier_one_and_an_earlier_one_is_not_called() {
    let mut scene = Scene::of(1);
    scene.meet((1, 1));
    // The list knows of its successor first: the old one is called until that is met.
    scene.list(&behind([(1, 2)]));
    assert_eq!(scene.round(), [1]);
    scene.pass();
    scene.meet((1, 1));
    assert_eq!((scene.counters.stale(), scene.open.len()), (1, 1));
    scene.pass();
    scene.meet((1, 2));
    assert_eq!(scene.open.values().collect::<Vec<_>>(), [&(1, 2)]);
    // The proxy knows of it first.
    let mut scene = Scene::of(2);
    scene.meet((1, 1));
    scene.pass();
    scene.meet((1, 3));
    assert_eq!(scene.open.values().collect::<Vec<_>>(), [&(1, 3)]);
}

#[test]
fn whoever_is_not_listed_is_not_called_until_it_is() {
    let mut scene = Scene::of(2);
    scene.meet((3, 1));
    assert_eq!((scene.round(), scene.counters.unlisted()), (vec![], 1));
    assert_eq!(scene.open.len(), 1, "it is kept for a moment");
    scene.list(&boots(3));
    assert_eq!(scene.round(), [3]);

    let mut scene = Scene::of(2);
    scene.meet((3, 1));
    scene.pass();
    scene.meet((3, 1));
    assert_eq!(scene.open.len(), 1, "one is enough");
    scene.now += Duration::from_secs(11);
    let actions = scene.pool.due(scene.now);
    scene.act(actions);
    assert_eq!(scene.open.len(), 0, "and closed when nobody lists it");
}

#[test]
fn several_connections_are_made_to_each_if_it_is_so_set() {
    let balancing = Balancing {
        connections: 2,
        ..Balancing::default()
    };
    let mut scene = Scene::new(balancing, 3);
    scene.list(&boots(3));
    scene.search(&[1, 2, 3], 3 * 8 * 2);
    assert_eq!(scene.open.len(), 6);
    // In turn over instances first, then over the connections of each.
    let (snapshot, rotation) = (scene.pool.snapshot(scene.now), Rotation::default());
    let turns: Vec<DialId> = (0..12).filter_map(|_| next(&snapshot, &rotation)).collect();
    let instances: Vec<u16> = turns.iter().map(|id| scene.open[id].0).collect();
    assert_eq!(instances, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(turns.iter().collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(turns[..6], turns[6..]);
}

#[test]
fn a_subset_is_met_and_others_stand_in_until_then() {
    let balancing = Balancing {
        subset: 3,
        ..Balancing::default()
    };
    let mut scene = Scene::new(balancing, 11);
    scene.list(&boots(12));
    let all: Vec<u16> = (1..=12).collect();
    scene.search(&all, 4);
    assert_eq!(scene.round().len(), 3, "whoever was met is called");
    scene.search(&all, 12 * 8);
    assert!(scene.pool.snapshot(scene.now).all_connected());
    assert_eq!(scene.open.len(), 3);
    assert_eq!(scene.pool.next_deadline(scene.now), None);
}

#[test]
fn an_old_connection_is_replaced_when_its_instance_is_met_again() {
    let balancing = Balancing {
        max_age: Some(10 * MINUTE),
        ..Balancing::default()
    };
    let mut scene = Scene::new(balancing, 5);
    scene.list(&boots(1));
    scene.meet((1, 1));
    let first = *scene.open.keys().next().unwrap();
    let met = scene.now;
    while scene.under_way.is_empty() {
        assert!(scene.pass());
    }
    let age = scene.now - met;
    assert!(age >= 9 * MINUTE && age <= 11 * MINUTE, "{age:?}");
    assert_eq!(scene.round(), [1], "it is called until then");
    scene.meet((1, 1));
    assert!(!scene.open.contains_key(&first) && scene.open.len() == 1);
}

#[test]
fn a_proxy_that_is_away_is_dialled_after_short_pauses_for_as_long_as_it_takes() {
    let mut scene = Scene::of(5);
    let began = scene.now;
    for _ in 0..200 {
        while scene.under_way.is_empty() {
            assert!(scene.pass());
        }
        scene.fail("connection refused".into());
    }
    let gaps: Vec<_> = scene
        .made
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let millis: Vec<u128> = gaps.iter().map(|gap| gap.as_millis()).take(6).collect();
    assert_eq!(millis, [100, 200, 400, 800, 1000, 1000]);
    assert!(scene.now - began < 4 * MINUTE);
    // The search then begins as if nothing had been.
    scene.search(&[1, 2, 3, 4, 5], 40);
    assert_eq!(scene.met().len(), 5);
    assert_eq!(scene.counters.failed_dials(), 200);
}

#[test]
fn the_registry_is_asked_once_at_a_time_why_a_dial_failed() {
    let mut scene = Scene::of(2);
    let way = Way::Proxy(address(PROXY));
    for _ in 0..3 {
        while scene.under_way.is_empty() {
            scene.pass();
        }
        scene.fail("closed by the peer".into());
    }
    assert_eq!(scene.questions, std::slice::from_ref(&way));
    let at = |scene: &Scene| scene.pool.snapshot(scene.now).otherwise(scene.now);
    assert_eq!(at(&scene), Pick::Wait);

    let denied = Error::new(Kind::Denied, "an intention denies `shop` to call `greeter`");
    scene
        .pool
        .explained(&way, Some(Trouble::explained(&denied)));
    assert_eq!(at(&scene), Pick::Never, "nobody waits for a permission");
    let snapshot = scene.pool.snapshot(scene.now);
    assert_eq!(snapshot.fault().map(|fault| fault.kind), Some(Kind::Denied));
    let text = snapshot.trouble("greeter");
    assert!(text.contains("greeter-2: an intention denies"), "{text}");

    // It is asked again, and sees no fault any more.
    scene.pass();
    scene.fail("closed by the peer".into());
    assert_eq!((scene.questions.len(), scene.counters.questions()), (2, 2));
    scene.pool.explained(&way, None);
    assert_eq!(at(&scene), Pick::Wait);
    scene.pass();
    scene.meet((1, 1));
    assert_eq!(scene.round(), [1]);
    assert!(scene.pool.snapshot(scene.now).fault().is_none());
}

#[test]
fn an_answer_that_comes_after_a_dial_succeeded_is_too_late() {
    let mut scene = Scene::of(1);
    scene.fail("closed by the peer".into());
    scene.pass();
    scene.meet((1, 1));
    let denied = Trouble::explained(&Error::new(Kind::Denied, "denied"));
    scene
        .pool
        .explained(&Way::Proxy(address(PROXY)), Some(denied));
    scene.close(1);
    let snapshot = scene.pool.snapshot(scene.now);
    assert_eq!(snapshot.otherwise(scene.now), Pick::Wait);
}

#[test]
fn a_dial_that_failed_by_the_callees_word_needs_no_registry() {
    let mut scene = Scene::of(1);
    scene.fail(Trouble::from(&Error::new(
        Kind::Denied,
        "the key is another",
    )));
    assert_eq!(scene.questions, []);
    let snapshot = scene.pool.snapshot(scene.now);
    assert_eq!(snapshot.otherwise(scene.now), Pick::Never);
}

#[test]
fn a_session_goes_to_its_own_instance_once_that_is_met() {
    let mut scene = Scene::of(3);
    let names = [1, 2, 3].map(name);
    let order: Vec<u16> = ranked("acct-7", &names)
        .iter()
        .map(|&i| i as u16 + 1)
        .collect();
    let home = |scene: &Scene| {
        let snapshot = scene.pool.snapshot(scene.now);
        match snapshot.for_session("acct-7", true, |_| true) {
            Some(Home::Own(id)) => (scene.open[&id].0, true),
            Some(Home::Later(id)) => (scene.open[&id].0, false),
            other => panic!("{other:?}"),
        }
    };
    scene.meet((order[2], 1));
    assert_eq!(home(&scene), (order[2], false));
    scene.pass();
    // A dial is under way: it may be its own.
    let snapshot = scene.pool.snapshot(scene.now);
    assert_eq!(
        snapshot.for_session("acct-7", true, |_| true),
        Some(Home::Dialled)
    );
    scene.meet((order[1], 1));
    assert_eq!(home(&scene), (order[1], false));
    scene.pass();
    scene.meet((order[0], 1));
    assert_eq!(home(&scene), (order[0], true));
}
