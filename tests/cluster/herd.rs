//! Many clients that lose the same instance at the same moment, and calls that all want to be made
//! again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use meshrpc::{Call, testing::seed};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Till as _, alone, town::Town, wires::Reach};

const CLIENTS: usize = 400;
/// Long enough for every client to have come to the longest pause.
const OUTAGE: Duration = Duration::from_secs(120);
/// The longest pause between two dials.
const LONGEST: u128 = 10_000;

/// While the instance is gone each client dials it ever more rarely, and no two of them in step; when
/// it is back, they come back spread over the longest pause, and all of them do.
#[test]
fn fault_39_clients_that_lost_an_instance_together_do_not_come_back_together() {
    alone(async |folder| {
        seed(39);
        let town = Town::new(1, CLIENTS, folder);
        town.start(0).await;
        for client in &town.clients {
            client.wait_ready().await.expect("it runs");
        }
        // Connections that have proved themselves.
        sleep(Duration::from_secs(30)).await;
        let before = town.wires.dials().len();
        assert_eq!(before, CLIENTS, "one dial each");
        // It goes on being listed: nobody is told that it is gone, and nobody that it is back.
        let name = &town.hosts[0].name;
        let start = Instant::now();
        town.wires.set_reach(name, Reach::Refused);
        town.wires.cut(name);
        sleep(OUTAGE).await;
        town.wires.set_reach(name, Reach::Whole);
        let back = start.elapsed().as_millis();
        sleep(Duration::from_secs(20)).await;
        let connected = |client| town.wires.is_connected(client, name);
        assert!((0..CLIENTS).all(connected), "somebody did not come back");

        let dials = town.wires.dials().split_off(before);
        let lost = dials[0].at.as_millis();
        let mut by_second = BTreeMap::<u128, usize>::new();
        let mut at_a_time = BTreeMap::<u128, usize>::new();
        for dial in &dials {
            let at = dial.at.as_millis() - lost;
            *by_second.entry(at / 1000).or_default() += 1;
            *at_a_time.entry(at).or_default() += 1;
        }
        // Pauses of up to 50 ms, 100 ms, and so on: about log₂(10 s / 25 ms) dials each, and then
        // one in 5 s.
        let dialled = dials.len() / CLIENTS;
        assert!(
            (20..45).contains(&dialled),
            "{dialled} dials of each client"
        );
        let settled = by_second.range(20..back / 1000).map(|(_, dials)| *dials);
        let (least, most) = (settled.clone().min(), settled.max());
        let expected = CLIENTS as u128 * 1000 / (LONGEST / 2);
        let fair = expected as usize / 2..expected as usize * 2;
        assert!(
            least.is_some_and(|least| fair.contains(&least)),
            "{least:?} in a second"
        );
        assert!(
            most.is_some_and(|most| fair.contains(&most)),
            "{most:?} in a second"
        );
        // Not even the first dials, after all lost it at the same moment, are made together.
        let together = at_a_time.values().max().copied().unwrap_or_default();
        assert!(
            together <= CLIENTS / 10,
            "{together} dials in one millisecond"
        );
        let (complaints, _) = town.wires.findings();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// Calls that may be repeated, and all fail: what is tried again is a tenth of what succeeds, and a few
/// a second, with what was saved before.
#[test]
fn fault_39_calls_made_again_add_a_tenth_to_the_load() {
    alone(async |folder| {
        seed(39);
        let town = Arc::new(Town::new(2, 1, folder));
        for host in 0..2 {
            town.start(host).await;
        }
        town.clients[0].wait_ready_all().await.expect("both run");
        let start = Instant::now();
        let mut calls = JoinSet::new();
        let made: u64 = 20_000;
        for call in 0..made {
            let till = town.clients[0].with(Call::new().deadline(Duration::from_secs(20)));
            calls.spawn(async move {
                sleep(Duration::from_millis(call / 2)).await;
                till.look(call).await.is_ok()
            });
        }
        // Connections break again and again, and calls with them.
        for host in (0..2).cycle().take(180) {
            sleep(Duration::from_millis(50)).await;
            town.hosts[host]
                .drawer
                .slow
                .store(30, std::sync::atomic::Ordering::Relaxed);
            town.wires.cut(&town.hosts[host].name);
        }
        let answered = calls.join_all().await.into_iter().filter(|&ok| ok).count() as u64;
        let ran: u64 = (0..made).map(|call| town.ran(call)).sum();
        let seconds = start.elapsed().as_secs();
        let again = ran.saturating_sub(made);
        let allowed = 100 + answered / 10 + 3 * (seconds + 1);
        assert!(again <= allowed, "{again} calls ran again, {allowed} may");
        assert!(
            again > 100,
            "{again} calls ran again: the budget was never asked"
        );
        assert!(answered < made, "every call was answered");
    });
}
