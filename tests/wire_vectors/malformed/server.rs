//! What a server on a socket answers.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
};

use bytes::{Buf, BytesMut};
use meshrpc::wire::{
    Checksum, Flags, Frame, FrameReader, FrameType, PREFACE, parse_go_away, parse_status,
};

use super::{After, Answer, Receiver, Vector, vectors};
use crate::{
    parts::{self, frame},
    service::{CAP, Served},
};

/// Asked last: what is answered before its pong is all there is.
const LAST_PING: u64 = 0x6C61_7374;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_as_the_vectors_say() {
    let served = Served::new().await;
    let socket = served.socket();
    let asked = tokio::task::spawn_blocking(move || {
        let cases = vectors().into_iter();
        for vector in cases.filter(|vector| vector.receiver == Receiver::Server) {
            if let Err(why) = hold(&socket, &vector) {
                panic!("vector `{}`: {why}", vector.name);
            }
        }
    });
    asked.await.expect("every vector holds");
}

/// Sends a vector, and compares what comes.
fn hold(socket: &Path, vector: &Vector) -> Result<(), String> {
    let mut peer = Peer::dial(socket).map_err(|error| error.to_string())?;
    if vector.after != After::Nothing {
        peer.send(&PREFACE);
    }
    if vector.after == After::Handshake {
        let hello = parts::hello_payload(&parts::client_hello());
        peer.send(&frame(FrameType::ClientHello, Flags::default(), 0, &hello));
    }
    peer.send(&vector.bytes());
    if !vector.closes {
        // A handler answers in its own time, so the answer is waited for first.
        if vector.answer != Answer::Nothing {
            let answer = peer.answer()?.ok_or("closed")?;
            if answer != vector.answer {
                return Err(format!("{answer:?}"));
            }
        }
        let ping = LAST_PING.to_le_bytes();
        peer.send(&frame(FrameType::Ping, Flags::default(), 0, &ping));
        return loop {
            match peer.frame()? {
                Some(pong) if pong.payload[..] == ping => break Ok(()),
                // What is left of a request that was answered is not wanted.
                Some(reset) if reset.kind == Some(FrameType::Reset) => {}
                other => break Err(format!("{other:?} and not the pong")),
            }
        };
    }
    if let Answer::Text(text) = &vector.answer {
        let said = peer.rest().map_err(|error| error.to_string())?;
        return (said == text.as_bytes())
            .then_some(())
            .ok_or(format!("{said:?}"));
    }
    let answer = peer.answer()?.ok_or("closed without a word")?;
    if answer != vector.answer {
        return Err(format!("{answer:?}"));
    }
    match peer.answer()? {
        None => Ok(()),
        Some(more) => Err(format!("{more:?} behind the answer")),
    }
}

/// A client that says what it likes.
struct Peer {
    stream: UnixStream,
    input: BytesMut,
    preface: bool,
}

impl Peer {
    fn dial(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(CAP))?;
        stream.set_write_timeout(Some(CAP))?;
        Ok(Self {
            stream,
            input: BytesMut::new(),
            preface: false,
        })
    }

    fn send(&mut self, bytes: &[u8]) {
        // A server that has heard enough takes no more; what it said is still there to be read.
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame that is an answer to what was sent; `None` once the server has closed.
    fn answer(&mut self) -> Result<Option<Answer>, String> {
        while let Some(frame) = self.frame()? {
            let mut payload = frame.payload.clone();
            return Ok(Some(match frame.kind {
                Some(FrameType::ServerHello | FrameType::Pong | FrameType::Credit) => continue,
                Some(FrameType::GoAway) => {
                    let go_away = parse_go_away(payload).map_err(|fault| fault.to_string())?;
                    Answer::Goaway(go_away.reason as u8)
                }
                Some(FrameType::Status) => {
                    let (status, _) = parse_status(payload).map_err(|fault| fault.to_string())?;
                    Answer::Status(status.reason as u8, status.started as u8)
                }
                Some(FrameType::Reset) => Answer::Reset(payload.get_u32_le()),
                Some(FrameType::Reply) => Answer::Reply,
                other => return Err(format!("a frame of type {other:?}")),
            }));
        }
        Ok(None)
    }

    /// The next frame but the hello; `None` once the server has closed.
    fn frame(&mut self) -> Result<Option<Frame>, String> {
        let reader = FrameReader {
            max_frame: 262_152,
            checksum: Checksum::Crc32,
        };
        loop {
            if self.preface || self.input.len() >= PREFACE.len() {
                if !self.preface {
                    let preface = self.input.split_to(PREFACE.len());
                    if preface[..] != PREFACE {
                        return Err(format!("{preface:?} is no preface"));
                    }
                    self.preface = true;
                }
                let frame = reader
                    .next(&mut self.input)
                    .map_err(|fault| fault.to_string())?;
                match frame {
                    Some(hello) if hello.kind == Some(FrameType::ServerHello) => continue,
                    Some(frame) => return Ok(Some(frame)),
                    None => {}
                }
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) if self.input.is_empty() => return Ok(None),
                Ok(0) => return Err(format!("{:?} behind the last frame", self.input)),
                Ok(read) => self.input.extend_from_slice(&bytes[..read]),
                Err(error) => return Err(format!("no end: {error}")),
            }
        }
    }

    fn rest(&mut self) -> io::Result<Vec<u8>> {
        // A server that says no word more waits a moment for the client to close.
        self.stream.shutdown(Shutdown::Write)?;
        let mut said = Vec::new();
        self.stream.read_to_end(&mut said)?;
        Ok(said)
    }
}
