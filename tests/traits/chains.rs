//! Clients of chains: blocks, fees, pools.

use std::{io, num::TryFromIntError, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use meshrpc::mesh_service;
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Made, Transcript, fails, served};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub height: u64,
    pub hash: [u8; 32],
    pub transactions: Vec<Transaction>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    pub to: Option<String>,
    pub value: u128,
    pub data: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error("the node cannot be reached")]
    Node(#[from] io::Error),
    #[error("the number is too large")]
    Number(#[source] TryFromIntError),
    #[error("reverted: {reason} after {gas}")]
    Reverted { reason: String, gas: u64 },
    #[error("the call failed")]
    Call(#[from] meshrpc::Error),
}

fails!(ChainError: made =>
    Self::Node(made.io()),
    Self::Number(u8::try_from(300_u16).expect_err("too large")),
    Self::Reverted { reason: made.text(), gas: made.number() },
);

/// A node of a chain.
#[mesh_service]
#[async_trait]
pub trait ChainClient: Send + Sync {
    #[mesh(local = 7)]
    fn chain_id(&self) -> u64;
    #[mesh(idempotent)]
    async fn height(&self) -> Result<u64, ChainError>;
    #[mesh(idempotent, deadline = "5s")]
    async fn block(&self, height: u64, full: bool) -> Result<Option<Block>, ChainError>;
    async fn balance(&self, address: String, at: Option<u64>) -> Result<u128, ChainError>;
    async fn call(&self, transaction: Transaction, at: Option<u64>) -> Result<Vec<u8>, ChainError>;
    async fn send_raw(&self, raw: Vec<u8>) -> Result<[u8; 32], ChainError>;
    async fn logs(
        &self,
        topics: Vec<[u8; 4]>,
        range: (u64, u64),
    ) -> Result<Vec<Vec<u8>>, ChainError>;
}

#[async_trait]
impl ChainClient for Calls {
    fn chain_id(&self) -> u64 {
        7
    }
    async fn height(&self) -> Result<u64, ChainError> {
        self.answer("height", &[])
    }
    async fn block(&self, height: u64, full: bool) -> Result<Option<Block>, ChainError> {
        self.answer("block", &[&height, &full])
    }
    async fn balance(&self, address: String, at: Option<u64>) -> Result<u128, ChainError> {
        self.answer("balance", &[&address, &at])
    }
    async fn call(&self, transaction: Transaction, at: Option<u64>) -> Result<Vec<u8>, ChainError> {
        self.answer("call", &[&transaction, &at])
    }
    async fn send_raw(&self, raw: Vec<u8>) -> Result<[u8; 32], ChainError> {
        self.answer("send_raw", &[&raw])
    }
    async fn logs(
        &self,
        topics: Vec<[u8; 4]>,
        range: (u64, u64),
    ) -> Result<Vec<Vec<u8>>, ChainError> {
        self.answer("logs", &[&topics, &range])
    }
}

async fn use_chain_client(chain: Arc<dyn ChainClient>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.note(chain.chain_id());
        seen.wrapped(chain.height().await);
        seen.wrapped(chain.block(seen.give(), seen.give()).await);
        seen.wrapped(chain.balance(seen.give(), seen.give()).await);
        seen.wrapped(chain.call(seen.give(), seen.give()).await);
        seen.wrapped(chain.send_raw(seen.give()).await);
        seen.wrapped(chain.logs(seen.give(), (seen.give(), seen.give())).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_client() {
    let there: ChainClientClient = served(ChainClientHandler::new(Calls::default())).await;
    let here = use_chain_client(Arc::new(Calls::default())).await;
    assert_eq!(here, use_chain_client(Arc::new(there)).await);
}

/// Transactions that wait.
#[mesh_service]
#[async_trait]
pub trait Mempool: Send + Sync {
    fn len(&self) -> Result<usize, ChainError>;
    fn is_empty(&self) -> Result<bool, ChainError> {
        Ok(self.len()? == 0)
    }
    async fn insert(&self, transaction: Transaction, tip: u64) -> Result<bool, ChainError>;
    async fn best(
        &self,
        count: usize,
        min_tip: Option<u64>,
    ) -> Result<Vec<Transaction>, ChainError>;
    async fn drop_all(&self, senders: Vec<String>) -> Result<usize, ChainError>;
}

#[async_trait]
impl Mempool for Calls {
    fn len(&self) -> Result<usize, ChainError> {
        self.answer("len", &[])
    }
    async fn insert(&self, transaction: Transaction, tip: u64) -> Result<bool, ChainError> {
        self.answer("insert", &[&transaction, &tip])
    }
    async fn best(
        &self,
        count: usize,
        min_tip: Option<u64>,
    ) -> Result<Vec<Transaction>, ChainError> {
        self.answer("best", &[&count, &min_tip])
    }
    async fn drop_all(&self, senders: Vec<String>) -> Result<usize, ChainError> {
        self.answer("drop_all", &[&senders])
    }
}

async fn use_mempool(mempool: &dyn Mempool) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(mempool.len());
        seen.wrapped(mempool.is_empty());
        seen.wrapped(mempool.insert(seen.give(), seen.give()).await);
        seen.wrapped(mempool.best(seen.give(), seen.give()).await);
        seen.wrapped(mempool.drop_all(seen.give()).await);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn mempool() {
    let there: MempoolClient = served(MempoolHandler::new(Calls::default())).await;
    let here = use_mempool(&Calls::default()).await;
    assert_eq!(here, use_mempool(&there).await);
}

/// Blocks of any chain; which, the program says.
#[mesh_service(types(Error = ChainError, Block = Block))]
#[async_trait]
pub trait BlockSource: Send + Sync {
    type Error: std::error::Error + Send + Sync + 'static;
    type Block: Send;
    async fn tip(&self) -> Result<u64, Self::Error>;
    async fn get(&self, height: u64) -> Result<Self::Block, Self::Error>;
    async fn many(
        &self,
        heights: Vec<u64>,
        skip_missing: bool,
    ) -> Result<Vec<Self::Block>, Self::Error>;
}

#[async_trait]
impl BlockSource for Calls {
    type Error = ChainError;
    type Block = Block;
    async fn tip(&self) -> Result<u64, ChainError> {
        self.answer("tip", &[])
    }
    async fn get(&self, height: u64) -> Result<Block, ChainError> {
        self.answer("get", &[&height])
    }
    async fn many(&self, heights: Vec<u64>, skip_missing: bool) -> Result<Vec<Block>, ChainError> {
        self.answer("many", &[&heights, &skip_missing])
    }
}

async fn use_block_source(
    source: &impl BlockSource<Error = ChainError, Block = Block>,
) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(source.tip().await);
        seen.wrapped(source.get(seen.give()).await);
        seen.wrapped(source.many(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn block_source() {
    let there: BlockSourceClient = served(BlockSourceHandler::new(Calls::default())).await;
    let here = use_block_source(&Calls::default()).await;
    assert_eq!(here, use_block_source(&there).await);
}

/// What a transaction should pay.
#[mesh_service]
pub trait FeeOracle: Send + Sync {
    fn estimate(&self, blocks: u8) -> impl Future<Output = Result<u64, ChainError>> + Send;
    fn history(
        &self,
        from: u64,
        percentiles: Vec<f64>,
    ) -> impl Future<Output = Result<Vec<Vec<u64>>, ChainError>> + Send;
    fn suggest(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<(u64, u64), ChainError>> + Send;
}

impl FeeOracle for Calls {
    async fn estimate(&self, blocks: u8) -> Result<u64, ChainError> {
        self.answer("estimate", &[&blocks])
    }
    async fn history(&self, from: u64, percentiles: Vec<f64>) -> Result<Vec<Vec<u64>>, ChainError> {
        self.answer("history", &[&from, &percentiles])
    }
    async fn suggest(&self, transaction: Transaction) -> Result<(u64, u64), ChainError> {
        self.answer("suggest", &[&transaction])
    }
}

async fn use_fee_oracle(oracle: impl FeeOracle) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.wrapped(oracle.estimate(seen.give()).await);
        seen.wrapped(oracle.history(seen.give(), seen.give()).await);
        seen.wrapped(oracle.suggest(seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn fee_oracle() {
    let there: FeeOracleClient = served(FeeOracleHandler::new(Calls::default())).await;
    let here = use_fee_oracle(Calls::default()).await;
    assert_eq!(here, use_fee_oracle(there).await);
}

/// Heads of a chain as they come.
#[mesh_service]
#[async_trait]
pub trait HeadFeed: Send + Sync {
    async fn latest(&self) -> Result<u64, ChainError>;
    fn heads(&self, from: u64) -> BoxStream<'static, Result<(u64, String), ChainError>>;
    async fn confirm(&self, seen: BoxStream<'static, u64>, depth: u8) -> Result<u64, ChainError>;
}

#[async_trait]
impl HeadFeed for Calls {
    async fn latest(&self) -> Result<u64, ChainError> {
        self.answer("latest", &[])
    }
    fn heads(&self, from: u64) -> BoxStream<'static, Result<(u64, String), ChainError>> {
        let made: Made = self.made("heads", &[&from]);
        let last = ChainError::Reverted {
            reason: made.text(),
            gas: 1,
        };
        let heads = (0..4).map(move |n| Ok((from + n, made.and(n).text())));
        stream::iter(heads.chain([Err(last)])).boxed()
    }
    async fn confirm(&self, seen: BoxStream<'static, u64>, depth: u8) -> Result<u64, ChainError> {
        let seen: Vec<u64> = seen.collect().await;
        self.answer("confirm", &[&seen, &depth])
    }
}

async fn use_heads(feed: Arc<dyn HeadFeed>) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..4 {
        seen.wrapped(feed.latest().await);
        let heads: Vec<_> = feed.heads(n).collect().await;
        heads.into_iter().for_each(|head| seen.wrapped(head));
        let numbers: Vec<u64> = seen.give();
        let confirmed = feed
            .confirm(stream::iter(numbers).boxed(), seen.give())
            .await;
        seen.wrapped(confirmed);
    }
    seen
}

#[tokio::test]
async fn head_feed() {
    let there: HeadFeedClient = served(HeadFeedHandler::new(Calls::default())).await;
    let here = use_heads(Arc::new(Calls::default())).await;
    assert_eq!(here, use_heads(Arc::new(there)).await);
}
