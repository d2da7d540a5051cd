//! The peer: the frames it sends, and what it has to keep to if it keeps to the rules.

use std::time::Duration;

use bytes::Bytes;
use meshrpc::{
    Code, Started,
    wire::{
        CallKind, Codec, Detail, Flags, FrameType, GoAway, GoAwayReason, Metadata, OpenHead,
        Reason, ReplyHead, Retry, Side, Status, put_go_away, put_open, put_reply, put_status,
    },
};

use super::{
    Bench,
    calls::Stream,
    steps::{Sent, Which, kind, length, time},
};

/// What a soft go-away is answered with.
const DRAIN_TOKEN: u64 = 0x4452_4149_4E00_0001;

/// A frame before it is framed, and what becomes of the peer's own account if it is taken.
pub(super) struct Draft {
    pub(super) kind: u8,
    pub(super) flags: Flags,
    pub(super) id: u64,
    pub(super) payload: Vec<u8>,
    pub(super) account: Account,
}

/// What a frame changes.
#[derive(Clone, Copy)]
pub(super) enum Account {
    Nothing,
    /// A call.
    Opens {
        kind: CallKind,
        body: u64,
        end: bool,
    },
    /// The beginning of an answer.
    Answers {
        body: u64,
        end: bool,
    },
    /// Body bytes.
    Brings {
        body: u64,
        end: bool,
    },
    /// The last word of an answer.
    Ends,
    /// The end of a stream for both.
    Resets,
    /// Credit.
    Grants(u64),
    /// Nobody knows.
    Unknown,
}

impl Bench {
    /// The frame that `sent` asks for, `None` if there is nothing that it could be about.
    pub(super) fn draft(&self, sent: &Sent, honest: bool) -> Option<Draft> {
        let server = self.side == Side::Server;
        Some(match *sent {
            Sent::Open {
                id,
                kind: number,
                end,
                len,
                hint,
                time: left,
                metadata,
            } => {
                let kind = kind(number);
                let id = if honest {
                    self.next_open(id)
                } else {
                    id.any(&self.ids)
                };
                let room = if kind.streams_out() {
                    u64::from(self.limits.stream_window)
                } else {
                    u64::MAX
                };
                let len = self.inline(len, honest, room);
                let head = OpenHead {
                    time_left: left.is_multiple_of(4).then(|| time(left / 4)),
                    body_len: hinted(hint),
                    metadata: entries(metadata),
                    ..OpenHead::new(kind, Codec::Positional, 1)
                };
                let mut payload = Vec::new();
                put_open(&mut payload, &head);
                put_pattern(&mut payload, id, 0, len);
                let account = Account::Opens {
                    kind,
                    body: len as u64,
                    end,
                };
                draft(FrameType::Open, ended(end), id, payload, account)
            }
            Sent::Reply {
                id,
                end,
                len,
                hint,
                metadata,
            } => {
                let id = self.pick(id, honest && !server, |stream| {
                    stream.opened && !stream.begun && !stream.over
                })?;
                let streams = self
                    .streams
                    .get(&id)
                    .is_some_and(|stream| stream.kind.streams_in());
                let room = if streams {
                    u64::from(self.limits.stream_window)
                } else {
                    u64::MAX
                };
                let len = self.inline(len, honest, room);
                let head = ReplyHead {
                    codec: Codec::Positional,
                    metadata: entries(metadata),
                };
                let mut payload = Vec::new();
                put_reply(&mut payload, &head, hinted(hint));
                put_pattern(&mut payload, id, 0, len);
                let account = Account::Answers {
                    body: len as u64,
                    end,
                };
                draft(FrameType::Reply, ended(end), id, payload, account)
            }
            Sent::Data { id, end, now, len } => {
                let id = self.pick(id, honest, |stream| {
                    stream.begun && !stream.ended && !stream.over
                })?;
                let stream = self.streams.get(&id);
                let len = if honest {
                    let room = stream.map_or(0, |stream| stream.room(self.peer_room));
                    length(len)
                        .min(room as usize)
                        .min(self.limits.max_frame as usize - 8)
                } else {
                    length(len).min(self.limits.max_frame as usize)
                };
                if len == 0 && !end && honest {
                    return None;
                }
                let before = stream.map_or(0, |stream| stream.arrived);
                let mut payload = Vec::new();
                if end {
                    payload.extend_from_slice(&(before + len as u64).to_le_bytes());
                }
                put_pattern(&mut payload, id, before, len);
                let flags = if now {
                    ended(end).with(Flags::CREDIT_NOW)
                } else {
                    ended(end)
                };
                let account = Account::Brings {
                    body: len as u64,
                    end,
                };
                draft(FrameType::Data, flags, id, payload, account)
            }
            Sent::Status {
                id,
                code,
                reason,
                detail,
            } => {
                let id = self.pick(id, honest && !server, |stream| {
                    stream.opened && !stream.ended && !stream.over
                })?;
                let stream = self.streams.get(&id);
                let success = stream.is_some_and(|stream| stream.begun && stream.kind.streams_in());
                let code = code % 17;
                let code = if code == 0 && honest && !success {
                    2
                } else {
                    code
                };
                let mut payload = Vec::new();
                let arrived = stream.map_or(0, |stream| stream.arrived);
                put_status(&mut payload, &status(code, reason, detail), arrived);
                draft(FrameType::Status, Flags::END, id, payload, Account::Ends)
            }
            Sent::Reset { id } => {
                let id = self.pick(id, honest, |stream| stream.opened && !stream.over)?;
                draft(
                    FrameType::Reset,
                    Flags::default(),
                    id,
                    vec![0; 4],
                    Account::Resets,
                )
            }
            Sent::Credit {
                id,
                connection,
                grant,
            } => {
                let id = match connection {
                    true => 0,
                    false => {
                        self.pick(id, honest, |stream| stream.credit.is_some() && !stream.over)?
                    }
                };
                let grant = u32::from(grant);
                let payload = grant.to_le_bytes().to_vec();
                draft(
                    FrameType::Credit,
                    Flags::default(),
                    id,
                    payload,
                    Account::Grants(grant.into()),
                )
            }
            Sent::Ping => draft(
                FrameType::Ping,
                Flags::default(),
                0,
                vec![7; 8],
                Account::Nothing,
            ),
            Sent::Pong(drain) => {
                let token = if drain { DRAIN_TOKEN } else { 0 };
                draft(
                    FrameType::Pong,
                    Flags::default(),
                    0,
                    token.to_le_bytes().to_vec(),
                    Account::Nothing,
                )
            }
            Sent::GoAway { id, soft, reason } => {
                let reason = match reason % 16 {
                    0 if !honest => GoAwayReason::Limit,
                    _ => GoAwayReason::Draining,
                };
                let last = if soft {
                    u64::MAX
                } else {
                    self.last_begun().max(id.any(&self.ids))
                };
                let text = "gone".to_owned();
                let go_away = GoAway {
                    last,
                    reason,
                    soft,
                    reconnect_after: None,
                    text,
                };
                let mut payload = Vec::new();
                put_go_away(&mut payload, &go_away);
                draft(
                    FrameType::GoAway,
                    Flags::default(),
                    0,
                    payload,
                    Account::Nothing,
                )
            }
            Sent::Info => draft(
                FrameType::Info,
                Flags::default(),
                0,
                vec![1, 2, 3],
                Account::Nothing,
            ),
            Sent::Unknown => Draft {
                kind: 0x90,
                flags: Flags(0xFF),
                id: 5,
                payload: Vec::new(),
                account: Account::Nothing,
            },
            Sent::Any {
                kind,
                flags,
                id,
                payload,
            } => Draft {
                kind,
                flags: Flags(flags),
                id: id.any(&self.ids),
                payload: vec![payload; usize::from(payload)],
                account: Account::Unknown,
            },
        })
    }

    /// Settles the peer's account for a frame that was taken.
    pub(super) fn settle(&mut self, id: u64, account: Account) {
        match account {
            Account::Nothing => return,
            Account::Unknown => {
                self.lost_track = true;
                // It may have been credit, as much as there can be.
                self.room += 1 << 40;
                for stream in self.streams.values_mut() {
                    stream.grant(1 << 40);
                }
                return;
            }
            Account::Opens { kind, .. } => {
                self.ids.push(id);
                let stream = self.stream(kind);
                self.streams.insert(id, stream);
            }
            Account::Brings { .. } => self.spend(id, account),
            Account::Grants(grant) if id == 0 => {
                self.room += grant;
                return;
            }
            _ => {}
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        match account {
            // What comes after the end is late, or ends the connection.
            Account::Answers { .. } | Account::Brings { .. } if stream.ended => {}
            Account::Opens { body, end, .. } => {
                stream.opened = true;
                stream.begin(body);
                stream.bring(body, end);
            }
            Account::Answers { body, end } => {
                stream.begin(body);
                stream.bring(body, end);
            }
            Account::Brings { body, end } if !stream.over => stream.bring(body, end),
            Account::Ends => stream.ended = true,
            Account::Resets => stream.over = true,
            Account::Grants(grant) => {
                stream.grant(grant);
            }
            _ => {}
        }
    }

    /// Credit that a frame takes, whatever becomes of it.
    pub(super) fn spend(&mut self, id: u64, account: Account) {
        let body = match account {
            Account::Brings { body, .. } => body,
            // A call may have begun by its head, and its body was wrong.
            Account::Unknown | Account::Opens { .. } => {
                self.lost_track = true;
                return;
            }
            _ => return,
        };
        self.peer_room = self.peer_room.saturating_sub(body);
        let stream = self.streams.get_mut(&id);
        if let Some(credit) = stream.and_then(|stream| stream.peer_credit.as_mut()) {
            *credit = credit.saturating_sub(body);
        }
    }

    fn next_open(&self, id: Which) -> u64 {
        self.ids.last().copied().unwrap_or(0) + 2 + 2 * u64::from(id.0 % 2)
    }

    fn last_begun(&self) -> u64 {
        let begun = self.streams.iter().filter(|(_, stream)| stream.begun);
        begun.map(|(id, _)| *id).max().unwrap_or(0)
    }

    fn inline(&self, len: u16, honest: bool, room: u64) -> usize {
        let most = if honest {
            u64::from(self.limits.inline_max).min(room)
        } else {
            8_192
        };
        length(len).min(most as usize)
    }

    /// A stream that `fits`, if the peer is honest.
    fn pick(&self, id: Which, honest: bool, fits: impl Fn(&Stream) -> bool) -> Option<u64> {
        if !honest {
            return Some(id.any(&self.ids));
        }
        let fitting = self.streams.iter().filter(|(_, stream)| fits(stream));
        let ids: Vec<u64> = fitting.map(|(id, _)| *id).collect();
        (!ids.is_empty()).then(|| id.of(&ids))
    }
}

/// Appends what the peer sends on stream `id` from `offset` on: no two places have the same bytes
/// for long.
fn put_pattern(out: &mut Vec<u8>, id: u64, offset: u64, len: usize) {
    out.extend((offset..offset + len as u64).map(|at| pattern(id, at)));
}

/// The byte at an offset of a stream.
pub(super) fn pattern(id: u64, offset: u64) -> u8 {
    (offset.wrapping_mul(7) ^ offset >> 8).wrapping_add(id.wrapping_mul(29)) as u8
}

fn draft(kind: FrameType, flags: Flags, id: u64, payload: Vec<u8>, account: Account) -> Draft {
    Draft {
        kind: kind as u8,
        flags,
        id,
        payload,
        account,
    }
}

fn ended(end: bool) -> Flags {
    if end { Flags::END } else { Flags::default() }
}

fn hinted(number: u8) -> Option<u64> {
    match number % 8 {
        0 => Some(u64::MAX),
        1 => Some(u64::from(number) << 8),
        _ => None,
    }
}

fn entries(number: u8) -> Metadata {
    let mut metadata = Metadata::new();
    for n in 0..number.saturating_sub(224) {
        metadata.push(format!("key{n}"), vec![n; 40]);
    }
    metadata
}

fn status(code: u8, reason: u8, detail: u8) -> Status {
    Status {
        code: (code != 0).then(|| Code::from_wire(code)),
        started: if reason > 127 {
            Started::No
        } else {
            Started::Yes
        },
        relayed: false,
        reason: Reason::from_wire(reason % 14),
        retry: Retry::After(Duration::from_millis(u64::from(detail))),
        message: "m".repeat(usize::from(detail)),
        trailers: entries(detail),
        detail: match detail % 4 {
            0 => Detail::Chain(vec!["why".to_owned(); usize::from(detail / 4)]),
            1 => Detail::Typed {
                codec: Codec::FieldNamed,
                bytes: Bytes::from_static(&[0xC0]),
            },
            _ => Detail::None,
        },
    }
}
