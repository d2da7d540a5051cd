//! What the side writes: frames that its peer takes, in an order that it expects.

use bytes::{Buf, Bytes, BytesMut};
use meshrpc::wire::{
    Flags, Frame, FrameReader, FrameType, GoAwayReason, Side, parse_go_away, parse_open,
    parse_reply, parse_status,
};

use super::{Bench, calls::Stream};

impl Bench {
    /// Takes what goes out, and reads it as the peer does.
    pub(super) fn transmit(&mut self, late: bool) {
        let mut out = Vec::new();
        self.wire.transmit(&mut out);
        self.unwritten += out.len();
        if !late {
            self.wire.wrote(self.unwritten);
            self.unwritten = 0;
        }
        let reader = FrameReader {
            max_frame: self.peer_limits.max_frame,
            checksum: self.checksum,
        };
        let mut out = BytesMut::from(&out[..]);
        while let Some(frame) = reader.next(&mut out).expect("a frame that the peer takes") {
            self.said(&frame);
        }
        assert!(out.is_empty(), "half a frame");
    }

    fn said(&mut self, frame: &Frame) {
        assert!(!self.said_over, "more after the last word: {frame:?}");
        let kind = frame.kind.expect("a type of this version");
        let end = frame.flags.contains(Flags::END);
        if frame.stream != 0 {
            let stream = self.streams.get(&frame.stream);
            assert!(
                stream.is_some() || self.lost_track,
                "a stream of nobody: {frame:?}"
            );
            assert!(
                stream.is_none_or(|stream| !stream.side_reset),
                "after RESET: {frame:?}"
            );
        }
        let payload = frame.payload.clone();
        match (kind, self.side) {
            (FrameType::Open, Side::Client) => self.said_open(frame.stream, payload, end),
            (FrameType::Reply, Side::Server) => self.said_reply(frame.stream, payload, end),
            (FrameType::Data, _) => self.said_data(frame.stream, payload, end),
            (FrameType::Status, Side::Server) => {
                let (_, sent) = parse_status(payload).expect("a status");
                if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    assert!(!stream.side_ended, "a second last word");
                    assert_eq!(sent, stream.sent, "the bytes before the status");
                    stream.side_begun = true;
                    stream.side_ended = true;
                }
            }
            (FrameType::Reset, _) => {
                if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    assert!(stream.opened, "a call that the peer has not seen");
                    stream.side_reset = true;
                }
            }
            (FrameType::Credit, _) => self.said_credit(frame.stream, payload),
            (FrameType::Ping, _) => assert_eq!(payload.len(), 8),
            (FrameType::Pong, _) => {
                self.pings = self.pings.checked_sub(1).expect("a pong without a ping");
            }
            (FrameType::GoAway, side) => {
                let go_away = parse_go_away(payload).expect("a go-away");
                self.said_over = go_away.reason != GoAwayReason::Draining;
                assert!(
                    self.said_over || side == Side::Server,
                    "a client that drains says nothing"
                );
            }
            (kind, side) => panic!("{side:?} sends {kind:?}"),
        }
    }

    fn said_open(&mut self, id: u64, payload: Bytes, end: bool) {
        let (head, body) = parse_open(payload).unwrap_or_else(|_| panic!("the head of call {id}"));
        assert!(id > self.last_opened && id.is_multiple_of(2));
        self.last_opened = id;
        assert!(body.len() <= self.peer_limits.inline_max as usize);
        let stream = self.streams.get_mut(&id).expect("a call of the owner");
        assert_eq!(head.kind, stream.kind);
        stream.opened = true;
        stream.send(body.len() as u64, end);

        let open = |stream: &&Stream| {
            let closed = stream.over || stream.side_reset || stream.ended && stream.side_ended;
            stream.opened && !closed
        };
        let open = self.streams.values().filter(open).count();
        assert!(
            self.lost_track || open <= self.peer_limits.max_streams as usize,
            "{open} calls at a time"
        );
    }

    fn said_reply(&mut self, id: u64, payload: Bytes, end: bool) {
        let (_, _, body) = parse_reply(payload).unwrap_or_else(|_| panic!("the reply to {id}"));
        assert!(body.len() <= self.peer_limits.inline_max as usize);
        let window = self.peer_limits.stream_window;
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        assert!(!stream.side_begun, "a second answer");
        if stream.kind.streams_in() {
            stream.begin_stream(window);
        }
        stream.send(body.len() as u64, end);
    }

    fn said_data(&mut self, id: u64, mut payload: Bytes, end: bool) {
        let total = end.then(|| payload.get_u64_le());
        let len = payload.len() as u64;
        assert!(len > 0 || end, "an empty chunk");
        self.room = self.room.checked_sub(len).expect("connection credit");
        let lost_track = self.lost_track;
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        assert!(stream.side_begun && !stream.side_ended);
        assert!(
            lost_track || !stream.over,
            "bytes of a stream that the peer has reset"
        );
        stream.send(len, end);
        assert!(
            total.is_none_or(|total| total == stream.sent),
            "a wrong total"
        );
    }

    fn said_credit(&mut self, id: u64, mut payload: Bytes) {
        let grant = u64::from(payload.get_u32_le());
        let (credit, window) = if id == 0 {
            self.peer_room += grant;
            (self.peer_room, self.limits.connection_window)
        } else {
            let Some(stream) = self.streams.get_mut(&id) else {
                return;
            };
            let Some(credit) = &mut stream.peer_credit else {
                assert!(self.lost_track, "credit for what does not stream");
                return;
            };
            *credit += grant;
            (*credit, self.limits.stream_window)
        };
        assert!(
            self.lost_track || credit <= u64::from(window),
            "{credit} bytes of credit in a window of {window}"
        );
    }
}
