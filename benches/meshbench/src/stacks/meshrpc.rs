//! meshrpc, through its attribute and the client that it generates.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use meshrpc::{ClientLimits, Limits, Mesh, Server, discovery::Address, mesh_service};

use super::{Bodies, Caller};
use crate::{message::Message, process};

/// What every stack serves.
#[mesh_service]
pub trait Bench {
    /// Answers with its argument.
    async fn echo(&self, message: Message) -> Result<Message>;
    /// The number of bytes in `body`.
    async fn put(&self, #[mesh(raw)] body: Bytes) -> Result<u64>;
    /// As many bytes.
    #[mesh(raw)]
    async fn get(&self, size: u64) -> Result<Bytes>;
    /// The messages 0 to `count`.
    fn items(&self, count: u64) -> impl Stream<Item = Result<Message>> + Send;
}

/// Bodies of 1 GiB are asked for, and so many calls at one time.
const MESSAGE: u64 = 2 << 30;
const STREAMS: u32 = 16_384;

#[derive(Default)]
struct Served {
    bodies: Bodies,
}

impl Bench for Served {
    async fn echo(&self, message: Message) -> Result<Message> {
        Ok(message)
    }

    async fn put(&self, body: Bytes) -> Result<u64> {
        Ok(body.len() as u64)
    }

    async fn get(&self, size: u64) -> Result<Bytes> {
        Ok(self.bodies.of(size))
    }

    fn items(&self, count: u64) -> impl Stream<Item = Result<Message>> + Send {
        stream::iter((0..count).map(|id| Ok(Message::new(id))))
    }
}

/// Serves on a port of the loopback interface that the system chooses.
pub async fn serve(name: &str) -> Result<()> {
    let mesh = Mesh::open("local:").await?;
    let serving = mesh.serve(name, server()).await?;
    process::answer(tcp(&serving)?);
    std::future::pending().await
}

/// A server of what is measured.
pub fn server() -> Server {
    let mut limits = Limits::default();
    limits.max_message = MESSAGE;
    limits.max_streams = STREAMS;
    Server::builder()
        .service(BenchHandler::new(Served::default()))
        .limits(limits)
        .build()
}

/// The port where a server listens.
pub(super) fn tcp(serving: &meshrpc::Serving) -> Result<SocketAddr> {
    match serving.address() {
        Address::Tcp(address) => Ok(*address),
        other => anyhow::bail!("{other} is no TCP address"),
    }
}

/// One connection: a mesh with one instance.
#[derive(Clone)]
pub struct Connection {
    client: BenchClient,
    /// Its connections live as long as it does.
    _mesh: std::sync::Arc<Mesh>,
}

impl Connection {
    /// To whoever serves `deployment` in the mesh of this URL.
    pub async fn open(url: &str, deployment: &str) -> Result<Self> {
        let mut limits = ClientLimits::default();
        limits.max_message = MESSAGE;
        let mesh = Mesh::open(url).await?.limits(limits);
        let client = BenchClient::connect(&mesh, deployment);
        client.wait_ready().await?;
        Ok(Self {
            client,
            _mesh: mesh.into(),
        })
    }
}

impl Caller for Connection {
    async fn connect(address: SocketAddr) -> Result<Self> {
        Self::open(&format!("static:bench={address}"), "bench").await
    }

    async fn echo(&self, id: u64) -> Result<()> {
        self.client.echo(Message::new(id)).await?.check(id)
    }

    async fn put(&self, body: Bytes) -> Result<()> {
        let size = body.len() as u64;
        ensure!(self.client.put(body).await? == size, "not all arrived");
        Ok(())
    }

    async fn get(&self, size: u64) -> Result<()> {
        let body = self.client.get(size).await?;
        ensure!(body.len() as u64 == size, "not all arrived");
        Ok(())
    }

    fn items(&self, count: u64) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async move {
            let mut items = std::pin::pin!(self.client.items(count));
            for id in 0..count {
                let item = items.next().await.context("the stream is too short")?;
                item?.check(id)?;
            }
            Ok(())
        })
    }
}
