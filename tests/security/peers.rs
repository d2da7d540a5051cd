//! What handlers are told of their callers: what is known, and never more.

use meshrpc::{Mesh, discovery::Address};

use crate::office::{Office, ask, open};

fn on_a_socket() -> (tempfile::TempDir, Address) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("doorman.sock");
    (folder, Address::Unix(path))
}

#[tokio::test]
async fn a_process_of_this_machine_has_a_user() {
    let (_folder, socket) = on_a_socket();
    let mesh = Office::at(socket).mesh();
    let _serving = open(&mesh, |builder| builder).await;
    let own = rustix::process::getuid().as_raw();
    assert_eq!(ask(&mesh).await.unwrap(), format!("uid {own}"));
}

#[tokio::test]
async fn of_tcp_and_of_pipes_nothing_is_known() {
    let mesh = Office::on_tcp().mesh();
    let _serving = open(&mesh, |builder| builder).await;
    assert_eq!(ask(&mesh).await.unwrap(), "unverified");
    let mesh = Mesh::in_process();
    let _serving = open(&mesh, |builder| builder).await;
    assert_eq!(ask(&mesh).await.unwrap(), "unverified");
}

#[tokio::test]
async fn who_a_proxy_is_says_nothing_of_those_behind_it() {
    let (_folder, socket) = on_a_socket();
    let mesh = Office::at(socket).behind_proxy().mesh();
    let _serving = open(&mesh, |builder| builder).await;
    assert_eq!(ask(&mesh).await.unwrap(), "unverified");

    // A key crosses it.
    let (_folder, socket) = on_a_socket();
    let keys = meshrpc::wire::Keys::new(["k".repeat(32)]).expect("a key");
    let mesh = Office::at(socket).behind_proxy().mesh().keys(keys);
    let _serving = open(&mesh, |builder| builder).await;
    assert_eq!(ask(&mesh).await.unwrap(), "key");
}
