//! Ten times the load costs a tenth more memory at most.

use std::{
    collections::VecDeque,
    io::Read as _,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use meshrpc::{
    Limits,
    wire::{Flags, FrameType, PREFACE},
};
use serde_json::json;

use super::flooded::{Flooded, has_descriptors};
use crate::{
    desk::DESK,
    raw::{Raw, frame, open, reset},
};

/// One flood after the other: they share this process's descriptors.
static FLOODS: Mutex<()> = Mutex::new(());

/// The peaks of a server under `flood`, once and ten times.
fn flooded(name: &str, budget: u64, flood: impl Fn(&Path, usize)) {
    let _alone = FLOODS.lock().unwrap_or_else(PoisonError::into_inner);
    let peak = |times| {
        let server = Flooded::start();
        let idle = server.peak();
        flood(&server.socket(), times);
        // It serves, and has taken in what came before.
        let mut raw = Raw::connect(&server.socket());
        raw.send(&open(&DESK, "fill", 2, &json!({ "len": 1 }), true))
            .expect("it is read");
        assert_eq!(raw.next().expect("answered").kind, Some(FrameType::Reply));
        (idle, server.peak())
    };
    let (idle, once) = peak(1);
    let (_, tenfold) = peak(10);
    eprintln!("{name}: {idle} idle, {once} once, {tenfold} tenfold");
    assert!(
        tenfold as f64 <= 1.1 * once as f64,
        "{name}: {once} bytes, and {tenfold} under ten times the load"
    );
    assert!(
        tenfold - idle <= budget,
        "{name}: {} bytes, which {budget} were to bound",
        tenfold - idle
    );
}

/// Reads what comes, and drops it.
fn drain(raw: &Raw) {
    let mut stream = raw.stream.try_clone().expect("a descriptor");
    thread::spawn(move || {
        let mut bytes = [0; 64 << 10];
        while matches!(stream.read(&mut bytes), Ok(1..)) {}
    });
}

#[test]
fn fault_02_slow_handshakes_cost_no_more_than_so_many_at_a_time() {
    if !has_descriptors(7_000) {
        return;
    }
    // So many at a time, each with a task and a small read.
    let budget = (Limits::default().max_handshakes as u64 + 64) * (32 << 10);
    flooded("slow handshakes", budget, |socket, times| {
        let mut slow = VecDeque::new();
        for _ in 0..1_000 * times {
            let mut raw = Raw::begin(socket);
            // It may have been closed for a newer one.
            let _ = raw.send(&PREFACE[..4]);
            slow.push_back(raw);
            if slow.len() > 5_000 {
                slow.pop_front();
            }
        }
    });
}

#[test]
fn fault_03_a_client_that_never_reads_costs_what_it_may_have_open() {
    // The calls of one connection, with replies of 32 KiB each: as they were written, and the part
    // of them that is in their first frames.
    flooded(
        "never reads",
        1024 * (48 << 10) + (16 << 20),
        |socket, times| {
            let mut raw = Raw::connect(socket);
            for call in 1..=2_000 * times as u64 {
                let fill = open(
                    &DESK,
                    "fill_late",
                    2 * call,
                    &json!({ "len": 32 << 10 }),
                    true,
                );
                if raw.send(&fill).is_err() {
                    break;
                }
            }
            // Those that came after them, one after the other, are answered after them.
            let mut other = Raw::connect(socket);
            for id in [2, 4, 6] {
                let fill = open(&DESK, "fill_late", id, &json!({ "len": 1 }), true);
                other.send(&fill).expect("it is read");
                let answer = other.next().expect("answered");
                assert_eq!(answer.kind, Some(FrameType::Reply));
            }
        },
    );
}

#[test]
fn fault_14_empty_frames_cost_nothing() {
    flooded("empty frames", 8 << 20, |socket, times| {
        for _ in 0..3 * times {
            let mut raw = Raw::connect(socket);
            drain(&raw);
            let info = frame(FrameType::Info, Flags::default(), 0, &[]);
            // It ends when there were too many.
            while raw.send(&info.repeat(1_000)).is_ok() {}
        }
    });
}

#[test]
fn fault_15_opened_calls_cost_what_one_connection_may_have_open() {
    flooded("opens", 16 << 20, |socket, times| {
        for _ in 0..5 * times {
            let mut raw = Raw::connect(socket);
            drain(&raw);
            let mut id = 0;
            let mut next = || {
                id += 2;
                open(&DESK, "hold", id, &json!({}), false)
            };
            // It ends at twice as many as may be open.
            while raw.send(&next()).is_ok() {}
        }
    });
}

#[test]
fn fault_16_resets_cost_what_one_connection_may_have_open() {
    flooded("resets", 16 << 20, |socket, times| {
        let mut raw = Raw::connect(socket);
        drain(&raw);
        for call in 1..=10_000 * times as u64 {
            let mut pair = open(&DESK, "hold", 2 * call, &json!({ "bytes": [] }), true);
            pair.extend(reset(2 * call));
            raw.send(&pair).expect("it is read");
        }
    });
}

#[test]
fn fault_17_provoked_errors_cost_what_may_be_unread() {
    flooded("errors", 16 << 20, |socket, times| {
        let mut raw = Raw::connect(socket);
        for call in 1..=10_000 * times as u64 {
            let wrong = open(&DESK, "measure", 2 * call, &json!({ "x": 1 }), true);
            if raw.send(&wrong).is_err() {
                break;
            }
        }
    });
}

#[test]
fn fault_18_pings_cost_nothing() {
    flooded("pings", 8 << 20, |socket, times| {
        for _ in 0..20 * times {
            let mut raw = Raw::connect(socket);
            drain(&raw);
            let ping = frame(FrameType::Ping, Flags::default(), 0, &[0; 8]);
            // It ends after a few.
            while raw.send(&ping.repeat(100)).is_ok() {}
        }
    });
}
