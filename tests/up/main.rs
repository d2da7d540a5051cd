//! `cargo meshrpc up`, with the real command and real processes.

mod consul;

use std::{
    fs::{self, File},
    io::Read as _,
    net::TcpListener,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        mpsc::{self, Receiver},
    },
    thread,
    time::Instant,
};

use meshrpc::{
    discovery::{Advertisement, Health, Registrar},
    mesh::local::Registry,
};
use meshrpc_tests::command::{CAP, NAMESPACE, Place, Running, is_alive};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};

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
    up.expect(&format!("out: steady-1 | out of steady-1 in {NAMESPACE}"));
    up.expect(&format!("out: steady-2 | out of steady-2 in {NAMESPACE}"));
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
    let registry = Registry::open(&up.place.environment()).unwrap();
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

/// The command under way for the tests' workspace.
struct Up {
    running: Running,
    place: Place,
}

impl Up {
    fn start(arguments: &[&str]) -> Self {
        let place = Place::new();
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, place.path().join("alive"), FileType::Fifo, mode, 0).unwrap();
        let workspace = workspace();
        let mut command = place.up(workspace, &workspace.join("target"));
        command.args(arguments);
        let running = Running::start(command);
        Self { running, place }
    }

    /// Tells when nobody has `alive` open any more, once somebody had.
    fn alive(&self) -> Receiver<()> {
        let path = self.place.path().join("alive");
        let (sender, gone) = mpsc::channel();
        thread::spawn(move || {
            let mut alive = File::open(path).unwrap();
            alive.read_to_end(&mut Vec::new()).unwrap();
            let _ = sender.send(());
        });
        gone
    }
}

impl Deref for Up {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl DerefMut for Up {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.running
    }
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
