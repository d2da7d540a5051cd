//! Large chunks of messages, which are read to where they stay.
//!
//! To read a chunk whole, and then to copy it behind what came before it, costs a large message a
//! quarter of its bandwidth. So the owner asks, when the header of a frame has come and most of its
//! payload has not, where to read the rest to. Nothing of it counts before its sum is verified: a
//! chunk that is wrong takes the connection with it, and the message, which is not delivered.

use std::time::Instant;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    super::{
        direction::Message,
        fault::Fault,
        frame::{Flags, Frame, FrameType, HEADER_LEN, Header, SUMMED, Sum},
    },
    Connection, Phase, Side,
    stream::Stream,
};

/// Less that has not come is read as everything else.
const SHORTEST: usize = 8 << 10;

/// A chunk of a message, most of which has not come.
#[derive(Debug)]
pub struct Landing {
    header: Header,
    /// The total of the direction, if the chunk ends it.
    total: Option<u64>,
    /// The message as far as it came.
    message: Message,
    /// Bytes of the message that precede the chunk.
    before: usize,
    /// Bytes of the message that were summed, or precede the chunk.
    summed: usize,
    /// Body bytes of the chunk.
    len: usize,
    sum: Sum,
}

impl Landing {
    /// Lets `fill` add bytes to the chunk, as many as it lacks at most.
    pub fn fill<T>(&mut self, fill: impl FnOnce(&mut dyn BufMut) -> T) -> T {
        let rest = self.rest();
        self.message.fill(rest, fill)
    }

    /// Sums what was added; true once the chunk is whole.
    pub fn is_whole(&mut self) -> bool {
        let arrived = self.message.arrived();
        self.sum.add(&arrived[self.summed..]);
        self.summed = arrived.len();
        self.rest() == 0
    }

    /// Whether more chunks of the message follow this one.
    pub fn has_successor(&self) -> bool {
        !self.header.flags.contains(Flags::END)
    }

    fn rest(&self) -> usize {
        (self.before + self.len).saturating_sub(self.message.arrived().len())
    }
}

impl Connection {
    /// Takes off `input` what has come of a frame, if the rest is to be read to where it stays.
    pub fn land(&mut self, input: &mut BytesMut) -> Option<Landing> {
        if self.phase != Phase::Open {
            return None;
        }
        let header = self.frame_reader().begun(input)?;
        let end = header.flags.contains(Flags::END);
        let before_body = HEADER_LEN + if end { 8 } else { 0 };
        let lacks = (HEADER_LEN + header.len).saturating_sub(input.len());
        if header.kind != Some(FrameType::Data) || lacks < SHORTEST || input.len() < before_body {
            return None;
        }
        let len = (HEADER_LEN + header.len).saturating_sub(before_body);
        if !self.receive_window.allows(len as u64) {
            return None;
        }
        let Some(Stream {
            inbound: Some(inbound),
            over: false,
            ..
        }) = self.streams.get_mut(header.stream)
        else {
            return None;
        };
        let message = inbound.lend(len)?;

        let mut sum = self.checksum.begin(&input[..SUMMED]);
        sum.add(&input[HEADER_LEN..before_body]);
        input.advance(HEADER_LEN);
        let total = end.then(|| input.get_u64_le());
        let before = message.arrived().len();
        let mut landing = Landing {
            header,
            total,
            message,
            before,
            summed: before,
            len,
            sum,
        };
        landing.fill(|room| room.put_slice(input));
        input.clear();
        Some(landing)
    }

    /// Takes a chunk that has come whole.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and for a wrong sum.
    pub fn landed(&mut self, landing: Landing, now: Instant) -> Result<(), Fault> {
        let Landing {
            header,
            total,
            message,
            len,
            sum,
            ..
        } = landing;
        if sum.finish() != header.sum && !cfg!(meshrpc_fault = "chunk_unsummed") {
            return Err(Fault::Checksum);
        }
        self.heard(now);
        if self.phase != Phase::Open {
            return Ok(());
        }
        let frame = Frame {
            kind: header.kind,
            flags: header.flags,
            stream: header.stream,
            payload: Bytes::new(),
        };
        self.receive_chunk(&frame, len, total, |inbound| {
            inbound.take_back(message, len);
            Ok(())
        })?;
        if self.side == Side::Client {
            self.open_waiting(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{
            super::{
                config::Config,
                frame::{Checksum, PREFACE, put_frame},
                head::{CallKind, Codec, OpenHead},
                layout::put_open,
            },
            Event, take_preface,
        },
        *,
    };

    /// Longer than the first frame of a message may be, shorter than the longest.
    const CHUNK: usize = 200_000;

    struct Server {
        wire: Connection,
        input: BytesMut,
        landing: Option<Landing>,
        landed: usize,
    }

    impl Server {
        fn open() -> Self {
            let now = Instant::now();
            let config = Arc::new(Config::default());
            let mut client = Connection::client(Arc::clone(&config), 1, now);
            let mut server = Self {
                wire: Connection::server(config, 2, now),
                input: BytesMut::new(),
                landing: None,
                landed: 0,
            };
            let mut hello = Vec::new();
            client.transmit(&mut hello);
            server.input.extend_from_slice(&hello);
            assert!(take_preface(&mut server.input).expect("a preface"));
            assert!(hello.starts_with(&PREFACE));
            server.wire.preface_received();
            server.take(&[]).expect("a hello");
            server
        }

        fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
            let now = Instant::now();
            while let Some(mut landing) = self.landing.take() {
                landing.fill(|room| {
                    let (landed, rest) = bytes.split_at(bytes.len().min(room.remaining_mut()));
                    room.put_slice(landed);
                    bytes = rest;
                });
                if !landing.is_whole() {
                    self.landing = Some(landing);
                    return Ok(());
                }
                self.landed += 1;
                self.wire.landed(landing, now)?;
            }
            self.input.extend_from_slice(bytes);
            while let Some(frame) = self.wire.frame_reader().next(&mut self.input)? {
                self.wire.receive(&frame, now)?;
            }
            self.landing = self.wire.land(&mut self.input);
            Ok(())
        }

        /// The request that was delivered.
        fn request(&mut self) -> Option<Bytes> {
            while let Some(event) = self.wire.poll_event() {
                if let Event::Call { body, .. } = event {
                    return body;
                }
            }
            None
        }
    }

    /// A request as a peer might send it: `body` in chunks, of which `announced` bytes are announced.
    fn request(body: &[u8], announced: u64) -> Vec<u8> {
        let head = OpenHead {
            body_len: Some(announced),
            ..OpenHead::new(CallKind::Unary, Codec::Positional, 1)
        };
        let mut sent = Vec::new();
        let mut put = |kind, flags, payload: &dyn Fn(&mut Vec<u8>)| {
            put_frame(&mut sent, Checksum::Crc32, kind, flags, 2, payload);
        };
        put(FrameType::Open, Flags::default(), &|out| {
            put_open(out, &head)
        });
        let mut rest = body;
        while rest.len() > CHUNK {
            let (chunk, after) = rest.split_at(CHUNK);
            put(FrameType::Data, Flags::default(), &|out| {
                out.extend_from_slice(chunk);
            });
            rest = after;
        }
        put(FrameType::Data, Flags::END, &|out| {
            out.put_u64_le(body.len() as u64);
            out.extend_from_slice(rest);
        });
        sent
    }

    fn body(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_message_arrives_whatever_length_was_announced() {
        let lengths = [
            (900_000, 0),
            (900_000, 1),
            (900_000, 300_000),
            (900_000, 900_000),
            (900_000, 5 << 20),
            (900_000, 64 << 20),
            (900_000, u64::MAX),
            (7 << 20, 5 << 20),
            (7 << 20, 7 << 20),
        ];
        for (len, announced) in lengths {
            let (mut server, body) = (Server::open(), body(len));
            for piece in request(&body, announced).chunks(60_000) {
                server.take(piece).expect("it is well-formed");
            }
            assert!(
                server.landed >= len / CHUNK,
                "chunks are read to where they stay"
            );
            let delivered = server.request().expect("it is whole");
            assert!(delivered == body, "{len} bytes of {announced} are others");
        }
    }

    #[test]
    fn a_changed_byte_in_a_chunk_ends_the_connection_before_the_message_is_delivered() {
        let body = body(500_000);
        let sent = request(&body, 500_000);
        for at in (100..sent.len()).step_by(9_973) {
            let (mut server, mut sent) = (Server::open(), sent.clone());
            sent[at] ^= 0x10;
            let taken = sent.chunks(30_000).try_for_each(|piece| server.take(piece));
            assert!(taken.is_err(), "byte {at}");
            assert!(server.request().is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_chunk_over_the_connection_window_is_not_read_to_a_place_of_its_own() {
        let mut server = Server::open();
        let sent = request(&body(500_000), 500_000);
        assert!(server.wire.receive_window.arrived((4 << 20) - 1).is_some());
        let taken = sent.chunks(30_000).try_for_each(|piece| server.take(piece));
        assert_eq!(taken, Err(Fault::FlowControl));
        assert_eq!(server.landed, 0);
    }
}
