//! `cargo meshrpc up`, with the real command and real processes.

use std::{
    env, fs,
    fs::File,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use meshrpc::{
    discovery::{Advertisement, Health, Registrar},
    mesh::{Environment, local::Registry},
};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process, test_kill_process},
};
use tempfile::TempDir;

/// No event here takes longer unless it never comes; the first of them waits for a build.
const CAP: Duration = Duration::from_secs(180);

/// A workspace whose one program is a shell that runs its argument. `$HERE` is the test's own
/// directory; whoever has `alive` open there is alive.
const MANIFEST: &str = r#"
[package]
name = "actor"
version = "0.0.0"
edition = "2024"

[workspace]

[workspace.metadata.meshrpc.up.steady]
bin = "actor"
args = ["""
exec 9<>"$HERE/alive"
trap 'echo draining; exit 0' TERM
echo "out of $MESHRPC_INSTANCE in $MESHRPC_NAMESPACE"
echo "err of $MESHRPC_INSTANCE" >&2
while :; do sleep 1000 & wait; done
"""]

[workspace.metadata.meshrpc.up.deaf]
bin = "actor"
args = ["""
exec 9<>"$HERE/alive"
trap '' TERM
echo "child of $PPID"
while :; do sleep 1000; done
"""]

[workspace.metadata.meshrpc.up.parent]
bin = "actor"
args = ["""
exec 9<>"$HERE/alive"
sleep 1000 &
echo settled
wait
"""]

[workspace.metadata.meshrpc.up.leaver]
bin = "actor"
args = ["""
exec 9<>"$HERE/alive"
sleep 1000 >/dev/null 2>&1 &
echo leaving
"""]

[workspace.metadata.meshrpc.up.stumbler]
bin = "actor"
args = ["""
if [ -e "$HERE/stumbled" ]; then echo up again; while :; do sleep 1000; done; fi
touch "$HERE/stumbled"
echo ouch >&2
exit 3
"""]

[workspace.metadata.meshrpc.up.broken]
bin = "actor"
ready = "registered"
args = ["exit 4"]

[workspace.metadata.meshrpc.up.member]
bin = "actor"
ready = "registered"
args = ["echo here; while :; do sleep 1000; done"]

[workspace.metadata.meshrpc.up.web]
bin = "actor"
http = "127.0.0.1:0"
env = { LISTEN = "{http}" }
curl = ["/path", "-X POST http://{http}/other"]
args = ["echo wants $LISTEN; while :; do sleep 1000; done"]
"#;

const ACTOR: &str = r#"
use std::{env, os::unix::process::CommandExt, process::Command};
fn main() {
    let error = Command::new("sh").arg("-c").args(env::args().nth(1)).exec();
    panic!("{error}");
}
"#;

#[test]
fn lines_carry_the_name_of_their_replica_and_stay_on_their_stream() {
    let mut up = Up::start(&["steady=2"]);
    let namespace = up.namespace.clone();
    up.expect(&format!("out: steady-1 | out of steady-1 in {namespace}"));
    up.expect(&format!("out: steady-2 | out of steady-2 in {namespace}"));
    up.expect("err: steady-1 | err of steady-1");
    up.expect("err: up       | everything is ready");
    assert!(
        up.seen.iter().all(|line| !line.contains('\u{1b}')),
        "colours without a terminal"
    );
    up.signal(Signal::TERM);
    assert_eq!(up.wait().code(), Some(0));
}

#[test]
fn what_crashes_is_started_again_and_that_is_said() {
    let mut up = Up::start(&["stumbler"]);
    up.expect("err: stumbler-1 | ouch");
    up.expect("stumbler-1 ended with exit code 3; starting it again in 0.");
    up.expect("out: stumbler-1 | up again");
    up.signal(Signal::INT);
    assert_eq!(up.wait().code(), Some(0));
}

#[test]
fn what_finishes_is_left_alone_and_the_end_of_all_is_the_end() {
    let mut up = Up::start(&["leaver"]);
    let gone = up.alive();
    up.expect("out: leaver-1 | leaving");
    up.expect("leaver-1 has finished");
    assert_eq!(up.wait().code(), Some(0));
    gone.recv_timeout(CAP)
        .expect("what a service left behind runs on");
}

#[test]
fn the_first_ctrl_c_lets_services_finish() {
    let mut up = Up::start(&["steady=2", "parent"]);
    let gone = up.alive();
    up.expect("everything is ready");
    up.expect("out of steady-1");
    up.expect("out of steady-2");
    up.expect("settled");
    up.signal(Signal::INT);
    up.expect("stopping");
    up.expect("out: steady-1 | draining");
    up.expect("out: steady-2 | draining");
    assert_eq!(up.wait().code(), Some(0));
    gone.recv_timeout(CAP).expect("a process is left behind");
}

#[test]
fn the_second_ctrl_c_stops_at_once() {
    let mut up = Up::start(&["deaf", "--drain=3600"]);
    let gone = up.alive();
    up.expect("child of");
    up.signal(Signal::INT);
    up.expect("stopping");
    up.signal(Signal::INT);
    up.expect("killing deaf-1");
    assert_eq!(up.wait().code(), Some(0));
    gone.recv_timeout(CAP).expect("a process is left behind");
}

#[test]
fn who_does_not_finish_in_time_is_killed() {
    let mut up = Up::start(&["deaf", "--drain=0"]);
    let gone = up.alive();
    up.expect("child of");
    up.signal(Signal::TERM);
    up.expect("killing deaf-1");
    assert_eq!(up.wait().code(), Some(0));
    gone.recv_timeout(CAP).expect("a process is left behind");
}

#[test]
fn nothing_outlives_an_up_that_is_killed() {
    let mut up = Up::start(&["steady=2", "deaf", "parent"]);
    let gone = up.alive();
    for line in ["out of steady-1", "out of steady-2", "settled"] {
        up.expect(line);
    }
    let keeper = up.expect("child of ");
    let keeper = keeper
        .rsplit(' ')
        .next()
        .and_then(|pid| pid.parse().ok())
        .unwrap();
    up.signal(Signal::KILL);
    up.wait();
    gone.recv_timeout(CAP).expect("a service runs on");
    let begun = Instant::now();
    while is_alive(keeper) {
        assert!(begun.elapsed() < CAP, "a supervisor runs on");
        thread::yield_now();
    }
}

#[test]
fn a_service_whose_supervisor_is_killed_goes_and_comes_again() {
    let mut up = Up::start(&["deaf"]);
    let keeper = up.expect("child of ");
    let keeper = keeper
        .rsplit(' ')
        .next()
        .and_then(|pid| pid.parse().ok())
        .unwrap();
    kill_process(Pid::from_raw(keeper).unwrap(), Signal::KILL).unwrap();
    up.expect("its supervisor is gone; starting it again");
    up.expect("child of ");
    up.signal(Signal::INT);
    up.expect("stopping");
    up.signal(Signal::INT);
    up.wait();
}

#[test]
fn a_service_that_never_gets_ready_fails_the_command() {
    let mut up = Up::start(&["broken"]);
    up.expect("broken-1 ended with exit code 4; starting it again");
    up.signal(Signal::INT);
    up.expect("broken-1 never got ready");
    assert_eq!(up.wait().code(), Some(1));
}

#[tokio::test]
async fn a_member_of_the_mesh_is_ready_when_the_registry_says_so() {
    let mut up = Up::start(&["member"]);
    up.expect("out: member-1 | here");
    let registry = Registry::open(&up.environment()).unwrap();
    let advertisement = Advertisement {
        deployment: "any".to_owned(),
        instance: Some("member-1".to_owned()),
        epoch: 1,
        listen: None,
    };
    let mut advert = registry.advertise(advertisement).await.unwrap();
    advert
        .bound("127.0.0.1:4711".parse().unwrap())
        .await
        .unwrap();
    assert!(
        up.seen.iter().all(|line| !line.contains("is ready")),
        "it was not"
    );
    advert.set_health(Health::Ready).await.unwrap();
    up.expect("member-1 is ready at 127.0.0.1:4711");
    up.signal(Signal::INT);
    assert_eq!(up.wait().code(), Some(0));
}

#[test]
fn a_web_service_is_ready_when_it_accepts_and_curl_lines_follow() {
    let mut up = Up::start(&["web"]);
    let line = up.expect("wants ");
    let address = line.rsplit(' ').next().unwrap().to_owned();
    let _listener = TcpListener::bind(&address).unwrap();
    up.expect(&format!("web-1 is ready at http://{address}"));
    up.expect(&format!("err:     curl http://{address}/path"));
    up.expect(&format!("err:     curl -X POST http://{address}/other"));
    up.signal(Signal::INT);
    assert_eq!(up.wait().code(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_found_out_before_anything_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut up = Up::start(&[
        "web",
        &format!("--http=web={}", taken.local_addr().unwrap()),
    ]);
    up.expect("`--http web=127.0.0.1:0` takes a free port");
    assert_eq!(up.wait().code(), Some(1));
}

#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    let mut up = Up::start(&["stedy"]);
    up.expect("unknown service `stedy`: there are broken, deaf, leaver");
    assert_eq!(up.wait().code(), Some(2));
    let mut up = Up::start(&["steady=0"]);
    up.expect("replicas are a number from 1");
    assert_eq!(up.wait().code(), Some(2));
}

/// The command under way, and every line it wrote.
struct Up {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    namespace: String,
    here: TempDir,
}

impl Up {
    fn start(arguments: &[&str]) -> Self {
        let here = tempfile::tempdir().unwrap();
        fs::set_permissions(here.path(), fs::Permissions::from_mode(0o700)).unwrap();
        mknodat(
            CWD,
            here.path().join("alive"),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let namespace = "up-test".to_owned();
        let workspace = workspace();
        let mut child = Command::new(cargo_meshrpc())
            .args(["meshrpc", "up"])
            .args(arguments)
            .arg("--manifest-path")
            .arg(workspace.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", workspace.join("target"))
            .env("HERE", here.path())
            .env("MESHRPC_RUNTIME_DIR", here.path().join("run"))
            .env("MESHRPC_NAMESPACE", &namespace)
            .env_remove("MESHRPC_MESH")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        read_lines("out", stdout, sender.clone());
        read_lines("err", stderr, sender);
        Self {
            child,
            lines,
            seen: Vec::new(),
            namespace,
            here,
        }
    }

    /// Waits for a line that contains `text`, unless one was seen before and not waited for.
    fn expect(&mut self, text: &str) -> String {
        if let Some(at) = self.seen.iter().position(|line| line.contains(text)) {
            return self.seen.remove(at);
        }
        let begun = Instant::now();
        loop {
            match self.lines.recv_timeout(CAP.saturating_sub(begun.elapsed())) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => self.seen.push(line),
                Err(error) => {
                    let why = match error {
                        RecvTimeoutError::Timeout => "did not come",
                        RecvTimeoutError::Disconnected => "never came",
                    };
                    panic!(
                        "a line with `{text}` {why} among:\n{}",
                        self.seen.join("\n")
                    );
                }
            }
        }
    }

    /// Tells when nobody has `alive` open any more, once somebody had.
    fn alive(&self) -> Receiver<()> {
        let path = self.here.path().join("alive");
        let (sender, gone) = mpsc::channel();
        thread::spawn(move || {
            let mut alive = File::open(path).unwrap();
            alive.read_to_end(&mut Vec::new()).unwrap();
            let _ = sender.send(());
        });
        gone
    }

    fn environment(&self) -> Environment {
        let run = self.here.path().join("run");
        Environment::from_vars([
            ("MESHRPC_RUNTIME_DIR", run.as_os_str()),
            ("MESHRPC_NAMESPACE", self.namespace.as_ref()),
        ])
        .unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        // Its output ends with it, and is read up to there.
        loop {
            match self.lines.recv_timeout(CAP.saturating_sub(begun.elapsed())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap(),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; it wrote:\n{}", self.seen.join("\n"));
                }
            }
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(name: &'static str, from: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = to.send(format!("{name}: {line}"));
        }
    });
}

fn is_alive(pid: i32) -> bool {
    let Some(process) = Pid::from_raw(pid) else {
        return false;
    };
    // Where nobody reaps orphans they stay as zombies.
    let zombie = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    });
    test_kill_process(process).is_ok() && !zombie
}

/// The workspace that all tests here run, made anew for each run of them.
fn workspace() -> &'static Path {
    static WORKSPACE: OnceLock<PathBuf> = OnceLock::new();
    WORKSPACE.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("up-workspace");
        fs::create_dir_all(workspace.join("src")).unwrap();
        fs::write(workspace.join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(workspace.join("src/main.rs"), ACTOR).unwrap();
        workspace
    })
}

/// The command, built like the tests are.
fn cargo_meshrpc() -> &'static Path {
    static COMMAND: OnceLock<PathBuf> = OnceLock::new();
    COMMAND.get_or_init(|| {
        let this = env::current_exe().unwrap();
        let profile = this.ancestors().nth(2).unwrap();
        let name = match profile.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(name) => name,
        };
        let status = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--package",
                "cargo-meshrpc",
                "--profile",
                name,
            ])
            .arg("--manifest-path")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .status()
            .unwrap();
        assert!(status.success(), "cargo-meshrpc does not build");
        profile.join("cargo-meshrpc")
    })
}
