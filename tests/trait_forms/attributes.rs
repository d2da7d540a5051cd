//! What the attributes say, and what other attributes are left to do.

use std::{sync::Mutex, time::Duration};

use meshrpc::{
    Handler, Server,
    contract::Deadline,
    discovery::BoxFuture,
    mesh_service,
    server::{Request, Response},
    testing::{Network, pair},
};

/// Everything that can be said of a method.
#[mesh_service(name = "acme.effects")]
pub trait Effects {
    /// Plain.
    async fn plain(&self) -> anyhow::Result<u8>;
    /// May be repeated.
    #[mesh(idempotent, deadline = "500ms")]
    async fn lookup(&self, id: u64) -> anyhow::Result<u64>;
    /// Has no deadline, and another name.
    #[mesh(deadline = "none")]
    #[mesh(name = "renamed")]
    async fn forever(&self) -> anyhow::Result<u8>;
    /// Goes to one instance.
    #[mesh(sticky = account)]
    async fn charge(&self, cents: u64, account: &str) -> anyhow::Result<u64>;
    /// Not in this build, and its types do not exist.
    #[cfg(any())]
    async fn absent(&self, missing: Missing) -> Gone;
    /// In this build.
    #[cfg(not(any()))]
    async fn present(&self) -> anyhow::Result<u8>;
    /// After one that is not always there.
    async fn last(&self) -> anyhow::Result<u8>;
    /// Warns.
    #[deprecated]
    async fn old(&self) -> anyhow::Result<u8>;
    /// May be overridden by the implementation, so it is remote.
    async fn default(&self, mut n: u8, (a, b): (u8, u8)) -> anyhow::Result<u8> {
        n += a + b;
        if n > 100 {
            return Ok(100);
        }
        Ok(n + self.last().await?)
    }
    /// Answered at the caller.
    #[mesh(local)]
    fn label(&self) -> &'static str {
        "local"
    }
    /// Answered at the caller too.
    #[mesh(local)]
    async fn twice(&self) -> anyhow::Result<u8> {
        Ok(2 * self.last().await?)
    }
    /// A constant.
    const LIMIT: u8 = 9;
    /// No `self`.
    fn limit() -> u8 {
        Self::LIMIT
    }
}

struct Service;

impl Effects for Service {
    async fn plain(&self) -> anyhow::Result<u8> {
        Ok(1)
    }
    async fn lookup(&self, id: u64) -> anyhow::Result<u64> {
        Ok(id)
    }
    async fn forever(&self) -> anyhow::Result<u8> {
        Ok(2)
    }
    async fn charge(&self, cents: u64, account: &str) -> anyhow::Result<u64> {
        Ok(cents + account.len() as u64)
    }
    async fn present(&self) -> anyhow::Result<u8> {
        Ok(3)
    }
    async fn last(&self) -> anyhow::Result<u8> {
        Ok(4)
    }
    async fn old(&self) -> anyhow::Result<u8> {
        Ok(5)
    }
    fn label(&self) -> &'static str {
        "remote"
    }
}

async fn client() -> EffectsClient {
    pair(Service)
}

#[test]
fn the_contract_says_what_the_attributes_say() {
    assert_eq!(EFFECTS.name, "acme.effects");
    let names: Vec<_> = EFFECTS.methods.iter().map(|method| method.name).collect();
    assert_eq!(
        names,
        [
            "plain", "lookup", "renamed", "charge", "present", "last", "old", "default"
        ]
    );
    let lookup = &EFFECTS.methods[1];
    assert!(lookup.idempotent);
    assert_eq!(lookup.deadline, Deadline::After(Duration::from_millis(500)));
    assert_eq!(lookup.arguments, ["id"]);
    assert_eq!(EFFECTS.methods[2].deadline, Deadline::None);
    assert_eq!(EFFECTS.methods[0].deadline, Deadline::Default);
}

#[test]
fn keys_are_the_hash_of_the_wire_names() {
    // First eight bytes, little-endian, of SHA-256 of "acme.effects/renamed".
    assert_eq!(EFFECTS.methods[2].key, RENAMED);
}
const RENAMED: u64 = u64::from_le_bytes([0x38, 0x13, 0x46, 0x2c, 0xc3, 0x01, 0x39, 0x9c]);

#[tokio::test]
async fn methods_after_one_under_cfg_are_still_themselves() {
    assert_eq!(client().await.present().await.expect("it answers"), 3);
    assert_eq!(client().await.last().await.expect("it answers"), 4);
    assert_eq!(client().await.forever().await.expect("it answers"), 2);
    assert_eq!(client().await.lookup(8).await.expect("it answers"), 8);
    assert_eq!(client().await.plain().await.expect("it answers"), 1);
    #[expect(deprecated)]
    let old = client().await.old().await.expect("it answers");
    assert_eq!(old, 5);
}

#[tokio::test]
async fn default_bodies_run_at_the_service_and_local_ones_at_the_caller() {
    assert_eq!(
        client().await.default(1, (2, 3)).await.expect("it answers"),
        10
    );
    assert_eq!(
        client()
            .await
            .default(99, (2, 3))
            .await
            .expect("it answers"),
        100
    );
    assert_eq!(client().await.label(), "local");
    assert_eq!(client().await.twice().await.expect("it answers"), 8);
    assert_eq!(EffectsClient::limit(), 9);
}

/// Notes the session key of each request.
struct Notes(
    EffectsHandler<Service>,
    std::sync::Arc<Mutex<Vec<Option<String>>>>,
);

impl Handler for Notes {
    fn spec(&self) -> &'static meshrpc::contract::ServiceSpec {
        self.0.spec()
    }
    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        self.1
            .lock()
            .expect("no panic")
            .push(request.session().map(str::to_owned));
        self.0.call(request)
    }
}

#[tokio::test]
async fn sticky_sends_the_argument_as_session_key() {
    let seen = std::sync::Arc::default();
    let notes = Notes(EffectsHandler::new(Service), std::sync::Arc::clone(&seen));
    let server = Server::builder().service(notes).build();
    let client: EffectsClient = Network::new().pair_with(server);
    client.charge(100, "acct-7").await.expect("it answers");
    client.plain().await.expect("it answers");
    assert_eq!(
        *seen.lock().expect("no panic"),
        [Some("acct-7".to_owned()), None]
    );
}
