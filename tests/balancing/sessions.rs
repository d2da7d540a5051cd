use std::collections::BTreeSet;

use meshrpc::{Call, Mesh};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Instance, Town, alone, eventually},
};

use crate::LEDGER;

const ACCOUNTS: [&str; 12] = [
    "acct-1", "acct-2", "acct-3", "acct-4", "acct-5", "acct-6", "acct-7", "acct-8", "acct-9",
    "acct-10", "acct-11", "acct-12",
];

/// Which instance each account is at; twenty calls each have to agree.
pub(crate) async fn homes(client: &LedgerClient) -> Vec<String> {
    let mut homes = Vec::new();
    for account in ACCOUNTS {
        let client = client.with(Call::new().session(account));
        let mut names = BTreeSet::new();
        for _ in 0..20 {
            names.insert(client.who().await.expect("it answers").name);
        }
        assert_eq!(names.len(), 1, "{account} is at {names:?}");
        homes.extend(names);
    }
    homes
}

/// Restarts an instance under its name, and waits until `client` calls the new one.
pub(crate) async fn restarted(
    town: &Town,
    client: &LedgerClient,
    old: Instance,
    hard: bool,
) -> Instance {
    let name = old.name().to_owned();
    if hard {
        drop(old);
    } else {
        old.terminate();
        assert!(old.ended().await.success());
    }
    let new = town.instance(&name).start().await;
    eventually("its successor answers", async || {
        client.who().await.expect("somebody answers").pid == new.pid()
    })
    .await;
    new
}

#[test]
fn a_session_stays_at_its_instance_whoever_calls_and_whatever_restarts() {
    alone(LEDGER, async |town: Town| {
        let [mut first, second, third] = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        let client = town.client().await;
        let before = homes(&client).await;
        let used: BTreeSet<_> = before.iter().collect();
        assert_eq!(used.len(), 3, "twelve accounts are at {used:?}");

        // Another process, and that process again.
        for _ in 0..2 {
            for (account, home) in ACCOUNTS.iter().zip(&before).take(4) {
                assert_eq!(town.ask(account, 5).await, vec![home.clone(); 5]);
            }
        }
        // A client that starts anew.
        let mesh = Mesh::from_env().await.expect("the mesh can be joined");
        assert_eq!(homes(&town.client_of(&mesh).await).await, before);

        for hard in [false, true] {
            first = restarted(&town, &client, first, hard).await;
            assert_eq!(
                homes(&client).await,
                before,
                "killed by force: {hard}; now {first}, {second}, {third}",
                first = first.pid(),
                second = second.pid(),
                third = third.pid()
            );
        }
    });
}

#[test]
fn a_sticky_argument_is_a_session() {
    alone(LEDGER, async |town: Town| {
        let _instances = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        let client = town.client().await;
        let homes = homes(&client).await;
        for (account, home) in ACCOUNTS.iter().zip(homes) {
            for call in 0..10 {
                let who = client.book(call, account).await.expect("it answers");
                assert_eq!(who.name, home, "{account}");
            }
        }
    });
}

#[test]
fn only_the_sessions_of_an_instance_that_leaves_move() {
    alone(LEDGER, async |town: Town| {
        let [first, _second, _third] = town.start(["ledger-1", "ledger-2", "ledger-3"]).await;
        let client = town.client().await;
        let before = homes(&client).await;
        first.terminate();
        assert!(first.ended().await.success());
        for (before, after) in before.iter().zip(homes(&client).await) {
            assert_ne!(after, "ledger-1");
            assert!(before == "ledger-1" || *before == after);
        }
    });
}
