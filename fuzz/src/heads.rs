use bytes::Bytes;
use meshrpc::wire::{
    Detail, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_SESSION_KEY, Metadata, OpenHead,
    check_metadata, parse_go_away, parse_open, parse_reply, parse_status, put_go_away, put_open,
    put_reply, put_status,
};

use crate::measure;

/// Payloads of OPEN, REPLY, STATUS and GOAWAY: what is read can be written and read again, is
/// within the limits, and took no more memory than it has bytes.
pub fn heads(input: &[u8]) {
    let Some((which, payload)) = input.split_first() else {
        return;
    };
    let payload = Bytes::copy_from_slice(payload);
    let len = payload.len();
    let memory = measure(|| match which % 4 {
        0 => open(payload),
        1 => reply(payload),
        2 => status(payload),
        _ => go_away(payload),
    });
    // Read and written twice. An entry of five bytes takes a String, Bytes and room to grow.
    let most = 64 * len as u64 + 4_096;
    assert!(memory.bytes_max <= most, "{memory:?} for {len} bytes");
}

fn open(payload: Bytes) {
    let Ok((head, body)) = parse_open(payload.clone()) else {
        return;
    };
    assert!(payload.ends_with(&body));
    assert_metadata(&head.metadata);
    let session = head.session.as_ref().map_or(0, String::len);
    assert!(session <= MAX_SESSION_KEY);
    let mut written = Vec::new();
    put_open(&mut written, &head);
    written.extend_from_slice(&body);
    let (again, rest): (OpenHead, Bytes) =
        parse_open(written.into()).unwrap_or_else(|_| panic!("{head:?} is not read again"));
    assert_eq!((again, rest), (head, body));
}

fn reply(payload: Bytes) {
    let Ok((head, hint, body)) = parse_reply(payload.clone()) else {
        return;
    };
    assert!(payload.ends_with(&body));
    assert_metadata(&head.metadata);
    let mut written = Vec::new();
    put_reply(&mut written, &head, hint);
    written.extend_from_slice(&body);
    let again =
        parse_reply(written.into()).unwrap_or_else(|_| panic!("{head:?} is not read again"));
    assert_eq!(again, (head, hint, body));
}

fn status(payload: Bytes) {
    let Ok((status, sent)) = parse_status(payload) else {
        return;
    };
    assert_metadata(&status.trailers);
    if let Detail::Chain(chain) = &status.detail {
        assert!(chain.len() <= 64);
    }
    let mut written = Vec::new();
    put_status(&mut written, &status, sent);
    let again = parse_status(written.into()).expect("a status that was written");
    assert_eq!(again, (status, sent));
}

fn go_away(payload: Bytes) {
    let Ok(go_away) = parse_go_away(payload) else {
        return;
    };
    let mut written = Vec::new();
    put_go_away(&mut written, &go_away);
    let again = parse_go_away(written.into()).expect("a go-away that was written");
    assert_eq!(again, go_away);
}

fn assert_metadata(metadata: &Metadata) {
    assert_eq!(check_metadata(metadata), Ok(()));
    assert!(metadata.len() <= MAX_METADATA_ENTRIES);
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    assert!(bytes <= MAX_METADATA_BYTES);
}
