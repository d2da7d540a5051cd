//! What goes out next: small frames before bulk, bulk streams in turn.
//!
//! Frames without bulk are queued as they come and always leave first. Bulk is cut into chunks only
//! when the owner is about to write, so a small frame waits for what the kernel has and for one
//! chunk, not for a whole body. While small calls are active, chunks are short and few are under
//! way at a time; alone, they are as long as the peer takes.

use std::{mem, num::NonZeroU64, time::Duration};

use bytes::{Buf, BufMut, Bytes};

use super::{
    super::{
        buffers,
        frame::{self, Flags, FrameType, HEADER_LEN, SUMMED},
        output::Output,
    },
    Connection, Event, Phase,
    stream::Stream,
};
use crate::error::{Error, Kind};

/// Longest chunk while small calls are active.
const SMALL_MODE_CHUNK: usize = 40 << 10;
/// Bytes under way, not yet credited, while small calls are active.
const SMALL_MODE_OUTSTANDING: u64 = 160 << 10;
/// Chunks for which one small frame keeps the mode on.
const SMALL_MODE_CHUNKS: u32 = 16;
/// Where a small call ended as recently, others are expected when bulk begins.
const RECENT: Duration = Duration::from_millis(1);
/// Longest chunk otherwise, if the peer takes it.
const CHUNK: usize = 256 << 10;
/// Bytes a streaming direction may have queued before its writer waits.
const WRITE_QUEUE: usize = 256 << 10;

impl Connection {
    /// True if [`transmit`](Self::transmit) might have something.
    pub fn wants_transmit(&self) -> bool {
        !self.out.is_empty() || !self.bulk.is_empty()
    }

    /// Bytes ever queued, of which bulk is none before it is cut into frames.
    pub(crate) fn queued(&self) -> u64 {
        self.queued_to
    }

    /// Moves what goes out next into `output`, which has to be empty, and then has to be written
    /// whole, in order; an empty output afterwards means there is nothing to send now.
    pub fn transmit_to(&mut self, output: &mut Output) {
        debug_assert!(
            !output.has_remaining(),
            "what was taken before is written first"
        );
        if self.out.is_empty() {
            buffers::give(mem::take(&mut self.out));
        } else {
            mem::swap(&mut self.out, output.frames());
        }
        self.answers = 0;
        if self.phase != Phase::Open {
            return;
        }
        let room = if self.small_mode > 0 {
            SMALL_MODE_CHUNK
        } else {
            CHUNK
        };
        let start = self.queued_to;
        let mut blocked = 0;
        while blocked < self.bulk.len() && self.queued_to - start < room as u64 {
            let Some(id) = self.bulk.pop_front() else {
                break;
            };
            match self.cut_chunk(id, output) {
                Cut::Sent => {
                    blocked = 0;
                    self.bulk.push_back(id);
                }
                Cut::Blocked => {
                    blocked += 1;
                    self.bulk.push_back(id);
                }
                Cut::Idle => self.leave_bulk(id),
            }
        }
    }

    /// As [`transmit_to`](Self::transmit_to), in one piece: bodies are copied.
    pub fn transmit(&mut self, buffer: &mut Vec<u8>) {
        let mut output = Output::default();
        mem::swap(buffer, output.frames());
        self.transmit_to(&mut output);
        if output.is_contiguous() {
            mem::swap(buffer, output.frames());
        } else {
            buffer.put(output);
        }
    }

    /// The owner handed `bytes` of what was taken to the kernel.
    pub fn wrote(&mut self, bytes: usize) {
        self.written_to += bytes as u64;
        if cfg!(meshrpc_fault = "written_overcounted") {
            self.written_to = self.queued_to;
        }
    }

    /// A small call's frame went out or came in.
    pub(super) fn note_small_frame(&mut self) {
        if !self.bulk.is_empty() || self.small_mode > 0 {
            self.small_mode = SMALL_MODE_CHUNKS;
        }
    }

    /// A call ended that was small both ways. The last word on a bulk one is not, or bulk calls
    /// after one another would hold each other up.
    pub(super) fn note_small_call(&mut self) {
        self.small_call_at = Some(self.now);
        self.note_small_frame();
    }

    /// A stream has bulk to send, and no other one had: what is sent before the next small frame
    /// comes is in its way, so it is little where one is likely to come soon.
    pub(super) fn bulk_begins(&mut self) {
        let recent = |at| self.now.saturating_duration_since(at) < RECENT;
        if self.small_mode == 0 && self.small_call_at.is_some_and(recent) {
            self.small_mode = SMALL_MODE_CHUNKS / 2;
        }
    }

    fn cut_chunk(&mut self, id: u64, output: &mut Output) -> Cut {
        let small = self.small_mode > 0;
        let mut connection_room = self.send_credit.available();
        // A sender that limits itself asks for credit first: else it could wait for credit that
        // the receiver gathers before it returns it.
        if small && self.credit_asked {
            let under_way = self.send_credit.outstanding();
            connection_room = connection_room.min(SMALL_MODE_OUTSTANDING.saturating_sub(under_way));
        }
        let Some(Stream {
            outbound: Some(outbound),
            ..
        }) = self.streams.get_mut(id)
        else {
            return Cut::Idle;
        };
        if outbound.end_sent {
            return Cut::Idle;
        }

        let chunk = if small { SMALL_MODE_CHUNK } else { CHUNK };
        let chunk = chunk.min(self.peer_limits.max_frame as usize - 8) as u64;
        let queued = outbound.queued() as u64;
        let stream_room = outbound
            .credit
            .as_ref()
            .map_or(u64::MAX, |credit| credit.available());
        let len = queued.min(chunk).min(stream_room).min(connection_room);
        let end = outbound.finished && len == queued;
        if len == 0 && !end {
            // Without queued bytes or stream credit it comes back when there are some.
            return if queued == 0 || stream_room == 0 {
                Cut::Idle
            } else {
                Cut::Blocked
            };
        }

        self.send_credit.spend(len);
        if let Some(credit) = &mut outbound.credit {
            credit.spend(len);
        }
        outbound.sent += len;
        outbound.end_sent = end;
        let total = outbound.sent;
        let more = !end && outbound.queued() as u64 > len;
        let exhausted = self.send_credit.available() == 0
            || small
                && self.send_credit.outstanding() + SMALL_MODE_CHUNK as u64
                    > SMALL_MODE_OUTSTANDING;
        let ask = len > 0 && exhausted && (more || small);
        let mut flags = if end { Flags::END } else { Flags::default() };
        if ask {
            if !cfg!(meshrpc_fault = "small_mode_without_credit_now") {
                flags = flags.with(Flags::CREDIT_NOW);
            }
            self.credit_asked = true;
        }

        let to = match self.bulk.front() {
            Some(&next) if cfg!(meshrpc_fault = "body_of_neighbour") => next,
            _ => id,
        };
        let total = if end { &total.to_le_bytes()[..] } else { &[] };
        let header = frame::header(FrameType::Data, flags, to, total.len() + len as usize);
        let mut sum = self.checksum.begin(&header);
        sum.add(total);
        let place = output.frames().len() + SUMMED;
        output.frames().reserve(HEADER_LEN + total.len());
        output.frames().extend_from_slice(&header);
        output.frames().extend_from_slice(&[0; HEADER_LEN - SUMMED]);
        output.frames().extend_from_slice(total);
        outbound.take_next(len as usize, |piece| {
            sum.add(&piece);
            output.put(piece);
        });
        output.frames()[place..place + 4].copy_from_slice(&sum.finish().to_le_bytes());
        self.queued_to += (HEADER_LEN + total.len()) as u64 + len;
        self.small_mode = self.small_mode.saturating_sub(1);

        let (writer, left) = (
            outbound.credit.is_some() && !outbound.finished,
            outbound.queued(),
        );
        if writer && left < WRITE_QUEUE / 2 && !cfg!(meshrpc_fault = "writer_not_woken") {
            self.events.push_back(Event::Writable { id });
        }
        if end {
            self.direction_sent(id);
        }
        Cut::Sent
    }

    /// The frame that ends this side's direction was queued.
    fn direction_sent(&mut self, id: u64) {
        let queued_to = NonZeroU64::new(self.queued_to);
        if let Some(stream) = self.streams.get_mut(id) {
            stream.starts_at = stream.starts_at.or(queued_to);
        }
        self.close_if_over(id);
        self.stop_unread_request(id);
    }

    fn leave_bulk(&mut self, id: u64) {
        if let Some(Stream {
            outbound: Some(outbound),
            ..
        }) = self.streams.get_mut(id)
        {
            outbound.in_bulk = false;
        }
    }

    /// Room for more bytes of a streaming direction; `None` if it is over.
    pub fn write_room(&self, id: u64) -> Option<usize> {
        let stream = self.streams.get(id).filter(|stream| !stream.over)?;
        let outbound = stream
            .outbound
            .as_ref()
            .filter(|outbound| !outbound.finished)?;
        Some(WRITE_QUEUE.saturating_sub(outbound.queued()))
    }

    /// Whether nothing of a streaming direction waits to be sent, or is wanted.
    pub fn is_flushed(&self, id: u64) -> bool {
        self.write_room(id).is_none_or(|room| room == WRITE_QUEUE)
    }

    /// Queues bytes of a streaming direction, whatever its room.
    ///
    /// # Errors
    /// If the direction is over.
    pub fn write(&mut self, id: u64, bytes: Bytes) -> Result<(), Error> {
        let outbound = self.streams.get_mut(id).filter(|stream| !stream.over);
        let outbound = outbound.and_then(|stream| stream.outbound.as_mut());
        let Some(outbound) = outbound.filter(|outbound| !outbound.finished) else {
            return Err(Error::new(
                Kind::Cancelled,
                "the peer takes no more of this stream",
            ));
        };
        outbound.queue(bytes);
        self.enqueue_bulk(id);
        Ok(())
    }

    /// Ends a streaming direction after what is queued.
    pub fn finish(&mut self, id: u64) {
        self.handler_ended(id);
        let stream = self.streams.get_mut(id).filter(|stream| !stream.over);
        if let Some(outbound) = stream.and_then(|stream| stream.outbound.as_mut()) {
            outbound.finished = true;
            self.enqueue_bulk(id);
        }
    }
}

/// What became of a stream's turn.
enum Cut {
    /// A chunk was cut.
    Sent,
    /// It has something, and the connection has no credit.
    Blocked,
    /// It has nothing to send now.
    Idle,
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use bytes::BytesMut;

    use super::{
        super::{
            super::{
                config::Config,
                head::{CallKind, Codec, OpenHead, ReplyHead},
            },
            take_preface,
        },
        *,
    };

    struct Pair {
        client: Connection,
        server: Connection,
        now: Instant,
        /// Body bytes of the chunks that the client sent.
        chunks: Vec<usize>,
    }

    impl Pair {
        fn open() -> Self {
            let now = Instant::now();
            let config = Arc::new(Config::default());
            let mut pair = Self {
                client: Connection::client(Arc::clone(&config), 1, now),
                server: Connection::server(config, 2, now),
                now,
                chunks: Vec::new(),
            };
            let mut hello = BytesMut::new();
            let mut out = Vec::new();
            pair.client.transmit(&mut out);
            hello.extend_from_slice(&out);
            assert!(take_preface(&mut hello).expect("a preface"));
            pair.server.preface_received();
            feed(&mut pair.server, &hello, now);
            let mut answer = Vec::new();
            pair.server.transmit(&mut answer);
            let mut answer = BytesMut::from(&answer[..]);
            assert!(take_preface(&mut answer).expect("a preface"));
            pair.client.preface_received();
            feed(&mut pair.client, &answer, now);
            pair
        }

        fn call(&mut self, len: usize) {
            let head = OpenHead::new(CallKind::Unary, Codec::Positional, 1);
            let taken = self.client.call(head, vec![0; len], None, self.now);
            assert!(taken.is_ok());
        }

        /// Lets everything pass and be answered.
        fn settle(&mut self) {
            for _ in 0..200 {
                let mut out = Vec::new();
                self.client.transmit(&mut out);
                self.chunks.extend(feed(&mut self.server, &out, self.now));
                while let Some(event) = self.server.poll_event() {
                    if let Event::Call { id, .. } = event {
                        let head = ReplyHead::new(Codec::Positional);
                        self.server.reply(id, &head, Bytes::new());
                    }
                }
                let mut out = Vec::new();
                self.server.transmit(&mut out);
                feed(&mut self.client, &out, self.now);
            }
            assert_eq!(self.client.in_flight(), 0);
        }

        /// Length of the longest chunk of a bulk call that is made now, among the first four.
        fn longest_of_bulk(&mut self) -> usize {
            self.chunks.clear();
            self.call(2 << 20);
            self.settle();
            self.chunks.iter().take(4).copied().max().unwrap_or(0)
        }
    }

    /// The lengths of the DATA frames in `bytes`.
    fn feed(to: &mut Connection, bytes: &[u8], now: Instant) -> Vec<usize> {
        let mut input = BytesMut::from(bytes);
        let mut chunks = Vec::new();
        while let Some(frame) = to.frame_reader().next(&mut input).expect("well-formed") {
            if frame.kind == Some(FrameType::Data) {
                chunks.push(frame.payload.len());
            }
            to.receive(&frame, now).expect("well-formed");
        }
        assert!(input.is_empty());
        chunks
    }

    #[test]
    fn bulk_alone_is_sent_in_long_chunks_also_behind_other_bulk() {
        let mut pair = Pair::open();
        for _ in 0..3 {
            assert!(pair.longest_of_bulk() > SMALL_MODE_CHUNK);
        }
        pair.chunks.clear();
        (0..4).for_each(|_| pair.call(1 << 20));
        pair.settle();
        let short = |len: &&usize| **len <= SMALL_MODE_CHUNK;
        assert_eq!(pair.chunks.iter().filter(short).count(), 0);
    }

    #[test]
    fn bulk_begins_in_short_chunks_where_a_small_call_has_just_ended() {
        let mut pair = Pair::open();
        pair.call(10);
        pair.settle();
        assert!(pair.longest_of_bulk() <= SMALL_MODE_CHUNK);
        pair.call(10);
        pair.settle();
        pair.now += RECENT;
        assert!(pair.longest_of_bulk() > SMALL_MODE_CHUNK);
    }
}
