//! Money: payments, prices, rates, wallets.

use std::{collections::BTreeMap, error::Error as StdError, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Transcript, fails, served};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Currency {
    Eur,
    Usd,
    Jpy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub minor: i64,
    pub currency: Currency,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub id: String,
    pub amount: Amount,
    pub fee: Option<Amount>,
}

/// What a gateway says, and what the network did.
#[derive(Debug, thiserror::Error, MeshError)]
pub enum PaymentError {
    #[error("declined with code {code}: {reason}")]
    Declined { code: u16, reason: String },
    #[error("nothing left of {0:?}")]
    #[mesh(status = resource_exhausted)]
    Limit(Amount),
    #[error("the network failed")]
    Network(#[from] io::Error),
    #[error("the answer was no answer")]
    Garbled(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the call failed")]
    #[mesh(transport)]
    Call(#[source] meshrpc::Error),
}

fails!(PaymentError: made =>
    Self::Declined { code: made.below(600) as u16, reason: made.text() },
    Self::Limit(made.value()),
    Self::Network(made.io()),
    Self::Garbled(made.text().into()),
);

/// A gateway that takes cards.
#[mesh_service]
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    #[mesh(sticky = token)]
    async fn authorize(&self, token: &str, amount: &Amount) -> Result<String, PaymentError>;
    async fn capture(&self, hold: &str, part: Option<Amount>) -> Result<Receipt, PaymentError>;
    async fn refund(&self, receipt: Receipt, amount: Amount) -> Result<Receipt, PaymentError>;
    async fn release(&self, hold: String) -> Result<(), PaymentError>;
    fn accepts(&self, currency: Currency) -> Result<bool, PaymentError>;
    #[mesh(local = "remote")]
    fn provider(&self) -> &str;
}

#[async_trait]
impl PaymentGateway for Calls {
    async fn authorize(&self, token: &str, amount: &Amount) -> Result<String, PaymentError> {
        self.answer("authorize", &[&token, &amount])
    }
    async fn capture(&self, hold: &str, part: Option<Amount>) -> Result<Receipt, PaymentError> {
        self.answer("capture", &[&hold, &part])
    }
    async fn refund(&self, receipt: Receipt, amount: Amount) -> Result<Receipt, PaymentError> {
        self.answer("refund", &[&receipt, &amount])
    }
    async fn release(&self, hold: String) -> Result<(), PaymentError> {
        self.answer("release", &[&hold])
    }
    fn accepts(&self, currency: Currency) -> Result<bool, PaymentError> {
        self.answer("accepts", &[&currency])
    }
    fn provider(&self) -> &str {
        "here"
    }
}

async fn use_gateway(gateway: Arc<dyn PaymentGateway>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        seen.variant(gateway.authorize(&seen.text(), &seen.give()).await);
        seen.variant(gateway.capture(&seen.text(), seen.give()).await);
        seen.variant(gateway.refund(seen.give(), seen.give()).await);
        seen.variant(gateway.release(seen.give()).await);
        seen.variant(gateway.accepts(seen.give()));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_gateway() {
    let there: PaymentGatewayClient = served(PaymentGatewayHandler::new(Calls::default())).await;
    assert_eq!(there.provider(), "remote");
    let here = use_gateway(Arc::new(Calls::default())).await;
    assert_eq!(here, use_gateway(Arc::new(there)).await);
}

/// Crosses as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum RateError {
    #[error("no rate of {0:?} in {1:?}")]
    Unknown(Currency, Currency),
    #[error("the rate is {age:?} old")]
    Stale { age: Duration },
    #[error("{0}")]
    Call(String),
}

impl From<meshrpc::Error> for RateError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Call(error.to_string())
    }
}

fails!(RateError: made =>
    Self::Unknown(made.value(), made.and(1).value()),
    Self::Stale { age: made.value() },
    Self::Call(made.text()),
);

/// Rates of exchange.
#[mesh_service(dyn)]
pub trait ExchangeRates: Send + Sync {
    #[mesh(idempotent, deadline = "2s")]
    async fn rate(&self, from: Currency, to: Currency) -> Result<f64, RateError>;
    async fn convert(&self, amount: Amount, to: &Currency) -> Result<Amount, RateError>;
    async fn table(&self, base: Currency) -> Result<BTreeMap<Currency, f64>, RateError>;
    async fn history(
        &self,
        pair: (Currency, Currency),
        step: Duration,
    ) -> Result<Vec<f64>, RateError>;
}

impl ExchangeRates for Calls {
    async fn rate(&self, from: Currency, to: Currency) -> Result<f64, RateError> {
        self.answer("rate", &[&from, &to])
    }
    async fn convert(&self, amount: Amount, to: &Currency) -> Result<Amount, RateError> {
        self.answer("convert", &[&amount, &to])
    }
    async fn table(&self, base: Currency) -> Result<BTreeMap<Currency, f64>, RateError> {
        self.answer("table", &[&base])
    }
    async fn history(
        &self,
        pair: (Currency, Currency),
        step: Duration,
    ) -> Result<Vec<f64>, RateError> {
        self.answer("history", &[&pair, &step])
    }
}

async fn use_rates(rates: Arc<dyn DynExchangeRates>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(rates.rate(seen.give(), seen.give()).await);
        seen.result(rates.convert(seen.give(), &seen.give()).await);
        seen.result(rates.table(seen.give()).await);
        seen.result(rates.history(seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn exchange_rates() {
    let there: ExchangeRatesClient = served(ExchangeRatesHandler::new(Calls::default())).await;
    let here = use_rates(Arc::new(Calls::default())).await;
    assert_eq!(here, use_rates(Arc::new(there)).await);
}

/// Plain data, and a message for everything else.
#[derive(Debug, PartialEq, thiserror::Error, MeshError)]
pub enum PricingError {
    #[error("no price of {sku}")]
    NoPrice { sku: String },
    #[error("{0} is too many")]
    TooMany(u32),
    #[error("{0}")]
    #[mesh(transport)]
    Other(String),
}

impl From<meshrpc::Error> for PricingError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Other(error.to_string())
    }
}

fails!(PricingError: made =>
    Self::NoPrice { sku: made.text() },
    Self::TooMany(made.number() as u32),
);

/// Prices, for programs that do not wait elsewhere.
#[mesh_service]
pub trait Pricing: Send + Sync {
    fn price(&self, sku: &str, quantity: u32) -> Result<Amount, PricingError>;
    fn discount(&self, customer: Option<&str>, of: Amount) -> Result<Amount, PricingError>;
    fn basket(&self, lines: &[(&str, u32)]) -> Result<Vec<Amount>, PricingError>;
    fn bundles(&self) -> Result<BTreeMap<String, Vec<String>>, PricingError>;
}

impl Pricing for Calls {
    fn price(&self, sku: &str, quantity: u32) -> Result<Amount, PricingError> {
        self.answer("price", &[&sku, &quantity])
    }
    fn discount(&self, customer: Option<&str>, of: Amount) -> Result<Amount, PricingError> {
        self.answer("discount", &[&customer, &of])
    }
    fn basket(&self, lines: &[(&str, u32)]) -> Result<Vec<Amount>, PricingError> {
        self.answer("basket", &[&lines])
    }
    fn bundles(&self) -> Result<BTreeMap<String, Vec<String>>, PricingError> {
        self.answer("bundles", &[])
    }
}

fn use_pricing(pricing: &dyn Pricing) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.result(pricing.price(&seen.text(), seen.give()));
        seen.result(pricing.discount(Some(&seen.text()), seen.give()));
        seen.result(pricing.basket(&[(&seen.text(), 3), (&seen.text(), seen.give())]));
        seen.result(pricing.bundles());
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn pricing() {
    let there: PricingClient = served(PricingHandler::new(Calls::default())).await;
    assert_eq!(use_pricing(&Calls::default()), use_pricing(&there));
}

type Failure = Box<dyn StdError + Send + Sync>;

/// Money to others, in a program that boxes its errors.
#[mesh_service]
#[async_trait]
pub trait Payouts: Send + Sync {
    async fn schedule(&self, to: &str, amount: Amount, day: u16) -> Result<u64, Failure>;
    async fn cancel(&self, id: u64) -> Result<Option<Amount>, Failure>;
    async fn status(&self, ids: &[u64]) -> Result<Vec<(u64, bool)>, Failure>;
}

#[async_trait]
impl Payouts for Calls {
    async fn schedule(&self, to: &str, amount: Amount, day: u16) -> Result<u64, Failure> {
        self.answer("schedule", &[&to, &amount, &day])
    }
    async fn cancel(&self, id: u64) -> Result<Option<Amount>, Failure> {
        self.answer("cancel", &[&id])
    }
    async fn status(&self, ids: &[u64]) -> Result<Vec<(u64, bool)>, Failure> {
        self.answer("status", &[&ids])
    }
}

async fn use_payouts(payouts: &(dyn Payouts + 'static)) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        seen.messages(
            payouts
                .schedule(&seen.text(), seen.give(), seen.give())
                .await,
        );
        seen.messages(payouts.cancel(seen.give()).await);
        seen.messages(payouts.status(&[seen.give(), 0]).await);
    }
    seen
}

#[tokio::test]
async fn payouts() {
    let there: PayoutsClient = served(PayoutsHandler::new(Calls::default())).await;
    let here = use_payouts(&Calls::default()).await;
    assert_eq!(here, use_payouts(&there).await);
}

/// A wallet that changes when it is used.
#[mesh_service]
pub trait Wallet: Send {
    async fn deposit(
        &mut self,
        amount: Amount,
        memo: Option<String>,
    ) -> Result<Amount, PaymentError>;
    async fn withdraw(&mut self, amount: &Amount) -> Result<Amount, PaymentError>;
    async fn balance(&self, currency: Currency) -> Result<i64, PaymentError>;
    async fn empty(&mut self) -> Result<(), PaymentError>;
}

impl Wallet for Calls {
    async fn deposit(
        &mut self,
        amount: Amount,
        memo: Option<String>,
    ) -> Result<Amount, PaymentError> {
        self.answer("deposit", &[&amount, &memo])
    }
    async fn withdraw(&mut self, amount: &Amount) -> Result<Amount, PaymentError> {
        self.answer("withdraw", &[&amount])
    }
    async fn balance(&self, currency: Currency) -> Result<i64, PaymentError> {
        self.answer("balance", &[&currency])
    }
    async fn empty(&mut self) -> Result<(), PaymentError> {
        self.answer("empty", &[])
    }
}

async fn use_wallet(mut wallet: impl Wallet) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        seen.variant(wallet.deposit(seen.give(), seen.give()).await);
        seen.variant(wallet.withdraw(&seen.give()).await);
        seen.variant(wallet.balance(seen.give()).await);
        seen.variant(wallet.empty().await);
    }
    seen
}

#[tokio::test]
async fn wallet() {
    let there: WalletClient = served(WalletHandler::new(Calls::default())).await;
    assert_eq!(use_wallet(Calls::default()).await, use_wallet(there).await);
}

/// Judges payments.
#[mesh_service]
#[async_trait]
pub trait FraudScreen: Send + Sync {
    async fn score(&self, receipt: &Receipt, address: std::net::Ipv4Addr) -> anyhow::Result<f32>;
    async fn block(&self, tokens: Vec<String>, r#for: Duration) -> anyhow::Result<usize>;
    async fn is_blocked(&self, token: &str) -> anyhow::Result<bool>;
}

#[async_trait]
impl FraudScreen for Calls {
    async fn score(&self, receipt: &Receipt, address: std::net::Ipv4Addr) -> anyhow::Result<f32> {
        self.answer("score", &[&receipt, &address])
    }
    async fn block(&self, tokens: Vec<String>, r#for: Duration) -> anyhow::Result<usize> {
        self.answer("block", &[&tokens, &r#for])
    }
    async fn is_blocked(&self, token: &str) -> anyhow::Result<bool> {
        self.answer("is_blocked", &[&token])
    }
}

async fn use_fraud_screen(screen: Arc<dyn FraudScreen>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        seen.messages(screen.score(&seen.give(), seen.give()).await);
        seen.messages(screen.block(seen.give(), seen.give()).await);
        seen.messages(screen.is_blocked(&seen.text()).await);
    }
    seen
}

#[tokio::test]
async fn fraud_screen() {
    let there: FraudScreenClient = served(FraudScreenHandler::new(Calls::default())).await;
    let here = use_fraud_screen(Arc::new(Calls::default())).await;
    assert_eq!(here, use_fraud_screen(Arc::new(there)).await);
}
