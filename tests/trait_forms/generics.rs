//! Traits that leave types open, served with those that the attribute names.

use std::{collections::BTreeMap, fmt::Debug, sync::Mutex};

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: u64,
    text: String,
}

fn row(id: u64) -> Row {
    Row {
        id,
        text: format!("row {id}"),
    }
}

/// What can go wrong.
#[derive(Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum StoreError {
    /// The row is not there.
    #[error("no row {0}")]
    Missing(u64),
    /// The call failed.
    #[error("{0}")]
    Call(String),
}

impl From<meshrpc::Error> for StoreError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Call(error.to_string())
    }
}

/// Everything that can be left open.
#[mesh_service(types(Error = StoreError, Page = Vec<Row>), generics(T = Row, const N = 2))]
pub trait Store<T, K = u64, const N: usize = 9>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + Debug,
    K: Ord + Send,
{
    /// How it fails.
    type Error: std::error::Error + Send + Sync + 'static;
    /// What a list is.
    type Page: IntoIterator<Item = T> + Send;

    /// By value and by reference.
    async fn put(&self, row: T, others: &[T]) -> Result<usize, Self::Error>;
    /// Both open types in the result.
    async fn find(&self, key: &K) -> Result<Option<T>, Self::Error>;
    /// The error by its full path.
    async fn list(&self, first: [K; N]) -> Result<Self::Page, <Self as Store<T, K, N>>::Error>;
    /// The error inside another type.
    async fn each(&self, keys: Vec<K>) -> Result<Vec<Option<(K, Self::Page)>>, Self::Error>;
    /// With a body, and a bound of its own.
    async fn both(&self, one: K, two: K) -> Result<Vec<T>, Self::Error>
    where
        K: Copy + Sync,
        Self: Sync,
    {
        let mut found = Vec::new();
        for key in [one, two] {
            found.extend(self.find(&key).await?);
        }
        Ok(found)
    }
    /// Borrowed inside.
    async fn some(&self, keys: Option<&K>, rows: Vec<&T>) -> Result<usize, Self::Error>;
    /// Converted.
    async fn any(&self, rows: impl IntoIterator<Item = T> + Send) -> Result<usize, Self::Error>;
    /// Stays here.
    #[mesh(local)]
    fn size(&self) -> usize {
        N
    }
}

#[derive(Default)]
struct Memory(Mutex<BTreeMap<u64, Row>>);

impl Memory {
    fn insert(&self, rows: impl IntoIterator<Item = Row>) -> usize {
        let mut map = self.0.lock().expect("no panic");
        map.extend(rows.into_iter().map(|row| (row.id, row)));
        map.len()
    }
}

impl<const N: usize> Store<Row, u64, N> for Memory {
    type Error = StoreError;
    type Page = Vec<Row>;

    async fn put(&self, row: Row, others: &[Row]) -> Result<usize, StoreError> {
        Ok(self.insert(others.iter().cloned().chain([row])))
    }
    async fn find(&self, key: &u64) -> Result<Option<Row>, StoreError> {
        if *key == 13 {
            return Err(StoreError::Missing(13));
        }
        Ok(self.0.lock().expect("no panic").get(key).cloned())
    }
    async fn list(&self, first: [u64; N]) -> Result<Vec<Row>, StoreError> {
        let map = self.0.lock().expect("no panic");
        Ok(first
            .iter()
            .filter_map(|key| map.get(key))
            .cloned()
            .collect())
    }
    async fn each(&self, keys: Vec<u64>) -> Result<Vec<Option<(u64, Vec<Row>)>>, StoreError> {
        Ok(keys
            .into_iter()
            .map(|key| Some((key, vec![row(key)])))
            .collect())
    }
    async fn some(&self, key: Option<&u64>, rows: Vec<&Row>) -> Result<usize, StoreError> {
        Ok(rows.iter().filter(|row| Some(&row.id) == key).count())
    }
    async fn any(&self, rows: impl IntoIterator<Item = Row> + Send) -> Result<usize, StoreError> {
        Ok(self.insert(rows))
    }
}

/// What works with any store.
async fn second<S: Store<Row, u64, 2, Error = StoreError>>(store: &S) -> Option<Row> {
    store.find(&2).await.expect("it answers")
}

#[tokio::test]
async fn a_store_is_served_with_the_types_that_were_named() {
    let client: StoreClient =
        StoreClient::from_channel(pair(StoreHandler::new(Memory::default())).await);
    assert_eq!(client.put(row(1), &[row(2), row(3)]).await, Ok(3));
    assert_eq!(second(&client).await, Some(row(2)));
    assert_eq!(client.find(&13).await, Err(StoreError::Missing(13)));
    assert_eq!(client.list([3, 1]).await, Ok(vec![row(3), row(1)]));
    let each = client.each(vec![5]).await;
    assert_eq!(each, Ok(vec![Some((5, vec![row(5)]))]));
    assert_eq!(client.both(1, 9).await, Ok(vec![row(1)]));
    assert_eq!(client.some(Some(&1), vec![&row(1), &row(2)]).await, Ok(1));
    assert_eq!(client.any([row(8)]).await, Ok(4));
    assert_eq!(client.size(), 2);
    assert_eq!(STORE.name, "Store");
}

/// By `#[async_trait]`; the implementation is behind `dyn`.
#[mesh_service(generics(K = String, V = Vec<u8>), types(Err = anyhow::Error))]
#[async_trait::async_trait]
pub trait Cache<K: Send + Sync + 'static, V>: Debug
where
    V: AsRef<[u8]> + Send + 'static,
{
    /// How it fails.
    type Err;
    /// Puts.
    async fn put(&self, key: K, value: V) -> Result<Option<V>, Self::Err>;
    /// Gets.
    async fn get(&self, key: &K) -> Result<V, Self::Err>;
}

#[derive(Debug, Default)]
struct Map(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait::async_trait]
impl Cache<String, Vec<u8>> for Map {
    type Err = anyhow::Error;
    async fn put(&self, key: String, value: Vec<u8>) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().expect("no panic").insert(key, value))
    }
    async fn get(&self, key: &String) -> anyhow::Result<Vec<u8>> {
        let map = self.0.lock().expect("no panic");
        map.get(key)
            .cloned()
            .ok_or_else(|| anyhow::anyhow!("no {key}"))
    }
}

type AnyCache = dyn Cache<String, Vec<u8>, Err = anyhow::Error>;

#[tokio::test]
async fn a_generic_async_trait_is_served_also_behind_dyn() {
    let service: std::sync::Arc<AnyCache> = std::sync::Arc::new(Map::default());
    let client = CacheClient::from_channel(pair(CacheHandler::shared(service)).await);
    let client: Box<AnyCache> = Box::new(client);
    let before = client.put("a".into(), vec![1]).await.expect("it answers");
    assert_eq!(before, None);
    assert_eq!(client.get(&"a".into()).await.expect("it answers"), [1]);
    let error = client.get(&"b".into()).await.expect_err("it is not there");
    assert!(error.to_string().contains("no b"), "{error}");
}

/// A lifetime of the trait's own, and a type of a parameter's.
#[mesh_service(generics(P = Names), types(Error = String))]
pub trait Parser<'a, P: Parts> {
    /// How it fails.
    type Error;
    /// Borrows for the trait's lifetime.
    async fn parse(&self, text: &'a str, more: Option<&'a [u8]>) -> Result<P::Part, Self::Error>;
    /// Borrows for no longer than the call.
    async fn join(&self, parts: &[<P as Parts>::Part]) -> Result<String, Self::Error>;
}

/// Has an associated type.
pub trait Parts: Send + Sync {
    /// It.
    type Part: Send + Sync;
}

/// One of them.
#[derive(Debug)]
pub struct Names;

impl Parts for Names {
    type Part = String;
}

struct Split;

impl<'a> Parser<'a, Names> for Split {
    type Error = String;
    async fn parse(&self, text: &'a str, more: Option<&'a [u8]>) -> Result<String, String> {
        tokio::task::yield_now().await;
        Ok(format!("{text}{}", more.map_or(0, <[u8]>::len)))
    }
    async fn join(&self, parts: &[String]) -> Result<String, String> {
        Ok(parts.join("+"))
    }
}

#[tokio::test]
async fn lifetimes_of_the_trait_stay_open() {
    let client = ParserClient::from_channel(pair(ParserHandler::new(Split)).await);
    let text = String::from("ab");
    assert_eq!(client.parse(&text, Some(&[1])).await, Ok("ab1".to_owned()));
    let parts = ["a".to_owned(), "b".to_owned()];
    assert_eq!(client.join(&parts).await, Ok("a+b".to_owned()));
}
