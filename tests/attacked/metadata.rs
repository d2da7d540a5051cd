use bytes::{BufMut, Bytes};
use meshrpc::{
    Started,
    wire::{
        CallKind, Codec, Detail, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, OpenHead, Reason,
        ReplyHead, Status, parse_open, parse_reply, parse_status, put_open, put_reply, put_status,
    },
};
use meshrpc_fuzz::measure;

/// Payloads with these entries: of OPEN, of REPLY, of STATUS.
fn payloads(entries: &[(usize, usize)]) -> [(&'static str, Bytes); 3] {
    let mut metadata = Vec::new();
    for (key, value) in entries {
        metadata.put_u16_le(3);
        metadata.put_u16_le((1 + key + value) as u16);
        metadata.put_u8(*key as u8);
        metadata.put_bytes(b'k', *key);
        metadata.put_bytes(0, *value);
    }
    let mut open = Vec::new();
    put_open(&mut open, &open_head());
    let mut reply = Vec::new();
    put_reply(&mut reply, &ReplyHead::new(Codec::Positional), None);
    for head in [&mut open, &mut reply] {
        head.extend_from_slice(&metadata);
        let len = head.len() as u16;
        head[..2].copy_from_slice(&len.to_le_bytes());
    }
    let mut status = Vec::new();
    let refusal = Status::refusal(Reason::Denied, Started::No, "");
    put_status(
        &mut status,
        &Status {
            detail: Detail::None,
            ..refusal
        },
        0,
    );
    status[20..24].copy_from_slice(&(metadata.len() as u32).to_le_bytes());
    status.extend_from_slice(&metadata);
    [
        ("OPEN", open.into()),
        ("REPLY", reply.into()),
        ("STATUS", status.into()),
    ]
}

fn is_read(payload: &Bytes, kind: &str) -> bool {
    match kind {
        "OPEN" => parse_open(payload.clone()).is_ok(),
        "REPLY" => parse_reply(payload.clone()).is_ok(),
        _ => parse_status(payload.clone()).is_ok(),
    }
}

#[test]
fn fault_19_metadata_is_read_up_to_the_limits_and_refused_above() {
    let entries = MAX_METADATA_ENTRIES;
    let bytes = MAX_METADATA_BYTES;
    let most = [
        vec![(1, 1); entries],
        vec![(100, bytes - 100)],
        vec![(255, bytes / 8 - 255); 8],
    ];
    let more = [
        vec![(1, 1); entries + 1],
        vec![(100, bytes - 99)],
        vec![(255, bytes / 8 - 254); 8],
    ];
    for (most, more) in most.iter().zip(&more) {
        for (kind, payload) in payloads(most) {
            assert!(is_read(&payload, kind), "{kind} with as much as may be");
        }
        for (kind, payload) in payloads(more) {
            assert!(!is_read(&payload, kind), "{kind} with more");
        }
    }
}

#[test]
fn fault_19_a_metadata_bomb_is_refused_at_the_first_entry_too_many() {
    let bombs = [
        vec![(1, 0); 10_000],
        vec![(255, 0); 200],
        vec![(1, 0); 63].into_iter().chain([(1, 60_000)]).collect(),
        vec![(0, 0); 10_000],
        vec![(1, 8_000); 8],
    ];
    for bomb in &bombs {
        for (kind, payload) in payloads(bomb) {
            let memory = measure(|| assert!(!is_read(&payload, kind), "{kind} with a bomb"));
            // 64 entries, with room to grow, and their keys; values stay where they are.
            assert!(
                memory.bytes_max <= 32 << 10,
                "{kind}: {memory:?} for {} bytes",
                payload.len()
            );
            let most = 2 * MAX_METADATA_ENTRIES as u64;
            assert!(memory.count_total <= most, "{kind}: {memory:?}");
        }
    }
}

fn open_head() -> OpenHead {
    OpenHead::new(CallKind::Unary, Codec::Positional, 1)
}
