//! Compression is reserved and not built: what claims to be compressed is refused, never read as if
//! it were not.

use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    Checksum, Config, Connection, Fault, Flags, FrameReader, FrameType, HEADER_LEN, Hello,
    ItemReader, Limits, PREFACE, put_frame, put_item_prefix,
};

use crate::written;

/// Every flag that a type of frame does not carry in this version, whatever it will mean.
#[test]
fn fault_08_a_frame_with_a_flag_of_compression_ends_the_connection() {
    let reader = FrameReader {
        max_frame: 1 << 20,
        checksum: Checksum::Crc32,
    };
    let known = |kind| match kind {
        FrameType::Open | FrameType::Reply | FrameType::Status => vec![Flags::END.0],
        FrameType::Data => vec![Flags::END.0, Flags::CREDIT_NOW.0],
        _ => Vec::new(),
    };
    for (kind, stream) in [
        (FrameType::Open, 2),
        (FrameType::Reply, 2),
        (FrameType::Data, 2),
        (FrameType::Status, 2),
        (FrameType::Reset, 2),
        (FrameType::Credit, 2),
        (FrameType::Ping, 0),
        (FrameType::ClientHello, 0),
        (FrameType::ServerHello, 0),
    ] {
        for bit in 0..8 {
            let flags = Flags(1 << bit);
            let mut bytes = Vec::new();
            put_frame(&mut bytes, Checksum::Crc32, kind, flags, stream, |out| {
                out.extend_from_slice(&[0; 8]);
            });
            let read = reader.next(&mut BytesMut::from(&bytes[..]));
            match known(kind).contains(&flags.0) {
                true => assert!(matches!(read, Ok(Some(_))), "{kind:?}, bit {bit}"),
                false => assert!(
                    matches!(read, Err(Fault::Malformed(_))),
                    "{kind:?}, bit {bit}: {read:?}"
                ),
            }
        }
    }
}

#[test]
fn fault_08_a_compressed_item_is_an_error_before_its_bytes_are_looked_at() {
    let mut prefix = Vec::new();
    put_item_prefix(&mut prefix, 5, false);
    prefix[0] |= 1;
    for bytes in [&prefix[..], &[&prefix[..], b"12345"].concat()] {
        let mut items = ItemReader::new(1 << 20);
        items.push(Bytes::copy_from_slice(bytes));
        let read = items.next_item();
        assert!(matches!(read, Err(Fault::Malformed(_))), "{read:?}");
    }
}

/// The value 6 of a hello, `compressions`: one that insists on it is refused, one that offers it is
/// talked to without.
#[test]
fn fault_08_a_hello_that_insists_on_compression_is_refused() {
    let hello = Hello {
        checksum: Checksum::Crc32,
        codecs: 3,
        name: "client".into(),
        ..Hello::new(Limits {
            max_frame: 1 << 20,
            max_message: 1 << 20,
            max_streams: 10,
            connection_window: 1 << 20,
            stream_window: 1 << 20,
            inline_max: 1 << 10,
        })
    };
    let with = |id: u16| {
        let mut payload = Vec::new();
        hello.put(&mut payload, 0);
        payload.extend_from_slice(&id.to_le_bytes());
        payload.extend_from_slice(&4u16.to_le_bytes());
        payload.extend_from_slice(&1u32.to_le_bytes());
        Hello::parse(payload.into(), true)
    };
    assert_eq!(with(6), Ok(hello.clone()));
    let insisting = with(6 | 0x8000);
    assert!(
        matches!(insisting, Err(Fault::Malformed(_))),
        "{insisting:?}"
    );
}

/// A client does not offer what it does not have.
#[test]
fn fault_08_a_client_offers_no_compression() {
    let config = Arc::new(Config::default());
    let mut client = Connection::client(config, 0, Instant::now());
    let bytes = written(&mut client);
    let ids = ids(&bytes[PREFACE.len() + HEADER_LEN..]);
    assert!(ids.contains(&1) && !ids.contains(&6), "{ids:?}");
}

/// The ids in the payload of a hello.
fn ids(mut payload: &[u8]) -> Vec<u16> {
    let mut ids = Vec::new();
    while let [a, b, c, d, rest @ ..] = payload {
        ids.push(u16::from_le_bytes([*a, *b]) & 0x7FFF);
        let len = usize::from(u16::from_le_bytes([*c, *d]));
        payload = rest.get(len..).expect("a whole value");
    }
    ids
}
