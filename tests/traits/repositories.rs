//! Repositories: rows of users, orders, invoices, and what is told about them.

use std::{collections::BTreeMap, io, num::ParseIntError, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

/// Of every repository here; holds what its database said.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("the connection broke")]
    Connection(#[from] io::Error),
    #[error("row {row} cannot be read")]
    Decode {
        row: u64,
        #[source]
        cause: ParseIntError,
    },
    #[error("there is no {0}")]
    NotFound(String),
    #[error("{table}.{column} is taken")]
    Conflict { table: String, column: String },
}

fails!(RepositoryError: made =>
    Self::Connection(made.io()),
    Self::Decode { row: made.number(), cause: "x".parse::<u8>().expect_err("no number") },
    Self::NotFound(made.text()),
    Self::Conflict { table: made.text(), column: made.and(1).text() },
);

type RepositoryResult<T> = Result<T, RepositoryError>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub email: String,
    pub created: SystemTime,
    pub roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Admin,
    Editor,
    Guest,
}

/// Users by id and by mail address.
#[mesh_service]
#[async_trait]
pub trait UserRepository: Send + Sync {
    async fn find_by_id(&self, id: u64) -> RepositoryResult<Option<User>>;
    async fn find_by_email(&self, email: &str) -> RepositoryResult<Option<User>>;
    async fn create(&self, user: &User, password_hash: &[u8]) -> RepositoryResult<u64>;
    async fn grant(&self, id: u64, roles: &[Role]) -> Result<(), RepositoryError>;
    async fn list(&self, offset: u32, limit: u32) -> RepositoryResult<Vec<User>>;
    async fn delete(&self, id: u64) -> RepositoryResult<bool>;
}

#[async_trait]
impl UserRepository for Calls {
    async fn find_by_id(&self, id: u64) -> RepositoryResult<Option<User>> {
        self.answer("find_by_id", &[&id])
    }
    async fn find_by_email(&self, email: &str) -> RepositoryResult<Option<User>> {
        self.answer("find_by_email", &[&email])
    }
    async fn create(&self, user: &User, password_hash: &[u8]) -> RepositoryResult<u64> {
        self.answer("create", &[&user, &password_hash])
    }
    async fn grant(&self, id: u64, roles: &[Role]) -> Result<(), RepositoryError> {
        self.answer("grant", &[&id, &roles])
    }
    async fn list(&self, offset: u32, limit: u32) -> RepositoryResult<Vec<User>> {
        self.answer("list", &[&offset, &limit])
    }
    async fn delete(&self, id: u64) -> RepositoryResult<bool> {
        self.answer("delete", &[&id])
    }
}

async fn use_users(users: Arc<dyn UserRepository>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(users.find_by_id(seen.give()).await);
        seen.wrapped(users.find_by_email(&seen.text()).await);
        seen.wrapped(users.create(&seen.give(), &[1, 2, 0]).await);
        seen.wrapped(users.grant(seen.give(), &[Role::Guest, Role::Admin]).await);
        seen.wrapped(users.list(seen.give(), seen.give()).await);
        seen.wrapped(users.delete(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn users() {
    let there: UserRepositoryClient = served(UserRepositoryHandler::new(Calls::default())).await;
    let here = use_users(Arc::new(Calls::default())).await;
    assert_eq!(here, use_users(Arc::new(there)).await);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
    pub lines: Vec<(String, u32)>,
    pub state: OrderState,
    pub notes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OrderState {
    Open,
    Paid { at: SystemTime, cents: i64 },
    Sent(String),
}

/// Orders, in a table that the trait names without a call.
#[mesh_service(name = "shop.orders")]
#[async_trait]
pub trait OrderRepository: Send + Sync + 'static {
    #[mesh(local)]
    fn table(&self) -> &'static str {
        "orders"
    }
    fn next_id(&self) -> RepositoryResult<u64>;
    async fn save(&self, order: Order) -> RepositoryResult<Order>;
    #[mesh(idempotent)]
    async fn by_state(
        &self,
        state: &OrderState,
        limit: Option<usize>,
    ) -> RepositoryResult<Vec<u64>>;
    #[mesh(sticky = id)]
    async fn advance(&self, id: u64, to: OrderState) -> RepositoryResult<OrderState>;
    async fn totals(&self, days: std::ops::Range<u32>) -> RepositoryResult<BTreeMap<u32, i64>>;
}

#[async_trait]
impl OrderRepository for Calls {
    fn next_id(&self) -> RepositoryResult<u64> {
        self.answer("next_id", &[])
    }
    async fn save(&self, order: Order) -> RepositoryResult<Order> {
        self.answer("save", &[&order])
    }
    async fn by_state(
        &self,
        state: &OrderState,
        limit: Option<usize>,
    ) -> RepositoryResult<Vec<u64>> {
        self.answer("by_state", &[&state, &limit])
    }
    async fn advance(&self, id: u64, to: OrderState) -> RepositoryResult<OrderState> {
        self.answer("advance", &[&id, &to])
    }
    async fn totals(&self, days: std::ops::Range<u32>) -> RepositoryResult<BTreeMap<u32, i64>> {
        self.answer("totals", &[&days])
    }
}

async fn use_orders(orders: &dyn OrderRepository) -> Transcript {
    let mut seen = Transcript::default();
    for day in 0..4 {
        seen.note(orders.table());
        seen.wrapped(orders.next_id());
        seen.wrapped(orders.save(seen.give()).await);
        seen.wrapped(orders.by_state(&seen.give(), seen.give()).await);
        seen.wrapped(orders.advance(seen.give(), seen.give()).await);
        seen.wrapped(orders.totals(day..9).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn orders() {
    let there: OrderRepositoryClient = served(OrderRepositoryHandler::new(Calls::default())).await;
    assert_eq!(
        use_orders(&Calls::default()).await,
        use_orders(&there).await
    );
}

/// Plain data, one variant for failed calls.
#[derive(Clone, Debug, PartialEq, thiserror::Error, MeshError)]
pub enum InvoiceError {
    #[error("invoice {0} is closed")]
    #[mesh(status = failed_precondition)]
    Closed(u64),
    #[error("{have} of {need} signatures")]
    Unsigned { have: u8, need: u8 },
    #[error("no such customer")]
    #[mesh(status = not_found)]
    Customer,
    #[error("not reached: {0}")]
    #[mesh(transport)]
    Unreached(String),
}

impl From<meshrpc::Error> for InvoiceError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Unreached(error.to_string())
    }
}

fails!(InvoiceError: made =>
    Self::Closed(made.number()),
    Self::Unsigned { have: made.below(256) as u8, need: 9 },
    Self::Customer,
);

/// Invoices and their signatures.
#[mesh_service]
#[async_trait]
pub trait Invoices {
    async fn draft(&self, customer: &str, lines: &[(String, i64)]) -> Result<u64, InvoiceError>;
    async fn sign(&self, id: u64, by: &str, signature: [u8; 8]) -> Result<bool, InvoiceError>;
    async fn send(&self, id: u64, copies: &[&str]) -> Result<SystemTime, InvoiceError>;
    async fn void(&self, id: u64, reason: Option<&str>) -> Result<(), InvoiceError>;
}

#[async_trait]
impl Invoices for Calls {
    async fn draft(&self, customer: &str, lines: &[(String, i64)]) -> Result<u64, InvoiceError> {
        self.answer("draft", &[&customer, &lines])
    }
    async fn sign(&self, id: u64, by: &str, signature: [u8; 8]) -> Result<bool, InvoiceError> {
        self.answer("sign", &[&id, &by, &signature])
    }
    async fn send(&self, id: u64, copies: &[&str]) -> Result<SystemTime, InvoiceError> {
        self.answer("send", &[&id, &copies])
    }
    async fn void(&self, id: u64, reason: Option<&str>) -> Result<(), InvoiceError> {
        self.answer("void", &[&id, &reason])
    }
}

async fn use_invoices(invoices: Box<dyn Invoices + Send + Sync>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        let lines: Vec<(String, i64)> = seen.give();
        seen.result(invoices.draft(&seen.text(), &lines).await);
        seen.result(invoices.sign(seen.give(), &seen.text(), seen.give()).await);
        let copies = [seen.text(), seen.text()];
        seen.result(invoices.send(seen.give(), &[&copies[0], &copies[1]]).await);
        seen.result(invoices.void(seen.give(), Some(&seen.text())).await);
    }
    seen
}

#[tokio::test]
async fn invoices() {
    let there: InvoicesClient = served(InvoicesHandler::new(Calls::default())).await;
    let here = use_invoices(Box::new(Calls::default())).await;
    assert_eq!(here, use_invoices(Box::new(there)).await);
}

/// Sessions of users; a program's own, so it is private.
#[mesh_service]
#[async_trait]
trait SessionStore: Send + Sync {
    async fn open(&self, user: u64, agent: Option<String>) -> anyhow::Result<String>;
    async fn user_of(&self, token: &str) -> anyhow::Result<Option<u64>>;
    async fn close(&self, token: &str) -> anyhow::Result<()>;
    async fn close_all(&self, tokens: Vec<String>) -> anyhow::Result<usize> {
        let mut closed = 0;
        for token in &tokens {
            self.close(token).await?;
            closed += 1;
        }
        Ok(closed)
    }
}

#[async_trait]
impl SessionStore for Calls {
    async fn open(&self, user: u64, agent: Option<String>) -> anyhow::Result<String> {
        self.answer("open", &[&user, &agent])
    }
    async fn user_of(&self, token: &str) -> anyhow::Result<Option<u64>> {
        self.answer("user_of", &[&token])
    }
    async fn close(&self, token: &str) -> anyhow::Result<()> {
        self.answer("close", &[&token])
    }
}

async fn use_sessions(sessions: &impl SessionStore) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(sessions.open(seen.give(), seen.give()).await);
        seen.messages(sessions.user_of(&seen.text()).await);
        seen.messages(sessions.close(&seen.text()).await);
        seen.messages(sessions.close_all(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn sessions() {
    let there: SessionStoreClient = served(SessionStoreHandler::new(Calls::default())).await;
    let here = use_sessions(&Calls::default()).await;
    assert_eq!(here, use_sessions(&there).await);
}

/// A repository of anything, served for users.
#[mesh_service(generics(T = User, K = u64))]
#[async_trait]
pub trait Repository<T, K = u64>: Send + Sync
where
    T: Send + Sync + 'static,
    K: Send + Sync + 'static,
{
    async fn get(&self, key: K) -> RepositoryResult<Option<T>>;
    async fn put(&self, value: T) -> RepositoryResult<K>;
    async fn put_all(&self, values: Vec<T>) -> RepositoryResult<Vec<K>>;
    async fn remove(&self, keys: &[K]) -> RepositoryResult<Vec<T>>;
}

#[async_trait]
impl Repository<User> for Calls {
    async fn get(&self, key: u64) -> RepositoryResult<Option<User>> {
        self.answer("get", &[&key])
    }
    async fn put(&self, value: User) -> RepositoryResult<u64> {
        self.answer("put", &[&value])
    }
    async fn put_all(&self, values: Vec<User>) -> RepositoryResult<Vec<u64>> {
        self.answer("put_all", &[&values])
    }
    async fn remove(&self, keys: &[u64]) -> RepositoryResult<Vec<User>> {
        self.answer("remove", &[&keys])
    }
}

async fn use_repository(users: Arc<dyn Repository<User>>) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..4 {
        seen.wrapped(users.get(seen.give()).await);
        seen.wrapped(users.put(seen.give()).await);
        seen.wrapped(users.put_all(seen.give()).await);
        seen.wrapped(users.remove(&[n, seen.give()]).await);
    }
    seen
}

#[tokio::test]
async fn repository() {
    let there: RepositoryClient = served(RepositoryHandler::new(Calls::default())).await;
    let here = use_repository(Arc::new(Calls::default())).await;
    assert_eq!(here, use_repository(Arc::new(there)).await);
}
