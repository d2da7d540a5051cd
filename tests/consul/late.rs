//! A client whose sidecar somebody else runs, and starts late.

use std::time::Duration;

use meshrpc::Call;
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::eventually,
};

use crate::place::{EVERY, Place, each};

#[test]
fn calls_pass_once_the_sidecar_is_there() {
    each(EVERY, async |place: Place| {
        let site = place.open().await;
        let [only] = site.town.start(["ledger-1"]).await;
        let mesh = meshrpc::Mesh::open(&site.agent.url("proxy=external&as=late")).await;
        let mesh = mesh.expect("the mesh can be joined");
        let client = LedgerClient::connect(&mesh, "ledger");
        let waiting = client.with(Call::new().deadline(Duration::from_secs(60)));
        let waiting = tokio::spawn(async move { waiting.wait_ready().await });
        let mut ids = Vec::new();
        eventually("it is registered", async || {
            ids = site.agent.registered("late").await.unwrap_or_default();
            ids.len() == 1
        })
        .await;
        let _sidecar = site.kind.start(&site.agent, &ids[0]);
        waiting.await.expect("no panic").expect("it can be reached");
        assert_eq!(client.who().await.expect("it answers").pid, only.pid());
    });
}
