//! Whole conversations, frame by frame, as a client and a server of this implementation have them.
//!
//! How a body is cut into chunks is the sender's choice. Where a vector shows a cut that this
//! implementation would not make, one side is played by hand and the other one has to understand it.

pub(crate) mod proofs;
mod talk;

use std::time::Duration;

use bytes::Bytes;
use meshrpc::{
    Code, Started,
    wire::{
        CallKind, Detail, Event, Fault, Flags, FrameType, OpenHead, Reason, Status, put_item_prefix,
    },
};
use serde::{Deserialize, Serialize};

use self::talk::Talk;
use crate::{
    check,
    parts::{self, MAX, frame},
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vector {
    name: String,
    what: String,
    steps: Vec<Step>,
}

/// One frame, or a preface.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    from: String,
    what: String,
    hex: String,
}

#[test]
fn conversations_go_as_the_vectors_say() {
    let vectors = [
        call(),
        unsummed(),
        chunked_call(),
        chunked_reply(),
        server_stream(),
        client_stream(),
        both_streams(),
        refusal(),
        method_error(),
        stream_error(),
        answered_early(),
        cancelled(),
        deadline(),
        drained(),
        drain_crossed(),
        wrong_instance(),
        proofs::shared_key(),
        proofs::no_shared_key(),
    ];
    check("conversations.json", &vectors);
}

fn call() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    let body = talk.served(id);
    assert_eq!(body.as_deref(), Some(MAX));
    talk.server
        .reply(id, &parts::named_reply(), b"\xaaHello, Max".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\xaaHello, Max");
    talk.vector("call", "hellos, and a call that is a frame each way")
}

fn unsummed() -> Vector {
    let mut talk = Talk::unsummed();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    talk.server
        .reply(id, &parts::named_reply(), b"\xaaHello, Max".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\xaaHello, Max");
    talk.vector(
        "no-checksums",
        "neither side asks for checksums: the hellos have them all the same",
    )
}

fn chunked_call() -> Vector {
    let mut talk = Talk::open();
    let body = b"\x81\xa4name\xacMaximilianus";
    let head = OpenHead {
        body_len: Some(body.len() as u64),
        ..parts::small_open()
    };
    let payload = parts::open_payload(&head, &body[..8]);
    talk.say_to_server(&frame(FrameType::Open, Flags::default(), 2, &payload));
    talk.say_to_server(&parts::data(2, &body[8..12]));
    talk.say_to_server(&frame(FrameType::Data, Flags::CREDIT_NOW, 2, &body[12..15]));
    talk.say_to_server(&parts::last_data(2, body.len() as u64, &body[15..]));
    assert_eq!(talk.served(2).as_deref(), Some(&body[..]));
    talk.server.reply(
        2,
        &parts::named_reply(),
        b"\xb3Hello, Maximilianus".to_vec(),
    );
    talk.hear_server();
    talk.vector(
        "chunked-call",
        "a request in four frames; the third asks for the credit that is owed",
    )
}

fn chunked_reply() -> Vector {
    let mut talk = Talk::open();
    talk.call(CallKind::Unary, MAX);
    talk.hear_client();
    let body = b"\xaaHello, Max";
    let payload = parts::reply_payload(&parts::named_reply(), Some(body.len() as u64), &body[..6]);
    talk.say_to_client(&frame(FrameType::Reply, Flags::default(), 2, &payload));
    talk.say_to_client(&parts::data(2, &body[6..7]));
    talk.say_to_client(&parts::last_data(2, body.len() as u64, &body[7..]));
    assert_eq!(talk.answer(), body);
    talk.vector("chunked-reply", "a reply in three frames")
}

fn server_stream() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::ServerStream, MAX);
    talk.pass();
    assert_eq!(talk.served(id).as_deref(), Some(MAX));
    talk.server.reply_stream(id, &parts::named_reply());
    let items = items(&[b"\x81\xa2Ok\x01", b"\x81\xa2Ok\x02", b"\x81\xa3Err\xa3odd"]);
    talk.server.write(id, items.clone()).expect("it is taken");
    talk.server.finish(id);
    talk.pass();
    assert_eq!(talk.read_by_client(id), items);
    talk.vector(
        "server-stream",
        "a stream of three items in one frame, the last one an error",
    )
}

fn client_stream() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::ClientStream, b"");
    let first = items(&[b"\x81\xa5start\x05", b"\x01"]);
    talk.client.write(id, first.clone()).expect("it is taken");
    talk.pass();
    assert_eq!(talk.served(id), None, "it streams");
    let rest = items(&[b"\x02", b"\x03"]);
    talk.client.write(id, rest.clone()).expect("it is taken");
    talk.client.finish(id);
    talk.pass();
    assert_eq!(talk.read_by_server(id), [first, rest].concat());
    talk.server
        .reply(id, &parts::named_reply(), b"\x0b".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\x0b");
    talk.vector(
        "client-stream",
        "the arguments and three items, in two frames, and a plain reply",
    )
}

fn both_streams() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::BothStream, b"");
    let arguments = items(&[b"\x81\xa6prefix\xa1>"]);
    talk.client.write(id, arguments).expect("it is taken");
    talk.pass();
    talk.served(id);
    talk.server.reply_stream(id, &parts::named_reply());
    talk.pass();
    for (word, answer) in [
        (b"\xa1a", b"\x81\xa2Ok\xa2>a"),
        (b"\xa1b", b"\x81\xa2Ok\xa2>b"),
    ] {
        talk.client.write(id, items(&[word])).expect("it is taken");
        talk.pass();
        talk.server
            .write(id, items(&[answer]))
            .expect("it is taken");
        talk.pass();
    }
    talk.client.finish(id);
    talk.pass();
    talk.server.finish(id);
    talk.pass();
    talk.vector(
        "both-streams",
        "an item there, an item back, twice; then both end",
    )
}

fn refusal() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    let message = "no such method is served here";
    let refusal = Status::refusal(Reason::UnknownMethod, Started::No, message);
    talk.server.status(id, refusal);
    talk.pass();
    assert_eq!(talk.status().reason, Reason::UnknownMethod);
    talk.vector("refusal", "a method that is not served")
}

fn method_error() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::Unary, b"\x81\xa4name\xa0");
    talk.pass();
    talk.served(id);
    talk.server.status(id, parts::typed());
    talk.pass();
    assert!(matches!(talk.status().detail, Detail::Typed { .. }));
    talk.vector("method-error", "the method's own error, as a value")
}

fn stream_error() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::ServerStream, MAX);
    talk.pass();
    talk.served(id);
    talk.server.reply_stream(id, &parts::named_reply());
    let items = items(&[b"\x81\xa2Ok\x01"]);
    talk.server.write(id, items).expect("it is taken");
    talk.pass();
    let status = Status::refusal(Reason::Panicked, Started::Yes, "the handler panicked");
    talk.server.status(id, status);
    talk.pass();
    assert_eq!(talk.status().code, Some(Code::Internal));
    talk.vector("stream-error", "an answer that breaks off after an item")
}

fn answered_early() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::ClientStream, b"");
    let arguments = items(&[b"\x81\xa5start\x05"]);
    talk.client.write(id, arguments).expect("it is taken");
    talk.pass();
    talk.served(id);
    talk.server
        .reply(id, &parts::named_reply(), b"\x05".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\x05");
    talk.vector(
        "answered-early",
        "an answer before the request has ended, which the client then resets",
    )
}

fn cancelled() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    talk.client.cancel(id);
    talk.pass();
    let gone = talk.server_events.iter();
    assert!(
        gone.clone()
            .any(|event| matches!(event, Event::Cancelled { id: 2 })),
        "{:?}",
        talk.server_events
    );
    talk.vector(
        "cancelled",
        "a call that its caller gives up; nothing answers",
    )
}

fn deadline() -> Vector {
    let mut talk = Talk::open();
    let limit = Duration::from_millis(50);
    let deadline = Some(talk.now + limit);
    let call = talk
        .client
        .call(parts::small_open(), MAX.to_vec(), deadline, talk.now);
    let id = call.expect("the call is made");
    talk.pass();
    talk.served(id);
    let late = talk.now + limit;
    talk.server
        .handle_timeout(late)
        .expect("the connection goes on");
    talk.pass();
    assert_eq!(talk.status().reason, Reason::DeadlineExceeded);
    talk.vector(
        "deadline",
        "the time that the caller gave passes at the callee",
    )
}

fn drained() -> Vector {
    let mut talk = Talk::open();
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    talk.server.go_away(talk.now);
    talk.pass();
    assert!(!talk.client.takes_calls(), "no call may be made any more");
    talk.server
        .reply(id, &parts::named_reply(), b"\xaaHello, Max".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\xaaHello, Max");
    assert_eq!(talk.client.fault(), Some(&Fault::Done), "the client closes");
    talk.vector(
        "drain",
        "the server goes away while a call runs; then the client closes",
    )
}

fn drain_crossed() -> Vector {
    let mut talk = Talk::open();
    talk.server.go_away(talk.now);
    // The client has not heard of it.
    let id = talk.call(CallKind::Unary, MAX);
    talk.pass();
    talk.served(id);
    talk.server
        .reply(id, &parts::named_reply(), b"\xaaHello, Max".to_vec());
    talk.pass();
    assert_eq!(talk.answer(), b"\xaaHello, Max");
    assert_eq!(talk.client.fault(), Some(&Fault::Done), "the client closes");
    talk.vector(
        "drain-crossed",
        "a call that crosses the soft go-away: the final one, behind the pong, names it",
    )
}

fn wrong_instance() -> Vector {
    let mut talk = Talk::wanting("greeter-2");
    talk.pass();
    assert!(talk.client.fault().is_some(), "the client closes");
    talk.vector("wrong-instance", "a hello that asks for another instance")
}

fn items(values: &[&[u8]]) -> Bytes {
    let mut out = Vec::new();
    for value in values {
        put_item_prefix(&mut out, value.len(), false);
        out.extend_from_slice(value);
    }
    out.into()
}
