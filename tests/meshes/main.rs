//! The ways to an instance: TCP and Unix sockets, the local registry and a list.

use std::collections::BTreeSet;

use meshrpc::{Mesh, discovery::Address};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Town, alone},
};

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");

/// Who answers four calls.
async fn answers(client: &LedgerClient) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..4 {
        names.insert(client.who().await.expect("it answers").name);
    }
    names
}

#[test]
fn an_instance_on_a_unix_socket_is_found_in_the_local_registry() {
    alone(LEDGER, async |town: Town| {
        let path = town.folder().join("ledger.sock");
        let listen = format!("unix:{}", path.display());
        let start = || town.instance("ledger-1").env("MESHRPC_LISTEN", &listen);
        let mut first = start().start().await;
        assert_eq!(*first.address(), Address::Unix(path.clone()));
        let client = town.client().await;
        assert_eq!(
            answers(&client).await,
            BTreeSet::from(["ledger-1".to_owned()])
        );

        // What a killed one leaves behind is in nobody's way.
        first.kill();
        let second = start().start().await;
        let mesh = Mesh::from_env().await.expect("the mesh can be joined");
        let client = town.client_of(&mesh).await;
        assert_eq!(client.who().await.expect("it answers").pid, second.pid());

        second.terminate();
        assert!(second.ended().await.success());
        assert!(!path.exists(), "the socket is still there");
    });
}

#[test]
fn a_list_of_addresses_is_a_mesh() {
    alone(LEDGER, async |town: Town| {
        let socket = format!("unix:{}/ledger.sock", town.folder().display());
        let list = format!("static:ledger={socket}");
        let unix = town
            .instance("ledger-1")
            .env("MESHRPC_MESH", &list)
            .env("MESHRPC_LISTEN", &socket)
            .start()
            .await;
        let tcp = town.instance("ledger-2").start().await;
        let list = format!("static:ledger={}|{}", unix.address(), tcp.address());
        let mesh = Mesh::open(&list).await.expect("a list is a mesh");
        let client = town.client_of(&mesh).await;
        let both = BTreeSet::from(["ledger-1".to_owned(), "ledger-2".to_owned()]);
        assert_eq!(answers(&client).await, both);
    });
}

#[test]
fn a_listed_instance_that_restarts_is_called_again() {
    alone(LEDGER, async |town: Town| {
        let socket = format!("unix:{}/ledger.sock", town.folder().display());
        let list = format!("static:ledger={socket}");
        let start = || {
            town.instance("ledger-1")
                .env("MESHRPC_MESH", &list)
                .env("MESHRPC_LISTEN", &socket)
        };
        let mut first = start().start().await;
        let mesh = Mesh::open(&list).await.expect("a list is a mesh");
        let client = town.client_of(&mesh).await;
        assert_eq!(client.who().await.expect("it answers").pid, first.pid());
        first.kill();
        let second = start().start().await;
        let who = client.who().await.expect("its successor is waited for");
        assert_eq!(who.pid, second.pid());
    });
}

#[test]
fn what_is_not_on_the_list_is_an_error() {
    alone(LEDGER, async |_town: Town| {
        let list = "static:ledger=127.0.0.1:1";
        let mesh = Mesh::open(list).await.expect("a list is a mesh");
        let error = LedgerClient::connect(&mesh, "another").who().await;
        let error = error.expect_err("it is not on the list");
        assert!(error.to_string().contains("another"), "{error:#}");
    });
}
