//! The bytes of a connection that go one way, and what happens to them.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::testing::fault::Effects;

/// Bytes that may be on the way.
const CAPACITY: usize = 256 << 10;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    effects: Effects,
    /// Bytes the sender has handed over, those that were lost included.
    taken: u64,
    /// On the way, the oldest first.
    parcels: VecDeque<Parcel>,
    /// Bytes in `parcels`.
    on_the_way: usize,
    timer: Option<Pin<Box<Sleep>>>,
    /// A piece was delivered, and the receiver has its turn.
    pausing: bool,
    /// The stall was met and counted.
    stalled: bool,
}

/// Bytes that were handed over together.
#[derive(Debug)]
struct Parcel {
    due: Instant,
    /// What number its first byte has.
    start: u64,
    bytes: Vec<u8>,
    /// Bytes of it that were delivered.
    delivered: usize,
}

/// What a sender may hand over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// At most so many bytes, more than none.
    Bytes(usize),
    /// Nothing now.
    Full,
    /// The connection ends in place of the next byte.
    End,
}

impl Pipe {
    /// Adds effects whose bytes are counted from the next one that is handed over.
    pub(super) fn add(&mut self, effects: &Effects) {
        self.effects.add(effects, self.taken);
    }

    /// Takes away every effect; what is held back goes on.
    pub(super) fn heal(&mut self) {
        self.effects = Effects::default();
        self.stalled = false;
    }

    /// Bytes handed over so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(super) fn room(&self) -> Room {
        let before_end = match self.effects.kill_at {
            Some(byte) => byte.saturating_sub(self.taken),
            None => u64::MAX,
        };
        if before_end == 0 {
            // What came before it has to arrive first.
            return if self.is_empty() {
                Room::End
            } else {
                Room::Full
            };
        }
        match CAPACITY - self.on_the_way {
            0 => Room::Full,
            free => Room::Bytes(usize::try_from(before_end).map_or(free, |end| end.min(free))),
        }
    }

    /// Takes bytes for which there is [`room`](Self::room); returns how many faults struck them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> u64 {
        let start = self.taken;
        self.taken += bytes.len() as u64;
        let mut struck = 0;
        let mut bytes = bytes.to_vec();
        for &(byte, mask) in &self.effects.flips {
            let index = byte.checked_sub(start).map(usize::try_from);
            if let Some(Ok(index)) = index
                && let Some(place) = bytes.get_mut(index)
            {
                *place ^= mask;
                struck += 1;
            }
        }
        let arriving = self.effects.arriving(start..self.taken);
        let kept: u64 = arriving.iter().map(|run| run.end - run.start).sum();
        struck += u64::from(kept < self.taken - start);
        let due = Instant::now() + self.effects.delay;
        for range in arriving {
            let index = |byte: u64| usize::try_from(byte - start).unwrap_or(bytes.len());
            let bytes = bytes[index(range.start)..index(range.end)].to_vec();
            self.on_the_way += bytes.len();
            self.parcels.push_back(Parcel {
                due,
                start: range.start,
                bytes,
                delivered: 0,
            });
        }
        struck
    }

    /// What can be delivered now, more than nothing; counts a stall that is met the first time.
    pub(super) fn deliverable(&mut self, cx: &mut Context<'_>, struck: &mut u64) -> Poll<&[u8]> {
        let Some(parcel) = self.parcels.front() else {
            return Poll::Pending;
        };
        if self.pausing {
            self.pausing = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let due = parcel.due;
        if Instant::now() < due {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
        let Some(parcel) = self.parcels.front() else {
            return Poll::Pending;
        };
        let rest = &parcel.bytes[parcel.delivered..];
        let first = parcel.start + parcel.delivered as u64;
        let before_stall = match self.effects.stall_at {
            Some(byte) => usize::try_from(byte.saturating_sub(first)).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        if before_stall == 0 {
            *struck += u64::from(!std::mem::replace(&mut self.stalled, true));
            return Poll::Pending;
        }
        let piece = self.effects.piece.unwrap_or(usize::MAX);
        Poll::Ready(&rest[..rest.len().min(before_stall).min(piece)])
    }

    /// So many bytes of what was deliverable arrived.
    pub(super) fn delivered(&mut self, bytes: usize) {
        self.on_the_way -= bytes;
        self.pausing = self.effects.piece.is_some();
        if let Some(parcel) = self.parcels.front_mut() {
            parcel.delivered += bytes;
            if parcel.delivered == parcel.bytes.len() {
                self.parcels.pop_front();
            }
        }
    }
}
