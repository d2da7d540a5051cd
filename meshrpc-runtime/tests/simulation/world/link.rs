//! Bytes on their way: what the owner of a connection does around the core, and what kernels and
//! networks do between two of them.

use std::{io, time::Instant};

use bytes::{BufMut, BytesMut};
use fastrand::Rng;
use meshrpc::wire::{Connection, Fault, FrameType, GoAway, Landing, parse_go_away, take_preface};

use super::{
    Check, Who, World,
    damage::{Damage, Detour},
    spy::Spy,
};

/// One side: its core, and what its owner holds.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) who: Who,
    pub(crate) wire: Connection,
    preface_seen: bool,
    input: BytesMut,
    /// Large chunks are read to where they stay.
    lands: bool,
    landing: Option<Landing>,
    output: Vec<u8>,
    written: usize,
    unreported: usize,
    /// Bytes that the core was told are written.
    pub(crate) reported: u64,
    /// When a whole frame last arrived.
    pub(crate) heard: Instant,
    /// Its transport is closed.
    pub(crate) gone: bool,
}

/// The bytes between two sides, in one direction.
#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: BytesMut,
    capacity: usize,
    /// What the reader finds behind the bytes.
    end: Option<End>,
    /// What is written vanishes.
    pub(crate) severed: bool,
    /// The reader is gone, or the connection lost: who writes learns it.
    broken: bool,
    /// What befalls one of the next frames.
    pub(crate) expects: Option<Damage>,
    /// The frame that it befalls.
    detour: Option<Detour>,
    /// A frame of a handshake with keys is not as it was sent.
    pub(crate) forged: bool,
    /// Bytes that were written.
    passed: u64,
    pub(crate) spy: Spy,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Lost,
}

impl Side {
    pub(crate) fn new(who: Who, wire: Connection, lands: bool, now: Instant) -> Self {
        Self {
            who,
            wire,
            preface_seen: false,
            input: BytesMut::new(),
            lands,
            landing: None,
            output: Vec::new(),
            written: 0,
            unreported: 0,
            reported: 0,
            heard: now,
            gone: false,
        }
    }

    /// Tells the core what was written.
    pub(crate) fn report(&mut self) {
        self.wire.wrote(self.unreported);
        self.reported += std::mem::take(&mut self.unreported) as u64;
    }

    /// As the owner does it: what was written is known before the calls end.
    fn fail(&mut self, fault: Fault) {
        self.report();
        self.wire.fail_with(fault);
    }

    /// Bytes that the core gave out and the kernel has not.
    fn unwritten(&self) -> usize {
        self.output.len() - self.written
    }
}

impl Pipe {
    pub(crate) fn new(capacity: usize, spy: Spy) -> Self {
        Self {
            bytes: BytesMut::new(),
            capacity,
            end: None,
            severed: false,
            broken: false,
            expects: None,
            detour: None,
            forged: false,
            passed: 0,
            spy,
        }
    }

    /// Loses what is under way from byte `at` on.
    pub(crate) fn lose(&mut self, at: f64) {
        self.bytes.truncate((self.bytes.len() as f64 * at) as usize);
        self.end = Some(End::Lost);
        self.broken = true;
    }

    /// Everything that is sent arrives, or has.
    pub(crate) fn is_whole(&self) -> bool {
        self.end.is_none() && !self.severed && !self.broken
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
}

impl World {
    fn out_of(&mut self, who: Who) -> (&mut Side, &mut Pipe, &mut Rng) {
        match who {
            Who::Client => (&mut self.client, &mut self.up, &mut self.rng),
            Who::Server => (&mut self.server, &mut self.down, &mut self.rng),
        }
    }

    fn into(&mut self, who: Who) -> (&mut Side, &mut Pipe) {
        match who {
            Who::Client => (&mut self.client, &mut self.down),
            Who::Server => (&mut self.server, &mut self.up),
        }
    }

    /// The owner writes up to `max` bytes; true if something came of it.
    pub(crate) fn write(&mut self, who: Who, max: usize) -> Check<bool> {
        let (side, pipe, rng) = self.out_of(who);
        let checksum = side.wire.frame_reader().checksum;
        if side.gone {
            return Ok(false);
        }
        let failed = side.wire.fault().is_some();
        if failed && who == Who::Client && side.unwritten() > 0 {
            // Its callers were told that these requests did not leave.
            side.wire.transmit(&mut Vec::new());
            side.written = side.output.len();
        }
        if side.unwritten() == 0 {
            side.report();
            side.output.clear();
            side.written = 0;
            side.wire.transmit(&mut side.output);
            // One that ended in good order still says what it had queued: no call is left in it.
            pipe.spy.failed = failed && side.wire.fault() != Some(&Fault::Done);
            let begin = pipe.spy.taken;
            pipe.spy.read(&side.output)?;
            if let Some(damage) = pipe.expects {
                pipe.detour = Detour::pick(damage, &side.output, begin, checksum, rng);
                pipe.expects = pipe.expects.filter(|_| pipe.detour.is_none());
                pipe.forged |= pipe.detour.is_some() && matches!(damage, Damage::Forged(_));
            }
        }
        if side.output.is_empty() {
            if failed {
                self.close(who);
            }
            return Ok(failed);
        }
        if pipe.broken {
            let reset = Fault::Transport(io::ErrorKind::ConnectionReset, "reset".into());
            side.output.clear();
            side.written = 0;
            side.fail(reset);
            self.close(who);
            return Ok(true);
        }
        let room = if pipe.severed { max } else { pipe.room() };
        let len = max.min(room).min(side.unwritten());
        let bytes = &side.output[side.written..side.written + len];
        let damaged = pipe.detour.as_mut();
        let damaged = damaged.map(|detour| detour.pass(bytes, pipe.passed, checksum, rng));
        if !pipe.severed {
            pipe.bytes
                .extend_from_slice(damaged.as_deref().unwrap_or(bytes));
        }
        pipe.passed += len as u64;
        side.written += len;
        side.unreported += len;
        if damaged.is_some() && !self.damaged {
            self.damaged = true;
            self.tally.damaged += 1;
        }
        if len > 0 {
            self.trace(|| format!("{who} writes {len} bytes"));
        }
        Ok(len > 0)
    }

    /// The owner reads up to `max` bytes; true if something came of it.
    pub(crate) fn read(&mut self, who: Who, max: usize) -> Check<bool> {
        let (side, pipe) = self.into(who);
        if side.gone || !side.wire.takes_frames() {
            return Ok(false);
        }
        let len = max.min(pipe.bytes.len());
        if len == 0 {
            let fault = match pipe.end {
                None => return Ok(false),
                Some(End::Closed) => Fault::Closed,
                Some(End::Lost) => Fault::Transport(io::ErrorKind::ConnectionReset, "lost".into()),
            };
            side.fail(fault);
            return Ok(true);
        }
        let mut bytes = pipe.bytes.split_to(len);
        // The owner says it before it applies what it read.
        side.report();
        let landing = side.landing.take();
        self.trace(|| format!("{who} reads {len} bytes"));
        let mut taken = Ok(());
        if let Some(landing) = landing {
            taken = self.take_landed(who, landing, &mut bytes)?;
        }
        let side = self.side(who);
        side.input.extend_from_slice(&bytes);
        if taken.is_ok() && side.landing.is_none() {
            taken = self.take_input(who)?;
        }
        let side = self.side(who);
        if side.lands && taken.is_ok() && side.landing.is_none() {
            side.landing = side.wire.land(&mut side.input);
        }
        if let Err(fault) = taken {
            self.fault(who, fault)?;
        }
        Ok(true)
    }

    /// Goes on with a chunk, and has the core take it once it is whole.
    fn take_landed(
        &mut self,
        who: Who,
        mut landing: Landing,
        bytes: &mut BytesMut,
    ) -> Check<Result<(), Fault>> {
        let now = self.now;
        landing.fill(|room| {
            let len = bytes.len().min(room.remaining_mut());
            room.put_slice(&bytes.split_to(len));
        });
        if !landing.is_whole() {
            self.side(who).landing = Some(landing);
            return Ok(Ok(()));
        }
        self.tally.landed += 1;
        let (side, pipe) = self.into(who);
        side.heard = now;
        let arrived = pipe.spy.chunk_arrived();
        let taken = side.wire.landed(landing, now);
        self.events(who)?;
        arrived.map(|()| taken).or_else(|what| match self.damaged {
            true => Ok(Ok(())),
            false => Err(what),
        })
    }

    fn take_input(&mut self, who: Who) -> Check<Result<(), Fault>> {
        let now = self.now;
        let (side, _) = self.into(who);
        if !side.preface_seen {
            match take_preface(&mut side.input) {
                Ok(true) => side.preface_seen = true,
                Ok(false) => return Ok(Ok(())),
                Err(fault) => return Ok(Err(fault)),
            }
            side.wire.preface_received();
        }
        loop {
            let (side, pipe) = self.into(who);
            let frame = match side.wire.frame_reader().next(&mut side.input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(Ok(())),
                Err(fault) => return Ok(Err(fault)),
            };
            side.heard = now;
            let arrived = pipe.spy.arrived(frame.kind, frame.stream);
            if !self.damaged {
                arrived?;
            }
            self.foresee(who, &frame)?;
            let (side, _) = self.into(who);
            if let Err(fault) = side.wire.receive(&frame, now) {
                return Ok(Err(fault));
            }
            self.events(who)?;
            if let Some(GoAway { last, .. }) = self.final_go_away(who, &frame) {
                self.disowned(last)?;
            }
        }
    }

    /// The last id, if the client has just taken a final go-away.
    fn final_go_away(&self, who: Who, frame: &meshrpc::wire::Frame) -> Option<GoAway> {
        let taken = who == Who::Client && frame.kind == Some(FrameType::GoAway);
        let go_away = taken.then(|| parse_go_away(frame.payload.clone()).ok())??;
        (!go_away.soft).then_some(go_away)
    }

    /// A core says that its connection is over.
    pub(crate) fn fault(&mut self, who: Who, fault: Fault) -> Check {
        self.trace(|| format!("{who} ends the connection: {fault}"));
        self.blames(who, &fault)?;
        self.side(who).fail(fault);
        Ok(())
    }

    /// The owner of a side drops it.
    pub(crate) fn drop_side(&mut self, who: Who) {
        self.side(who).fail(Fault::ClosedHere);
        self.close(who);
    }

    /// The transport of a side closes; it was told why before.
    pub(crate) fn close(&mut self, who: Who) {
        self.trace(|| format!("{who} closes"));
        let (side, pipe, _) = self.out_of(who);
        side.gone = true;
        if pipe.severed {
            return;
        }
        pipe.end.get_or_insert(End::Closed);
        let (_, pipe) = self.into(who);
        pipe.broken = true;
    }
}
