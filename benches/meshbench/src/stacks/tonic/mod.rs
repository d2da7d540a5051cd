//! tonic, with messages of prost and the code that it generates; no TLS, no compression.

pub mod message;

use std::{net::SocketAddr, pin::Pin, result};

use anyhow::{Context, Result, ensure};
use bench_client::BenchClient;
use bench_server::BenchServer;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use message::{Body, Message, Number};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use super::{Bodies, Caller};
use crate::{message as values, process};

#[allow(missing_docs, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/meshbench.Bench.rs"));
}

use generated::{bench_client, bench_server};

// What HTTP/2 may have under way is small unless told otherwise, which large bodies suffer from.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;
const FRAME: u32 = 256 << 10;
const STREAMS: u32 = 16_384;
/// Messages are as large as they come.
const MESSAGE: usize = usize::MAX;

#[derive(Default)]
struct Served {
    bodies: Bodies,
}

type Items = Pin<Box<dyn Stream<Item = result::Result<Message, Status>> + Send>>;

#[tonic::async_trait]
impl bench_server::Bench for Served {
    type ItemsStream = Items;

    async fn echo(&self, request: Request<Message>) -> result::Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn put(&self, request: Request<Body>) -> result::Result<Response<Number>, Status> {
        let number = request.get_ref().bytes.len() as u64;
        Ok(Response::new(Number { number }))
    }

    async fn get(&self, request: Request<Number>) -> result::Result<Response<Body>, Status> {
        let bytes = self.bodies.of(request.get_ref().number);
        Ok(Response::new(Body { bytes }))
    }

    async fn items(&self, request: Request<Number>) -> result::Result<Response<Items>, Status> {
        let count = request.get_ref().number;
        let items = stream::iter((0..count).map(|id| Ok(Message::new(id))));
        Ok(Response::new(items.boxed()))
    }
}

/// Serves on a port of the loopback interface that the system chooses.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::answer(listener.local_addr()?);
    let service = BenchServer::new(Served::default())
        .max_decoding_message_size(MESSAGE)
        .max_encoding_message_size(MESSAGE);
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_concurrent_streams(STREAMS)
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

impl Message {
    /// As every stack has it.
    fn new(id: u64) -> Self {
        let values::Message { id, name, tags } = values::Message::new(id);
        Self { id, name, tags }
    }

    fn check(&self, id: u64) -> Result<()> {
        values::check(self.id, &self.name, &self.tags, id)
    }
}

/// A client's connection.
#[derive(Clone)]
pub struct Connection(BenchClient<Channel>);

impl Caller for Connection {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect()
            .await?;
        let client = BenchClient::new(channel)
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(MESSAGE);
        Ok(Self(client))
    }

    async fn echo(&self, id: u64) -> Result<()> {
        let answer = self.0.clone().echo(Message::new(id)).await?;
        answer.get_ref().check(id)
    }

    async fn put(&self, bytes: Bytes) -> Result<()> {
        let size = bytes.len() as u64;
        let answer = self.0.clone().put(Body { bytes }).await?;
        ensure!(answer.get_ref().number == size, "not all arrived");
        Ok(())
    }

    async fn get(&self, size: u64) -> Result<()> {
        let answer = self.0.clone().get(Number { number: size }).await?;
        ensure!(
            answer.get_ref().bytes.len() as u64 == size,
            "not all arrived"
        );
        Ok(())
    }

    fn items(&self, count: u64) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async move {
            let answer = self.0.clone().items(Number { number: count }).await?;
            let mut items = answer.into_inner();
            for id in 0..count {
                let item = items.next().await.context("the stream is too short")?;
                item?.check(id)?;
            }
            Ok(())
        })
    }
}
