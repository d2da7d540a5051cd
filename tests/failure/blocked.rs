//! A handler that blocks its thread, in a server with two threads.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use bytes::BytesMut;
use meshrpc::{discovery::Address, wire};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{CAP, Instance, Town, alone, eventually},
};

use crate::LEDGER;

/// Calls `block`, and returns when its thread is blocked.
async fn block(town: &Town, client: &LedgerClient, call: u64, late: bool) {
    let client = client.clone();
    tokio::spawn(async move { client.block(call, late).await });
    eventually("a thread is blocked", async || {
        town.has_entry("blocked", call)
    })
    .await;
}

/// Other calls of the same client and of a new one, and pings, while one thread is blocked.
async fn others_go_on(town: &Town, instance: &Instance, late: bool) {
    let client = town.client().await;
    block(town, &client, 1, late).await;
    for call in 100..200 {
        client.add(call, call % 2, &[]).await.expect("it answers");
    }
    let mesh = meshrpc::Mesh::from_env().await.expect("a mesh");
    let other = town.client_of(&mesh).await;
    other.who().await.expect("it answers");
    let Address::Tcp(address) = *instance.address() else {
        panic!("not on TCP");
    };
    tokio::task::spawn_blocking(move || ping(TcpStream::connect(address).expect("it listens")))
        .await
        .expect("the ping is answered");
    town.release();
}

#[test]
fn fault_26_a_handler_that_blocks_at_once_delays_neither_calls_nor_pings() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        others_go_on(&town, &instance, false).await;
    });
}

#[test]
fn fault_26_a_handler_that_blocks_after_it_waited_delays_neither_calls_nor_pings() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        others_go_on(&town, &instance, true).await;
    });
}

/// Shakes hands, pings, and waits for the pong.
fn ping(mut stream: TcpStream) {
    stream
        .set_read_timeout(Some(CAP))
        .expect("a socket has a timeout");
    let (config, now) = (wire::Config::default(), std::time::Instant::now());
    let mut client = wire::Connection::client(config.into(), 0, now);
    let mut out = Vec::new();
    client.transmit(&mut out);
    let token = 0x5eed_u64.to_le_bytes();
    stream.write_all(&out).expect("it can be written to");

    let mut input = BytesMut::new();
    let mut read = |input: &mut BytesMut| {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).expect("an answer in time");
        assert_ne!(read, 0, "the server closed");
        input.extend_from_slice(&bytes[..read]);
    };
    while !wire::take_preface(&mut input).expect("a preface") {
        read(&mut input);
    }
    let hello = loop {
        match client.frame_reader().next(&mut input).expect("a frame") {
            Some(frame) => break frame,
            None => read(&mut input),
        }
    };
    client.receive(&hello, now).expect("a hello");
    out.clear();
    wire::put_frame(
        &mut out,
        wire::Checksum::Crc32,
        wire::FrameType::Ping,
        wire::Flags::default(),
        0,
        |payload| payload.extend_from_slice(&token),
    );
    let mut stream = &stream;
    stream.write_all(&out).expect("it can be written to");
    loop {
        if let Some(frame) = client.frame_reader().next(&mut input).expect("a frame") {
            assert_eq!(frame.kind, Some(wire::FrameType::Pong));
            assert_eq!(frame.payload[..], token);
            return;
        }
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).expect("a pong in time");
        assert_ne!(read, 0, "the server closed");
        input.extend_from_slice(&bytes[..read]);
    }
}
