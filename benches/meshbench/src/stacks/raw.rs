//! The bare echo: frames go out as they come in, one after the other. No ids, no futures, no
//! checksums: what two processes can do at all.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    Bodies,
    frames::{Frames, frame},
};
use crate::{message::Message, process, tally::Tally};

const ECHO: u8 = 0;
const PUT: u8 = 1;
const GET: u8 = 2;
const ITEMS: u8 = 3;
/// Messages of a stream are written as soon as there are so many bytes of them.
const WRITE: usize = 32 << 10;

/// Serves on a port of the loopback interface that the system chooses.
pub async fn serve() -> Result<()> {
    let (address, serving) = listen().await?;
    process::answer(address);
    serving.await
}

/// Such a port, and the future that serves there.
pub async fn listen() -> Result<(SocketAddr, impl Future<Output = Result<()>> + Send)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = async move {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A client that goes ends its own task alone.
            tokio::spawn(answer(stream));
        }
    };
    Ok((address, serving))
}

async fn answer(stream: TcpStream) -> Result<()> {
    let mut frames = Frames::new(stream);
    let mut out = Vec::new();
    // Every body is read over the one before, so that no memory is new.
    let mut body = Vec::new();
    let bodies = Bodies::default();
    while frames.fill().await? {
        while let Some(head) = frames.head() {
            if head.kind == PUT {
                body.resize(head.length, 0);
                frames.read_over(head, &mut body).await?;
                number(&mut out, PUT, head.length as u64)?;
                continue;
            }
            let Some((kind, bytes)) = frames.buffered() else {
                break;
            };
            if kind == ECHO {
                frame(&mut out, ECHO, |out| {
                    out.extend_from_slice(bytes);
                    Ok(())
                })?;
                continue;
            }
            let argument = u64::from_le_bytes(bytes.try_into()?);
            match kind {
                GET => send(frames.stream(), GET, &bodies.of(argument)).await?,
                ITEMS => items(frames.stream(), argument, &mut out).await?,
                _ => bail!("frames of kind {kind} are unknown"),
            }
        }
        frames.stream().write_all(&out).await?;
        out.clear();
    }
    Ok(())
}

async fn items(stream: &mut TcpStream, count: u64, out: &mut Vec<u8>) -> Result<()> {
    for id in 0..count {
        frame(out, ITEMS, |out| Message::new(id).encode(out))?;
        if out.len() >= WRITE {
            stream.write_all(out).await?;
            out.clear();
        }
    }
    Ok(())
}

fn number(out: &mut Vec<u8>, kind: u8, number: u64) -> Result<()> {
    frame(out, kind, |out| {
        out.extend_from_slice(&number.to_le_bytes());
        Ok(())
    })
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, kind: u8, body: &Bytes) -> Result<()> {
    let [a, b, c, d] = u32::try_from(body.len())?.to_le_bytes();
    let head = [a, b, c, d, kind];
    let mut whole = Buf::chain(&head[..], &body[..]);
    stream.write_all_buf(&mut whole).await?;
    // TLS takes bytes that it has not written yet; of TCP this is nothing.
    stream.flush().await?;
    Ok(())
}

/// A client's connection.
pub struct Connection<S = TcpStream> {
    frames: Frames<S>,
    out: Vec<u8>,
    body: Vec<u8>,
    next: u64,
}

impl Connection {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Over a stream that is there.
    pub fn over(stream: S) -> Self {
        Self {
            frames: Frames::new(stream),
            out: Vec::new(),
            body: Vec::new(),
            next: 0,
        }
    }

    /// Echoes messages for `time`, `in_flight` of them on the way, and notes how long every
    /// `sample`th takes.
    pub async fn echo(&mut self, in_flight: usize, time: Duration, sample: u64) -> Result<Tally> {
        let mut tally = Tally::begin();
        let mut sent = VecDeque::new();
        let mut answered = self.next;
        for _ in 0..in_flight {
            self.request(sample, &mut sent)?;
        }
        while answered < self.next {
            self.frames.stream().write_all(&self.out).await?;
            self.out.clear();
            ensure!(self.frames.fill().await?, "the server is gone");
            let more = tally.began.elapsed() < time;
            while let Some((_, bytes)) = self.frames.buffered() {
                Message::decode(bytes)?.check(answered)?;
                if answered.is_multiple_of(sample) {
                    let sent = sent.pop_front().context("an answer to nothing")?;
                    tally.note(sent);
                }
                answered += 1;
                tally.calls += 1;
                if more {
                    self.request(sample, &mut sent)?;
                }
            }
        }
        tally.end();
        Ok(tally)
    }

    fn request(&mut self, sample: u64, sent: &mut VecDeque<Instant>) -> Result<()> {
        let id = self.next;
        self.next += 1;
        if id.is_multiple_of(sample) {
            sent.push_back(Instant::now());
        }
        frame(&mut self.out, ECHO, |out| Message::new(id).encode(out))
    }

    /// Sends bytes.
    pub async fn put(&mut self, body: &Bytes) -> Result<()> {
        send(self.frames.stream(), PUT, body).await?;
        loop {
            if let Some((_, length)) = self.frames.buffered() {
                let length = u64::from_le_bytes(length.try_into()?);
                ensure!(length == body.len() as u64, "not all arrived");
                return Ok(());
            }
            ensure!(self.frames.fill().await?, "the server is gone");
        }
    }

    /// Receives bytes, over those of the call before.
    pub async fn get(&mut self, size: u64) -> Result<()> {
        number(&mut self.out, GET, size)?;
        self.frames.stream().write_all(&self.out).await?;
        self.out.clear();
        let head = loop {
            match self.frames.head() {
                Some(head) => break head,
                None => ensure!(self.frames.fill().await?, "the server is gone"),
            }
        };
        self.body.resize(size as usize, 0);
        self.frames.read_over(head, &mut self.body).await
    }

    /// Receives the messages 0 to `count`.
    pub async fn items(&mut self, count: u64) -> Result<()> {
        number(&mut self.out, ITEMS, count)?;
        self.frames.stream().write_all(&self.out).await?;
        self.out.clear();
        let mut received = 0;
        while received < count {
            ensure!(self.frames.fill().await?, "the server is gone");
            while let Some((_, bytes)) = self.frames.buffered() {
                Message::decode(bytes)?.check(received)?;
                received += 1;
            }
        }
        Ok(())
    }
}
