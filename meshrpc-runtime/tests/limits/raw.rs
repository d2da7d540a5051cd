//! A peer that sends what it likes.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use bytes::BytesMut;
use meshrpc::{
    contract::ServiceSpec,
    wire::{
        CallKind, Checksum, Codec, Flags, Frame, FrameReader, FrameType, GoAway, Hello, Limits,
        OpenHead, PREFACE, Status, parse_go_away, parse_status, put_frame, put_open,
    },
};
use serde::Serialize;

use crate::desk::CAP;

/// A client whose handshake is done, and whose frames are its owner's.
pub(crate) struct Raw {
    pub(crate) stream: UnixStream,
    input: BytesMut,
}

impl Raw {
    pub(crate) fn connect(socket: &Path) -> Self {
        let mut raw = Self::begin(socket);
        raw.send(&greeting()).expect("a hello is read");
        let hello = raw.next().expect("a hello is answered");
        assert_eq!(hello.kind, Some(FrameType::ServerHello));
        raw
    }

    /// Connected, and nothing said.
    pub(crate) fn begin(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("it listens");
        stream.set_read_timeout(Some(CAP)).expect("a socket waits");
        Self {
            stream,
            input: BytesMut::new(),
        }
    }

    /// As the callee of whoever connected.
    pub(crate) fn accept(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(CAP)).expect("a socket waits");
        let mut raw = Self {
            stream,
            input: BytesMut::new(),
        };
        let hello = raw.next().expect("a client says hello");
        assert_eq!(hello.kind, Some(FrameType::ClientHello));
        raw.send(&hello_of(FrameType::ServerHello))
            .expect("a hello is read");
        raw
    }

    /// Writes all, unless the peer is gone or takes nothing for a second.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream
            .set_write_timeout(Some(Duration::from_secs(1)))?;
        self.stream.write_all(bytes)
    }

    /// The next frame; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let reader = FrameReader {
            max_frame: (1 << 24) - 1,
            checksum: Checksum::Crc32,
        };
        loop {
            if self.input.starts_with(&PREFACE) {
                let _ = self.input.split_to(PREFACE.len());
            }
            if let Some(frame) = reader.next(&mut self.input).expect("a server's frames") {
                return Some(frame);
            }
            let mut bytes = [0; 16 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.input.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    /// What the peer says as it goes, and nothing if it says nothing.
    pub(crate) fn farewell(&mut self) -> Option<GoAway> {
        while let Some(frame) = self.next() {
            if frame.kind == Some(FrameType::GoAway) {
                return Some(parse_go_away(frame.payload).expect("a go-away"));
            }
        }
        None
    }

    /// How the call `id` is refused, or fails.
    pub(crate) fn status(&mut self, id: u64) -> Status {
        loop {
            let frame = self.next().expect("the connection lives");
            if frame.kind == Some(FrameType::Status) && frame.stream == id {
                return parse_status(frame.payload).expect("a status").0;
            }
        }
    }
}

/// A preface and a client's hello.
pub(crate) fn greeting() -> Vec<u8> {
    hello_of(FrameType::ClientHello)
}

fn hello_of(kind: FrameType) -> Vec<u8> {
    let hello = Hello {
        checksum: Checksum::Crc32,
        codecs: 1 << Codec::FieldNamed as u32,
        name: "raw".into(),
        ..Hello::new(Limits {
            max_frame: 262_152,
            max_message: 128 << 20,
            max_streams: 1,
            connection_window: 4 << 20,
            stream_window: 1 << 20,
            inline_max: 16 << 10,
        })
    };
    let mut bytes = PREFACE.to_vec();
    let put = |out: &mut Vec<u8>| hello.put(out, 0);
    put_frame(&mut bytes, Checksum::Crc32, kind, Flags::default(), 0, put);
    bytes
}

pub(crate) fn frame(kind: FrameType, flags: Flags, stream: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, Checksum::Crc32, kind, flags, stream, |out| {
        out.extend_from_slice(payload);
    });
    out
}

pub(crate) fn reset(id: u64) -> Vec<u8> {
    frame(FrameType::Reset, Flags::default(), id, &[0; 4])
}

/// An OPEN of `method`, whose arguments are the fields of `arguments`; whole, if `end`.
pub(crate) fn open(
    spec: &ServiceSpec,
    method: &str,
    id: u64,
    arguments: &impl Serialize,
    end: bool,
) -> Vec<u8> {
    let known = spec.methods.iter().find(|known| known.name == method);
    let known = known.unwrap_or_else(|| panic!("no method `{method}`"));
    let head = OpenHead::new(CallKind::Unary, Codec::FieldNamed, known.key);
    let mut payload = Vec::new();
    put_open(&mut payload, &head);
    meshrpc::codec::encode(Codec::FieldNamed, arguments, &mut payload).expect("arguments");
    let flags = if end { Flags::END } else { Flags::default() };
    frame(FrameType::Open, flags, id, &payload)
}
