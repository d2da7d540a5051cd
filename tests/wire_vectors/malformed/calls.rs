//! What ends a call and leaves the connection, or is no harm at all.

use meshrpc::{
    Started,
    contract::method_key,
    wire::{CallKind, Codec, Flags, FrameType, OpenHead, Reason},
};

use super::{Answer, Receiver, Vector, frames::ignore};
use crate::parts::{self, MAX, data, frame, last_data, open, raw, tagged};

const NONE: Flags = Flags(0);
const END: Flags = Flags::END;

pub(super) fn cases() -> Vec<Vector> {
    [heads(), arguments(), items(), ignored()]
        .into_iter()
        .flatten()
        .collect()
}

fn heads() -> Vec<Vector> {
    let call = |head: &OpenHead| frame(FrameType::Open, END, 2, &parts::open_payload(head, MAX));
    let changed = |at: usize, to: u8| {
        let mut payload = parts::open_payload(&parts::small_open(), MAX);
        payload[at] = to;
        frame(FrameType::Open, END, 2, &payload)
    };
    let unknown = OpenHead {
        method: method_key("Greeter", "insult"),
        ..parts::small_open()
    };
    let streaming = OpenHead {
        kind: CallKind::ServerStream,
        ..parts::small_open()
    };
    let positional = OpenHead {
        codec: Codec::Positional,
        schema: 1,
        ..parts::small_open()
    };
    let in_two = [
        {
            let mut payload = parts::open_payload(&parts::small_open(), b"\x81");
            payload[3] = 9;
            frame(FrameType::Open, NONE, 2, &payload)
        },
        last_data(2, MAX.len() as u64, &MAX[1..]),
    ]
    .concat();
    let protocol =
        |name, what, bytes: &[u8]| case(name, what, bytes).status(Reason::Protocol, Started::No);
    vec![
        protocol(
            "kind-unknown",
            "a kind of call that is not known",
            &changed(2, 4),
        ),
        protocol("codec-unknown", "a codec that is not known", &changed(3, 9)),
        protocol(
            "codec-unknown-chunked",
            "the same, and the rest of its body behind it",
            &in_two,
        ),
        protocol(
            "bit-unknown",
            "a bit of a call that is not known",
            &changed(21, 0x80),
        ),
        protocol(
            "value-critical",
            "a critical value of a call that is not known",
            &with(0xC0DE),
        ),
        protocol(
            "kind-wrong",
            "a stream is asked of a method that has none",
            &call(&streaming),
        ),
        case(
            "method-unknown",
            "a method that nobody serves there",
            &call(&unknown),
        )
        .status(Reason::UnknownMethod, Started::No),
        case(
            "schema",
            "positional arguments of another schema",
            &call(&positional),
        )
        .status(Reason::Schema, Started::No),
        case(
            "schema-none",
            "positional arguments of no schema",
            &changed(3, 1),
        )
        .status(Reason::Schema, Started::No),
        case(
            "value-ignorable",
            "a value of a call that need not be known",
            &with(0x40DE),
        )
        .answer(Answer::Reply),
        case(
            "value-known",
            "a trace context that is critical, and known",
            &with(0x8001),
        )
        .answer(Answer::Reply),
        case(
            "head-unread",
            "a byte of a head that is not looked at",
            &changed(22, 7),
        )
        .answer(Answer::Reply),
    ]
}

fn arguments() -> Vec<Vector> {
    let body = |name, what, body: &[u8]| {
        case(name, what, &open(END, 2, body)).status(Reason::InvalidArgument, Started::No)
    };
    vec![
        body(
            "argument-missing",
            "no argument, where one is needed",
            b"\x80",
        ),
        body(
            "argument-none",
            "no bytes, where an argument is needed",
            b"",
        ),
        body(
            "argument-renamed",
            "an argument under another name",
            b"\x81\xa4whom\xa3Max",
        ),
        body(
            "argument-type",
            "a number where a text is read",
            b"\x81\xa4name\x07",
        ),
        body(
            "argument-twice",
            "an argument that occurs twice",
            b"\x82\xa4name\xa3Max\xa4name\xa3Eva",
        ),
        body("arguments-list", "a list of arguments", b"\x91\xa3Max"),
        body(
            "arguments-cut",
            "a map that is cut short",
            b"\x81\xa4name\xa3Ma",
        ),
        body(
            "arguments-rest",
            "bytes behind the arguments",
            b"\x81\xa4name\xa3Max\xc0",
        ),
        body(
            "arguments-marker",
            "a byte that MessagePack never has",
            b"\x81\xa4name\xc1",
        ),
        body(
            "arguments-bomb",
            "a map of 4 billion entries",
            b"\xdf\xff\xff\xff\xff",
        ),
        case(
            "argument-more",
            "a further argument that is not known",
            &open(END, 2, b"\x82\xa4name\xa3Max\xa4loud\xc3"),
        )
        .answer(Answer::Reply),
    ]
}

fn items() -> Vec<Vector> {
    let stream = |name, what, frames: &[Vec<u8>]| {
        let open = frame(
            FrameType::Open,
            NONE,
            2,
            &parts::open_payload(&ignore(), b""),
        );
        case(name, what, &[open, frames.concat()].concat())
            .status(Reason::InvalidArgument, Started::No)
    };
    vec![
        stream(
            "items-none",
            "a request that streams, without arguments",
            &[last_data(2, 0, b"")],
        ),
        stream(
            "item-cut",
            "a stream that ends in the middle of an item",
            &[last_data(2, 2, b"\x0a\x80")],
        ),
        stream(
            "item-compressed",
            "an item that is said to be compressed",
            &[data(2, b"\x07\x80")],
        ),
        stream(
            "item-length",
            "an item whose length has ten groups",
            &[data(2, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")],
        ),
        stream(
            "item-long",
            "an item that is longer than a message may be",
            &[data(2, b"\x86\x80\x80\x80\x02")],
        )
        .status(Reason::TooLarge, Started::No),
    ]
}

fn ignored() -> Vec<Vector> {
    let reset = frame(FrameType::Reset, NONE, 2, &[0; 4]);
    let late = |frames: &[Vec<u8>]| [open(NONE, 2, b""), reset.clone(), frames.concat()].concat();
    let nothing = |name, what, bytes: &[u8]| case(name, what, bytes).answer(Answer::Nothing);
    vec![
        nothing(
            "info",
            "INFO",
            &frame(FrameType::Info, NONE, 0, &tagged(0xC0DE, b"x")),
        ),
        nothing(
            "frame-ignorable",
            "a frame of type 80, with any flags",
            &raw(0x80, 0xFF, 9, b"later"),
        ),
        nothing(
            "pong-unasked",
            "a PONG that nobody asked for",
            &frame(FrameType::Pong, NONE, 0, &[7; 8]),
        ),
        nothing(
            "credit-nothing",
            "a credit of nothing",
            &frame(FrameType::Credit, NONE, 0, &[0; 4]),
        ),
        nothing(
            "late-data",
            "DATA behind a RESET",
            &late(&[data(2, b"x"), last_data(2, 9, b"")]),
        ),
        nothing(
            "late-reset",
            "RESET twice",
            &late(std::slice::from_ref(&reset)),
        ),
        nothing(
            "reset-code",
            "RESET with a code that is not known",
            &[
                open(NONE, 2, b""),
                frame(FrameType::Reset, NONE, 2, &[0xFF; 4]),
            ]
            .concat(),
        ),
    ]
}

/// A good call with a tagged value of this id.
fn with(id: u16) -> Vec<u8> {
    let head = parts::open_payload(&parts::small_open(), &tagged(id, b"?"));
    let len = head.len() as u16;
    let mut payload = [&head[..], MAX].concat();
    payload[..2].copy_from_slice(&len.to_le_bytes());
    frame(FrameType::Open, END, 2, &payload)
}

fn case(name: &str, what: &str, bytes: &[u8]) -> Vector {
    Vector::new(Receiver::Server, name, what, bytes)
}
