//! What stays with its caller, and what crosses as something else.

use std::{io, num::NonZeroU8, sync::Arc};

use async_trait::async_trait;
use meshrpc::{MeshError, mesh_service};
use tokio::sync::watch;

use crate::harness::{Calls, Transcript, fails, served};

/// A time of another library's, without serde.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instant {
    nanos: u64,
}

/// How a time crosses.
pub mod instant {
    use super::Instant;

    pub fn to_wire(instant: &Instant) -> (u64, u32) {
        let second = 1_000_000_000;
        (instant.nanos / second, (instant.nanos % second) as u32)
    }

    pub fn from_wire((seconds, nanos): (u64, u32)) -> Result<Instant, &'static str> {
        match nanos < 1_000_000_000 {
            true => Ok(Instant {
                nanos: seconds * 1_000_000_000 + u64::from(nanos),
            }),
            false => Err("no time"),
        }
    }
}

/// Tells the time, on either side.
pub trait Clock: Send + Sync {
    fn now(&self) -> u64;
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> u64 {
        12
    }
}

#[derive(Debug, thiserror::Error, MeshError)]
pub enum NotaryError {
    #[error("page {page} is torn")]
    Torn { page: u32 },
    #[error("the book is wet")]
    Book(#[from] io::Error),
    #[error("two seals")]
    Seals(#[source] anyhow::Error),
}

fails!(NotaryError: made =>
    Self::Torn { page: made.number() as u32 },
    Self::Book(made.io()),
    Self::Seals(anyhow::anyhow!("one").context(made.text())),
);

/// Attests documents; times cross as seconds, and the clock is the notary's own.
#[mesh_service]
#[async_trait]
pub trait Notary: Send + Sync {
    #[mesh(with = instant)]
    async fn attest(
        &self,
        document: &str,
        #[mesh(with = instant)] signed: Instant,
        #[mesh(skip = &Stopped)] clock: &dyn Clock,
    ) -> Result<Instant, NotaryError>;
    async fn valid(
        &self,
        #[mesh(with = instant)] from: &Instant,
        #[mesh(with = instant)] to: &Instant,
        seal: u64,
    ) -> Result<bool, NotaryError>;
    async fn pages(&self, #[mesh(skip = &Stopped)] clock: &dyn Clock) -> Result<u32, NotaryError>;
}

#[async_trait]
impl Notary for Calls {
    async fn attest(
        &self,
        document: &str,
        signed: Instant,
        clock: &dyn Clock,
    ) -> Result<Instant, NotaryError> {
        let nanos =
            self.answer::<u64, NotaryError>("attest", &[&document, &signed, &clock.now()])?;
        Ok(Instant { nanos })
    }
    async fn valid(&self, from: &Instant, to: &Instant, seal: u64) -> Result<bool, NotaryError> {
        self.answer("valid", &[&from, &to, &seal])
    }
    async fn pages(&self, clock: &dyn Clock) -> Result<u32, NotaryError> {
        self.answer("pages", &[&clock.now()])
    }
}

async fn use_notary(notary: Arc<dyn Notary>) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..6 {
        let (from, to) = (
            Instant { nanos: seen.give() },
            Instant { nanos: seen.give() },
        );
        seen.variant(notary.attest(&seen.text(), from, &Stopped).await);
        seen.variant(notary.valid(&from, &to, seen.give()).await);
        seen.variant(notary.pages(&Stopped).await);
    }
    seen
}

#[tokio::test]
async fn notary() {
    let there: NotaryClient = served(NotaryHandler::new(Calls::default())).await;
    let here = use_notary(Arc::new(Calls::default())).await;
    assert_eq!(here, use_notary(Arc::new(there)).await);
}

/// Of a request; it stays in its process.
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    cancelled: Option<watch::Receiver<bool>>,
}

impl RequestContext {
    fn is_cancelled(&self) -> bool {
        self.cancelled
            .as_ref()
            .is_some_and(|cancelled| *cancelled.borrow())
    }
}

/// Plain data.
#[derive(Clone, Debug, PartialEq, thiserror::Error, MeshError)]
pub enum BookingError {
    #[error("seat {0} is taken")]
    #[mesh(status = already_exists, name = "seat_taken")]
    Taken(NonZeroU8),
    #[error("from {from} to {to} is no journey")]
    Journey { from: String, to: String },
    #[error("lost: {0}")]
    #[mesh(transport)]
    Lost(String),
}

impl From<meshrpc::Error> for BookingError {
    fn from(error: meshrpc::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

fails!(BookingError: made =>
    Self::Taken(NonZeroU8::MIN),
    Self::Journey { from: made.text(), to: made.and(1).text() },
);

/// Seats; each method takes the context of its request.
#[mesh_service]
#[async_trait]
pub trait Bookings: Send + Sync {
    async fn reserve(
        &self,
        #[mesh(skip = &RequestContext::default())] context: &RequestContext,
        journey: (&str, &str),
        seats: &[NonZeroU8],
    ) -> Result<u64, BookingError>;
    async fn confirm(
        &self,
        #[mesh(skip = RequestContext::default())] context: RequestContext,
        id: u64,
        paid: bool,
    ) -> Result<String, BookingError>;
    #[mesh(local = RequestContext::default())]
    fn context(&self) -> RequestContext;
}

#[async_trait]
impl Bookings for Calls {
    async fn reserve(
        &self,
        context: &RequestContext,
        journey: (&str, &str),
        seats: &[NonZeroU8],
    ) -> Result<u64, BookingError> {
        self.answer("reserve", &[&context.is_cancelled(), &journey, &seats])
    }
    async fn confirm(
        &self,
        context: RequestContext,
        id: u64,
        paid: bool,
    ) -> Result<String, BookingError> {
        self.answer("confirm", &[&context.is_cancelled(), &id, &paid])
    }
    fn context(&self) -> RequestContext {
        RequestContext::default()
    }
}

async fn use_bookings(bookings: &dyn Bookings) -> Transcript {
    let mut seen = Transcript::default();
    for _ in 0..4 {
        let (from, to) = (seen.text(), seen.text());
        let seats = [NonZeroU8::MIN, seen.give()];
        let context = bookings.context();
        seen.result(bookings.reserve(&context, (&from, &to), &seats).await);
        seen.result(bookings.confirm(context, seen.give(), seen.give()).await);
    }
    seen
}

#[tokio::test]
async fn bookings() {
    let there: BookingsClient = served(BookingsHandler::new(Calls::default())).await;
    let here = use_bookings(&Calls::default()).await;
    assert_eq!(here, use_bookings(&there).await);
}
