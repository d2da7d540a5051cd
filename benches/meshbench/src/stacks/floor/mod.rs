//! The floor with futures: what a careful person writes by hand on tokio and bincode. A future per
//! call, ids, a task per call on the server, one writer task for each side of a connection that
//! yields once when other calls are in flight. No checksum, deadline, cancellation or credit.

mod client;
mod link;

use std::{collections::HashMap, future::Future, sync::Arc};

use anyhow::{Result, bail};
pub use client::Connection;
use link::Link;
use tokio::net::{TcpListener, TcpStream};

use super::Bodies;
use crate::{message::Message, process};

const ECHO: u8 = 0;
const GET: u8 = 1;
const ITEMS: u8 = 2;
/// A part of a body, or some items of a stream.
const PART: u8 = 3;
/// What ends a body or a stream, or is all of it.
const LAST: u8 = 4;

/// Serves on a port of the loopback interface that the system chooses.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    process::answer(listener.local_addr()?);
    let bodies = Arc::new(Bodies::default());
    loop {
        let (stream, _) = listener.accept().await?;
        // A client that goes ends its own task alone.
        tokio::spawn(answer(stream, Arc::clone(&bodies)));
    }
}

async fn answer(stream: TcpStream, bodies: Arc<Bodies>) -> Result<()> {
    let (mut frames, link) = link::open(stream)?;
    let mut parts: HashMap<u64, Vec<u8>> = HashMap::new();
    while frames.fill().await? {
        while let Some((kind, payload)) = frames.buffered() {
            let (id, bytes) = link::split(payload)?;
            match kind {
                PART => parts.entry(id).or_default().extend_from_slice(bytes),
                LAST => {
                    let mut body = parts.remove(&id).unwrap_or_default();
                    body.extend_from_slice(bytes);
                    handle(&link, |link| async move {
                        link.number(LAST, id, body.len() as u64)
                    });
                }
                ECHO => {
                    let bytes = bytes.to_vec();
                    handle(&link, |link| async move {
                        let message = Message::decode(&bytes)?;
                        link.send(LAST, id, |out| message.encode(out))
                    });
                }
                GET => {
                    let body = bodies.of(link::number(bytes)?);
                    handle(&link, |link| async move { link.body(id, &body).await });
                }
                ITEMS => {
                    let count = link::number(bytes)?;
                    handle(&link, |link| async move { items(&link, id, count).await });
                }
                _ => bail!("frames of kind {kind} are unknown"),
            }
        }
    }
    link.close();
    Ok(())
}

/// Runs a handler in a task of its own.
fn handle<F>(link: &Arc<Link>, handler: impl FnOnce(Arc<Link>) -> F)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    link.began();
    let handled = handler(Arc::clone(link));
    let link = Arc::clone(link);
    tokio::spawn(async move {
        if let Err(error) = handled.await {
            eprintln!("a call failed: {error:#}");
        }
        link.ended();
    });
}

/// Items go in parts of about half a chunk, each with its length before it.
async fn items(link: &Link, id: u64, count: u64) -> Result<()> {
    let mut part = Vec::new();
    for item in 0..count {
        let start = part.len();
        part.push(0);
        Message::new(item).encode(&mut part)?;
        part[start] = u8::try_from(part.len() - start - 1)?;
        if part.len() >= link::CHUNK / 2 {
            link.room().await;
            link.send_bytes(PART, id, &part)?;
            part.clear();
        }
    }
    link.send_bytes(LAST, id, &part)
}
