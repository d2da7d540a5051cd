//! What a network does to the bytes of a connection.

use std::{
    ops::{Bound, Range, RangeBounds},
    time::Duration,
};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Requests, and what belongs to them.
    ToServer,
    /// Replies, and what belongs to them.
    ToClient,
}

/// What happens to the bytes that go one way.
///
/// ```
/// # use std::time::Duration;
/// # use meshrpc::testing::Fault;
/// // The first connection ends in place of byte 300 of what the server sends.
/// let lost = Fault::to_client().kill_at(300).connection(1);
/// // Every connection brings requests half a second late.
/// let slow = Fault::to_server().delay(Duration::from_millis(500));
/// ```
///
/// Bytes are counted from 0, the handshake's included. Several effects may be put into one fault,
/// and several faults may hold for one connection. Unless [`connection`](Self::connection) or
/// [`instance`](Self::instance) narrow it, a fault holds for every connection.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until a network takes it"]
pub struct Fault {
    pub(super) direction: Direction,
    pub(super) effects: Effects,
    pub(super) connection: Option<u64>,
    pub(super) instance: Option<String>,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    /// The connection ends in place of this byte.
    pub(super) kill_at: Option<u64>,
    /// Bytes from this one on are held back.
    pub(super) stall_at: Option<u64>,
    /// Bytes, and what they are changed by.
    pub(super) flips: Vec<(u64, u8)>,
    /// Bytes that do not arrive, though those after them do.
    pub(super) swallowed: Vec<Range<u64>>,
    /// How long bytes are on the way.
    pub(super) delay: Duration,
    /// Most bytes that arrive at once.
    pub(super) piece: Option<usize>,
}

impl Fault {
    /// A fault of what the client sends.
    pub fn to_server() -> Self {
        Self::on(Direction::ToServer)
    }

    /// A fault of what the server sends.
    pub fn to_client() -> Self {
        Self::on(Direction::ToClient)
    }

    /// A fault of what goes this way.
    pub fn on(direction: Direction) -> Self {
        Self {
            direction,
            effects: Effects::default(),
            connection: None,
            instance: None,
        }
    }

    /// Ends the connection, both ways, in place of byte `byte`: what came before it arrives.
    pub fn kill_at(mut self, byte: u64) -> Self {
        self.effects.kill_at = earliest(self.effects.kill_at, byte);
        self
    }

    /// Holds back byte `byte` and all after it, until [`Network::heal`](super::Network::heal).
    pub fn stall_at(mut self, byte: u64) -> Self {
        self.effects.stall_at = earliest(self.effects.stall_at, byte);
        self
    }

    /// Changes bit `bit` of byte `byte`, 0 being the lowest.
    ///
    /// # Panics
    /// If there is no such bit.
    #[track_caller]
    pub fn flip_bit(mut self, byte: u64, bit: u8) -> Self {
        assert!(bit < 8, "a byte has the bits 0 to 7, not {bit}");
        self.effects.flips.push((byte, 1 << bit));
        self
    }

    /// Loses these bytes without a word, as in `swallow(40..)`. What comes after them arrives.
    pub fn swallow(mut self, bytes: impl RangeBounds<u64>) -> Self {
        let start = match bytes.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match bytes.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => u64::MAX,
        };
        self.effects.swallowed.push(start..end);
        self
    }

    /// Lets bytes arrive this much later.
    pub fn delay(mut self, time: Duration) -> Self {
        self.effects.delay = self.effects.delay.saturating_add(time);
        self
    }

    /// Lets at most this many bytes arrive at once.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn pieces(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "pieces of no bytes never arrive: use `stall_at`");
        self.effects.piece = earliest(self.effects.piece, bytes);
        self
    }

    /// Holds for one connection only: the `number`th that is made once the network has this fault,
    /// counted from 1; only connections to the fault's [`instance`](Self::instance) count, if it
    /// names one.
    ///
    /// # Panics
    /// If `number` is 0.
    #[track_caller]
    pub fn connection(mut self, number: u64) -> Self {
        assert!(number > 0, "connections are counted from 1");
        self.connection = Some(number);
        self
    }

    /// Holds for connections to this instance only, named as [`Error::instance`](crate::Error::instance)
    /// names it.
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// Whether connections to this instance are concerned.
    pub(super) fn concerns(&self, instance: &str) -> bool {
        self.instance.as_deref().is_none_or(|name| name == instance)
    }
}

impl Effects {
    /// Adds `more`, whose bytes are counted from `base`.
    pub(super) fn add(&mut self, more: &Effects, base: u64) {
        let from_base = |byte: u64| byte.saturating_add(base);
        if let Some(byte) = more.kill_at {
            self.kill_at = earliest(self.kill_at, from_base(byte));
        }
        if let Some(byte) = more.stall_at {
            self.stall_at = earliest(self.stall_at, from_base(byte));
        }
        let flips = more
            .flips
            .iter()
            .map(|&(byte, mask)| (from_base(byte), mask));
        self.flips.extend(flips);
        let swallowed = more.swallowed.iter();
        self.swallowed
            .extend(swallowed.map(|range| from_base(range.start)..from_base(range.end)));
        self.delay = self.delay.saturating_add(more.delay);
        if let Some(bytes) = more.piece {
            self.piece = earliest(self.piece, bytes);
        }
    }

    /// Which of these bytes are not lost, in runs that are not empty.
    pub(super) fn arriving(&self, bytes: Range<u64>) -> Vec<Range<u64>> {
        let mut runs = vec![bytes];
        for lost in &self.swallowed {
            let cut = |run: Range<u64>| {
                let before = run.start..run.end.min(lost.start);
                let after = run.start.max(lost.end)..run.end;
                [before, after]
            };
            runs = runs.into_iter().flat_map(cut).collect();
            runs.retain(|run| !run.is_empty());
        }
        runs
    }
}

fn earliest<T: Ord>(known: Option<T>, other: T) -> Option<T> {
    Some(match known {
        Some(known) => known.min(other),
        None => other,
    })
}
