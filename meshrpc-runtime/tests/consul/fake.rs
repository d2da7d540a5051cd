use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use meshrpc::mesh::{Environment, consul::Consul};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// An agent that answers what a test tells it to.
pub(crate) struct Fake {
    port: u16,
    asked: Arc<Asked>,
}

/// What was asked, in order.
struct Asked {
    requests: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
    connections: AtomicUsize,
    /// Bytes that were said.
    said: AtomicUsize,
}

/// What is done with a request.
pub(crate) enum Act {
    /// These bytes, and the connection stays.
    Say(Vec<u8>),
    /// These bytes, and the connection ends.
    End(Vec<u8>),
    /// The first bytes, and then the others over and over, until the client is gone.
    Flow(Vec<u8>, Vec<u8>),
    /// The first bytes, and then one of the others after the other, each after a moment.
    Drip(Vec<u8>, Vec<u8>),
    /// Nothing, until the client is gone.
    Wait,
}

impl Fake {
    /// An agent that does with the request's head what `script` says.
    pub(crate) async fn start(script: impl Fn(&str) -> Act + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Asked {
            requests: Mutex::default(),
            count: watch::Sender::new(0),
            connections: AtomicUsize::new(0),
            said: AtomicUsize::new(0),
        });
        let (script, noted) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Fake { port, asked }
    }

    /// A client of it.
    pub(crate) fn consul(&self, options: &str) -> Consul {
        self.consul_in(options, &Environment::default())
    }

    pub(crate) fn consul_in(&self, options: &str, environment: &Environment) -> Consul {
        Consul::open(&self.url(options), environment).unwrap()
    }

    /// The URL of its mesh, without sidecars unless `options` say how.
    pub(crate) fn url(&self, options: &str) -> String {
        let plain = if options.contains("via=") {
            ""
        } else {
            "via=plain&"
        };
        format!("consul://127.0.0.1:{}?{plain}{options}", self.port)
    }

    /// The first lines of requests whose path contains `part`.
    pub(crate) fn asked(&self, part: &str) -> Vec<String> {
        let requests = self.asked.requests.lock().unwrap();
        let lines = requests.iter().filter_map(|head| head.lines().next());
        lines
            .filter(|line| line.contains(part))
            .map(str::to_owned)
            .collect()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.asked.connections.load(Ordering::SeqCst)
    }

    /// How many bytes were taken from it, or are on their way.
    pub(crate) fn said(&self) -> usize {
        self.asked.said.load(Ordering::SeqCst)
    }

    /// The heads of all requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.asked.requests.lock().unwrap().clone()
    }

    /// Waits until there were so many requests for `part`.
    pub(crate) async fn was_asked(&self, part: &str, times: usize) {
        let mut count = self.asked.count.subscribe();
        while self.asked(part).len() < times {
            count.changed().await.unwrap();
        }
    }
}

/// What an agent says that has a leader, knows every token, and knows of these instances of `echo`.
pub(crate) fn healthy(head: &str, index: u64, names: &[&str]) -> Act {
    if head.contains("/status/leader") {
        return ok(&json!("127.0.0.1:8300"), "");
    }
    if head.contains("/internal/acl/authorize") {
        return status(401, "ACL support disabled");
    }
    let entry = |name: &&str| {
        json!({
            "Node": {"Node": "n1", "Address": "127.0.0.1"},
            "Service": {
                "ID": name, "Service": "echo", "Port": 7001,
                "Meta": {"meshrpc-instance": name, "meshrpc-epoch": "1"},
            },
        })
    };
    let entries: Vec<Value> = names.iter().map(entry).collect();
    ok(&json!(entries), &format!("X-Consul-Index: {index}\r\n"))
}

/// A status with its text.
pub(crate) fn status(status: u16, text: &str) -> Act {
    let length = text.len();
    Act::Say(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{text}").into_bytes())
}

/// A value, with more headers.
pub(crate) fn ok(value: &Value, headers: &str) -> Act {
    let text = value.to_string();
    let length = text.len();
    Act::Say(
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{text}").into_bytes(),
    )
}

/// The index that a request waits on.
pub(crate) fn index(head: &str) -> Option<u64> {
    let (_, rest) = head.split_once("index=")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&str) -> Act>,
    asked: Arc<Asked>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            let found = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = found {
                break end + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.trim().parse().unwrap_or(0));
        while bytes.len() < end + length {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        bytes.drain(..end + length);
        let act = script(&head);
        asked.requests.lock().unwrap().push(head);
        asked.count.send_modify(|count| *count += 1);
        match act {
            Act::Say(answer) => stream.write_all(&answer).await?,
            Act::End(answer) => return stream.write_all(&answer).await,
            Act::Flow(first, then) => {
                stream.write_all(&first).await?;
                loop {
                    stream.write_all(&then).await?;
                    asked.said.fetch_add(then.len(), Ordering::SeqCst);
                }
            }
            Act::Drip(first, then) => {
                stream.write_all(&first).await?;
                for byte in then.iter().cycle() {
                    stream.write_all(&[*byte]).await?;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Act::Wait => {
                stream.read_buf(&mut bytes).await?;
                return Ok(());
            }
        }
    }
}
