//! Why nobody answers: nobody is there, nobody can be reached, or it is denied.

use std::time::Duration;

use meshrpc::{Call, Code, Kind, Started};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{cause, eventually},
    real::free,
};

use crate::{
    place::{Place, WAYS, each},
    site::Site,
    untrue::ghost,
};

/// How long a call may wait for somebody.
const DEADLINE: Duration = Duration::from_secs(5);

#[test]
fn nobody_there_and_nobody_reached_and_denied_are_three_errors() {
    each(WAYS, async |place: Place| {
        let site = place.open().await;
        let newcomer = site.newcomer("newcomer").await;
        let empty = "Consul lists no healthy instance of `ledger`";
        refused(&newcomer.1, Kind::Unavailable, Code::Unavailable, empty).await;

        // It passes its checks, and nobody listens.
        ghost(&site, free()).await;
        let (kind, code, unreachable) = match site.via {
            // Nobody has to be asked, and it may come.
            "plain" => (
                Kind::DeadlineExceeded,
                Code::DeadlineExceeded,
                "Connection refused",
            ),
            _ => (
                Kind::Unavailable,
                Code::Unavailable,
                "lists 1 healthy instance of `ledger` and allows the call, and none was reached",
            ),
        };
        refused(&newcomer.1, kind, code, unreachable).await;
        denied(&site).await;
    });
}

/// The same, to somebody who may not call; without sidecars nobody keeps him out.
async fn denied(site: &Site) {
    if site.via == "plain" {
        return;
    }
    let _denial = site.agent.deny("stranger", "ledger").await;
    let (_mesh, stranger) = site.newcomer("stranger").await;
    let why = "`stranger` may not call `ledger`";
    refused(&stranger, Kind::Denied, Code::PermissionDenied, why).await;
}

/// Waits until calls are refused so, and for this reason.
async fn refused(client: &LedgerClient, kind: Kind, code: Code, why: &str) {
    let client = client.with(Call::new().deadline(DEADLINE));
    // The reason is asked for once a dial has failed.
    eventually(why, async || {
        let error = client.add(0, 0, &[]).await.expect_err("nobody serves");
        let error = cause(&error);
        assert_eq!(error.started(), Started::No, "{error}");
        tracing::info!(kind = ?error.kind(), code = ?error.code(), %error, "refused");
        (error.kind(), error.code()) == (kind, code) && error.to_string().contains(why)
    })
    .await;
}
