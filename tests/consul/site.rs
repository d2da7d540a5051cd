//! An agent, the deployment `ledger` on its mesh, and what goes on there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use meshrpc::{Call, Mesh};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{Instance, Outcome, Town, eventually, failures, within},
    real::{Agent, Found, Kind, beside},
};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::place::Place;

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");

/// An agent, and the deployment `ledger` on its mesh.
pub(crate) struct Site {
    pub(crate) agent: Agent,
    pub(crate) kind: Kind,
    pub(crate) via: &'static str,
    pub(crate) town: Town,
    url: String,
}

/// The lists that were seen one after another, each with the stable names in it.
pub(crate) struct Lists {
    seen: Arc<Mutex<Vec<Vec<String>>>>,
    task: JoinHandle<()>,
}

impl Site {
    pub(crate) async fn new(agent: Agent, place: Place, options: &str) -> Self {
        let url = agent.url(options);
        let given = options.split('&').find_map(|it| it.strip_prefix("via="));
        let mesh = mesh(&url, "client").await.expect("the mesh can be joined");
        Self {
            town: Town::on(place.folder().to_owned(), LEDGER, mesh, url.clone()),
            agent,
            kind: place.kind,
            via: match given {
                Some("instance") => "instance",
                Some("plain") => "plain",
                _ => "upstream",
            },
            url,
        }
    }

    /// The URL by which instances join.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The mesh for a client of this name: one with registration and sidecar of its own.
    pub(crate) async fn mesh(&self, name: &str) -> Result<Mesh, meshrpc::Error> {
        mesh(&self.url, name).await
    }

    /// A client of this name that was not there before.
    pub(crate) async fn newcomer(&self, name: &str) -> (Mesh, LedgerClient) {
        let mesh = self.mesh(name).await.expect("the mesh can be joined");
        let client = LedgerClient::connect(&mesh, "ledger");
        (mesh, client)
    }

    /// A client that knows every instance, and whose calls are made once.
    pub(crate) async fn client(&self) -> LedgerClient {
        self.town.client().await.with(Call::new().retries(false))
    }

    /// The stable names in the list of those that can be called, in order.
    pub(crate) async fn listed(&self) -> Vec<String> {
        let reply = self.agent.get(&list(self.via, "ledger")).await;
        let listed = reply.ok().filter(|reply| reply.status == 200);
        let listed = listed.and_then(|reply| names(&reply.text).ok());
        listed.unwrap_or_default()
    }

    /// Waits until these are listed.
    pub(crate) async fn lists(&self, names: &[&str], cap: Duration) {
        let what = format!("{names:?} are listed");
        within(cap, &what, async || self.listed().await == names).await;
    }

    /// Follows the list from now on.
    pub(crate) fn follow(&self) -> Lists {
        Lists::of(&self.agent, list(self.via, "ledger"))
    }

    /// Ids of all that can be called.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let mut ids = self.agent.passing("ledger").await.unwrap_or_default();
        ids.sort();
        ids
    }

    /// Compares what callers were told with what ran.
    pub(crate) fn check(&self, outcomes: &BTreeMap<u64, Outcome>) {
        let mut entries = self.town.entries();
        entries.retain(|entry| entry.what == "add" || entry.what == "lookup");
        meshrpc_tests::process::check(outcomes, &entries);
    }

    /// Compares what callers were told with what ran; no call may have failed.
    pub(crate) fn check_all_done(&self, outcomes: &BTreeMap<u64, Outcome>) {
        let failed = failures(outcomes);
        assert!(failed.is_empty(), "of {}: {failed:?}", outcomes.len());
        self.check(outcomes);
    }
}

/// A mesh on which this process is called `name`.
async fn mesh(url: &str, name: &str) -> Result<Mesh, meshrpc::Error> {
    Mesh::open(&format!("{url}&as={name}")).await
}

/// The proxy beside this instance.
///
/// # Panics
/// If there is not one.
pub(crate) fn sidecar(instance: &Instance) -> Found {
    sidecar_of(instance.pid())
}

/// The only proxy that this process has started.
///
/// # Panics
/// If there is not one.
pub(crate) fn sidecar_of(pid: u32) -> Found {
    let mut found = beside(pid);
    assert_eq!(found.len(), 1, "of {pid}: {found:?}");
    found.remove(0)
}

/// Waits until an instance of this process answers `client`.
pub(crate) async fn answered_by(client: &LedgerClient, pid: u32) {
    eventually("it answers", async || {
        client.who().await.is_ok_and(|who| who.pid == pid)
    })
    .await;
}

/// The port at which the only instance of `service` is dialled.
pub(crate) async fn dialled(site: &Site, service: &str) -> u16 {
    let listed = site.agent.json(&list(site.via, service)).await;
    let port = listed[0]["Service"]["Port"].as_u64();
    let port = port.and_then(|port| u16::try_from(port).ok());
    port.unwrap_or_else(|| panic!("{listed}"))
}

/// Where those are listed that can be called.
fn list(via: &str, service: &str) -> String {
    let which = if via == "plain" { "service" } else { "connect" };
    format!("/v1/health/{which}/{service}?passing")
}

fn names(text: &str) -> anyhow::Result<Vec<String>> {
    let entries: Vec<Value> = serde_json::from_str(text)?;
    let name = |entry: &Value| {
        let name = entry["Service"]["Meta"]["meshrpc-instance"].as_str();
        name.unwrap_or("without a name").to_owned()
    };
    let mut names: Vec<String> = entries.iter().map(name).collect();
    names.sort();
    Ok(names)
}

impl Lists {
    fn of(agent: &Agent, list: String) -> Self {
        let seen = Arc::<Mutex<Vec<Vec<String>>>>::default();
        let (into, asker) = (Arc::clone(&seen), agent.asker());
        let task = tokio::spawn(async move {
            let mut index = 0;
            loop {
                let path = format!("{list}&wait=20s&index={index}");
                let reply = asker.get(&path).await;
                let names = match &reply {
                    Ok(reply) if reply.status == 200 => names(&reply.text).ok(),
                    _ => None,
                };
                let Some(names) = names else {
                    index = 0;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                index = reply.map_or(0, |reply| reply.index);
                let mut seen = into.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.last() != Some(&names) {
                    seen.push(names);
                }
            }
        });
        Self { seen, task }
    }

    /// Whether such a list was seen.
    pub(crate) fn saw(&self, like: impl Fn(&[String]) -> bool) -> bool {
        self.seen().iter().any(|names| like(names))
    }

    /// All that was seen.
    pub(crate) fn seen(&self) -> Vec<Vec<String>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.task.abort();
    }
}
