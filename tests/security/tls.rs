//! Certificates that are trusted, and all others.

use std::{io::Read, net::TcpStream, path::PathBuf, sync::atomic::AtomicUsize};

use meshrpc::{
    Code, Error, Kind, Limits, Mesh,
    discovery::Address,
    transport::tls::{ClientTls, ServerTls},
};

use crate::{
    office::{CAP, Office, ask, open, trouble, try_open},
    papers::{Authority, Paper, put},
};

fn server(paper: &Paper) -> ServerTls {
    ServerTls::new(&paper.chain, &paper.key)
}

/// What a client that trusts `authority` is told by a server with `paper`.
async fn met(authority: &Authority, paper: &Paper, name: Option<&str>) -> Result<String, Error> {
    let office = Office::on_tcp();
    let mesh = office.mesh();
    let _serving = open(&mesh, |builder| builder.tls(server(paper))).await;
    let tls = ClientTls::new(authority.roots());
    let tls = match name {
        Some(name) => tls.name(name),
        None => tls,
    };
    ask(&mesh.tls(&tls).expect("good files")).await
}

#[track_caller]
fn denied(met: Result<String, Error>, why: &str) {
    let error = met.expect_err(why);
    assert_eq!(error.kind(), Kind::Denied, "{why}: {error}");
    assert_eq!(error.started(), meshrpc::Started::No, "{why}: {error}");
}

#[tokio::test]
async fn a_server_is_who_its_certificate_says() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1", "doorman.internal"]);
    assert_eq!(met(&authority, &here, None).await.unwrap(), "unverified");
    let named = met(&authority, &here, Some("doorman.internal")).await;
    assert_eq!(
        named.unwrap(),
        "unverified",
        "a client shows no certificate"
    );

    denied(
        met(&authority, &here, Some("other.internal")).await,
        "another name",
    );
    let elsewhere = authority.issue("elsewhere", &["127.0.0.2"]);
    denied(met(&authority, &elsewhere, None).await, "another address");
    let late = authority.issue_expired("late", &["127.0.0.1"]);
    denied(met(&authority, &late, None).await, "its time is over");
    denied(
        met(&Authority::new(), &here, None).await,
        "another authority",
    );
}

#[tokio::test]
async fn a_server_may_ask_who_its_clients_are() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let tls = server(&here).client_roots(authority.roots());
    let _serving = open(&office.mesh(), |builder| builder.tls(tls)).await;
    let asked = async |paper: Option<&Paper>| {
        let tls = ClientTls::new(authority.roots());
        let tls = match paper {
            Some(paper) => tls.certificate(&paper.chain, &paper.key),
            None => tls,
        };
        ask(&office.mesh().tls(&tls).expect("good files")).await
    };
    let max = authority.issue("max", &["max.internal", "spiffe://acme/max"]);
    let known = asked(Some(&max)).await.unwrap();
    assert_eq!(known, "tls max.internal spiffe://acme/max");

    denied(asked(None).await, "no certificate");
    let forged = stranger.issue("max", &["max.internal"]);
    denied(asked(Some(&forged)).await, "of another authority");
    let late = authority.issue_expired("late", &["max.internal"]);
    denied(asked(Some(&late)).await, "its time is over");
}

#[tokio::test]
async fn plain_and_tls_do_not_meet() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let _serving = open(&office.mesh(), |builder| builder.tls(server(&here))).await;
    let why = trouble(&office.mesh()).await;
    assert!(why.contains("does not speak meshrpc"), "{why}");

    let plain = Office::on_tcp();
    let _serving = open(&plain.mesh(), |builder| builder).await;
    let tls = ClientTls::new(authority.roots());
    let why = trouble(&plain.mesh().tls(&tls).expect("good files")).await;
    assert!(why.contains("corrupt message"), "{why}");
}

#[tokio::test]
async fn files_that_are_replaced_hold_for_the_next_connection() {
    let (old, new) = (Authority::new(), Authority::new());
    let paper = old.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let _serving = open(&office.mesh(), |builder| builder.tls(server(&paper))).await;
    let roots: PathBuf = old.roots();
    let tls = ClientTls::new(&roots);
    let client = office.mesh().tls(&tls).expect("good files");
    assert_eq!(ask(&client).await.unwrap(), "unverified");

    // As one rotates: the new root beside the old one, then the new certificate.
    put(
        &roots,
        &format!("{}{}", old.certificate(), new.certificate()),
    );
    let issued = new.issue("here", &["127.0.0.1"]);
    for (from, to) in [(&issued.chain, &paper.chain), (&issued.key, &paper.key)] {
        put(to, &std::fs::read_to_string(from).expect("it is there"));
    }
    assert_eq!(
        ask(&client).await.unwrap(),
        "unverified",
        "both are trusted"
    );
    put(&roots, old.certificate());
    let another = office.mesh().tls(&tls).expect("good files");
    denied(ask(&another).await, "the server shows the new one");
}

#[tokio::test]
async fn slow_handshakes_are_closed_for_those_that_come_later() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let mesh = office.mesh();
    let mut limits = Limits::default();
    limits.max_handshakes = 2;
    let serving = open(&mesh, |builder| builder.tls(server(&here)).limits(limits)).await;
    let Address::Tcp(address) = office.address() else {
        panic!("it is TCP");
    };
    let dial = move || {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(CAP)).expect("a time");
        stream
    };
    let (first, others) = (dial(), [dial(), dial()]);
    let closed = tokio::task::spawn_blocking(move || {
        let mut first = first;
        first.read(&mut [0; 16]).unwrap_or(0)
    });
    assert_eq!(closed.await.expect("no panic"), 0, "the oldest is closed");
    assert_eq!(serving.counters().cut_handshakes(), 1);
    drop(others);
    let tls = ClientTls::new(authority.roots());
    assert_eq!(ask(&mesh.tls(&tls).unwrap()).await.unwrap(), "unverified");
    assert_eq!(
        serving.counters().broken_connections(),
        0,
        "probes are no errors"
    );
}

#[tokio::test]
async fn large_bodies_and_many_calls_pass() {
    use meshrpc::mesh_service;
    #[mesh_service]
    trait Mirror {
        async fn mirror(&self, body: String) -> Result<String, Error>;
    }
    struct Glass;
    impl Mirror for Glass {
        async fn mirror(&self, body: String) -> Result<String, Error> {
            Ok(body)
        }
    }
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let mesh = office.mesh();
    let server = meshrpc::Server::builder()
        .service(MirrorHandler::new(Glass))
        .tls(server(&here))
        .build();
    let _serving = mesh.serve("doorman", server).await.expect("it is served");
    let mesh = mesh.tls(&ClientTls::new(authority.roots())).unwrap();
    let client = MirrorClient::connect(&mesh, "doorman");
    let body: String = (0..3 << 20).map(|at| format!("{at:08x}")).collect();
    let large = client.mirror(body.clone());
    let small = async {
        for at in 0..200 {
            let word = "x".repeat(at);
            assert_eq!(client.mirror(word.clone()).await.unwrap(), word);
        }
    };
    let (large, ()) = tokio::time::timeout(CAP, async { tokio::join!(large, small) })
        .await
        .expect("in time");
    assert!(large.unwrap() == body, "the same bytes");
}

#[tokio::test]
async fn a_public_address_needs_tls_a_key_or_a_word() {
    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::at(Address::Tcp(([0, 0, 0, 0], 0).into()));
    let refused = try_open(&office.mesh(), |builder| builder).await;
    let error = refused.expect_err("nothing protects it");
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Denied, Code::FailedPrecondition)
    );
    let _with_tls = open(&office.mesh(), |builder| builder.tls(server(&here))).await;
    let keys = meshrpc::wire::Keys::new(["k".repeat(32)]).unwrap();
    let _with_key = open(&office.mesh().keys(keys), |builder| builder).await;
    let _insecure = open(&office.mesh(), |builder| builder.insecure()).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_at_the_start() {
    let authority = Authority::new();
    let (here, other) = (authority.issue("a", &["x"]), authority.issue("b", &["x"]));
    let office = Office::on_tcp();
    let said = async |tls: ServerTls| {
        let served = try_open(&office.mesh(), |builder| builder.tls(tls)).await;
        served.expect_err("it is refused").to_string()
    };
    assert!(
        said(ServerTls::new("/no/such.pem", &here.key))
            .await
            .contains("/no/such.pem")
    );
    assert!(
        said(ServerTls::new(&here.key, &here.key))
            .await
            .contains("no certificate")
    );
    assert!(
        said(ServerTls::new(&here.chain, &here.chain))
            .await
            .contains("no private key")
    );
    let mixed = said(ServerTls::new(&here.chain, &other.key)).await;
    assert!(
        mixed.contains("a.pem") && mixed.contains("b.key"),
        "{mixed}"
    );
    let tls = ClientTls::new(authority.roots()).name("not a name");
    assert!(office.mesh().tls(&tls).is_err());
}

#[tokio::test]
async fn a_url_says_all_of_it() {
    let authority = Authority::new();
    let paper = authority.issue("localhost", &["localhost", "spiffe://acme/doorman"]);
    let [roots, chain, key] =
        [authority.roots(), paper.chain, paper.key].map(|path| path.display().to_string());
    // A port that nobody has; somebody may take it before the server does.
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    let (mesh, _serving) = loop {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        let url = format!(
            "static+tls:doorman=127.0.0.1:{port}?ca={roots}&cert={chain}&key={key}&client-ca={roots}&server-name=localhost"
        );
        let mesh = Mesh::open(&url).await.expect("a good URL");
        match try_open(&mesh, |builder| builder).await {
            Ok(serving) => break (mesh, serving),
            Err(error) => {
                let tries = TRIES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                assert!(tries < 20, "{error}");
            }
        }
    };
    assert_eq!(
        ask(&mesh).await.unwrap(),
        "tls localhost spiffe://acme/doorman"
    );
}
