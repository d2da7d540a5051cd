//! What can be set.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use meshrpc::{
    Client as _, Mesh,
    client::{
        InstanceState,
        balance::{Balancing, Choice},
    },
};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Town, alone, eventually},
};
use tokio::task::JoinSet;

use crate::{
    LEDGER,
    sessions::homes,
    turns::{answers, shares},
};

const THREE: [&str; 3] = ["ledger-1", "ledger-2", "ledger-3"];

async fn mesh(balancing: Balancing) -> Mesh {
    let mesh = Mesh::from_env().await.expect("the mesh can be joined");
    mesh.balancing(balancing)
}

/// So many instances in each state: connected, and outside of the client's part.
fn states(client: &LedgerClient) -> (usize, usize) {
    let instances = LedgerClient::channel(client).instances();
    let of = |wanted: fn(&InstanceState) -> bool| {
        let states = instances.iter().map(|instance| instance.state);
        states.filter(wanted).count()
    };
    let connected = of(|state| matches!(state, InstanceState::Connected(1)));
    (connected, of(|state| *state == InstanceState::Outside))
}

#[test]
fn an_instance_has_as_many_connections_as_are_set() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(["ledger-1", "ledger-2"]).await;
        let mut balancing = Balancing::default();
        balancing.connections = 3;
        let mesh = mesh(balancing).await;
        let client = town.client_of(&mesh).await;
        let channel = LedgerClient::channel(&client);
        eventually("there are three to each", async || {
            let mut states = channel
                .instances()
                .into_iter()
                .map(|instance| instance.state);
            states.all(|state| state == InstanceState::Connected(3))
        })
        .await;
        let names = answers(&client, 60).await;
        assert_eq!(shares(&names), [("ledger-1", 30), ("ledger-2", 30)].into());
        for _ in 0..2 {
            let counts = client.counts().await.expect("it answers");
            assert_eq!(counts.connections, 3, "{counts:?}");
        }
        let counters = channel.counters();
        assert_eq!((counters.dials(), counters.met()), (6, 6));
    });
}

#[test]
fn an_instance_that_hangs_keeps_few_calls_from_one_that_has_less_to_do() {
    alone(LEDGER, async |town: Town| {
        let [hanging, _other] = town.start(["ledger-1", "ledger-2"]).await;
        let mut balancing = Balancing::default();
        balancing.choice = Choice::LeastLoadedOfTwo;
        let mesh = mesh(balancing).await;
        let client = town.client_of(&mesh).await;
        hanging.freeze();
        // In turn, eight calls would soon all hang.
        let (mut callers, answered) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
        for _ in 0..8 {
            let (client, answered) = (client.clone(), Arc::clone(&answered));
            callers.spawn(async move {
                while answered.load(Ordering::Relaxed) < 400 {
                    client.lookup(0, 0).await.expect("it answers in the end");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        eventually("four hundred are answered", async || {
            answered.load(Ordering::Relaxed) >= 400
        })
        .await;
        hanging.thaw();
        callers.join_all().await;
    });
}

#[test]
fn a_session_is_at_home_outside_of_the_clients_part_too() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(THREE).await;
        let homes_of_all = homes(&town.client().await).await;
        let mut balancing = Balancing::default();
        balancing.subset = 1;
        let mesh = mesh(balancing).await;
        let client = town.client_of(&mesh).await;
        eventually("the list is whole", async || states(&client) == (1, 2)).await;
        let names = answers(&client, 20).await;
        let used: BTreeSet<_> = names.iter().collect();
        assert_eq!(used.len(), 1, "calls went to {used:?}");

        assert_eq!(homes(&client).await, homes_of_all);
        assert_eq!(states(&client), (3, 0), "sessions belong to all");
        assert_eq!(
            answers(&client, 20).await,
            names,
            "other calls go where they went"
        );
        let counters = LedgerClient::channel(&client).counters();
        assert_eq!((counters.displaced_calls(), counters.dials()), (0, 3));
    });
}
