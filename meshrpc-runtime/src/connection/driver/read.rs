//! Reading: bytes become frames, and calls are handed over.

use std::{
    io, mem,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use bytes::BufMut;
use tokio::io::AsyncReadExt;

use super::{
    super::{
        Io,
        incoming::{Incoming, IncomingBody, Responder},
        now,
        shared::Shared,
        stream::RecvStream,
    },
    Driver,
};
use crate::{
    transport::Credentials,
    wire::{
        self, Arrived, Fault, Frame,
        buffers::{self, Spare},
        take_preface,
    },
};

/// Bytes asked for in one read.
const READ: usize = 64 << 10;
/// The same until the peer has said who it is: whoever connects costs that much.
const FIRST_READ: usize = 512;
/// The same where a header is expected whose payload is read to another place.
const HEADER_READ: usize = 4 << 10;

thread_local! {
    static FRAMES: Spare<Vec<Frame>> = const { Spare::new(2) };
}

impl<T: Io> Driver<T> {
    /// Reads once and applies what came. `Pending` if nothing is there.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let result = match &mut self.landing {
            Some(landing) => {
                let io = &mut self.io;
                ready!(landing.fill(|room| pin!(io.read_buf(room)).poll(cx)))
            }
            None => ready!(self.poll_input(cx)),
        };
        match result {
            Ok(0) if self.is_probed() => self.fail(Fault::Probe),
            Ok(0) => self.fail(Fault::Closed),
            Ok(_) => {
                self.heard = true;
                let taken = match self.landing {
                    Some(_) => self.take_landed(),
                    None => self.take_input(),
                };
                if let Err(fault) = taken {
                    self.fail(fault);
                }
            }
            Err(error) if is_reset(&error) && self.is_probed() => self.fail(Fault::Probe),
            Err(error) => self.fail(Fault::transport(&error)),
        }
        Poll::Ready(())
    }

    /// Reads what is not known yet.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Of the chunk that follows one, the header is what is to be read here.
        let most = match self.peer {
            None => FIRST_READ,
            Some(_) if self.between_chunks => HEADER_READ,
            Some(_) => READ,
        };
        // A frame that has begun is read to its end, so that the next one begins a buffer.
        if self.input.capacity() == 0 && self.peer.is_some() {
            self.input = buffers::input();
        }
        let room = self.input.capacity() - self.input.len();
        let lacks = self.reader.lacks(&self.input).unwrap_or(0);
        if room < lacks {
            self.input.reserve(lacks);
        } else if room < most / 4 {
            self.input.reserve(most);
        }
        let most = if lacks > HEADER_READ { lacks } else { most };
        let mut room = (&mut self.input).limit(most);
        let read = pin!(self.io.read_buf(&mut room)).poll(cx);
        if read.is_pending() && self.input.is_empty() {
            self.release_input();
        }
        read
    }

    /// Goes on with a chunk, and applies it once it is whole.
    fn take_landed(&mut self) -> Result<(), Fault> {
        let Some(landing) = self.landing.take_if(|landing| landing.is_whole()) else {
            return Ok(());
        };
        self.between_chunks = landing.has_successor();
        let now = now();
        let result = self.change(|wire| wire.landed(landing, now));
        if !self.between_chunks {
            self.release_input();
        }
        result
    }

    /// Whether a peer that goes now was a health check of this server.
    fn is_probed(&self) -> bool {
        self.shared.dispatch.is_some() && !self.heard
    }

    /// Cuts frames off the input and applies them, all under one lock once the handshake is done.
    fn take_input(&mut self) -> Result<(), Fault> {
        Spare::lend(&FRAMES, &mut self.frames);
        if !self.preface_seen {
            if !take_preface(&mut self.input)? {
                return Ok(());
            }
            self.preface_seen = true;
            let Credentials { identity, binding } = (self.vouch)(&self.io);
            let mut state = self.shared.lock();
            state.wire.vouch(identity, binding);
            state.wire.preface_received();
        }
        while self.peer.is_none() {
            let Some(frame) = self.reader.next(&mut self.input)? else {
                return Ok(());
            };
            self.frames.push(frame);
            self.apply()?;
            self.reader = self.shared.lock().wire.frame_reader();
            self.peer = self.shared.peer.get().cloned();
            self.hold_within_budget();
        }
        let cut = loop {
            match self.reader.next(&mut self.input) {
                Ok(Some(frame)) => self.frames.push(frame),
                Ok(None) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        // What came before a bad frame is as good as ever.
        self.apply()?;
        Spare::take_back(&FRAMES, &mut self.frames);
        cut?;
        self.between_chunks = false;
        if self.input.is_empty() {
            self.release_input();
        } else if self.reader.lacks(&self.input) > Some(HEADER_READ) {
            self.landing = self.shared.lock().wire.land(&mut self.input);
        }
        Ok(())
    }

    /// Server: what is held for the peer's calls counts from now on.
    fn hold_within_budget(&self) {
        if let (Some(dispatch), Some(peer)) = (&self.shared.dispatch, &self.peer)
            && let Some(budget) = dispatch.connected(peer)
        {
            self.shared.lock().wire.hold_within(budget);
        }
    }

    /// A connection holds no buffer while there is nothing in it.
    fn release_input(&mut self) {
        buffers::give_input(mem::take(&mut self.input));
    }

    fn apply(&mut self) -> Result<(), Fault> {
        let now = now();
        self.cancelled_before = self.shared.cancelled.load(Ordering::Relaxed);
        let mut frames = mem::take(&mut self.frames);
        let result = self.change(|wire| {
            let mut frames = frames.drain(..);
            frames.try_for_each(|frame| wire.receive(&frame, now))
        });
        self.frames = frames;
        result
    }

    /// Hands over the calls that arrived, if there were any: whether others have to look after them.
    pub(super) fn dispatch(&mut self) -> Option<bool> {
        let dispatch = self.shared.dispatch.as_ref()?;
        if self.calls.is_empty() {
            return None;
        }
        let (shared, before) = (&self.shared, self.cancelled_before);
        let calls = self.calls.drain(..);
        let untended = dispatch.dispatch(&mut calls.map(|call| incoming(call, shared, before)));
        wire::Connection::give_room_back(&mut self.calls);
        Some(untended)
    }
}

fn incoming(call: Arrived, shared: &Arc<Shared>, cancelled_before: u64) -> Incoming {
    let body = match call.body {
        Some(body) => IncomingBody::Buffered(body),
        None => IncomingBody::Stream(RecvStream::new(Arc::clone(shared), call.id)),
    };
    Incoming {
        head: call.head,
        body,
        responder: Responder::new(Arc::clone(shared), call.id, cancelled_before),
        deadline: call.deadline,
    }
}

/// Some health checks close so that no state is left of the connection.
fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}
