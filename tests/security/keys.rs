//! Keys that both sides have, and all others.

use meshrpc::{Code, Error, Kind, Mesh, Started, mesh::KeyFile, wire::Keys};

use crate::{
    office::{Office, ask, open},
    papers::put,
};

fn key(letter: char) -> String {
    letter.to_string().repeat(40)
}

fn keys(letters: &str) -> Keys {
    Keys::new(letters.chars().map(key)).expect("good keys")
}

fn with(mesh: Mesh, letters: &str) -> Mesh {
    match letters {
        "" => mesh,
        letters => mesh.keys(keys(letters)),
    }
}

async fn met(clients: &str, servers: &str) -> Result<String, Error> {
    let office = Office::on_tcp();
    let _serving = open(&with(office.mesh(), servers), |builder| builder).await;
    ask(&with(office.mesh(), clients)).await
}

#[tokio::test]
async fn both_sides_have_to_have_a_key_in_common() {
    for (clients, servers) in [("a", "a"), ("ab", "b"), ("b", "ab"), ("ab", "ba")] {
        assert_eq!(
            met(clients, servers).await.unwrap(),
            "key",
            "{clients} {servers}"
        );
    }
    for (clients, servers) in [("", "a"), ("a", ""), ("a", "b"), ("ab", "cd")] {
        let error = met(clients, servers).await.expect_err(clients);
        let what = format!("`{clients}` and `{servers}`: {error}");
        assert_eq!(error.kind(), Kind::Denied, "{what}");
        assert_eq!(error.code(), Code::Unauthenticated, "{what}");
        assert_eq!(error.started(), Started::No, "{what}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_how_near_it_was() {
    let none = met("", "ab").await.expect_err("no key").to_string();
    let wrong = met("c", "ab").await.expect_err("a wrong key").to_string();
    let instance = |text: String| text.replace(char::is_numeric, "");
    assert_eq!(instance(none), instance(wrong));
}

#[tokio::test]
async fn a_key_is_replaced_while_calls_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["server", "client"].map(|name| folder.path().join(name));
    let put_both = |server: &str, client: &str| {
        for (path, letters) in files.iter().zip([server, client]) {
            let lines: Vec<String> = letters.chars().map(key).collect();
            put(path, &lines.join("\n"));
        }
    };
    put_both("o", "o");
    let office = Office::on_tcp();
    let serving = office.mesh().keys(KeyFile::open(&files[0]).unwrap());
    let _serving = open(&serving, |builder| builder).await;
    // A mesh of its own makes a connection of its own.
    let call = async || {
        let mesh = office.mesh().keys(KeyFile::open(&files[1]).unwrap());
        ask(&mesh).await
    };
    let running = office.mesh().keys(KeyFile::open(&files[1]).unwrap());
    assert_eq!(ask(&running).await.unwrap(), "key");
    for (server, client) in [
        ("on", "o"),
        ("on", "no"),
        ("no", "no"),
        ("n", "no"),
        ("n", "n"),
    ] {
        put_both(server, client);
        assert_eq!(call().await.unwrap(), "key", "{server} {client}");
        assert_eq!(ask(&running).await.unwrap(), "key", "{server} {client}");
    }
    put_both("n", "o");
    assert_eq!(
        call().await.expect_err("the old one is gone").kind(),
        Kind::Denied
    );
}

#[tokio::test]
async fn keys_are_proved_over_tls_as_well() {
    use crate::papers::Authority;
    use meshrpc::transport::tls::{ClientTls, ServerTls};

    let authority = Authority::new();
    let here = authority.issue("here", &["127.0.0.1"]);
    let office = Office::on_tcp();
    let tls = ServerTls::new(&here.chain, &here.key);
    let _serving = open(&with(office.mesh(), "a"), |builder| builder.tls(tls)).await;
    let dial = |letters| {
        let tls = ClientTls::new(authority.roots());
        with(office.mesh(), letters).tls(&tls).expect("good files")
    };
    assert_eq!(ask(&dial("a")).await.unwrap(), "key");
    let error = ask(&dial("b")).await.expect_err("another key");
    assert_eq!(error.code(), Code::Unauthenticated);
}
