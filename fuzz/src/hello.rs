use std::{sync::Arc, time::Instant};

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    Checksum, Config, Connection, ContractOffer, Event, Fault, Flags, FrameReader, FrameType,
    Hello, LocalIdentity, MethodOffer, PREFACE, put_frame, take_preface,
};

use crate::measure;

/// Largest payload during the handshake.
const MAX_FRAME: u32 = 16_384;

/// The first bytes that a side hears.
#[derive(Arbitrary, Debug)]
struct Beginning {
    by_client: bool,
    /// Whether the preface stands before what follows.
    preface: bool,
    /// Whether a frame is made of what follows, with a right sum.
    framed: bool,
    /// Bytes that arrive at a time.
    step: u8,
    /// What the side itself brings.
    contracts: u8,
    methods: u8,
    draining: bool,
    unchecked: bool,
}

/// Prefaces and hellos, of either side: what is read can be written and read again, and a side that
/// hears anything is connected once or not at all, and says so in frames that can be read.
pub fn hello(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(beginning) = Beginning::arbitrary(&mut input) else {
        return;
    };
    let rest = input.take_rest();
    if beginning.framed {
        parse(rest, beginning.by_client);
    }
    shake(&beginning, rest);
}

fn parse(payload: &[u8], by_client: bool) {
    let mut parsed = None;
    let memory = measure(|| {
        parsed = Hello::parse(Bytes::copy_from_slice(payload), by_client).ok();
    });
    // A contract of twelve bytes takes a String and room to grow.
    let most = 64 * payload.len() as u64 + 4_096;
    assert!(
        memory.bytes_max <= most,
        "{memory:?} for {} bytes",
        payload.len()
    );
    let Some(hello) = parsed else { return };
    let mut written = Vec::new();
    hello.put(&mut written, 7);
    let again = Hello::parse(written.into(), by_client).expect("a hello that was written");
    assert_eq!(again, hello);
}

fn shake(beginning: &Beginning, rest: &[u8]) {
    let now = Instant::now();
    let config = Arc::new(config(beginning));
    let mut side = if beginning.by_client {
        Connection::server(config, 3, now)
    } else {
        Connection::client(config, 3, now)
    };
    if beginning.draining {
        side.go_away(now);
    }
    let bytes = bytes(beginning, rest);
    let fault = hear(&mut side, &bytes, usize::from(beginning.step) + 1, now).err();
    let connected = events(&mut side);
    if let Some(fault) = fault {
        side.fail_with(fault);
        assert_eq!(events(&mut side), 0, "connected after the end");
    } else {
        assert_eq!(connected > 0, side.is_established());
    }
    assert!(connected <= 1, "connected {connected} times");
    said(&mut side, beginning.by_client);
}

fn bytes(beginning: &Beginning, rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if beginning.preface {
        bytes.extend_from_slice(&PREFACE);
    }
    if beginning.framed {
        let kind = match beginning.by_client {
            true => FrameType::ClientHello,
            false => FrameType::ServerHello,
        };
        put_frame(
            &mut bytes,
            Checksum::Crc32,
            kind,
            Flags::default(),
            0,
            |out| {
                out.extend_from_slice(rest);
            },
        );
    } else {
        bytes.extend_from_slice(rest);
    }
    bytes
}

fn hear(side: &mut Connection, bytes: &[u8], step: usize, now: Instant) -> Result<(), Fault> {
    let mut buffer = BytesMut::new();
    let mut begun = false;
    for piece in bytes.chunks(step) {
        buffer.extend_from_slice(piece);
        if !begun && take_preface(&mut buffer)? {
            begun = true;
            side.preface_received();
        }
        while begun && let Some(frame) = side.frame_reader().next(&mut buffer)? {
            side.receive(&frame, now)?;
        }
    }
    Ok(())
}

/// How often it was connected.
fn events(side: &mut Connection) -> usize {
    let mut connected = 0;
    while let Some(event) = side.poll_event() {
        match event {
            Event::Connected(peer) => {
                assert!(peer.name.len() <= 128);
                connected += 1;
            }
            Event::Closing => {}
            other => panic!("{other:?} without a call"),
        }
    }
    connected
}

/// What the side wrote is what its peer can read.
fn said(side: &mut Connection, server: bool) {
    let mut out = Vec::new();
    side.transmit(&mut out);
    let mut out = BytesMut::from(&out[..]);
    if server && out.starts_with(b"MRPC: not a meshrpc client\r\n") || out.is_empty() {
        return;
    }
    assert_eq!(take_preface(&mut out), Ok(true));
    let reader = FrameReader {
        max_frame: MAX_FRAME,
        checksum: Checksum::Crc32,
    };
    let mut kinds = Vec::new();
    while let Some(frame) = reader.next(&mut out).expect("a frame") {
        kinds.extend(frame.kind);
        match frame.kind {
            Some(FrameType::ServerHello) if server => {
                Hello::parse(frame.payload, false).expect("a hello of this side");
            }
            Some(FrameType::ClientHello) if !server => {
                Hello::parse(frame.payload, true).expect("a hello of this side");
            }
            Some(FrameType::GoAway | FrameType::Ping) => {}
            other => panic!("{other:?} without a call"),
        }
    }
    assert!(out.is_empty(), "half a frame");
    let last = kinds.iter().position(|kind| *kind == FrameType::GoAway);
    assert!(last.is_none_or(|at| at + 2 >= kinds.len()), "{kinds:?}");
}

fn config(beginning: &Beginning) -> Config {
    let contracts = (0..beginning.contracts % 70)
        .map(|n| ContractOffer {
            name: format!("contract{n}"),
            fingerprint: u64::from(n),
            methods: vec![
                MethodOffer {
                    key: 1,
                    fingerprint: 2,
                };
                usize::from(beginning.methods) * 4
            ],
        })
        .collect::<Vec<_>>();
    Config {
        checksum: !beginning.unchecked,
        identity: LocalIdentity {
            name: "one".to_owned(),
            epoch: 1,
        },
        contracts: contracts.into(),
        ..Config::default()
    }
}
