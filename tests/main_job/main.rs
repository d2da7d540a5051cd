//! What a new user does first: one command, and the lines to paste that it prints.

use std::net::SocketAddr;

use http::{Method, Response};
use meshrpc_tests::{
    command::{Place, Running, between, build, is_alive, process, target, workspace},
    http::{Curl, send},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

const GREETERS: [&str; 3] = ["greeter-1", "greeter-2", "greeter-3"];

#[test]
fn one_command_starts_it_all_and_keeps_it_running() {
    let place = Place::new();
    let mut command = place.up(workspace(), target());
    command.args(["--http", "mesh_api=127.0.0.1:0"]);
    let mut up = Running::start(command);
    up.expect("everything is ready");
    let address = up.expect("mesh_api-1 is ready at http://");
    let mut pids = vec![process(&address)];
    let address = between(&address, "http://", " ").parse();
    let address: SocketAddr = address.expect("it says an address");
    for greeter in GREETERS {
        pids.push(process(&up.expect(&format!("{greeter} is ready at "))));
    }
    let user = User::new();
    what_it_prints_can_be_pasted(&user, address, &mut up);
    every_request_is_logged_once(&user, address, &mut up);
    pids[1] =
        a_greeter_that_is_killed_comes_again_and_nobody_notices(&user, address, &mut up, pids[1]);

    up.signal(Signal::INT);
    let status = up.wait();
    assert_eq!(status.code(), Some(0), "{}", up.seen.join("\n"));
    for pid in pids {
        assert!(!is_alive(pid), "process {pid} is left behind");
    }
}

fn what_it_prints_can_be_pasted(user: &User, address: SocketAddr, up: &mut Running) {
    let json = r#""Hello, Max""#;
    let expected = [
        (Method::GET, "/greeter/greet/Max", "Hello, Max\n"),
        (
            Method::POST,
            "/greeter/sendPostcard/Max/Berlin/Hello",
            "To Max, Berlin: Hello\n",
        ),
        (Method::POST, "/greeter/greet", json),
        (Method::GET, "/greeter/check", "the desk is open\n"),
        (Method::GET, "/ping", "pong\n"),
    ];
    for (method, path, answer) in expected {
        let line = up.expect("    curl ");
        let curl = Curl::parse(line.trim_start_matches("err: "));
        assert_eq!(
            (&curl.method, curl.address, curl.path.as_str()),
            (&method, address, path),
            "printed: {line}"
        );
        let response = user.send(&curl);
        assert_eq!(response.status(), 200, "{line}: {response:?}");
        assert_eq!(response.body(), answer, "{line}");
    }
    let more = up.take("    curl ");
    assert_eq!(more, None, "a line that is not tried");
}

/// What was pasted before is in the log; one line more marks the end of it.
fn every_request_is_logged_once(user: &User, address: SocketAddr, up: &mut Running) {
    let response = user.send(&Curl::get(address, "/greeter/nothing"));
    assert_eq!(response.status(), 404, "{response:?}");
    let mark = up.expect("GET /greeter/nothing");
    let mut lines = Vec::new();
    while let Some(line) = up.take("meshrpc::access: ") {
        lines.push(line);
    }
    lines.push(mark);
    let logged: Vec<String> = lines.iter().map(|line| without_times(line)).collect();
    assert_eq!(
        logged,
        [
            "200 GET /greeter/greet/Max",
            "200 POST /greeter/sendPostcard/Max/Berlin/Hello",
            "200 POST /greeter/greet",
            "200 GET /greeter/check",
            "200 GET /ping",
            "404 GET /greeter/nothing",
        ]
    );
}

fn a_greeter_that_is_killed_comes_again_and_nobody_notices(
    user: &User,
    address: SocketAddr,
    up: &mut Running,
    pid: i32,
) -> i32 {
    let pid = Pid::from_raw(pid).expect("a process has a number");
    kill_process(pid, Signal::KILL).expect("it runs");
    let mut again = None;
    while again.is_none() {
        let response = user.send(&Curl::get(address, "/greeter/greet/Max"));
        assert_eq!(response.status(), 200, "{response:?}");
        let response = user.send(&Curl::post(address, "/greeter/greet", r#"{"name":"Max"}"#));
        assert_eq!(response.status(), 200, "{response:?}");
        again = up.take("greeter-1 is ready at ");
    }
    let said = up.expect("greeter-1 ended with ");
    assert!(said.contains("starting it again in "), "{said}");
    let again = process(&again.unwrap_or_default());
    assert_ne!(again, pid.as_raw_nonzero().get(), "it is another process");
    again
}

#[test]
fn the_gateway_waits_for_a_greeter() {
    let binaries = build(&["mesh_api", "greeter"]);
    let place = Place::new();
    let mut command = place.command(&binaries.join("mesh_api"));
    command.env("HTTP_LISTEN", "127.0.0.1:0");
    let mut gateway = Running::start(command);
    gateway.expect("waiting for a greeter, at most ");
    assert_eq!(gateway.take("HTTP listening"), None, "nobody is there yet");

    let _greeter = Running::start(place.command(&binaries.join("greeter")));
    let listening = gateway.expect("HTTP listening");
    let address = between(&listening, "address=", " ").parse();
    let address = address.expect("it says its address");
    let response = User::new().send(&Curl::get(address, "/greeter/greet/Max"));
    assert_eq!(response.body(), "Hello, Max\n");
}

/// Whoever pastes the lines.
struct User(Runtime);

impl User {
    fn new() -> Self {
        Self(Runtime::new().expect("a runtime can be started"))
    }

    #[track_caller]
    fn send(&self, curl: &Curl) -> Response<String> {
        let response = self.0.block_on(send(curl.address, curl.request()));
        match response {
            Ok(response) => response.map(|body| String::from_utf8_lossy(&body).into_owned()),
            Err(error) => panic!("{curl:?}: {error:#}"),
        }
    }
}

/// A line of the access log without latency and peer, which have to be ones.
#[track_caller]
fn without_times(line: &str) -> String {
    let (_, fields) = line.split_once("meshrpc::access: ").expect("it is one");
    let fields: Vec<&str> = fields.split(' ').collect();
    let &[status, latency, peer, method, path] = fields.as_slice() else {
        panic!("status, latency, peer, method and path: {line}");
    };
    let digits = latency.trim_end_matches(['n', 'µ', 'm', 's']);
    assert!(
        latency.ends_with('s') && digits.parse::<f64>().is_ok(),
        "a latency: {line}"
    );
    let peer: SocketAddr = peer
        .parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(peer.ip().is_loopback(), "{line}");
    format!("{status} {method} {path}")
}
