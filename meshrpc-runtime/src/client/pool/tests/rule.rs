//! Whatever a proxy and a registry do, dials stay within the rule, and what is called is listed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;

use super::scene::{MINUTE, Scene, behind, boots};
use crate::client::balance::Balancing;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    List(Vec<(u16, u64)>),
    Meet(u16, u64),
    Fail,
    Close(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let instances = prop::collection::vec((1_u16..7, 1_u64..3), 0..6);
    prop_oneof![
        1 => instances.prop_map(Step::List),
        6 => (1_u16..8, 1_u64..4).prop_map(|(n, epoch)| Step::Meet(n, epoch)),
        1 => Just(Step::Fail),
        1 => (0_usize..6).prop_map(Step::Close),
        6 => (0_u64..3_000).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever a proxy and a registry do: no instance has more connections than it is to have, none
    /// is called that is not listed, and what is missing is searched for.
    #[test]
    fn what_is_called_is_listed_and_met_once(
        connections in 1_usize..3,
        subset in 1_usize..8,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let balancing = Balancing { connections, subset, ..Balancing::default() };
        let mut scene = Scene::new(balancing, 1);
        let mut listed = BTreeSet::new();
        for step in steps {
            match step {
                Step::List(instances) => {
                    listed = instances.iter().map(|(n, _)| *n).collect();
                    scene.list(&behind(instances));
                }
                Step::Meet(n, epoch) if !scene.under_way.is_empty() => scene.meet((n, epoch)),
                Step::Fail if !scene.under_way.is_empty() => scene.fail("refused".into()),
                Step::Close(which) => {
                    let open = scene.open.values().nth(which).copied();
                    if let Some((n, _)) = open {
                        scene.close(n);
                    }
                }
                Step::Pass(millis) => {
                    scene.now += Duration::from_millis(millis);
                    let actions = scene.pool.due(scene.now);
                    scene.act(actions);
                }
                _ => {}
            }
            let snapshot = scene.pool.snapshot(scene.now);
            let mut called = BTreeMap::<u16, usize>::new();
            for id in snapshot.members().iter().flat_map(|member| member.connections()) {
                let of = scene.open.get(id);
                prop_assert!(of.is_some(), "a connection that is closed");
                *called.entry(of.map_or(0, |(n, _)| *n)).or_default() += 1;
            }
            prop_assert!(called.keys().all(|n| listed.contains(n)), "{called:?} of {listed:?}");
            prop_assert!(called.values().all(|&count| count <= connections));
            prop_assert!(called.len() <= subset);
            let looked_after = snapshot.all_connected()
                || listed.is_empty()
                || !scene.under_way.is_empty()
                || scene.pool.next_deadline(scene.now).is_some();
            prop_assert!(looked_after, "the search has ended");
        }
    }

    /// A proxy that leads to anybody, evenly: all are met within the bound. One that does not lead to
    /// one of them: the bound holds, in any window of time.
    #[test]
    fn dials_stay_within_the_rule(count in 1_u16..12, hidden: bool, seed: u64) {
        let mut scene = Scene::new(Balancing::default(), seed);
        scene.list(&boots(count));
        let hidden = hidden && count > 1;
        let there: Vec<u16> = (1..=count - u16::from(hidden)).collect();
        let bound = 8 * usize::from(count);
        scene.search(&there, bound);
        prop_assert!(scene.made.len() <= bound);
        if hidden {
            scene.search(&there, 3);
            let slow = scene.made[bound] - scene.made[bound - 1];
            prop_assert!(slow >= MINUTE / 2, "dial {} came {slow:?} later", bound + 1);
        } else {
            // Each is left out with a probability of e⁻⁸.
            prop_assert!(scene.met().len() + 1 >= there.len());
        }
        for (first, &from) in scene.made.iter().enumerate() {
            let within = scene.made[first..].iter().filter(|&&at| at - from < 10 * Duration::from_secs(1));
            prop_assert!(within.count() <= 40, "more than four a second");
        }
    }

    /// In turn, as Envoy leads: as many dials as there are instances.
    #[test]
    fn a_proxy_that_leads_in_turn_is_searched_in_one_round(count in 1_u16..30, first: u16) {
        let mut scene = Scene::of(count);
        for turn in 0..count {
            while scene.under_way.is_empty() {
                prop_assert!(scene.pass());
            }
            scene.meet(((first % count + turn) % count + 1, 1));
        }
        prop_assert_eq!(scene.pool.next_deadline(scene.now), None);
        prop_assert_eq!(scene.counters.dials(), u64::from(count));
    }
}
