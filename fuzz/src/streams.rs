use std::{sync::Arc, time::Instant};

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use meshrpc::wire::{
    CallKind, Codec, Config, Connection, Event, Fault, ItemReader, OpenHead, Read, put_item_prefix,
    take_preface,
};

/// Items longer than this are refused.
const MAX_ITEM: u64 = 1 << 20;

#[derive(Arbitrary, Debug)]
struct Cuts {
    /// Bytes that arrive, or are written, at a time.
    step: u16,
    /// Writes between two reads.
    burst: u8,
    window: u8,
    connection_window: u8,
    chunk: u8,
}

/// The bytes of a stream and the items in it: where they are cut makes no difference, what is kept
/// is bounded by what arrived, and a stream of a connection arrives as it was written.
pub fn streams(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(cuts) = Cuts::arbitrary(&mut input) else {
        return;
    };
    let Ok(items) = input.arbitrary::<bool>() else {
        return;
    };
    let bytes = match items {
        true => written(&mut input),
        false => input.take_rest().to_vec(),
    };
    // Many bytes in more pieces show nothing that fewer do not.
    let step = (usize::from(cuts.step) + 1).max(bytes.len() / 300);
    let taken = read_items(&bytes, step);
    assert!(!items || taken.end == Ok(true), "items that were written");
    carry(&bytes, step, &cuts);
}

fn written(input: &mut Unstructured<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    while !input.is_empty() && out.len() < 40_000 {
        let Ok((len, named)) = input.arbitrary::<(u16, bool)>() else {
            break;
        };
        // Mostly short.
        let len = usize::from(if len.is_multiple_of(8) {
            len
        } else {
            len % 128
        });
        put_item_prefix(&mut out, len, named);
        out.extend((0..len).map(|at| at as u8));
    }
    out
}

#[derive(Debug, PartialEq)]
struct Taken {
    items: Vec<(bool, Bytes)>,
    /// Whether the stream may end here.
    end: Result<bool, Fault>,
}

fn read_items(bytes: &[u8], step: usize) -> Taken {
    let whole = taken(bytes.chunks(bytes.len().max(1)));
    let pieces = taken(bytes.chunks(step));
    assert_eq!(whole, pieces, "cut every {step} bytes");
    whole
}

fn taken<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Taken {
    let mut reader = ItemReader::new(MAX_ITEM);
    let mut items = Vec::new();
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        loop {
            match reader.next_item() {
                Ok(Some(item)) => items.push((item.field_named, item.bytes)),
                Ok(None) => break,
                Err(fault) => {
                    let end = Err(fault);
                    return Taken { items, end };
                }
            }
        }
    }
    let end = Ok(reader.is_between());
    Taken { items, end }
}

/// Sends the bytes as the request stream of a call from one connection to another.
fn carry(bytes: &[u8], step: usize, cuts: &Cuts) {
    let now = Instant::now();
    let config = Arc::new(Config {
        connection_window: (64 << 10) + (u32::from(cuts.connection_window) << 10),
        stream_window: (16 << 10) + (u32::from(cuts.window) << 8),
        max_frame: 16_384 + (u32::from(cuts.chunk) << 8),
        ..Config::default()
    });
    let mut client = Connection::client(Arc::clone(&config), 1, now);
    let mut server = Connection::server(config, 2, now);
    let mut shaken = [false, false];
    pass(&mut client, &mut server, &mut shaken[0], now);
    pass(&mut server, &mut client, &mut shaken[1], now);
    let id = client
        .call(head(), Bytes::new(), None, now)
        .expect("a connection that takes calls");

    let mut received = Vec::new();
    let mut rest = bytes;
    let mut finished = false;
    let mut idle = 0;
    loop {
        for _ in 0..=cuts.burst {
            let room = client.write_room(id).unwrap_or(0);
            let len = rest.len().min(step).min(room);
            let (now_sent, later) = rest.split_at(len);
            if len > 0 {
                let piece = Bytes::copy_from_slice(now_sent);
                client.write(id, piece).expect("a stream that is open");
            }
            rest = later;
        }
        if rest.is_empty() && !finished {
            client.finish(id);
            finished = true;
        }
        let before = received.len();
        pass(&mut client, &mut server, &mut shaken[0], now);
        let read = loop {
            match server.read(id) {
                Read::Bytes(bytes) => received.extend_from_slice(&bytes),
                other => break other,
            }
        };
        pass(&mut server, &mut client, &mut shaken[1], now);
        match read {
            Read::End => break,
            Read::Pending => {}
            other => panic!("{other:?} of a stream without fault"),
        }
        // Credit takes a turn, and so does the end.
        idle = if received.len() > before { 0 } else { idle + 1 };
        assert!(
            idle < 4,
            "{} of {} bytes, and no more",
            received.len(),
            bytes.len()
        );
    }
    assert!(received == bytes, "other bytes than were written");
}

fn pass(from: &mut Connection, to: &mut Connection, shaken: &mut bool, now: Instant) {
    loop {
        let mut out = Vec::new();
        from.transmit(&mut out);
        from.wrote(out.len());
        if out.is_empty() {
            break;
        }
        let mut buffer = BytesMut::from(&out[..]);
        if !*shaken {
            *shaken = take_preface(&mut buffer).expect("a preface");
            to.preface_received();
        }
        while let Some(frame) = to.frame_reader().next(&mut buffer).expect("a frame") {
            to.receive(&frame, now).expect("a frame of a good peer");
        }
    }
    while let Some(event) = to.poll_event() {
        if let Event::Failed { failure, .. } = event {
            panic!("the call failed: {failure:?}");
        }
    }
}

fn head() -> OpenHead {
    OpenHead::new(CallKind::ClientStream, Codec::Positional, 1)
}
