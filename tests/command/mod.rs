//! Commands as a user runs them, and what they say.

mod running;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use meshrpc::mesh::Environment;
use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;

pub use running::Running;

/// No event takes longer unless it never comes; the first of them waits for a build.
pub const CAP: Duration = Duration::from_secs(300);

/// The namespace of every [`Place`].
pub const NAMESPACE: &str = "place";

/// Where commands run: a folder with a registry that nobody else uses.
pub struct Place(TempDir);

impl Place {
    /// A new one.
    ///
    /// # Panics
    /// If the folder cannot be made.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path(), private).expect("it is ours");
        Self(folder)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `program`, to be run here; `HERE` is the folder.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("HERE", self.path())
            .env("MESHRPC_RUNTIME_DIR", self.path().join("run"))
            .env("MESHRPC_NAMESPACE", NAMESPACE);
        for inherited in [
            "MESHRPC_MESH",
            "MESHRPC_INSTANCE",
            "MESHRPC_LISTEN",
            "MESHRPC_DEADLINE",
            "MESHRPC_LOG",
        ] {
            command.env_remove(inherited);
        }
        command
    }

    /// `cargo meshrpc up` for a workspace, which is built into `target`.
    pub fn up(&self, workspace: &Path, target: &Path) -> Command {
        let mut command = self.command(cargo_meshrpc());
        command
            .args(["meshrpc", "up", "--manifest-path"])
            .arg(workspace.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", target);
        command
    }

    /// What commands here read of their environment.
    pub fn environment(&self) -> Environment {
        let run = self.path().join("run");
        let vars = [
            ("MESHRPC_RUNTIME_DIR", run.as_os_str()),
            ("MESHRPC_NAMESPACE", NAMESPACE.as_ref()),
        ];
        Environment::from_vars(vars).expect("it says nothing wrong")
    }
}

/// This workspace.
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where this workspace is built.
pub fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| profile().parent().expect("it has one").to_owned())
}

/// Builds `packages` of this workspace, like the tests are; gives the folder of their binaries.
///
/// # Panics
/// If they do not build.
pub fn build(packages: &[&str]) -> &'static Path {
    let name = match profile().file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--bins", "--profile", name])
        .args(packages.iter().flat_map(|package| ["--package", *package]))
        .arg("--manifest-path")
        .arg(workspace().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target())
        .status()
        .expect("cargo can be run");
    assert!(status.success(), "{packages:?} do not build");
    profile()
}

/// The number in `(process 1234)`.
///
/// # Panics
/// If there is none.
pub fn process(line: &str) -> i32 {
    let number = between(line, "(process ", ")").parse();
    number.unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What stands in `line` between `start` and `end`.
///
/// # Panics
/// If there is no `start`.
pub fn between<'a>(line: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = line
        .split_once(start)
        .unwrap_or_else(|| panic!("no `{start}` in: {line}"));
    rest.split(end).next().unwrap_or(rest)
}

/// Whether a process runs.
pub fn is_alive(pid: i32) -> bool {
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

/// The command, built like the tests are.
fn cargo_meshrpc() -> &'static Path {
    static COMMAND: OnceLock<PathBuf> = OnceLock::new();
    COMMAND.get_or_init(|| build(&["cargo-meshrpc"]).join("cargo-meshrpc"))
}

/// The folder of the profile that this test was built with.
fn profile() -> &'static Path {
    static PROFILE: OnceLock<PathBuf> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let this = env::current_exe().expect("a process has a binary");
        this.ancestors().nth(2).expect("it is in `deps`").to_owned()
    })
}
