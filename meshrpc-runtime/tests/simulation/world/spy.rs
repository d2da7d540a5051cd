//! The frames of one direction, read as they leave: what a well-behaved side may say, and what is
//! under way.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use meshrpc::wire::{Config, FrameType, HEADER_LEN, PREFACE};

use super::{Check, Who};

/// Reads along.
#[derive(Debug)]
pub(crate) struct Spy {
    who: Who,
    max_frame: usize,
    inline_max: u64,
    /// Bytes that left the core.
    pub(crate) taken: u64,
    streams: BTreeMap<u64, Said>,
    /// Frames that left the sender's core and did not reach the other.
    under_way: VecDeque<Passing>,
    /// What is in them for the connection.
    pub(crate) sums: Sums,
    /// What is in them for each stream.
    pub(crate) stream_sums: BTreeMap<u64, Sums>,
    last_open: u64,
    /// Client: a go-away was read when this was the highest id in a queued OPEN.
    pub(crate) opens_until: Option<u64>,
    /// Server: the last id of its final go-away.
    pub(crate) accepts_until: Option<u64>,
    /// The sender's connection failed: it may say why, and nothing else.
    pub(crate) failed: bool,
}

/// What one side said on one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    body: u64,
    begun: bool,
    ended: bool,
    reset: bool,
    /// Where the frame ends that lets the server start.
    pub(crate) starts_at: Option<u64>,
}

/// Bytes and credit in frames under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) data: u64,
    pub(crate) credit: u64,
}

#[derive(Debug)]
struct Passing {
    kind: u8,
    stream: u64,
    sums: Sums,
}

/// A frame in a row of bytes that are known to be good.
#[derive(Clone, Copy)]
pub(crate) struct Glimpse<'a> {
    pub(crate) kind: u8,
    pub(crate) end: bool,
    pub(crate) stream: u64,
    pub(crate) payload: &'a [u8],
}

impl Spy {
    pub(crate) fn new(who: Who, receiver: &Config) -> Self {
        Self {
            who,
            max_frame: receiver.max_frame as usize,
            inline_max: receiver.inline_max.into(),
            taken: 0,
            streams: BTreeMap::new(),
            under_way: VecDeque::new(),
            sums: Sums::default(),
            stream_sums: BTreeMap::new(),
            last_open: 0,
            opens_until: None,
            accepts_until: None,
            failed: false,
        }
    }

    /// Reads what the sender's core gave out.
    pub(crate) fn read(&mut self, output: &[u8]) -> Check {
        let who = self.who;
        for frame in frames(output, self.taken == 0) {
            let at = output.as_ptr_range().end as usize - frame.payload.as_ptr_range().end as usize;
            let end = self.taken + (output.len() - at) as u64;
            self.note(frame, end)
                .map_err(|what| format!("the {who} said {frame}: {what}"))?;
        }
        self.taken += output.len() as u64;
        Ok(())
    }

    /// The other side took a frame.
    pub(crate) fn arrived(&mut self, kind: Option<FrameType>, stream: u64) -> Check {
        let Some(frame) = self.under_way.pop_front() else {
            return Err(format!("{kind:?} arrived, and was never sent"));
        };
        if (Some(frame.kind), frame.stream) != (kind.map(|kind| kind as u8), stream) {
            return Err(format!("{frame:?} was sent, {kind:?} on {stream} arrived"));
        }
        self.add(&frame, false);
        Ok(())
    }

    /// The other side took the next frame, which has to bring bytes of a body.
    pub(crate) fn chunk_arrived(&mut self) -> Check {
        let stream = self.under_way.front().map_or(0, |frame| frame.stream);
        self.arrived(Some(FrameType::Data), stream)
    }

    /// What this side said on a stream.
    pub(crate) fn said(&self, stream: u64) -> Said {
        self.streams.get(&stream).copied().unwrap_or_default()
    }

    /// The highest id in an OPEN that was sent, or waits among `queued`.
    pub(crate) fn highest_open(&self, queued: &[u8]) -> u64 {
        frames(queued, self.taken == 0)
            .filter(|frame| frame.kind == FrameType::Open as u8)
            .map(|frame| frame.stream)
            .fold(self.last_open, u64::max)
    }

    fn note(&mut self, frame: Glimpse<'_>, end: u64) -> Check {
        let id = frame.stream;
        let len = frame.payload.len() as u64;
        let body = frame.body();
        if frame.payload.len() > self.max_frame {
            return Err(format!("the peer takes {}", self.max_frame));
        }
        let known = [
            FrameType::Open,
            FrameType::Reply,
            FrameType::Data,
            FrameType::Status,
            FrameType::Reset,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == frame.kind);
        // What a server had queued before may still be read; bulk was not queued.
        let late = known.filter(|kind| self.who == Who::Client || *kind == FrameType::Data);
        if self.failed && late.is_some() {
            return Err("its connection had failed".into());
        }
        if let Some(kind) = known {
            let said = self.streams.entry(id).or_default();
            if said.reset {
                return Err("a reset was its last word".into());
            }
            if said.ended && kind != FrameType::Reset {
                return Err("its direction had ended".into());
            }
            said.body += body;
            let carries_count = kind == FrameType::Status || kind == FrameType::Data && frame.end;
            if carries_count && number(frame.payload) != Some(said.body) {
                return Err(format!("{} bytes were sent", said.body));
            }
            match kind {
                FrameType::Open => {
                    if !id.is_multiple_of(2) || id <= self.last_open {
                        return Err(format!("{} was used before", self.last_open));
                    }
                    if self.opens_until.is_some_and(|until| id > until) {
                        return Err("the server had said that it goes".into());
                    }
                    self.last_open = id;
                    let streams = frame.payload.get(2).is_some_and(|kind| kind & 2 != 0);
                    if streams {
                        said.starts_at = Some(end);
                    }
                }
                FrameType::Reply if said.begun => return Err("it had replied".into()),
                FrameType::Reset => said.reset = true,
                FrameType::Data if !frame.end && len == 0 => return Err("it is empty".into()),
                FrameType::Data if self.who == Who::Server && !said.begun => {
                    return Err("no reply began".into());
                }
                _ => {}
            }
            if matches!(kind, FrameType::Open | FrameType::Reply) {
                said.begun = true;
                if body > self.inline_max {
                    return Err(format!("{body} bytes of body, not paid for"));
                }
            }
            if frame.end {
                said.ended = true;
                said.starts_at.get_or_insert(end);
            }
        }
        if frame.kind == FrameType::GoAway as u8 && frame.payload.get(9) == Some(&0) {
            self.accepts_until = number(frame.payload);
        }
        let sums = Sums {
            data: if known == Some(FrameType::Data) {
                body
            } else {
                0
            },
            credit: frame.credit(),
        };
        let passing = Passing {
            kind: frame.kind,
            stream: id,
            sums,
        };
        self.add(&passing, true);
        self.under_way.push_back(passing);
        Ok(())
    }

    fn add(&mut self, frame: &Passing, leaves: bool) {
        if frame.sums == Sums::default() {
            return;
        }
        let change = |sums: &mut Sums, of: Sums| {
            if leaves {
                sums.data += of.data;
                sums.credit += of.credit;
            } else {
                sums.data -= of.data;
                sums.credit -= of.credit;
            }
        };
        if frame.stream != 0 {
            change(
                self.stream_sums.entry(frame.stream).or_default(),
                frame.sums,
            );
        }
        // Credit of a stream is none of the connection's.
        let mut of = frame.sums;
        if frame.stream != 0 {
            of.credit = 0;
        }
        change(&mut self.sums, of);
    }
}

impl Said {
    /// Nothing was said.
    pub(crate) fn is_new(self) -> bool {
        !self.begun
    }
}

impl Glimpse<'_> {
    /// Body bytes in it.
    pub(crate) fn body(&self) -> u64 {
        let len = self.payload.len() as u64;
        let of = |kind: FrameType| self.kind == kind as u8;
        if of(FrameType::Open) || of(FrameType::Reply) {
            let head = self
                .payload
                .first_chunk()
                .map_or(0, |&head| u16::from_le_bytes(head));
            len.saturating_sub(head.into())
        } else if of(FrameType::Data) {
            if self.end { len.saturating_sub(8) } else { len }
        } else {
            0
        }
    }

    /// Credit that it gives.
    pub(crate) fn credit(&self) -> u64 {
        if self.kind != FrameType::Credit as u8 {
            return 0;
        }
        let grant = self
            .payload
            .first_chunk()
            .map_or(0, |&grant| u32::from_le_bytes(grant));
        grant.into()
    }
}

impl fmt::Display for Glimpse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, stream, len) = (self.kind, self.stream, self.payload.len());
        let end = if self.end { " with its end" } else { "" };
        write!(f, "{kind:02x} on {stream}, {len} bytes{end}")
    }
}

/// The whole frames in `bytes`, which begin with a preface if they are the `first`.
pub(crate) fn frames(bytes: &[u8], first: bool) -> impl Iterator<Item = Glimpse<'_>> {
    let skip = if first { PREFACE.len() } else { 0 };
    let mut rest = bytes.get(skip..).unwrap_or_default();
    std::iter::from_fn(move || {
        let header: &[u8; HEADER_LEN] = rest.first_chunk()?;
        let len = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
        let mut stream = [0; 8];
        stream[..7].copy_from_slice(&header[5..12]);
        let payload = rest.get(HEADER_LEN..HEADER_LEN + len)?;
        rest = &rest[HEADER_LEN + len..];
        Some(Glimpse {
            kind: header[3],
            end: header[4] & 1 != 0,
            stream: u64::from_le_bytes(stream),
            payload,
        })
    })
}

/// The number that a payload begins with.
fn number(payload: &[u8]) -> Option<u64> {
    payload
        .first_chunk()
        .map(|&number| u64::from_le_bytes(number))
}
