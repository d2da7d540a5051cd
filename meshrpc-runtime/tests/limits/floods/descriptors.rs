//! A server that runs out of descriptors.

use std::{os::unix::net::UnixStream, time::Duration};

use meshrpc::wire::FrameType;
use serde_json::json;

use super::flooded::Flooded;
use crate::{
    desk::DESK,
    raw::{Raw, open},
};

fn call(raw: &mut Raw, id: u64) {
    raw.send(&open(&DESK, "fill", id, &json!({ "len": 1 }), true))
        .expect("it is read");
    assert_eq!(raw.next().expect("answered").kind, Some(FrameType::Reply));
}

#[test]
fn fault_37_a_server_out_of_descriptors_goes_on_and_accepts_again() {
    let mut server = Flooded::with(Some(32));
    let mut before = Raw::connect(&server.socket());
    call(&mut before, 2);
    // They are connected, and most of them wait to be accepted.
    let connect = || UnixStream::connect(server.socket()).expect("it listens");
    let flood: Vec<UnixStream> = (0..100).map(|_| connect()).collect();
    let mut id = 4;
    while server.failed_accepts() < 6 {
        call(&mut before, id);
        id += 2;
        std::thread::sleep(Duration::from_millis(1));
    }
    // Pauses double: as many failures again take many times as long.
    let failed = server.failed_accepts();
    for _ in 0..100 {
        call(&mut before, id);
        id += 2;
    }
    let failures = server.failed_accepts() - failed;
    assert!(failures < 50, "it tried {failures} times during 100 calls");
    drop(flood);
    let mut after = Raw::connect(&server.socket());
    call(&mut after, 2);
    call(&mut before, id);
}
