//! What a frame says, as JSON: numbers that may be large, and bytes, as hexadecimal text.

use bytes::{Buf, Bytes};
use meshrpc::wire::{
    ContractVerdict, Detail, Flags, Frame, FrameType, Hello, Metadata, Retry, parse_go_away,
    parse_open, parse_reply, parse_status,
};
use serde_json::{Value, json};

use crate::hex;

/// The whole frame.
pub(crate) fn decoded(frame: &Frame) -> Value {
    let mut value = json!({
        "type": name(frame.kind),
        "end": frame.flags.contains(Flags::END),
        "credit_now": frame.flags.contains(Flags::CREDIT_NOW),
        "stream": frame.stream,
    });
    let payload = &frame.payload;
    let content = match frame.kind {
        Some(FrameType::ClientHello) => hello(payload, true),
        Some(FrameType::ServerHello) => hello(payload, false),
        Some(FrameType::Open) => open(payload),
        Some(FrameType::Reply) => reply(payload),
        Some(FrameType::Data) => data(frame),
        Some(FrameType::Status) => status(payload),
        Some(FrameType::GoAway) => go_away(payload),
        Some(FrameType::Reset | FrameType::Credit) => {
            json!({ "number": payload.clone().get_u32_le() })
        }
        _ => json!({ "bytes": hex(payload) }),
    };
    if let (Value::Object(value), Value::Object(content)) = (&mut value, content) {
        value.extend(content);
    }
    value
}

/// The name of a type, as the specification has it.
pub(crate) fn name(kind: Option<FrameType>) -> &'static str {
    match kind {
        Some(FrameType::ClientHello | FrameType::ServerHello) => "HELLO",
        Some(FrameType::Auth) => "AUTH",
        Some(FrameType::Open) => "OPEN",
        Some(FrameType::Reply) => "REPLY",
        Some(FrameType::Data) => "DATA",
        Some(FrameType::Status) => "STATUS",
        Some(FrameType::Reset) => "RESET",
        Some(FrameType::Credit) => "CREDIT",
        Some(FrameType::Ping) => "PING",
        Some(FrameType::Pong) => "PONG",
        Some(FrameType::GoAway) => "GOAWAY",
        Some(FrameType::Info) => "INFO",
        None => "unknown",
    }
}

fn hello(payload: &Bytes, client: bool) -> Value {
    let hello = Hello::parse(payload.clone(), client).expect("a valid hello");
    let limits = hello.limits;
    let wanted: Vec<Value> = hello
        .wanted
        .iter()
        .map(|(name, fingerprint)| json!({ "contract": name, "fingerprint": number(*fingerprint) }))
        .collect();
    let verdicts: Vec<Value> = hello
        .verdicts
        .iter()
        .map(|(name, verdict)| match verdict {
            ContractVerdict::Same => json!({ "contract": name, "verdict": 0 }),
            ContractVerdict::Absent => json!({ "contract": name, "verdict": 2 }),
            ContractVerdict::Differs(methods) => {
                let methods: Vec<[String; 2]> = methods
                    .iter()
                    .map(|method| [number(method.key), number(method.fingerprint)])
                    .collect();
                json!({ "contract": name, "verdict": 1, "methods": methods })
            }
        })
        .collect();
    json!({
        "features": hello.features,
        "max_frame": limits.max_frame,
        "max_message": limits.max_message,
        "max_streams": limits.max_streams,
        "connection_window": limits.connection_window,
        "stream_window": limits.stream_window,
        "inline_max": limits.inline_max,
        "ping_min_ms": hello.ping_min.as_millis() as u64,
        "checksum": hello.checksum as u8,
        "codecs": hello.codecs,
        "name": &*hello.name,
        "epoch": number(hello.epoch),
        "wanted_instance": hello.wanted_instance,
        "contracts": if client { wanted } else { verdicts },
    })
}

fn open(payload: &Bytes) -> Value {
    let (head, body) = parse_open(payload.clone()).expect("a valid OPEN");
    json!({
        "kind": head.kind as u8,
        "codec": head.codec as u8,
        "method": number(head.method),
        "schema": number(head.schema.into()),
        "time_left_ms": head.time_left.map_or(0, |left| left.as_millis() as u64),
        "attempt": head.attempt,
        "idempotent": head.idempotent,
        "trace": head.trace,
        "session": head.session,
        "body_length": head.body_len,
        "metadata": metadata(&head.metadata),
        "body": hex(&body),
    })
}

fn reply(payload: &Bytes) -> Value {
    let (head, body_len, body) = parse_reply(payload.clone()).expect("a valid REPLY");
    json!({
        "codec": head.codec as u8,
        "body_length": body_len,
        "metadata": metadata(&head.metadata),
        "body": hex(&body),
    })
}

fn data(frame: &Frame) -> Value {
    let mut body = frame.payload.clone();
    let total = frame.flags.contains(Flags::END).then(|| body.get_u64_le());
    json!({ "total": total, "body": hex(&body) })
}

fn status(payload: &Bytes) -> Value {
    let (status, sent) = parse_status(payload.clone()).expect("a valid STATUS");
    let retry_after = match status.retry {
        Retry::Unspecified => 0,
        Retry::After(time) => time.as_millis() as u64,
        Retry::Never => u32::MAX.into(),
    };
    let detail = match &status.detail {
        Detail::None => Value::Null,
        Detail::Typed { codec, bytes } => json!({ "codec": *codec as u8, "error": hex(bytes) }),
        Detail::Chain(chain) => json!({ "chain": chain }),
    };
    json!({
        "total": sent,
        "code": status.code.map_or(0, |code| code as u8),
        "started": status.started as u8,
        "relayed": status.relayed,
        "retry_after_ms": retry_after,
        "reason": status.reason as u8,
        "message": status.message,
        "trailers": metadata(&status.trailers),
        "detail": detail,
    })
}

fn go_away(payload: &Bytes) -> Value {
    let go_away = parse_go_away(payload.clone()).expect("a valid GOAWAY");
    json!({
        "last": number(go_away.last),
        "reason": go_away.reason as u8,
        "soft": go_away.soft,
        "reconnect_after_ms": go_away.reconnect_after.map_or(0, |time| time.as_millis() as u64),
        "text": go_away.text,
    })
}

fn metadata(metadata: &Metadata) -> Vec<[String; 2]> {
    metadata
        .iter()
        .map(|(key, value)| [key.to_owned(), hex(value)])
        .collect()
}

fn number(number: u64) -> String {
    format!("{number:#018x}")
}
