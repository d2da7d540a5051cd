//! What ends the connection, after the handshake.

use meshrpc::{
    contract::method_key,
    wire::{CallKind, Flags, FrameType, GoAwayReason, Metadata, OpenHead},
};

use super::{Receiver, Vector};
use crate::parts::{self, MAX, data, frame, last_data, open, raw, tagged};

const NONE: Flags = Flags(0);
const END: Flags = Flags::END;

pub(super) fn cases() -> Vec<Vector> {
    [headers(), heads(), directions(), flow(), budgets()]
        .into_iter()
        .flatten()
        .collect()
}

fn headers() -> Vec<Vector> {
    let mut flipped = open(END, 2, MAX);
    flipped[20] ^= 1;
    let mut moved = open(END, 2, MAX);
    moved[5] = 4;
    let mut long = frame(FrameType::Open, END, 2, &[]);
    long[..3].copy_from_slice(&[0xFF, 0xFF, 0xFF]);
    let twice = [open(END, 2, MAX), open(END, 2, MAX)].concat();
    let lower = [open(END, 6, MAX), open(END, 4, MAX)].concat();
    let hello = parts::hello_payload(&parts::client_hello());
    let reply = parts::reply_payload(&parts::named_reply(), None, b"");
    let status = parts::status_payload(&parts::overloaded(), 0);
    vec![
        case("bit-flip", "one bit of an OPEN changed", &flipped),
        case("moved", "an OPEN whose stream id was changed", &moved),
        case("too-long", "a frame longer than announced", &long),
        case("id-reused", "two OPENs with one id", &twice),
        case("id-lower", "an OPEN with an id below the last", &lower),
        case("id-odd", "an OPEN with a server's id", &open(END, 3, MAX)),
        case("id-zero", "an OPEN for the connection", &open(END, 0, MAX)),
        case(
            "ping-stream",
            "a PING on a stream",
            &raw(0x20, 0, 2, &[0; 8]),
        ),
        case(
            "hello-twice",
            "a second hello",
            &frame(FrameType::ClientHello, NONE, 0, &hello),
        ),
        case(
            "reply-from-client",
            "a REPLY sent to a server",
            &frame(FrameType::Reply, END, 2, &reply),
        ),
        case(
            "status-from-client",
            "a STATUS sent to a server",
            &frame(FrameType::Status, END, 2, &status),
        ),
        case("auth", "AUTH, which is reserved", &raw(0x03, 0, 0, &[])),
        case("frame-unknown", "a frame of type 24", &raw(0x24, 0, 0, &[])),
        case(
            "frame-unknown-last",
            "a frame of type 7F",
            &raw(0x7F, 0, 0, &[]),
        ),
        case("flag-unknown", "a PING with END", &raw(0x20, 1, 0, &[0; 8])),
        case(
            "flag-compressed",
            "a compressed OPEN",
            &raw(0x10, 3, 2, &parts::open_payload(&parts::small_open(), MAX)),
        ),
        case(
            "flag-credit-now",
            "an OPEN with CREDIT NOW",
            &raw(
                0x10,
                0x11,
                2,
                &parts::open_payload(&parts::small_open(), MAX),
            ),
        ),
    ]
}

fn heads() -> Vec<Vector> {
    let plain = |kind, payload: &[u8]| frame(kind, NONE, 0, payload);
    let opened = |payload: &[u8]| frame(FrameType::Open, END, 2, payload);
    let with = |more: &[u8]| {
        let mut payload = parts::open_payload(&parts::small_open(), more);
        let len = payload.len() as u16;
        payload[..2].copy_from_slice(&len.to_le_bytes());
        opened(&payload)
    };
    let mut long = parts::open_payload(&parts::small_open(), b"");
    long[0] = 25;
    let mut short = parts::open_payload(&parts::small_open(), MAX);
    short[0] = 23;
    let mut metadata = Metadata::new();
    (0..65).for_each(|n| metadata.push(format!("key-{n}"), "x"));
    let many = OpenHead {
        metadata,
        ..parts::small_open()
    };
    let mut large = tagged(3, &[0; 8_194]);
    large[4] = 1;
    vec![
        case(
            "head-cut",
            "an OPEN shorter than its head",
            &opened(&[24, 0, 0]),
        ),
        case("head-empty", "an OPEN of nothing", &opened(&[])),
        case("head-short", "a head of 23 bytes", &opened(&short)),
        case(
            "head-long",
            "a head that is longer than its frame",
            &opened(&long),
        ),
        case(
            "tagged-cut",
            "a tagged value longer than its head",
            &with(&[1, 0, 9, 0, b'x']),
        ),
        case(
            "trace-utf8",
            "a trace context that is not UTF-8",
            &with(&tagged(1, b"\xff")),
        ),
        case(
            "session-long",
            "a session key of 257 bytes",
            &with(&tagged(2, &[b'k'; 257])),
        ),
        case(
            "body-length-cut",
            "a body length of four bytes",
            &with(&tagged(5, &[0; 4])),
        ),
        case(
            "metadata-many",
            "65 entries of metadata",
            &opened(&parts::open_payload(&many, b"")),
        ),
        case("metadata-large", "8,193 bytes of metadata", &with(&large)),
        case(
            "metadata-cut",
            "a metadata key longer than its entry",
            &with(&tagged(3, b"\x05key")),
        ),
        case(
            "metadata-no-key",
            "metadata with an empty key",
            &with(&tagged(3, b"\0value")),
        ),
        case(
            "ping-short",
            "a PING of seven bytes",
            &plain(FrameType::Ping, &[0; 7]),
        ),
        case(
            "pong-long",
            "a PONG of nine bytes",
            &plain(FrameType::Pong, &[0; 9]),
        ),
        case(
            "credit-short",
            "a CREDIT of three bytes",
            &plain(FrameType::Credit, &[0; 3]),
        ),
        case(
            "reset-long",
            "a RESET of five bytes",
            &[
                open(NONE, 2, b""),
                frame(FrameType::Reset, NONE, 2, &[0; 5]),
            ]
            .concat(),
        ),
        case(
            "goaway-short",
            "a GOAWAY of 15 bytes",
            &plain(FrameType::GoAway, &[0; 15]),
        ),
    ]
}

fn directions() -> Vec<Vector> {
    let opened = |rest: &[Vec<u8>]| [open(NONE, 2, b""), rest.concat()].concat();
    vec![
        case(
            "data-unopened",
            "DATA for a stream that was never opened",
            &data(2, b"x"),
        ),
        case(
            "data-odd",
            "DATA for a stream of the server",
            &data(3, b"x"),
        ),
        case(
            "reset-unopened",
            "RESET of a stream that was never opened",
            &frame(FrameType::Reset, NONE, 2, &[0; 4]),
        ),
        case(
            "credit-unopened",
            "CREDIT for a stream that was never opened",
            &frame(FrameType::Credit, NONE, 2, &[1, 0, 0, 0]),
        ),
        case(
            "data-empty",
            "DATA without a byte and without END",
            &opened(&[data(2, b"")]),
        ),
        case(
            "count-cut",
            "an end of seven bytes",
            &opened(&[frame(FrameType::Data, END, 2, &[0; 7])]),
        ),
        case(
            "count-low",
            "an end that counts less than came",
            &opened(&[data(2, b"12345"), last_data(2, 5, b"6")]),
        ),
        case(
            "count-high",
            "an end that counts more than came",
            &opened(&[data(2, b"12345"), last_data(2, 7, b"6")]),
        ),
        case(
            "data-after-end",
            "DATA behind the end of a request that streams",
            &streaming(&[last_data(2, 2, b""), data(2, b"x")]),
        ),
        case(
            "end-twice",
            "a request that streams ends twice",
            &streaming(&[last_data(2, 2, b""), last_data(2, 2, b"")]),
        ),
    ]
}

fn flow() -> Vec<Vector> {
    let inline = {
        let mut payload = parts::open_payload(&parts::small_open(), b"");
        payload.resize(payload.len() + 16_385, 0);
        frame(FrameType::Open, NONE, 2, &payload)
    };
    let head = inline.len() - 16_385;
    let chunk = data(2, &[0; 65_536]);
    let chunk_head = chunk.len() - 65_536;
    let buffered = [
        open(NONE, 2, b""),
        frame(FrameType::Credit, NONE, 2, &[1, 0, 0, 0]),
    ]
    .concat();
    vec![
        case(
            "inline-over",
            "an OPEN with 16,385 bytes of body",
            &inline[..head],
        )
        .zeros(16_385),
        case(
            "window-over",
            "17 × 64 KiB of a stream that nobody reads, in a window of 1 MiB",
            &chunk[..chunk_head],
        )
        .before(&streaming(&[]))
        .zeros(65_536)
        .repeat(17),
        case(
            "credit-huge",
            "more connection credit than a window holds",
            &raw(0x15, 0, 0, &[0xFF; 4]),
        )
        .repeat(300),
        case(
            "credit-buffered",
            "stream credit for an answer that does not stream",
            &buffered,
        ),
    ]
}

fn budgets() -> Vec<Vector> {
    let nothing = frame(FrameType::Credit, NONE, 0, &[0; 4]);
    let pong = frame(FrameType::Pong, NONE, 0, &[0; 8]);
    vec![
        case("idle-credits", "25,000 credits of nothing", &nothing)
            .repeat(25_000)
            .goaway(GoAwayReason::Limit),
        case("idle-pongs", "25,000 pongs that nobody asked for", &pong)
            .repeat(25_000)
            .goaway(GoAwayReason::Limit),
        case(
            "idle-unknown",
            "25,000 frames of type FF",
            &raw(0xFF, 0, 0, &[]),
        )
        .repeat(25_000)
        .goaway(GoAwayReason::Limit),
        case(
            "pings",
            "32 pings at once",
            &frame(FrameType::Ping, NONE, 0, &[0; 8]),
        )
        .repeat(32),
    ]
}

/// A call of `Tour/ignore` on stream 2 with its arguments, two bytes, and what follows.
pub(super) fn streaming(rest: &[Vec<u8>]) -> Vec<u8> {
    let open = frame(
        FrameType::Open,
        NONE,
        2,
        &parts::open_payload(&ignore(), b""),
    );
    // An item of one byte: a map of nothing.
    let arguments = data(2, &[1 << 2 | 2, 0x80]);
    [open, arguments, rest.concat()].concat()
}

pub(super) fn ignore() -> OpenHead {
    OpenHead {
        kind: CallKind::ClientStream,
        method: method_key("Tour", "ignore"),
        ..parts::small_open()
    }
}

fn case(name: &str, what: &str, bytes: &[u8]) -> Vector {
    Vector::new(Receiver::Server, name, what, bytes)
}
