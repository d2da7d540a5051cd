//! Byte strings that are `raw`.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use meshrpc::{
    Client, Server, mesh_service,
    testing::{Fault, Network, pair},
};

/// Around the length from which a byte string is not copied, and beyond a frame.
const LENGTHS: [usize; 7] = [0, 1, 250, 16_383, 16_384, 70_000, 3 << 20];

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (seed..seed + len).map(|n| (n % 251) as u8).collect()
}

/// What was taken, with the rest, backwards.
fn turned(all: &[&[u8]], number: u64) -> Vec<u8> {
    let mut all = all.concat();
    all.extend(number.to_le_bytes());
    all.reverse();
    all
}

type Blob = Bytes;
type Fetched = Result<Blob, String>;

/// Every type, and what else may stand beside it.
#[mesh_service(dyn)]
pub trait Depot {
    /// Each type.
    async fn all(
        &self,
        #[mesh(raw)] a: Bytes,
        number: u64,
        #[mesh(raw)] b: Vec<u8>,
        #[mesh(raw)] c: &[u8],
    ) -> Result<Vec<u8>, String>;
    /// Returned.
    #[mesh(raw)]
    async fn bytes(&self, #[mesh(raw)] a: Bytes, number: u64) -> Result<Bytes, String>;
    /// Returned as a vector.
    #[mesh(raw, idempotent)]
    async fn vector(&self, number: u64, #[mesh(raw)] a: &[u8]) -> Result<Vec<u8>, String>;
    /// Under names of their own.
    #[mesh(raw)]
    async fn named(&self, #[mesh(raw)] a: Blob) -> Fetched;
    /// No result.
    #[mesh(raw, on_failure = panic)]
    async fn plain(&self, #[mesh(raw)] a: Vec<u8>) -> Vec<u8>;
    /// Written out.
    #[mesh(raw)]
    fn written_out(
        &self,
        #[mesh(raw)] a: &[u8],
    ) -> impl Future<Output = Result<Bytes, String>> + Send;
    /// Accepted only.
    #[mesh(oneway)]
    async fn accept(&self, #[mesh(raw)] a: Vec<u8>);
    /// Beside a stream that is returned.
    fn parts(
        &self,
        #[mesh(raw)] a: Bytes,
        of: u64,
    ) -> impl Stream<Item = Result<Vec<u8>, String>> + Send;
    /// Beside a stream that is taken.
    async fn gather(
        &self,
        #[mesh(raw)] a: Vec<u8>,
        rest: impl Stream<Item = u64> + Send + 'static,
    ) -> Result<u64, String>;
}

struct Shelf;

impl Depot for Shelf {
    async fn all(&self, a: Bytes, number: u64, b: Vec<u8>, c: &[u8]) -> Result<Vec<u8>, String> {
        Ok(turned(&[&a, &b, c], number))
    }
    async fn bytes(&self, a: Bytes, number: u64) -> Result<Bytes, String> {
        match number {
            0 => Err(format!("none of {}", a.len())),
            _ => Ok(turned(&[&a], number).into()),
        }
    }
    async fn vector(&self, number: u64, a: &[u8]) -> Result<Vec<u8>, String> {
        Ok(turned(&[a], number))
    }
    async fn named(&self, a: Blob) -> Fetched {
        Ok(a)
    }
    async fn plain(&self, a: Vec<u8>) -> Vec<u8> {
        a
    }
    async fn written_out(&self, a: &[u8]) -> Result<Bytes, String> {
        Ok(Bytes::copy_from_slice(a))
    }
    async fn accept(&self, a: Vec<u8>) {
        assert_eq!(a, bytes(a.len(), 1));
    }
    fn parts(&self, a: Bytes, of: u64) -> impl Stream<Item = Result<Vec<u8>, String>> + Send {
        stream::iter((0..of).map(move |part| Ok(turned(&[&a], part))))
    }
    async fn gather(
        &self,
        a: Vec<u8>,
        rest: impl Stream<Item = u64> + Send + 'static,
    ) -> Result<u64, String> {
        let rest: Vec<u64> = rest.collect().await;
        Ok(a.iter().map(|byte| u64::from(*byte)).sum::<u64>() + rest.iter().sum::<u64>())
    }
}

async fn every_form(depot: &impl Depot) {
    for len in LENGTHS {
        let (a, b, c) = (bytes(len, 1), bytes(len + 3, 2), bytes(len / 2, 3));
        let all = depot.all(a.clone().into(), 7, b.clone(), &c).await;
        assert_eq!(all.unwrap(), turned(&[&a, &b, &c], 7), "{len}");
        let returned = depot.bytes(a.clone().into(), 8).await.unwrap();
        assert_eq!(returned, turned(&[&a], 8), "{len}");
        let refused = depot.bytes(a.clone().into(), 0).await;
        assert_eq!(refused, Err(format!("none of {len}")));
        assert_eq!(depot.vector(9, &a).await.unwrap(), turned(&[&a], 9));
        assert_eq!(depot.named(a.clone().into()).await.unwrap(), a);
        assert_eq!(depot.plain(a.clone()).await, a);
        assert_eq!(depot.written_out(&a).await.unwrap(), a);
        depot.accept(a.clone()).await;
        let parts = depot.parts(a.clone().into(), 2);
        let parts: Vec<Vec<u8>> = parts.try_collect().await.unwrap();
        assert_eq!(parts, [turned(&[&a], 0), turned(&[&a], 1)]);
        let sum = a.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let gathered = depot.gather(a, stream::iter([5, 6])).await;
        assert_eq!(gathered.unwrap(), sum + 11, "{len}");
    }
}

#[tokio::test]
async fn byte_strings_of_every_type_and_length_arrive() {
    let depot: DepotClient = pair(Shelf);
    every_form(&depot).await;
}

#[tokio::test]
async fn objects_take_and_return_them() {
    let client: DepotClient = pair(Shelf);
    let object: Arc<dyn DynDepot> = Arc::new(client);
    every_form(&object).await;
}

/// The same contract without `raw`, and with other types.
#[mesh_service(name = "Depot")]
pub trait Copying {
    /// Each type.
    async fn all(&self, a: &[u8], number: u64, b: Vec<u8>, c: Vec<u8>) -> Result<Vec<u8>, String>;
    /// Returned.
    async fn bytes(&self, a: Vec<u8>, number: u64) -> Result<Vec<u8>, String>;
}

/// The same with another order, so that neither side knows the other's places.
#[mesh_service(name = "Depot")]
pub trait Reordered {
    /// Each type.
    async fn all(
        &self,
        #[mesh(raw)] c: &[u8],
        #[mesh(raw)] b: Bytes,
        #[mesh(raw)] a: Vec<u8>,
        number: u64,
    ) -> Result<Vec<u8>, String>;
    /// Returned, with an argument that the other side does not send.
    #[mesh(raw)]
    async fn bytes(
        &self,
        more: Option<u8>,
        number: u64,
        #[mesh(raw)] a: &[u8],
    ) -> Result<Vec<u8>, String>;
}

impl Copying for Shelf {
    async fn all(&self, a: &[u8], number: u64, b: Vec<u8>, c: Vec<u8>) -> Result<Vec<u8>, String> {
        Depot::all(self, Bytes::copy_from_slice(a), number, b, &c).await
    }
    async fn bytes(&self, a: Vec<u8>, number: u64) -> Result<Vec<u8>, String> {
        Depot::bytes(self, a.into(), number).await.map(Into::into)
    }
}

impl Reordered for Shelf {
    async fn all(&self, c: &[u8], b: Bytes, a: Vec<u8>, number: u64) -> Result<Vec<u8>, String> {
        Depot::all(self, a.into(), number, b.into(), c).await
    }
    async fn bytes(&self, _: Option<u8>, number: u64, a: &[u8]) -> Result<Vec<u8>, String> {
        let a = Bytes::copy_from_slice(a);
        Depot::bytes(self, a, number).await.map(Into::into)
    }
}

#[test]
fn the_contract_does_not_tell_that_they_are_raw() {
    let of = |methods: &[meshrpc::contract::MethodSpec], name| {
        let found = methods.iter().find(|method| method.name == name);
        found.expect("it is there").fingerprint()
    };
    for name in ["all", "bytes"] {
        let raw = of(DEPOT.methods, name);
        assert_ne!(raw, 0);
        assert_eq!(raw, of(COPYING.methods, name));
        assert_ne!(raw, of(REORDERED.methods, name));
    }
}

#[tokio::test]
async fn a_peer_that_copies_understands_one_that_does_not() {
    let network = Network::new();
    let copying = Server::builder()
        .service(CopyingHandler::new(Shelf))
        .build();
    let depot: DepotClient = network.pair_with(copying);
    let network = Network::new();
    let raw = Server::builder().service(DepotHandler::new(Shelf)).build();
    let plain: CopyingClient = network.pair_with(raw);
    for len in LENGTHS {
        let (a, b, c) = (bytes(len, 1), bytes(len + 3, 2), bytes(len / 2, 3));
        let expected = turned(&[&a, &b, &c], 7);
        let all = depot.all(a.clone().into(), 7, b.clone(), &c).await;
        assert_eq!(all.unwrap(), expected, "{len}");
        let all = plain.all(&a, 7, b, c).await;
        assert_eq!(all.unwrap(), expected, "{len}");
        let returned = depot.bytes(a.clone().into(), 1).await.unwrap();
        assert_eq!(returned, plain.bytes(a, 1).await.unwrap(), "{len}");
    }
}

#[tokio::test]
async fn they_cross_with_field_names() {
    let network = Network::new();
    let reordered = Server::builder()
        .service(ReorderedHandler::new(Shelf))
        .build();
    let depot: DepotClient = network.pair_with(reordered);
    let network = Network::new();
    let copying = Server::builder()
        .service(CopyingHandler::new(Shelf))
        .build();
    let named: ReorderedClient = network.pair_with(copying);
    for len in LENGTHS {
        let (a, b, c) = (bytes(len, 1), bytes(len + 3, 2), bytes(len / 2, 3));
        let expected = turned(&[&a, &b, &c], 7);
        let all = depot.all(a.clone().into(), 7, b.clone(), &c).await;
        assert_eq!(all.unwrap(), expected, "{len}");
        let all = named.all(&c, b.into(), a.clone(), 7).await;
        assert_eq!(all.unwrap(), expected, "{len}");
        let returned = depot.bytes(a.clone().into(), 2).await.unwrap();
        assert_eq!(returned, turned(&[&a], 2), "{len}");
    }
}

#[tokio::test]
async fn they_are_sent_again_to_another_instance() {
    let network = Network::new();
    let depot: DepotClient = network.pair_of([Shelf, Shelf]);
    Client::wait_ready_all(&depot).await.unwrap();
    // The first of them gets a part of the body and is gone.
    network.inject_open(Fault::to_server().kill_at(1 << 20).instance("Depot-0"));
    let a = bytes(3 << 20, 4);
    for call in 0..2 {
        let returned = depot.vector(call, &a).await.unwrap();
        assert!(returned == turned(&[&a], call), "{call}");
    }
    assert_eq!(network.struck(), 1, "one attempt was lost");
}

#[tokio::test]
async fn sixty_four_mebibytes_cross_both_ways() {
    let depot: DepotClient = pair(Shelf);
    let large = Bytes::from(bytes(64 << 20, 5));
    let back = depot.named(large.clone()).await.unwrap();
    assert!(back == large, "a byte changed on the way");
}

/// By `#[async_trait]`.
#[mesh_service]
#[async_trait]
pub trait Boxed {
    /// Both ways.
    #[mesh(raw)]
    async fn turn(&self, #[mesh(raw)] a: &[u8], #[mesh(raw)] b: Bytes) -> Result<Vec<u8>, String>;
}

#[async_trait]
impl Boxed for Shelf {
    async fn turn(&self, a: &[u8], b: Bytes) -> Result<Vec<u8>, String> {
        Ok(turned(&[a, &b], 0))
    }
}

/// Without futures.
#[mesh_service]
pub trait Waiting {
    /// Both ways.
    #[mesh(raw)]
    fn turn(&self, #[mesh(raw)] a: &[u8], #[mesh(raw)] b: Vec<u8>) -> anyhow::Result<Bytes>;
    /// Accepted only.
    #[mesh(oneway)]
    fn accept(&self, #[mesh(raw)] a: Bytes);
}

impl Waiting for Shelf {
    fn turn(&self, a: &[u8], b: Vec<u8>) -> anyhow::Result<Bytes> {
        Ok(turned(&[a, &b], 0).into())
    }
    fn accept(&self, a: Bytes) {
        assert_eq!(a, bytes(a.len(), 1));
    }
}

/// Futures that hold nothing of their arguments.
#[mesh_service]
pub trait Detached {
    /// Both ways.
    #[mesh(raw)]
    fn turn(
        &self,
        #[mesh(raw)] a: &[u8],
        #[mesh(raw)] b: Bytes,
    ) -> impl Future<Output = Result<Bytes, String>> + Send + use<Self>;
}

impl Detached for Shelf {
    fn turn(
        &self,
        a: &[u8],
        b: Bytes,
    ) -> impl Future<Output = Result<Bytes, String>> + Send + use<> {
        let turned = turned(&[a, &b], 0);
        async move { Ok(turned.into()) }
    }
}

#[tokio::test]
async fn every_style_has_them() {
    for len in LENGTHS {
        let (a, b) = (bytes(len, 1), bytes(len / 3, 2));
        let expected = turned(&[&a, &b], 0);
        let boxed: BoxedClient = pair(Shelf);
        let object: Arc<dyn Boxed> = Arc::new(boxed);
        let returned = object.turn(&a, b.clone().into()).await;
        assert_eq!(returned.unwrap(), expected, "{len}");
        let detached: DetachedClient = pair(Shelf);
        let future = detached.turn(&a.clone(), b.clone().into());
        assert_eq!(future.await.unwrap(), expected, "{len}");
    }
}

#[test]
fn threads_that_wait_have_them() {
    let client: WaitingClient = pair(Shelf);
    for len in LENGTHS {
        let (a, b) = (bytes(len, 1), bytes(len / 3, 2));
        let expected = turned(&[&a, &b], 0);
        assert_eq!(client.turn(&a, b).unwrap(), expected, "{len}");
        client.accept(a.into());
    }
}
