//! Faults of a peer or of time that two connection cores meet, without sockets: each case of
//! `docs/faults.md` that is tested here is a test of its name.
//!
//! # Layout
//! - `streams`: stream ids and chunks that are not as they should be
//! - `compression`: what a later version may send
//! - `deadlines`: many at a time, none, too short, too long
//! - `clocks`: sides that do not agree what time it is

mod clocks;
mod compression;
mod deadlines;
mod streams;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    CallKind, Codec, Config, Connection, Event, Fault, Frame, OpenHead, ReplyHead, take_preface,
};

/// Two sides after a good handshake, each with a clock of its own.
struct Pair {
    client: Connection,
    server: Connection,
    client_now: Instant,
    server_now: Instant,
}

impl Pair {
    fn new(config: Config) -> Self {
        let now = Instant::now();
        Self::at(config, now, now)
    }

    /// With these times at the two sides.
    fn at(config: Config, client_now: Instant, server_now: Instant) -> Self {
        let config = Arc::new(config);
        let mut pair = Self {
            client: Connection::client(Arc::clone(&config), 1, client_now),
            server: Connection::server(config, 2, server_now),
            client_now,
            server_now,
        };
        let hello = pair.client_bytes();
        shake(&mut pair.server, &hello, server_now);
        let answer = pair.server_bytes();
        shake(&mut pair.client, &answer, client_now);
        assert!(pair.client.is_established() && pair.server.is_established());
        events(&mut pair.client);
        events(&mut pair.server);
        pair
    }

    /// What the client writes now.
    fn client_bytes(&mut self) -> Vec<u8> {
        written(&mut self.client)
    }

    /// What the server writes now.
    fn server_bytes(&mut self) -> Vec<u8> {
        written(&mut self.server)
    }

    /// Lets everything pass that either side has to say, and returns it.
    fn settle(&mut self) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        loop {
            let (to_server, to_client) = (self.client_bytes(), self.server_bytes());
            if to_server.is_empty() && to_client.is_empty() {
                return said;
            }
            for frame in frames(&self.server, &to_server) {
                let taken = self.server.receive(&frame, self.server_now);
                taken.expect("a good client");
            }
            for frame in frames(&self.client, &to_client) {
                let taken = self.client.receive(&frame, self.client_now);
                taken.expect("a good server");
            }
            said.extend([to_server, to_client]);
        }
    }

    /// Lets time pass on both sides.
    fn wait(&mut self, time: Duration) {
        self.client_now += time;
        self.server_now += time;
        self.client
            .handle_timeout(self.client_now)
            .expect("the server was heard");
        self.server
            .handle_timeout(self.server_now)
            .expect("the client was heard");
    }

    /// The client calls with this body; the call's id.
    fn call(&mut self, body: impl Into<Bytes>, deadline: Option<Instant>) -> u64 {
        self.client
            .call(head(), body.into(), deadline, self.client_now)
            .expect("a call that can be made")
    }
}

/// Hands `bytes`, which begin with the preface, to `to`.
fn shake(to: &mut Connection, bytes: &[u8], now: Instant) {
    let mut input = BytesMut::from(bytes);
    assert!(take_preface(&mut input).expect("a preface"));
    to.preface_received();
    for frame in frames(to, &input) {
        to.receive(&frame, now).expect("a hello");
    }
}

fn written(from: &mut Connection) -> Vec<u8> {
    let mut out = Vec::new();
    from.transmit(&mut out);
    from.wrote(out.len());
    out
}

/// The frames that `to` reads in `bytes`.
fn frames(to: &Connection, bytes: &[u8]) -> Vec<Frame> {
    let mut input = BytesMut::from(bytes);
    let next = || to.frame_reader().next(&mut input).expect("good frames");
    std::iter::from_fn(next).collect()
}

fn events(of: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| of.poll_event()).collect()
}

/// Hands frames over until one ends the connection, as its driver does.
fn feed(to: &mut Connection, frames: &[Frame], now: Instant) -> Result<(), Fault> {
    for frame in frames {
        if let Err(fault) = to.receive(frame, now) {
            to.fail_with(fault.clone());
            return Err(fault);
        }
    }
    Ok(())
}

fn head() -> OpenHead {
    OpenHead::new(CallKind::Unary, Codec::Positional, 1)
}

fn reply_head() -> ReplyHead {
    ReplyHead::new(Codec::Positional)
}
