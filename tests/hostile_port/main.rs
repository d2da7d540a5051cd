//! Peers on a server's port that are no clients.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use meshrpc::{discovery::Address, wire::PREFACE};
use meshrpc_tests::{
    ledger::{Ledger as _, LedgerClient},
    process::{CAP, Instance, Town, alone, eventually},
};

/// The service under test.
const LEDGER: &str = env!("CARGO_BIN_EXE_ledger");

/// What a server says to whoever is no client.
const ANSWER: &[u8] = b"MRPC: not a meshrpc client\r\n";

/// The beginning of a TLS 1.3 ClientHello.
const CLIENT_HELLO: &[u8] = &[
    0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03, 0x5b, 0x1d, 0xa7, 0x22, 0x90,
    0x0e, 0x4c, 0x11, 0xfe, 0x31, 0x77, 0x8a, 0x02, 0xd3, 0x68, 0x9f, 0x40, 0x6c, 0xb5, 0x2e, 0x83,
];

fn port(instance: &Instance) -> SocketAddr {
    match instance.address() {
        Address::Tcp(address) => *address,
        other => panic!("not on TCP: {other}"),
    }
}

/// What the server at `address` says to `bytes` before it closes.
async fn answer(address: SocketAddr, bytes: Vec<u8>) -> Vec<u8> {
    let exchange = move || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(CAP))?;
        stream.write_all(&bytes)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    tokio::task::spawn_blocking(exchange)
        .await
        .expect("no panic")
        .expect("an answer and an end")
}

/// An instance's log, read up to now.
struct Log<'a> {
    instance: &'a Instance,
    client: &'a LedgerClient,
    marks: u32,
}

impl<'a> Log<'a> {
    /// What is logged from now on.
    async fn begin(instance: &'a Instance, client: &'a LedgerClient) -> Self {
        let mut log = Self {
            instance,
            client,
            marks: 0,
        };
        log.mark().await;
        log
    }

    /// Lines since the last mark.
    async fn lines(&mut self) -> Vec<String> {
        let before = self.mark().await;
        let now = format!("mark {};", self.marks);
        let lines = self.instance.logged("").into_iter();
        let lines = lines.skip_while(|line| !line.contains(&before)).skip(1);
        lines.take_while(|line| !line.contains(&now)).collect()
    }

    /// Sets the next mark, and returns the one before.
    async fn mark(&mut self) -> String {
        let before = format!("mark {};", self.marks);
        self.marks += 1;
        let now = format!("mark {};", self.marks);
        self.client.mark(&now).await.expect("it answers");
        eventually("the mark is logged", async || {
            !self.instance.logged(&now).is_empty()
        })
        .await;
        before
    }
}

/// Once the server has counted `broken` connections.
async fn counted(client: &LedgerClient, broken: u64) {
    eventually("the connection is counted", async || {
        let counts = client.counts().await.expect("it answers");
        assert!(counts.broken_connections <= broken, "{counts:?}");
        counts.broken_connections == broken
    })
    .await;
}

#[test]
fn fault_07_what_is_no_client_is_answered_closed_counted_and_logged_once() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let mut log = Log::begin(&instance, &client).await;
        let strangers: [(&str, Vec<u8>); 5] = [
            ("HTTP", b"GET / HTTP/1.1\r\nHost: ledger\r\n\r\n".to_vec()),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
            ("TLS", CLIENT_HELLO.to_vec()),
            ("one byte", vec![0]),
            ("much", vec![0xa5; 1 << 20]),
        ];
        for (number, (who, bytes)) in (1..).zip(strangers) {
            let answer = answer(port(&instance), bytes).await;
            assert_eq!(answer, ANSWER, "{who}");
            counted(&client, number).await;
            let lines = log.lines().await;
            assert_eq!(lines.len(), 1, "{who}: {lines:#?}");
        }
        let counts = client.counts().await.expect("it answers");
        assert_eq!(counts.connections, 6);
    });
}

#[test]
fn a_health_check_is_not_logged() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let mut log = Log::begin(&instance, &client).await;
        let address = port(&instance);
        tokio::task::spawn_blocking(move || {
            let probe = || TcpStream::connect(address).expect("it listens");
            // Closed at once, closed for writing only, and cut off.
            drop(probe());
            let mut half = probe();
            half.shutdown(Shutdown::Write).expect("it is connected");
            let mut rest = Vec::new();
            half.read_to_end(&mut rest).expect("it closes too");
            assert!(rest.is_empty(), "a health check was answered");
            drop(cut_off(probe()));
        })
        .await
        .expect("no panic");
        eventually("all were accepted", async || {
            client.counts().await.expect("it answers").connections == 4
        })
        .await;
        let lines = log.lines().await;
        assert!(lines.is_empty(), "{lines:#?}");
        assert_eq!(
            client
                .counts()
                .await
                .expect("it answers")
                .broken_connections,
            0
        );
    });
}

/// The stream, so set that its close sends RST.
fn cut_off(stream: TcpStream) -> TcpStream {
    let now = Some(Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(&stream, now).expect("a socket lingers");
    stream
}

#[test]
fn half_a_preface_and_silence_ends_with_the_handshakes_time() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let silent = tokio::spawn(answer(port(&instance), PREFACE[..4].to_vec()));
        let mut calls = 0_u64;
        while !silent.is_finished() {
            client.who().await.expect("others go on");
            calls += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let said = silent.await.expect("it is closed");
        assert!(calls > 0, "no call was answered beside a silent peer");
        assert!(said.len() < 200, "{} bytes were said to it", said.len());
        counted(&client, 1).await;
    });
}

#[test]
fn a_broken_frame_ends_only_its_own_connection() {
    alone(LEDGER, async |town: Town| {
        let instance = town.instance("ledger-1").start().await;
        let client = town.client().await;
        let mut log = Log::begin(&instance, &client).await;
        let mut bytes = PREFACE.to_vec();
        bytes.extend([0x10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        bytes.extend([0; 16]);
        let said = answer(port(&instance), bytes).await;
        assert!(said.starts_with(&PREFACE), "{said:?}");
        counted(&client, 1).await;
        let lines = log.lines().await;
        assert_eq!(lines.len(), 1, "{lines:#?}");
        client.who().await.expect("others go on");
    });
}
