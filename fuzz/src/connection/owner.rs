//! The owner: makes calls, answers them, and hears what became of them.

use bytes::Bytes;
use meshrpc::{
    Started,
    wire::{Codec, Event, Failure, OpenHead, Read, Reason, ReplyHead, Side, Status},
};

use super::{
    Bench, MAX_CALLS,
    calls::{Owner, Stream},
    peer::pattern,
    steps::{Step, Which, kind, length, time},
};

impl Bench {
    /// What the owner does.
    pub(super) fn own(&mut self, step: &Step) {
        match (step, self.side) {
            (
                Step::Call {
                    kind,
                    len,
                    deadline,
                },
                Side::Client,
            ) => self.call(*kind, *len, *deadline),
            (Step::Cancel(call), Side::Client) => {
                if let Some(id) = self.known(*call, |_| true) {
                    self.wire.cancel(id);
                    self.done(id);
                }
            }
            (Step::Reply { call, len }, Side::Server) => {
                if let Some(id) = self.handled(*call)
                    && !self.writes(id)
                {
                    let body = self.bytes(*len);
                    self.wire.reply(id, &reply_head(), body);
                    self.done(id);
                }
            }
            (Step::ReplyStream(call), Side::Server) => {
                if let Some(id) = self.handled(*call) {
                    self.wire.reply_stream(id, &reply_head());
                }
            }
            (Step::Fail { call, message }, Side::Server) => {
                if let Some(id) = self.handled(*call) {
                    let message = "m".repeat(length(*message));
                    self.given += message.len();
                    let status = Status::refusal(Reason::Panicked, Started::Yes, message);
                    self.wire.status(id, status);
                    self.done(id);
                }
            }
            (Step::Write { call, len }, _) => {
                let Some(id) = self.known(*call, |_| true) else {
                    return;
                };
                if self.wire.write_room(id).is_some_and(|room| room > 0) && self.writes(id) {
                    let bytes = self.bytes(*len);
                    self.wire.write(id, bytes).expect("a direction with room");
                }
            }
            (Step::Finish(call), _) => {
                if let Some(id) = self.known(*call, |_| true)
                    && self.writes(id)
                {
                    self.wire.finish(id);
                    // With nobody left to answer, it is the handler's last word all the same.
                    let is_last =
                        self.wire.is_answered(id) || self.streams[&id].owner == Owner::Cancelled;
                    if self.side == Side::Server && is_last {
                        self.done(id);
                    }
                }
            }
            (Step::Read(call), _) => {
                let reads = |stream: &Stream| {
                    stream.peer_credit.is_some() && !stream.stopped && stream.owner != Owner::Done
                };
                if let Some(id) = self.known(*call, reads) {
                    self.read(id);
                }
            }
            (Step::Stop(call), _) => {
                if let Some(id) = self.known(*call, |_| true) {
                    self.wire.stop_reading(id);
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.stopped |= stream.owner != Owner::Done;
                        if self.side == Side::Client {
                            stream.owner = Owner::Done;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Hears what has happened.
    pub(super) fn listen(&mut self) {
        while let Some(event) = self.wire.poll_event() {
            match (event, self.side) {
                (Event::Call { id, body, head, .. }, Side::Server) => {
                    let handlers = self.running();
                    assert!(
                        handlers < 2 * self.max_streams,
                        "{handlers} handlers at a time"
                    );
                    if self.lost_track {
                        let mut stream = self.stream(head.kind);
                        stream.opened = true;
                        self.streams.entry(id).or_insert(stream);
                    }
                    let stream = self.streams.get_mut(&id).expect("a call that was opened");
                    assert_eq!(stream.owner, Owner::Waits, "call {id} came twice");
                    stream.owner = Owner::Runs;
                    assert_eq!(body.is_some(), !head.kind.streams_out());
                    if let Some(body) = body {
                        assert!(body.len() as u64 <= self.limits.max_message);
                        self.assert_pattern(id, 0, &body, true);
                    }
                }
                (Event::Cancelled { id }, Side::Server) => {
                    let stream = self.streams.get_mut(&id).expect("a call that was given");
                    match stream.owner {
                        Owner::Runs => stream.owner = Owner::Cancelled,
                        // Its last word was not sent whole.
                        Owner::Done => {}
                        other => panic!("call {id} was cancelled when it {other:?}"),
                    }
                }
                (Event::Reply { id, body, .. }, Side::Client) => {
                    let stream = self.waiting(id);
                    assert!(!stream.kind.streams_in());
                    assert!(body.len() as u64 <= self.limits.max_message);
                    self.assert_pattern(id, 0, &body, true);
                    self.done(id);
                }
                (Event::ReplyStarted { id, .. }, Side::Client) => {
                    let stream = self.waiting(id);
                    assert!(stream.kind.streams_in());
                    stream.owner = Owner::Runs;
                }
                (Event::Failed { id, failure }, Side::Client) => {
                    let stream = self.streams.get_mut(&id).expect("a call that was made");
                    let begun = stream.owner == Owner::Runs;
                    // Its own direction may go on after the owner stopped reading.
                    let stopped = std::mem::take(&mut stream.stopped);
                    assert!(
                        begun || stopped || stream.owner == Owner::Waits,
                        "call {id} ended twice"
                    );
                    if let Failure::Lost { started, .. } = failure {
                        assert!(!begun || started == Started::Yes, "it was answered");
                    }
                    stream.owner = if begun { Owner::Cancelled } else { Owner::Done };
                }
                (Event::Readable { id } | Event::Writable { id }, _) => {
                    let stream = self.streams.get(&id);
                    let kind = stream.map(|stream| stream.kind);
                    assert!(
                        self.lost_track
                            || kind.is_some_and(|kind| kind.streams_in() || kind.streams_out()),
                        "{id} is no stream"
                    );
                }
                (Event::Connected(_) | Event::Closing, _) => {}
                (other, side) => panic!("{side:?} was told {other:?}"),
            }
        }
    }

    /// After the end of the connection: the owner was told, and lets go.
    pub(super) fn assert_ended(&mut self, id: u64) {
        let owner = self.streams[&id].owner;
        match (self.side, owner) {
            (Side::Client, Owner::Waits) => panic!("call {id} never ends"),
            (Side::Client, Owner::Runs | Owner::Cancelled) => {
                let read = self.read(id);
                assert!(
                    !matches!(read, Read::Pending),
                    "the stream of call {id} never ends"
                );
                self.wire.stop_reading(id);
            }
            (Side::Server, Owner::Runs | Owner::Cancelled) => {
                if self.streams[&id].kind.streams_out() && self.wire.is_read(id) {
                    let read = self.read(id);
                    assert!(
                        !matches!(read, Read::Pending),
                        "the stream of call {id} never ends"
                    );
                }
                let gone = Status::refusal(Reason::Panicked, Started::Yes, "gone");
                self.wire.status(id, gone);
                self.wire.stop_reading(id);
            }
            (Side::Server, Owner::Done) => self.wire.stop_reading(id),
            _ => {}
        }
    }

    fn call(&mut self, number: u8, len: u16, deadline: u8) {
        if self.ids.len() == MAX_CALLS {
            return;
        }
        let kind = kind(number);
        let body = match kind.streams_out() {
            true => Bytes::new(),
            false => self.bytes(len),
        };
        let len = body.len();
        let deadline = deadline
            .is_multiple_of(4)
            .then(|| self.now + time(deadline / 4));
        let head = OpenHead::new(kind, Codec::Positional, 1);
        let takes_calls = self.wire.takes_calls();
        let Ok(id) = self.wire.call(head, body, deadline, self.now) else {
            return;
        };
        assert!(takes_calls);
        assert!(
            len as u64 <= self.peer_limits.max_message,
            "the peer takes less"
        );
        let mut stream = self.stream(kind);
        if kind.streams_out() {
            stream.begin_stream(self.peer_limits.stream_window);
        }
        assert!(self.ids.last().is_none_or(|last| id > *last), "ids grow");
        self.ids.push(id);
        self.streams.insert(id, stream);
    }

    /// Reads what there is; the answer is what came after it.
    fn read(&mut self, id: u64) -> Read {
        loop {
            match self.wire.read(id) {
                Read::Bytes(bytes) => {
                    let before = self.streams[&id].read;
                    self.assert_pattern(id, before, &bytes, false);
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.read += bytes.len() as u64;
                    }
                }
                Read::End => {
                    let stream = &self.streams[&id];
                    assert!(self.lost_track || stream.ended, "an end that nobody said");
                    assert!(
                        self.lost_track || stream.read == stream.arrived,
                        "not all of it"
                    );
                    return Read::End;
                }
                other => return other,
            }
        }
    }

    /// What came for a call is what was sent for it, from `offset` on; and all of it if `whole`.
    fn assert_pattern(&self, id: u64, offset: u64, bytes: &[u8], whole: bool) {
        if self.lost_track {
            return;
        }
        let wrong = (offset..)
            .zip(bytes)
            .find(|(at, byte)| pattern(id, *at) != **byte);
        assert_eq!(wrong, None, "another call's bytes, or another place's");
        let arrived = self.streams[&id].arrived;
        let end = offset + bytes.len() as u64;
        assert!(!whole || end == arrived, "{end} of {arrived} bytes");
    }

    fn bytes(&mut self, len: u16) -> Bytes {
        let len = length(len);
        self.given += len;
        vec![9; len].into()
    }

    /// Handlers that run.
    fn running(&self) -> usize {
        let runs = |stream: &&Stream| matches!(stream.owner, Owner::Runs | Owner::Cancelled);
        self.streams.values().filter(runs).count()
    }

    /// A call that the owner knows of.
    fn known(&self, call: Which, fits: impl Fn(&Stream) -> bool) -> Option<u64> {
        let of_owner = |stream: &Stream| self.side == Side::Client || stream.owner != Owner::Waits;
        let known = self.streams.iter();
        let known = known.filter(|(_, stream)| of_owner(stream) && fits(stream));
        let ids: Vec<u64> = known.map(|(id, _)| *id).collect();
        (!ids.is_empty()).then(|| call.of(&ids))
    }

    /// A call whose handler runs.
    fn handled(&self, call: Which) -> Option<u64> {
        self.known(call, |stream| {
            matches!(stream.owner, Owner::Runs | Owner::Cancelled)
        })
    }

    /// Whether the owner writes to a stream of this call.
    fn writes(&self, id: u64) -> bool {
        let kind = self.streams[&id].kind;
        match self.side {
            Side::Client => kind.streams_out(),
            Side::Server => kind.streams_in(),
        }
    }

    fn waiting(&mut self, id: u64) -> &mut Stream {
        let stream = self.streams.get_mut(&id).expect("a call that was made");
        assert_eq!(stream.owner, Owner::Waits, "call {id} was answered twice");
        stream
    }

    fn done(&mut self, id: u64) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.owner = Owner::Done;
        }
    }
}

fn reply_head() -> ReplyHead {
    ReplyHead::new(Codec::Positional)
}
