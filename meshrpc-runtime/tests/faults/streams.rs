//! Stream ids and chunks that are not as they should be: at most the connection ends, and no call
//! gets what belongs to another.

use bytes::Bytes;
use meshrpc::wire::{Config, Event, Fault, Flags, Frame, FrameType, put_open, put_reply};
use proptest::{prelude::*, sample::Index};

use crate::{Pair, events, feed, frames, head, reply_head};

/// Small windows and frames, so that a body is many chunks.
fn chunky() -> Config {
    Config {
        max_frame: 16 << 10,
        inline_max: 1 << 10,
        ..Config::default()
    }
}

fn open(id: u64) -> Frame {
    let mut payload = Vec::new();
    put_open(&mut payload, &head());
    payload.extend_from_slice(&id.to_le_bytes());
    Frame {
        kind: Some(FrameType::Open),
        flags: Flags::END,
        stream: id,
        payload: payload.into(),
    }
}

fn reply(id: u64) -> Frame {
    let mut payload = Vec::new();
    put_reply(&mut payload, &reply_head(), None);
    payload.extend_from_slice(&id.to_le_bytes());
    Frame {
        kind: Some(FrameType::Reply),
        flags: Flags::END,
        stream: id,
        payload: payload.into(),
    }
}

/// Ids mostly as a client would give them.
fn ids() -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![
        12 => (1i64..3).prop_map(|n| 2 * n),
        1 => Just(0i64),
        1 => -9i64..9,
    ];
    prop::collection::vec(step, 1..40).prop_map(|steps| {
        let mut id = 0i64;
        let next = |step: i64| {
            id = (id + step).max(1);
            id.unsigned_abs()
        };
        steps.into_iter().map(next).collect()
    })
}

proptest! {
    /// A stream id is even and higher than any before. The first that is not ends the connection,
    /// and brings no call.
    #[test]
    fn fault_12_a_stream_id_that_was_used_or_is_the_other_sides_ends_the_connection(ids in ids()) {
        let mut highest = 0;
        let good = ids.iter().take_while(|&&id| {
            let good = id % 2 == 0 && id > highest;
            highest = highest.max(id);
            good
        });
        let good: Vec<u64> = good.copied().collect();

        let mut pair = Pair::new(Config::default());
        let opens: Vec<Frame> = ids.iter().map(|&id| open(id)).collect();
        let fed = feed(&mut pair.server, &opens, pair.server_now);
        prop_assert_eq!(fed.is_err(), good.len() < ids.len());
        let calls: Vec<(u64, u64)> = events(&mut pair.server)
            .into_iter()
            .filter_map(|event| match event {
                Event::Call { id, body, .. } => Some((id, marker(&body.unwrap_or_default()))),
                _ => None,
            })
            .collect();
        prop_assert_eq!(calls, good.iter().map(|&id| (id, id)).collect::<Vec<_>>());
    }

    /// A reply reaches the call of its id, once; to no call, it is dropped or ends the connection.
    #[test]
    fn fault_12_a_reply_reaches_the_call_of_its_id_or_none(
        calls in 1u64..6,
        replies in prop::collection::vec(1u64..14, 1..20),
    ) {
        let mut pair = Pair::new(Config::default());
        for _ in 0..calls {
            pair.call("", None);
        }
        pair.client_bytes();
        let answers: Vec<Frame> = replies.iter().map(|&id| reply(id)).collect();
        let _ = feed(&mut pair.client, &answers, pair.client_now);
        let mut answered = Vec::new();
        for event in events(&mut pair.client) {
            if let Event::Reply { id, body, .. } = event {
                prop_assert_eq!(marker(&body), id);
                prop_assert!(id % 2 == 0 && id <= 2 * calls, "{} was never called", id);
                prop_assert!(!answered.contains(&id), "{} was answered twice", id);
                answered.push(id);
            }
        }
    }

    /// Chunks of requests out of order, missing, doubled or after the end: what is delivered as a
    /// request is as long as the one that was made, and holds bytes of that one only.
    #[test]
    fn fault_13_chunks_of_requests_out_of_order_mix_no_calls(
        lens in prop::collection::vec(0usize..40_000, 1..5),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut pair = Pair::new(chunky());
        let calls: Vec<(u64, usize)> = (1..)
            .zip(&lens)
            .map(|(mark, &len)| (pair.call(vec![mark; len], None), len))
            .collect();
        let bytes = pair.client_bytes();
        let sent = damaged(frames(&pair.server, &bytes), &damages);
        let _ = feed(&mut pair.server, &sent, pair.server_now);
        for event in events(&mut pair.server) {
            if let Event::Call { id, body, .. } = event {
                let own = calls.iter().zip(1..).find(|((call, _), _)| *call == id);
                let Some(((_, len), mark)) = own else {
                    return Err(TestCaseError::fail(format!("{id} was never called")));
                };
                check(id, &body.unwrap_or_default(), mark, *len)?;
            }
        }
    }

    /// The same of replies.
    #[test]
    fn fault_13_chunks_of_replies_out_of_order_mix_no_calls(
        lens in prop::collection::vec(0usize..40_000, 1..5),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut pair = Pair::new(chunky());
        let calls: Vec<u64> = lens.iter().map(|_| pair.call("", None)).collect();
        pair.settle();
        events(&mut pair.server);
        for ((id, mark), &len) in calls.iter().zip(1..).zip(&lens) {
            pair.server.reply(*id, &reply_head(), Bytes::from(vec![mark; len]));
        }
        let bytes = pair.server_bytes();
        let sent = damaged(frames(&pair.client, &bytes), &damages);
        let _ = feed(&mut pair.client, &sent, pair.client_now);
        for event in events(&mut pair.client) {
            if let Event::Reply { id, body, .. } = event {
                let own = calls.iter().zip(&lens).zip(1..).find(|((call, _), _)| **call == id);
                let Some(((_, len), mark)) = own else {
                    return Err(TestCaseError::fail(format!("{id} was never called")));
                };
                check(id, &body, mark, *len)?;
            }
        }
    }
}

/// A chunk behind the end of its stream is either of a forgotten stream, and dropped, or ends the
/// connection: while the call runs, and after it was answered.
#[test]
fn fault_13_a_chunk_after_the_end_is_never_delivered() {
    let late = |id| Frame {
        kind: Some(FrameType::Data),
        flags: Flags::default(),
        stream: id,
        payload: Bytes::from_static(b"late"),
    };
    let mut pair = Pair::new(Config::default());
    let id = pair.call("whole", None);
    pair.settle();
    assert_eq!(events(&mut pair.server).len(), 1, "the call, and nothing");
    pair.server.reply(id, &reply_head(), Bytes::new());
    pair.settle();
    let before = pair.server.counters().late_frames;
    feed(&mut pair.server, &[late(id)], pair.server_now).expect("its stream is forgotten");
    assert_eq!(pair.server.counters().late_frames, before + 1);
    assert!(events(&mut pair.server).is_empty());

    let mut pair = Pair::new(Config::default());
    let id = pair.call("whole", None);
    pair.settle();
    events(&mut pair.server);
    let fault = feed(&mut pair.server, &[late(id)], pair.server_now);
    assert!(matches!(fault, Err(Fault::Malformed(_))), "{fault:?}");
}

/// What happens to frames on their way.
#[derive(Clone, Debug)]
enum Damage {
    Swap(Index, Index),
    Drop(Index),
    Double(Index),
    /// A frame comes again, behind all others.
    Late(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), at()).prop_map(|(a, b)| Damage::Swap(a, b)),
        at().prop_map(Damage::Drop),
        at().prop_map(Damage::Double),
        at().prop_map(Damage::Late),
    ]
}

fn damaged(mut frames: Vec<Frame>, damages: &[Damage]) -> Vec<Frame> {
    for damage in damages {
        let len = frames.len();
        if len == 0 {
            break;
        }
        match damage {
            Damage::Swap(a, b) => frames.swap(a.index(len), b.index(len)),
            Damage::Drop(at) => drop(frames.remove(at.index(len))),
            Damage::Double(at) => frames.insert(at.index(len), frames[at.index(len)].clone()),
            Damage::Late(at) => frames.push(frames[at.index(len)].clone()),
        }
    }
    frames
}

fn check(id: u64, body: &[u8], mark: u8, len: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(body.len(), len, "the length of {}", id);
    prop_assert!(
        body.iter().all(|&byte| byte == mark),
        "{} has bytes of another call",
        id
    );
    Ok(())
}

/// The number in a body.
fn marker(body: &[u8]) -> u64 {
    body.first_chunk().copied().map_or(0, u64::from_le_bytes)
}
