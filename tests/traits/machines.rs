//! Machines, drivers and meters: methods that wait, and state that changes.

use std::{fmt, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use serde::{Deserialize, Serialize};

use crate::harness::{Calls, Made, Transcript, chain, served};

/// What a sensor measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// In its unit.
    pub value: f64,
    /// Of what.
    pub channel: u8,
}

/// A sensor, asked by programs without a runtime.
#[mesh_service]
pub trait Sensor: Send + Sync + fmt::Debug {
    /// Now.
    fn read(&self, channel: u8) -> io::Result<Reading>;
    /// Several, one after the other.
    fn read_all(&self, channels: &[u8], settle: Duration) -> io::Result<Vec<Reading>>;
    /// Sets it right.
    fn calibrate(&self, channel: u8, points: Vec<(f64, f64)>) -> Result<(), io::Error>;
    /// Its name, which needs no call.
    #[mesh(local)]
    fn label(&self) -> &str {
        "sensor"
    }
    /// The mean of some readings.
    fn mean(&self, channel: u8, count: u32) -> io::Result<f64> {
        let mut sum = 0.0;
        for _ in 0..count {
            sum += self.read(channel)?.value;
        }
        Ok(sum / f64::from(count))
    }
}

#[derive(Debug, Default)]
struct Bus(Calls);

fn or_io(made: Made) -> io::Result<Made> {
    match made.turn % 4 {
        3 => Err(io::Error::new(io::ErrorKind::TimedOut, made.text())),
        _ => Ok(made),
    }
}

impl Sensor for Bus {
    fn read(&self, channel: u8) -> io::Result<Reading> {
        let value = or_io(self.0.made("read", &[&channel]))?.below(1000) as f64 / 8.0;
        Ok(Reading { value, channel })
    }

    fn read_all(&self, channels: &[u8], settle: Duration) -> io::Result<Vec<Reading>> {
        let made = or_io(self.0.made("read_all", &[&channels, &settle]))?;
        let value = made.below(7) as f64;
        Ok(channels
            .iter()
            .map(|&channel| Reading { value, channel })
            .collect())
    }

    fn calibrate(&self, channel: u8, points: Vec<(f64, f64)>) -> Result<(), io::Error> {
        or_io(self.0.made("calibrate", &[&channel, &points])).map(drop)
    }
}

fn use_sensor(sensor: &dyn Sensor) -> Transcript {
    let mut seen = Transcript::default();
    for channel in 0..4 {
        seen.wrapped(sensor.read(channel));
        seen.wrapped(sensor.read_all(&[channel, 9], Duration::from_micros(5)));
        seen.wrapped(sensor.calibrate(channel, vec![(0.1, f64::MAX)]));
        seen.wrapped(sensor.mean(channel, 3));
        seen.note(sensor.label());
    }
    seen
}

#[tokio::test]
async fn sensor() {
    let there: SensorClient = served(SensorHandler::new(Bus::default())).await;
    let there = tokio::task::spawn_blocking(move || use_sensor(&there)).await;
    assert_eq!(
        use_sensor(&Bus::default()),
        there.expect("it does not panic")
    );
}

/// What can be wrong with an account: own plain data, no place for failed calls but one.
#[derive(Debug, thiserror::Error, MeshError)]
pub enum LedgerError {
    /// Too little.
    #[error("{account} has {balance}")]
    Overdrawn {
        /// Which.
        account: u32,
        /// How much is there.
        balance: i64,
    },
    /// Not open.
    #[error("no account {0}")]
    #[mesh(status = not_found)]
    NoAccount(u32),
    /// The book cannot be written.
    #[error("the book is shut")]
    Book(#[source] io::Error),
    /// The call failed.
    #[error("not reached")]
    #[mesh(transport)]
    Unreached(#[source] meshrpc::Error),
}

impl LedgerError {
    fn of(made: Made) -> Result<Made, Self> {
        match made.turn % 6 {
            1 => Err(Self::Overdrawn {
                account: made.number() as u32,
                balance: -(made.below(100) as i64),
            }),
            3 => Err(Self::NoAccount(made.number() as u32)),
            5 => Err(Self::Book(io::Error::other(made.text()))),
            _ => Ok(made),
        }
    }
}

/// An account book that changes: its methods take `&mut self`.
#[mesh_service]
#[async_trait]
pub trait Book: Send {
    /// Moves money.
    async fn transfer(&mut self, from: u32, to: u32, cents: i64) -> Result<i64, LedgerError>;
    /// Opens accounts.
    async fn open(&mut self, owner: &str, first: Option<i64>) -> Result<u32, LedgerError>;
    /// What is there.
    async fn balance(&self, account: u32) -> Result<i64, LedgerError>;
}

#[derive(Default)]
struct Paper(Calls, i64);

#[async_trait]
impl Book for Paper {
    async fn transfer(&mut self, from: u32, to: u32, cents: i64) -> Result<i64, LedgerError> {
        let made = LedgerError::of(self.0.made("transfer", &[&from, &to, &cents, &self.1]))?;
        self.1 += 1;
        Ok(made.number() as i64)
    }

    async fn open(&mut self, owner: &str, first: Option<i64>) -> Result<u32, LedgerError> {
        let made = LedgerError::of(self.0.made("open", &[&owner, &first, &self.1]))?;
        self.1 += 3;
        Ok(made.number() as u32)
    }

    async fn balance(&self, account: u32) -> Result<i64, LedgerError> {
        Ok(LedgerError::of(self.0.made("balance", &[&account, &self.1]))?.number() as i64)
    }
}

/// The error, its variant first: a variant that is lost shows.
fn variant(error: &LedgerError) -> String {
    let name = match error {
        LedgerError::Overdrawn { .. } => "overdrawn",
        LedgerError::NoAccount(_) => "no account",
        LedgerError::Book(_) => "book",
        LedgerError::Unreached(_) => "unreached",
    };
    format!("{name} {:?}", chain(error))
}

async fn use_book(mut book: Box<dyn Book>) -> Transcript {
    let mut seen = Transcript::default();
    for n in 0..7 {
        seen.note(
            book.transfer(n, n + 1, -7)
                .await
                .map_err(|error| variant(&error)),
        );
        seen.note(
            book.open("Max", Some(i64::MIN))
                .await
                .map_err(|error| variant(&error)),
        );
        seen.note(book.balance(n).await.map_err(|error| variant(&error)));
    }
    seen
}

#[tokio::test]
async fn book() {
    let there: BookClient = served(BookHandler::new(Paper::default())).await;
    let here = use_book(Box::new(Paper::default())).await;
    assert_eq!(here, use_book(Box::new(there)).await);
}

/// A store with its own error type and key type, fixed for the service.
#[mesh_service(types(Error = LedgerError), generics(K = String))]
pub trait Register<K: Send> {
    /// What goes wrong.
    type Error;
    /// Sets a value, and gives the one before.
    async fn set(&self, key: K, value: u64) -> Result<Option<u64>, Self::Error>;
    /// Of several keys.
    async fn get(&self, keys: &[K]) -> Result<Vec<(K, u64)>, Self::Error>;
}

#[derive(Default)]
struct Cells(Calls);

impl Register<String> for Cells {
    type Error = LedgerError;

    async fn set(&self, key: String, value: u64) -> Result<Option<u64>, LedgerError> {
        let made = LedgerError::of(self.0.made("set", &[&key, &value]))?;
        Ok(made.flag().then(|| made.number()))
    }

    async fn get(&self, keys: &[String]) -> Result<Vec<(String, u64)>, LedgerError> {
        let made = LedgerError::of(self.0.made("get", &[&keys]))?;
        Ok(keys
            .iter()
            .map(|key| (key.clone(), made.number()))
            .collect())
    }
}

async fn use_register<R: Register<String, Error = LedgerError>>(register: Arc<R>) -> Transcript {
    let mut seen = Transcript::default();
    for key in ["a", "", "ü", "d"].map(String::from) {
        seen.note(
            register
                .set(key.clone(), 9)
                .await
                .map_err(|error| variant(&error)),
        );
        seen.note(
            register
                .get(&[key, "x".into()])
                .await
                .map_err(|error| variant(&error)),
        );
    }
    seen
}

#[tokio::test]
async fn register() {
    let there: RegisterClient = served(RegisterHandler::new(Cells::default())).await;
    let here = use_register(Arc::new(Cells::default())).await;
    assert_eq!(here, use_register(Arc::new(there)).await);
}
