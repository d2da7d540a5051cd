//! Keys and tokens do not appear in what is logged, said in errors, or printed.

use std::{
    fmt::Write as _,
    fs, io,
    sync::{Arc, Mutex, PoisonError},
};

use meshrpc::{
    Mesh,
    mesh::{Environment, KeyFile, consul::Consul},
    transport::tls::{ClientTls, ServerTls},
    wire::{Keys, Secrets},
};
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    office::{Office, ask, open, try_open},
    papers::Authority,
};

/// All that is logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

/// What the TLS library says.
impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{}: {}\n", record.target(), record.args());
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn secrets_appear_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("no test sets another");
    log::set_boxed_logger(Box::new(log.clone())).expect("no test sets another");
    log::set_max_level(log::LevelFilter::Trace);
    let (key, token, short) = ("kiwi-".repeat(8), "toucan-token-1", "shortkey");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("it is written");
        path
    };
    let key_file = file("keys", &format!("{key}\n"));
    let token_file = file("token", token);
    let broken = file("broken", &format!("{key}\n{short}\n"));
    let mut shown = String::new();
    let mut show = |what: &dyn std::fmt::Debug| write!(shown, "{what:?} {what:#?}").expect("text");

    let keys = KeyFile::open(&key_file).expect("a good file");
    show(&keys);
    show(&KeyFile::open(&broken).expect_err("a short key"));
    show(&Keys::new([&key]).unwrap());
    show(&Secrets {
        keys: Keys::new([&key]).unwrap(),
        nonce: [0; 32],
    });
    let environment = Environment::from_vars([
        ("MESHRPC_KEY_FILE", key_file.as_os_str()),
        ("MESHRPC_TOKEN_FILE", token_file.as_os_str()),
    ])
    .expect("good variables");
    show(&environment);
    let consul = Consul::open("consul://127.0.0.1:1", &environment).expect("a good URL");
    show(&consul);
    show(&consul.agent().leader().await.expect_err("nobody is there"));

    let authority = Authority::new();
    let paper = authority.issue("here", &["127.0.0.1"]);
    let tls = ServerTls::new(&paper.chain, &paper.key).client_roots(authority.roots());
    let client = ClientTls::new(authority.roots()).certificate(&paper.chain, &paper.key);
    show(&(&tls, &client));
    let office = Office::on_tcp();
    let mesh = office.mesh().keys(keys).tls(&client).expect("good files");
    let serving = open(&mesh, |builder| {
        let builder = builder.tls(tls);
        write!(shown, "{builder:?}").expect("text");
        builder
    })
    .await;
    let mut show = |what: &dyn std::fmt::Debug| write!(shown, "{what:?} {what:#?}").expect("text");
    assert_eq!(ask(&mesh).await.unwrap(), "tls ");
    show(&(&mesh, &serving));
    let others = office.mesh().keys(Keys::new(["o".repeat(32)]).unwrap());
    let others = others.tls(&client).expect("good files");
    show(&ask(&others).await.expect_err("another key"));
    show(&Mesh::in_process());
    let swapped = ServerTls::new(&paper.key, &paper.chain);
    show(
        &try_open(&office.mesh(), |builder| builder.tls(swapped))
            .await
            .err(),
    );

    let log = log.text();
    assert!(
        log.contains("serving") && log.contains("rustls"),
        "the log is read"
    );
    let private = fs::read_to_string(&paper.key).expect("it is there");
    let private = private.lines().nth(1).expect("base64");
    for secret in [&key, token, short, private] {
        for (place, text) in [("the log", &*log), ("what is printed", &*shown)] {
            assert!(!text.contains(secret), "`{secret}` stands in {place}");
        }
    }
    for bytes in [key.as_bytes(), token.as_bytes()] {
        let decimal: Vec<String> = bytes.iter().take(8).map(u8::to_string).collect();
        assert!(!shown.contains(&decimal.join(", ")), "as bytes");
    }
}
