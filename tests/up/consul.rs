//! `--mesh consul://…`, with real agents and real sidecars.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    thread,
};

use http::Request;
use meshrpc_tests::{
    command::{Place, Running, between, is_alive, process, target, workspace},
    http::{Curl, send},
    process::eventually,
    real::{Agent, Consul, Found, Release, beside, consul, free},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::workspace as actors;

#[tokio::test]
async fn without_an_agent_one_is_started_and_everything_is_taken_down_again_1_8() {
    if let Some(consul) = consul(Release::V1_8) {
        an_agent_of_its_own(consul).await;
    }
}

#[tokio::test]
async fn without_an_agent_one_is_started_and_everything_is_taken_down_again_1_22() {
    if let Some(consul) = consul(Release::V1_22) {
        an_agent_of_its_own(consul).await;
    }
}

async fn an_agent_of_its_own(consul: Consul) {
    let at = SocketAddr::from(([127, 0, 0, 1], free()));
    let place = Place::new();
    let mut up = services(&place, &consul, &format!("consul://{at}"));
    up.expect(&format!(
        "nobody answers at {at}: starting a development agent there"
    ));
    up.expect(&format!("the agent is ready; http://{at}/ui shows it"));
    let stack = Stack::of(&mut up).await;
    stack.every_call_passes_two_sidecars().await;

    let agent = agent_at(at);
    let pid = Pid::from_raw(agent).expect("a process has a number");
    kill_process(pid, Signal::KILL).expect("it runs");
    up.expect("the development agent is gone; starting it again in 0.");
    eventually("both services are registered again", async || {
        stack.greets().await;
        listed(at, "greeter").await == 2 && is_registered(at, "mesh_api").await
    })
    .await;
    let another = agent_at(at);
    assert_ne!(agent, another);
    for _ in 0..20 {
        stack.greets().await;
    }

    up.signal(Signal::INT);
    assert_eq!(up.wait().code(), Some(0), "{}", up.seen.join("\n"));
    stack.is_gone().await;
    assert!(!is_alive(another), "the agent is left behind");
    let answered = TcpStream::connect(at);
    assert!(answered.is_err(), "somebody listens there");
}

#[tokio::test]
async fn an_agent_that_runs_is_used_and_left_as_it_was() {
    for release in [Release::V1_8, Release::V1_22] {
        let Some(consul) = consul(release) else {
            continue;
        };
        let agent = Agent::of(consul).start().await;
        let place = Place::new();
        let mut up = services(&place, &consul, &format!("consul://{}", agent.http()));
        let stack = Stack::of(&mut up).await;
        stack.greets().await;
        assert_eq!(up.take("development agent"), None);
        up.signal(Signal::INT);
        assert_eq!(up.wait().code(), Some(0), "{}", up.seen.join("\n"));
        stack.is_gone().await;
        let left = agent.json("/v1/agent/services").await;
        assert_eq!(left, serde_json::json!({}), "they are registered");
    }
}

#[test]
fn without_a_program_to_start_the_error_says_what_is_missing() {
    let others = env::var_os("PATH").unwrap_or_default();
    let others = env::split_paths(&others).filter(|folder| !folder.join("consul").exists());
    let path = env::join_paths(others).expect("they were joined before");
    let place = Place::new();
    let mut up = actor(&place, &format!("consul://127.0.0.1:{}", free()), &path);
    up.expect(
        "no Consul agent answers, and there is no program `consul` in the PATH to start one with",
    );
    assert_eq!(up.wait().code(), Some(1));
}

#[test]
fn an_agent_that_does_not_come_up_fails_the_command_with_its_own_words() {
    let place = Place::new();
    let programs = place.path().join("programs");
    fs::create_dir(&programs).expect("a folder can be made");
    let program = programs.join("consul");
    fs::write(&program, "#!/bin/sh\necho out of order >&2\nexit 1\n").expect("it can be written");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&program, mode).expect("it is ours");
    let mesh = format!("consul://127.0.0.1:{}", free());
    let mut up = actor(&place, &mesh, &first_in_path(&programs));
    up.expect("err: consul");
    up.expect("the development agent ended; what it said stands above");
    assert_eq!(up.wait().code(), Some(1));
    assert!(
        up.seen.iter().all(|line| !line.contains("is ready")),
        "{:?}",
        up.seen
    );
}

#[test]
fn an_agent_elsewhere_is_not_started() {
    let place = Place::new();
    let mesh = format!("consul+unix://{}/nobody", place.path().display());
    let path = env::var_os("PATH").unwrap_or_default();
    let mut up = actor(&place, &mesh, &path);
    up.expect("`up` starts an agent only on this machine, at an address with a port");
    assert_eq!(up.wait().code(), Some(1));
}

/// What runs: a gateway, and two greeters.
struct Stack {
    gateway: SocketAddr,
    api: i32,
    greeters: [i32; 2],
    sidecars: Vec<Found>,
}

impl Stack {
    async fn of(up: &mut Running) -> Self {
        up.expect("everything is ready");
        let api = up.expect("mesh_api-1 is ready at http://");
        let gateway = between(&api, "http://", " ").parse();
        let greeters = ["greeter-1", "greeter-2"]
            .map(|greeter| process(&up.expect(&format!("{greeter} is ready at "))));
        let api = process(&api);
        let mut sidecars = Vec::new();
        for process in [api, greeters[0], greeters[1]] {
            let mut found = beside(process.unsigned_abs());
            assert_eq!(found.len(), 1, "of process {process}: {found:?}");
            sidecars.append(&mut found);
        }
        Self {
            gateway: gateway.expect("it says its address"),
            api,
            greeters,
            sidecars,
        }
    }

    async fn greets(&self) {
        let curl = Curl::get(self.gateway, "/greeter/greet/Max");
        let answer = send(self.gateway, curl.request()).await;
        let answer = answer.expect("the gateway answers");
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.body(), "Hello, Max\n");
    }

    /// Nothing is answered while the caller's sidecar does not run, nor while those of the callees
    /// do not.
    async fn every_call_passes_two_sidecars(&self) {
        let (of_caller, of_callees) = self.sidecars.split_at(1);
        for frozen in [of_caller, of_callees] {
            self.greets().await;
            for sidecar in frozen {
                sidecar.freeze();
            }
            let (gateway, curl) = (self.gateway, Curl::get(self.gateway, "/greeter/greet/Max"));
            let greeting = tokio::spawn(async move { send(gateway, curl.request()).await });
            // The gateway itself is well.
            for _ in 0..50 {
                let ping = Request::get("/ping").body("").expect("it is one");
                let pong = send(self.gateway, ping).await.expect("it answers");
                assert_eq!(pong.body(), "pong\n");
            }
            assert!(!greeting.is_finished(), "it went past {frozen:?}");
            for sidecar in frozen {
                sidecar.thaw();
            }
            let answer = greeting.await.expect("it ends").expect("it answers");
            assert_eq!(answer.status(), 200, "{answer:?}");
        }
    }

    async fn is_gone(&self) {
        for process in [self.api, self.greeters[0], self.greeters[1]] {
            assert!(!is_alive(process), "process {process} is left behind");
        }
        for sidecar in &self.sidecars {
            let pid = i32::try_from(sidecar.pid()).expect("it is a process");
            assert!(!is_alive(pid), "a sidecar is left behind: {sidecar:?}");
        }
    }
}

/// The example's services, on this mesh.
fn services(place: &Place, consul: &Consul, mesh: &str) -> Running {
    let programs = place.path().join("programs");
    fs::create_dir(&programs).expect("a folder can be made");
    symlink(consul.path, programs.join("consul")).expect("it can be named");
    let mut command = place.up(workspace(), target());
    command
        .args(["--mesh", mesh, "greeter=2", "mesh_api"])
        .args(["--http", "mesh_api=127.0.0.1:0"])
        .env("PATH", first_in_path(&programs));
    Running::start(command)
}

/// A service that knows nothing of a mesh.
fn actor(place: &Place, mesh: &str, path: &std::ffi::OsStr) -> Running {
    let mut command = place.up(actors(), &actors().join("target"));
    command.args(["--mesh", mesh, "stumbler"]).env("PATH", path);
    Running::start(command)
}

fn first_in_path(folder: &Path) -> std::ffi::OsString {
    let others = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter();
    env::join_paths(folders.chain(env::split_paths(&others))).expect("they were joined before")
}

/// The process of the agent that was started for this address.
fn agent_at(at: SocketAddr) -> i32 {
    let port = format!("\"http\":{}", at.port());
    loop {
        let listed = Command::new("ps")
            .args(["-A", "-ww", "-o", "pid=,args="])
            .output()
            .expect("`ps` can be run");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let agents = listed.lines().filter_map(|line| {
            let (pid, command) = line.trim_start().split_once(' ')?;
            let program = command.split(' ').next()?;
            let is_it = program.ends_with("/consul") && command.contains(&port);
            is_it.then(|| pid.parse().ok())?
        });
        let mut agents = agents.filter(|pid| is_alive(*pid));
        if let Some(agent) = agents.next() {
            return agent;
        }
        thread::yield_now();
    }
}

/// How many instances of `service` can be called.
async fn listed(at: SocketAddr, service: &str) -> usize {
    let list = asked(at, &format!("/v1/health/connect/{service}?passing")).await;
    list.as_array().map_or(0, Vec::len)
}

async fn is_registered(at: SocketAddr, service: &str) -> bool {
    let list = asked(at, &format!("/v1/catalog/service/{service}")).await;
    list.as_array().is_some_and(|list| !list.is_empty())
}

/// What the agent says, or nothing while it does not.
async fn asked(at: SocketAddr, path: &str) -> Value {
    let request = Request::get(path).body("").expect("it is one");
    match send(at, request).await {
        Ok(reply) => serde_json::from_slice(reply.body()).unwrap_or_default(),
        Err(_) => Value::Null,
    }
}
