//! tarpc, with its own transport and bincode over TCP.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_bytes::ByteBuf;
use tarpc::{
    client, context, serde_transport,
    server::{self, Channel},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_serde::formats::Bincode;
use tokio_util::codec::LengthDelimitedCodec;

use super::{Bodies, Caller};
use crate::{message::Message, process};

/// Requests that may wait to be sent, and answers likewise.
const WAITING: usize = 16_384;

#[tarpc::service]
trait Bench {
    async fn echo(message: Message) -> Message;
    async fn put(body: ByteBuf) -> u64;
    async fn get(size: u64) -> Bytes;
}

#[derive(Clone, Default)]
struct Served {
    bodies: Arc<Bodies>,
}

impl Bench for Served {
    async fn echo(self, _: context::Context, message: Message) -> Message {
        message
    }

    async fn put(self, _: context::Context, body: ByteBuf) -> u64 {
        body.len() as u64
    }

    async fn get(self, _: context::Context, size: u64) -> Bytes {
        self.bodies.of(size)
    }
}

/// Serves on a port of the loopback interface that the system chooses.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::answer(listener.local_addr()?);
    let served = Served::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::new(frames().new_framed(stream), Bincode::default());
        let config = server::Config {
            pending_response_buffer: WAITING,
        };
        let channel = server::BaseChannel::new(config, transport);
        let calls = channel.execute(served.clone().serve());
        tokio::spawn(calls.for_each(async |call| {
            tokio::spawn(call);
        }));
    }
}

/// Bodies are as large as they come.
fn frames() -> tokio_util::codec::length_delimited::Builder {
    let mut frames = LengthDelimitedCodec::builder();
    frames.max_frame_length(usize::MAX);
    frames
}

/// A client's connection.
#[derive(Clone)]
pub struct Connection(BenchClient);

impl Caller for Connection {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::new(frames().new_framed(stream), Bincode::default());
        let mut config = client::Config::default();
        config.max_in_flight_requests = WAITING;
        config.pending_request_buffer = WAITING;
        Ok(Self(BenchClient::new(config, transport).spawn()))
    }

    async fn echo(&self, id: u64) -> Result<()> {
        let answer = self.0.echo(context::current(), Message::new(id)).await?;
        answer.check(id)
    }

    async fn put(&self, body: Bytes) -> Result<()> {
        let size = body.len() as u64;
        let body = ByteBuf::from(Vec::from(body));
        let answer = self.0.put(context::current(), body).await?;
        ensure!(answer == size, "not all arrived");
        Ok(())
    }

    async fn get(&self, size: u64) -> Result<()> {
        let answer = self.0.get(context::current(), size).await?;
        ensure!(answer.len() as u64 == size, "not all arrived");
        Ok(())
    }

    fn items(&self, _: u64) -> Option<impl Future<Output = Result<()>> + Send> {
        None::<std::future::Ready<Result<()>>>
    }
}
