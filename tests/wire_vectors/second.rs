//! The second implementation, against a server of this one.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use meshrpc_tests::has_tool;

use crate::{
    conversations::proofs::OLD,
    folder,
    service::{CAP, Served},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_python_calls_streams_is_refused_and_drains() {
    if !has_tool("python3") {
        return;
    }
    let (served, keyed) = (Served::new().await, Served::keyed(OLD).await);
    let mut client = Client::start(&served, &keyed);
    let mut holds = Vec::new();
    while holds.last().is_none_or(|last| last != "drain") {
        holds.push(client.next());
    }
    assert_eq!(
        holds,
        [
            "shakes hands",
            "calls",
            "reads an error as text",
            "reads an error as a value",
            "is told of an unknown method",
            "sends and reads chunks",
            "is told of a deadline",
            "reads a stream",
            "sends a stream",
            "streams both ways",
            "streams both ways",
            "ends both ways",
            "cancels",
            "pings",
            "asks what is served",
            "is refused",
            "proves a key",
            "is not let in without",
            "drain",
        ]
    );

    let go = served.guide.go.clone();
    let drained = tokio::spawn(served.serving.drain(CAP));
    let (said, client) = client.next_elsewhere().await;
    assert_eq!(said, "heard the last id");
    go.notify_one();
    let (said, mut client) = client.next_elsewhere().await;
    assert_eq!(said, "has its answer");
    client.ends();
    let drained = drained.await.expect("no panic").expect("it is withdrawn");
    assert_eq!(drained.cut, 0, "the call was not cut");
}

/// A process of `client.py`.
struct Client {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Client {
    fn start(served: &Served, keyed: &Served) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wire_vectors/client.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(served.socket()).arg(folder());
        command.args([keyed.socket().as_os_str(), OLD.as_ref()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("python3 runs");
        let said = process.stdout.take().expect("it is piped");
        Self {
            process,
            said: BufReader::new(said),
        }
    }

    /// What it says next. It gives up by itself if the server says nothing.
    fn next(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("it says text");
        if line.is_empty() {
            panic!("the client ended:\n{}", self.errors());
        }
        line.trim_end().to_owned()
    }

    async fn next_elsewhere(mut self) -> (String, Self) {
        let next = move || (self.next(), self);
        let said = tokio::task::spawn_blocking(next);
        tokio::time::timeout(CAP + Duration::from_secs(1), said)
            .await
            .expect("it gives up in time")
            .expect("no panic")
    }

    fn ends(&mut self) {
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "{}", self.errors());
    }

    fn errors(&mut self) -> String {
        let mut errors = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            stderr.read_to_string(&mut errors).expect("it says text");
        }
        errors
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
