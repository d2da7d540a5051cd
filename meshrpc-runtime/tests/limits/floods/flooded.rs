//! The process that is flooded.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
};

use meshrpc::{Limits, Mesh, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::desk::{Clerk, DeskHandler};

/// Names the folder of its socket to the process.
const FOLDER: &str = "MESHRPC_TEST_FLOODED";
/// How many descriptors it may have.
const DESCRIPTORS: &str = "MESHRPC_TEST_DESCRIPTORS";

/// A process that serves a desk with default limits; killed when this is dropped.
pub(super) struct Flooded {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Flooded {
    pub(super) fn start() -> Self {
        Self::with(None)
    }

    /// With at most so many descriptors.
    pub(super) fn with(descriptors: Option<u64>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut command = Command::new(env::current_exe().expect("a process has a binary"));
        command
            .args(["floods::flooded::serves", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(descriptors) = descriptors {
            command.env(DESCRIPTORS, descriptors.to_string());
        }
        let mut child = command.spawn().expect("a process can be started");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut flooded = Self {
            child,
            stdin,
            stdout,
            folder,
        };
        flooded.line("serving");
        flooded
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }

    /// The most memory it has had, in bytes.
    pub(super) fn peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = kib.and_then(|kib| kib.trim().parse().ok()).expect("a peak");
        kib << 10
    }

    /// Times that it could not accept a connection.
    pub(super) fn failed_accepts(&mut self) -> u64 {
        writeln!(self.stdin, "count").expect("it reads");
        let line = self.line("failed ");
        line.trim().parse().expect("a number")
    }

    /// The rest of the next line that begins so; what a test prints by itself is passed over.
    fn line(&mut self, prefix: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).expect("it writes");
            assert!(read > 0, "it ended before it said `{prefix}`");
            if let Some((_, rest)) = line.split_once(prefix) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Flooded {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("desk")
}

/// Whether this process may have so many descriptors; if not, it says that a test is not run.
pub(super) fn has_descriptors(wanted: u64) -> bool {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|maximum| maximum < wanted) {
        // Nobody reads it if it cannot be written.
        let _ = writeln!(std::io::stderr(), "not run: needs {wanted} descriptors");
        let required = env::var("MESHRPC_TEST_REQUIRE").is_ok_and(|required| required == "all");
        assert!(!required, "needs {wanted} descriptors");
        return false;
    }
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("as many as there may be");
    true
}

/// The process itself; nothing where it runs as one of the tests.
#[test]
fn serves() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    if let Some(descriptors) = env::var_os(DESCRIPTORS) {
        restrict(descriptors);
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be started")
        .block_on(serve(Path::new(&folder)));
}

fn restrict(descriptors: OsString) {
    let descriptors = descriptors.into_string().expect("a number");
    let limit = Some(descriptors.parse().expect("a number"));
    let (current, maximum) = (limit, limit);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("fewer than there were");
}

async fn serve(folder: &Path) {
    let url = format!("static:desk=unix:{}", socket(folder).display());
    let mesh = Mesh::open(&url).await.expect("a list is a mesh");
    let server = Server::builder()
        .service(DeskHandler::new(Clerk::new()))
        .limits(Limits::default())
        .build();
    let serving = mesh.serve("desk", server).await.expect("it can be served");
    println!("serving");
    let counters = Arc::clone(serving.counters());
    let told = thread::spawn(move || {
        // Its end is the end of whoever started this.
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            println!("failed {}", counters.failed_accepts());
        }
    });
    tokio::task::spawn_blocking(|| told.join())
        .await
        .expect("no panic")
        .expect("no panic");
}
