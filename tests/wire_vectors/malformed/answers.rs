//! What a server may not send.

use meshrpc::{
    Code,
    wire::{Detail, Flags, FrameType, GoAwayReason, Status},
};

use super::{After, Answer, Receiver, Vector};
use crate::parts::{self, data, frame, last_data, tagged};

const NONE: Flags = Flags(0);
const END: Flags = Flags::END;

pub(super) fn cases() -> Vec<Vector> {
    [handshakes(), replies(), statuses(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn handshakes() -> Vec<Vector> {
    let hello = parts::hello_payload(&parts::server_hello());
    let with = |more: &[u8]| {
        let payload = [&hello[..], more].concat();
        frame(FrameType::ServerHello, NONE, 0, &payload)
    };
    let go_away = parts::go_away_payload(0, GoAwayReason::NoContract, false, None, "");
    vec![
        case(
            "server-http",
            "an HTTP response",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
        )
        .after(After::Nothing),
        case(
            "server-version-2",
            "a preface of another major version",
            b"\x89MRPC\r\n\x02",
        )
        .after(After::Nothing),
        case(
            "server-hello-client",
            "a client's hello from a server",
            &frame(FrameType::ClientHello, NONE, 0, &hello),
        )
        .after(After::Preface),
        case(
            "server-hello-critical",
            "a critical value that is not known",
            &with(&tagged(0xC0DE, b"?")),
        )
        .after(After::Preface),
        case(
            "server-verdict-cut",
            "a verdict whose name is cut short",
            &with(&tagged(7, b"\x00\x09Greet")),
        )
        .after(After::Preface),
        case(
            "server-verdict-unknown",
            "a verdict that is not known",
            &with(&tagged(7, b"\x03\x01x")),
        )
        .after(After::Preface),
        case(
            "server-verdict-method",
            "a method of 15 bytes",
            &with(&tagged(7, b"\x01\x01x123456789012345")),
        )
        .after(After::Preface),
        case(
            "server-refuses",
            "GOAWAY in place of a hello",
            &frame(FrameType::GoAway, NONE, 0, &go_away),
        )
        .after(After::Preface),
    ]
    .into_iter()
    // The server may have chosen to do without checksums, and would not read a GOAWAY with one.
    .map(|vector| Vector {
        answer: Answer::Nothing,
        ..vector
    })
    .collect()
}

fn replies() -> Vec<Vector> {
    let reply = |flags, stream, body: &[u8]| {
        let payload = parts::reply_payload(&parts::named_reply(), None, body);
        frame(FrameType::Reply, flags, stream, &payload)
    };
    let changed = |at: usize, to: u8| {
        let mut payload = parts::reply_payload(&parts::named_reply(), None, b"\xc0");
        payload[at] = to;
        frame(FrameType::Reply, END, 2, &payload)
    };
    let critical = {
        let head = parts::reply_payload(&parts::named_reply(), None, &tagged(0xC0DE, b"?"));
        let mut payload = [&head[..], b"\xc0"].concat();
        payload[0] = head.len() as u8;
        frame(FrameType::Reply, END, 2, &payload)
    };
    let inline = {
        let mut frame = reply(END, 2, &[0; 16_385]);
        frame.truncate(frame.len() - 16_385);
        frame
    };
    vec![
        case(
            "open-from-server",
            "an OPEN sent to a client",
            &parts::open(END, 3, parts::MAX),
        ),
        case(
            "reply-unopened",
            "a REPLY to a call that was never made",
            &reply(END, 4, b"\xc0"),
        ),
        case(
            "reply-odd",
            "a REPLY on an odd stream",
            &reply(END, 3, b"\xc0"),
        ),
        case(
            "reply-twice",
            "two REPLYs to one call",
            &[reply(NONE, 2, b""), reply(NONE, 2, b"")].concat(),
        ),
        case("reply-inline", "a REPLY with 16,385 bytes of body", &inline).zeros(16_385),
        case("data-first", "DATA before the REPLY", &data(2, b"x")),
        case(
            "reply-count",
            "an end that counts less than came",
            &[reply(NONE, 2, b"12345"), last_data(2, 5, b"6")].concat(),
        ),
        case(
            "reply-codec",
            "a REPLY in a codec that is not known",
            &changed(2, 9),
        )
        .answer(Answer::Reset(2)),
        case(
            "reply-critical",
            "a critical value of a REPLY that is not known",
            &critical,
        )
        .answer(Answer::Reset(2)),
    ]
    .into_iter()
    .map(|vector| vector.after(After::Call))
    .collect()
}

fn statuses() -> Vec<Vector> {
    let status = |status: &Status, sent| {
        frame(
            FrameType::Status,
            END,
            2,
            &parts::status_payload(status, sent),
        )
    };
    let success = || {
        let mut status = Status::application(Code::Unknown, "", Detail::None);
        status.code = None;
        status
    };
    let changed = |at: usize, to: u8| {
        let mut payload = parts::status_payload(&parts::typed(), 0);
        payload[at] = to;
        frame(FrameType::Status, END, 2, &payload)
    };
    let chain = |rest: &[u8]| {
        let mut payload = parts::status_payload(&parts::overloaded(), 0);
        payload[10] = 4;
        payload.extend_from_slice(rest);
        frame(FrameType::Status, END, 2, &payload)
    };
    let open_ended = {
        let payload = parts::status_payload(&parts::overloaded(), 0);
        frame(FrameType::Status, NONE, 2, &payload)
    };
    let call = vec![
        case(
            "status-cut",
            "a STATUS of 23 bytes",
            &frame(FrameType::Status, END, 2, &[0; 23]),
        ),
        case("status-no-end", "a STATUS without END", &open_ended),
        case(
            "status-message",
            "a message of 1,025 bytes",
            &changed(19, 4),
        ),
        case(
            "status-trailers",
            "trailers longer than the frame",
            &changed(22, 1),
        ),
        case(
            "status-codec",
            "an error in a codec that is not known",
            &changed(11, 9),
        ),
        case(
            "status-chain-cut",
            "a source that is longer than the frame",
            &chain(&[9, 0, 0, 0, b'x']),
        ),
        case("status-chain-long", "65 sources", &chain(&[0; 260])),
        case(
            "status-count",
            "a STATUS that counts a byte which never came",
            &status(&parts::typed(), 1),
        ),
        case(
            "status-success",
            "success without a REPLY",
            &status(&success(), 0),
        ),
    ];
    let stream = vec![
        case(
            "stream-count",
            "a STATUS that counts less than came",
            &[data(2, b"x"), status(&parts::typed(), 0)].concat(),
        ),
        case(
            "status-after-end",
            "a STATUS behind the end of a call, which is forgotten by then",
            &[last_data(2, 0, b""), status(&parts::typed(), 0)].concat(),
        )
        .answer(Answer::Nothing),
    ];
    let call = call.into_iter().map(|vector| vector.after(After::Call));
    let stream = stream.into_iter().map(|vector| vector.after(After::Stream));
    call.chain(stream).collect()
}

fn others() -> Vec<Vector> {
    let go_away = |reason, last| {
        let payload = parts::go_away_payload(last, reason, false, None, "");
        frame(FrameType::GoAway, NONE, 0, &payload)
    };
    let over = |name, what, bytes: &[u8]| Vector {
        answer: Answer::Nothing,
        ..case(name, what, bytes)
    };
    let credit = frame(FrameType::Credit, NONE, 2, &[1, 0, 0, 0]);
    vec![
        case(
            "goaway-disowns",
            "a final GOAWAY below a call whose REPLY began",
            &go_away(GoAwayReason::Draining, 0),
        )
        .after(After::Stream),
        over(
            "goaway-limit",
            "GOAWAY with another reason than draining",
            &go_away(GoAwayReason::Limit, u64::MAX),
        )
        .after(After::Call),
        over(
            "goaway-unknown",
            "GOAWAY with a reason that is not known",
            &go_away(GoAwayReason::Other, u64::MAX),
        )
        .after(After::Call),
        case(
            "credit-of-call",
            "stream credit for a request that does not stream",
            &credit,
        )
        .after(After::Call),
    ]
}

fn case(name: &str, what: &str, bytes: &[u8]) -> Vector {
    Vector::new(Receiver::Client, name, what, bytes)
}
