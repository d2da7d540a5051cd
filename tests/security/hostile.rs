//! Ends of a TLS channel that mean no good, and whose other end is not held up for long: what is read
//! of them is bounded in size and in time, and they are told apart from a network that failed.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use meshrpc::{
    Call, Error, Kind, Limits, Mesh, Started,
    discovery::Address,
    transport::tls::{ClientTls, ServerTls},
    wire::{Config, Connection, PREFACE},
};

use crate::{
    office::{CAP, Doorman as _, DoormanClient, Office, ask, open},
    papers::{Authority, Paper},
};

/// More than is read of a handshake that does not end, and what a network holds meanwhile.
const MOST: usize = 16 << 20;
/// TLS records: a handshake message of 2²⁴ - 1 bytes that goes on, warnings, a change of ciphers.
const ENDLESS: &[u8] = &[0x16, 3, 3, 0x40, 0, 0x0B, 0xFF, 0xFF, 0xFF];
const WARNING: &[u8] = &[0x15, 3, 3, 0, 2, 1, 90];
const CHANGE: &[u8] = &[0x14, 3, 3, 0, 1, 1];
const NOTHING: &[u8] = &[0x16, 3, 3, 0, 0];

#[test]
fn the_client_speaks_first() {
    let (config, now) = (Arc::new(Config::default()), Instant::now());
    let mut said = Vec::new();
    let mut server = Connection::server(Arc::clone(&config), 1, now);
    server.transmit(&mut said);
    assert_eq!(said, b"", "a proxy would pass it on before it asks");
    let mut client = Connection::client(config, 1, now);
    client.transmit(&mut said);
    assert!(said.starts_with(&PREFACE));
}

/// What a hostile end says: the first bytes, and others over and over.
#[derive(Clone, Copy, Debug)]
struct Flow(&'static [u8], &'static [u8]);

const FLOWS: [Flow; 6] = [
    Flow(b"\x00\x01 neither TLS nor anything else", b"x"),
    Flow(ENDLESS, &[0; 0x4005]),
    Flow(b"", WARNING),
    Flow(b"", CHANGE),
    Flow(b"", NOTHING),
    Flow(b"\x17\x03\x03\x40\x00", &[0x17; 0x4000]),
];

/// Says it until the other end closes; how many bytes that took.
fn pour(mut stream: TcpStream, flow: Flow) -> usize {
    stream.set_write_timeout(Some(CAP)).expect("a time");
    let mut poured = 0;
    let many = flow.1.repeat((0x8000 / flow.1.len()).max(1));
    let mut next = flow.0;
    while poured < 4 * MOST && stream.write_all(next).is_ok() {
        poured += next.len();
        next = &many;
    }
    poured
}

/// The first bytes of a real client.
async fn client_hello(authority: &Authority) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mesh = mesh_to(&listener, authority).await;
    let client = DoormanClient::connect(&mesh, "doorman");
    let calling = tokio::spawn(async move { client.who().await.map(drop) });
    let hello = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(CAP))?;
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let mut record = vec![0; u16::from_be_bytes([head[3], head[4]]).into()];
        stream.read_exact(&mut record)?;
        std::io::Result::Ok([&head[..], &record].concat())
    });
    let hello = hello.await.expect("no panic").expect("a hello");
    calling.abort();
    hello
}

async fn mesh_to(listener: &TcpListener, authority: &Authority) -> Mesh {
    let address = listener.local_addr().expect("it is bound");
    let roots = authority.roots();
    let url = format!("static+tls:doorman={address}?ca={}", roots.display());
    Mesh::open(&url).await.expect("a good URL")
}

#[tokio::test]
async fn clients_that_never_finish_a_handshake_are_closed() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let hello = client_hello(&authority).await;
    let office = Office::on_tcp();
    let mesh = office.mesh();
    let tls = ServerTls::new(&here.chain, &here.key);
    let serving = open(&mesh, |builder| builder.tls(tls)).await;
    let Address::Tcp(address) = office.address() else {
        panic!("it is TCP");
    };
    let mut pouring = Vec::new();
    for flow in FLOWS {
        for hello in [Vec::new(), hello.clone()] {
            let what = format!("{flow:?} after {} bytes", hello.len());
            let poured = move || {
                let mut stream = TcpStream::connect(address).expect("it listens");
                // The other end may have closed by then.
                let _ = stream.write_all(&hello);
                pour(stream, flow)
            };
            pouring.push((what, tokio::task::spawn_blocking(poured)));
        }
    }
    for (what, poured) in pouring {
        let poured = poured.await.expect("no panic");
        assert!(poured < MOST, "{what}: {poured} bytes");
    }
    let tls = ClientTls::new(authority.roots());
    assert_eq!(ask(&mesh.tls(&tls).unwrap()).await.unwrap(), "unverified");
    let counters = serving.counters();
    assert_eq!((counters.calls(), counters.panics()), (1, 0));
}

#[tokio::test]
async fn a_handshake_that_comes_byte_by_byte_has_no_more_time_than_another() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let hello = client_hello(&authority).await;
    let office = Office::on_tcp();
    let mut limits = Limits::default();
    limits.handshake_timeout = Duration::from_millis(300);
    let tls = ServerTls::new(&here.chain, &here.key);
    let serving = open(&office.mesh(), |builder| builder.tls(tls).limits(limits)).await;
    let Address::Tcp(address) = office.address() else {
        panic!("it is TCP");
    };
    let dripped = tokio::task::spawn_blocking(move || drip(address, &hello));
    let whole = dripped.await.expect("no panic");
    assert!(!whole, "it was heard to its end");
    assert_eq!(serving.counters().handshake_timeouts(), 1);
}

/// Whether all of it is taken, a byte every few milliseconds.
fn drip(address: SocketAddr, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    bytes.iter().all(|byte| {
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(&[*byte]).is_ok()
    })
}

#[tokio::test]
async fn servers_that_never_finish_a_handshake_are_given_up() {
    let authority = Authority::new();
    let mut given_up = Vec::new();
    for flow in FLOWS {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mesh = mesh_to(&listener, &authority).await;
        let poured = tokio::task::spawn_blocking(move || {
            let (stream, _) = listener.accept().expect("a client");
            pour(stream, flow)
        });
        let error = tokio::spawn(async move { unanswered(&mesh).await });
        given_up.push((flow, poured, error));
    }
    for (flow, poured, error) in given_up {
        let error = error.await.expect("no panic");
        assert!(error.to_string().contains("127.0.0.1"), "{flow:?}: {error}");
        let poured = poured.await.expect("no panic");
        assert!(poured < MOST, "{flow:?}: {poured} bytes");
    }
}

/// Why a call on `mesh` did not begin.
async fn unanswered(mesh: &Mesh) -> Error {
    let client = DoormanClient::connect(mesh, "doorman");
    let call = Call::new().deadline(Duration::from_secs(2));
    let error = client.with(call).who().await;
    let error = error.expect_err("nobody can answer");
    let kind = error.kind();
    let kinds = [Kind::Unavailable, Kind::Denied, Kind::DeadlineExceeded];
    assert!(kinds.contains(&kind), "{error}");
    assert_eq!(error.started(), Started::No, "{error}");
    error
}

#[tokio::test]
async fn a_chain_of_a_thousand_certificates_is_not_climbed() {
    let authority = Authority::new();
    let long = |file: &str| {
        let paper = authority.issue(file, &["127.0.0.1"]);
        let own = fs::read_to_string(&paper.chain).expect("it is there");
        let chain = own + &authority.certificate().repeat(1_000);
        fs::write(&paper.chain, chain).expect("it is written");
        paper
    };
    let with = |paper: &Paper| ServerTls::new(&paper.chain, &paper.key);
    let (here, endless) = (authority.issue("here", &["127.0.0.1"]), long("endless"));
    let roots = || ClientTls::new(authority.roots());

    let office = Office::on_tcp();
    let _serving = open(&office.mesh(), |builder| builder.tls(with(&endless))).await;
    unanswered(&office.mesh().tls(&roots()).unwrap()).await;

    let office = Office::on_tcp();
    let tls = with(&here).client_roots(authority.roots());
    let serving = open(&office.mesh(), |builder| builder.tls(tls)).await;
    let shown = roots().certificate(&endless.chain, &endless.key);
    unanswered(&office.mesh().tls(&shown).unwrap()).await;
    let shown = roots().certificate(&here.chain, &here.key);
    let answer = ask(&office.mesh().tls(&shown).unwrap()).await;
    assert_eq!(answer.unwrap(), "tls ");
    assert_eq!(serving.counters().calls(), 1);
}
