//! Instances that say they are unavailable are left out: those, and at most half of all.

use std::{collections::BTreeSet, sync::Arc};

use fastrand::Rng;
use meshrpc::testing::seed;

use crate::{Till as _, alone, town::Town};

const RUNS: u64 = 60;

#[test]
fn at_most_half_of_the_instances_are_left_out_whichever_fail_and_whichever_leave() {
    for run in 0..RUNS {
        alone(async |folder| {
            seed(run);
            let mut rng = Rng::with_seed(run);
            let hosts = rng.usize(2..7);
            let town = Arc::new(Town::new(hosts, 1, folder));
            for host in 0..hosts {
                town.start(host).await;
            }
            town.clients[0].wait_ready_all().await.expect("all run");
            let mut running: Vec<usize> = (0..hosts).collect();
            rng.shuffle(&mut running);
            let mut sick = running[..rng.usize(..=hosts)].to_vec();
            let mut next = 0;
            // Failures, and then who is called, again and again as healthy instances leave.
            sick.iter().for_each(|&host| town.fall_sick(host));
            loop {
                rounds(&town, 20 * running.len(), &mut next).await;
                let called = rounds(&town, 4 * running.len(), &mut next).await;
                let few = format!("run {run}: {sick:?} of {running:?} fail, {called:?} are called");
                assert!(2 * called.len() >= running.len(), "{few}");
                if 2 * sick.len() <= running.len() {
                    let failing = sick.iter().any(|host| called.contains(host));
                    assert!(!failing, "{few}");
                }
                let healthy = running.iter().position(|host| !sick.contains(host));
                let Some(leaves) = healthy else { break };
                let host = running.remove(leaves);
                if running.is_empty() {
                    break;
                }
                town.stop(host).await;
                // Whoever stays is among at most half.
                sick.retain(|host| running.contains(host));
                let called = rounds(&town, 4 * running.len(), &mut next).await;
                assert!(
                    2 * called.len() >= running.len(),
                    "run {run}: {host} left, {sick:?} of {running:?} fail, {called:?} are called"
                );
            }
        });
    }
}

/// Makes calls one after the other; who was asked.
async fn rounds(town: &Town, calls: usize, next: &mut u64) -> BTreeSet<usize> {
    let mut asked = BTreeSet::new();
    for _ in 0..calls {
        *next += 1;
        let name = match town.clients[0].charge(*next).await {
            Ok(answer) => answer.split(':').next().unwrap_or_default().to_owned(),
            Err(error) => error.instance().unwrap_or_default().to_owned(),
        };
        let host = town.hosts.iter().position(|host| host.name == name);
        asked.insert(host.expect("somebody was asked"));
    }
    asked
}
