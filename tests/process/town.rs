//! A registry, a folder of books and a process for each test.

use std::{
    env,
    ffi::OsStr,
    fs::Permissions,
    future::Future,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use meshrpc::{Call, Mesh};

use super::{CAP, Caller, Instance, Own, network};
use crate::ledger::{Entry, LedgerClient, entries};

/// Names the folder of a test to the process that runs it.
const FOLDER: &str = "MESHRPC_TESTS_FOLDER";

/// Where one test takes place: a local mesh that nobody else is on.
pub struct Town {
    folder: PathBuf,
    ledger: &'static str,
    mesh: Mesh,
    /// Names the mesh to instances, if the environment does not.
    url: Option<String>,
}

/// An instance that is about to be started.
pub struct Start<'a> {
    town: &'a Town,
    name: &'a str,
    deployment: &'a str,
    command: Command,
    own_network: bool,
}

/// Runs a test in a process of its own, whose environment names a mesh of its own: environments
/// are one per process, tests are not. `ledger` is the path of the binary.
///
/// # Panics
/// If the test does, or takes too long.
pub fn alone<T, F>(ledger: &'static str, test: T)
where
    T: FnOnce(Town) -> F,
    F: Future<Output = ()>,
{
    run_within(&[], ledger, test);
}

/// As [`alone`], in a network of its own; instances may have [networks](Start::of_its_own_network)
/// of theirs. It needs network namespaces.
///
/// # Panics
/// As [`alone`].
pub fn apart<T, F>(ledger: &'static str, test: T)
where
    T: FnOnce(Town) -> F,
    F: Future<Output = ()>,
{
    if let Some(wrapper) = network::own_network() {
        run_within(wrapper, ledger, test);
    }
}

/// Runs a test in a process that `wrapper` starts.
fn run_within<T, F>(wrapper: &[&str], ledger: &'static str, test: T)
where
    T: FnOnce(Town) -> F,
    F: Future<Output = ()>,
{
    if let Some(folder) = env::var_os(FOLDER) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
        let town = runtime.block_on(Town::new(folder.into(), ledger));
        std::fs::write(town.folder.join("ran"), "").expect("the folder can be written");
        return runtime.block_on(test(town));
    }
    let own = Own::of::<T>();
    // Paths of Unix sockets are short; a registry is its owner's only.
    let folder = tempfile::Builder::new()
        .prefix("mesh")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .expect("a folder can be made");
    std::fs::create_dir(folder.path().join("books")).expect("the folder can be written");
    let variables = [
        (FOLDER, folder.path().as_os_str()),
        ("MESHRPC_MESH", "local:".as_ref()),
        ("MESHRPC_RUNTIME_DIR", folder.path().as_os_str()),
        ("MESHRPC_NAMESPACE", "test".as_ref()),
    ];
    own.within(wrapper).run(&variables, 2 * CAP);
    assert!(
        folder.path().join("ran").exists(),
        "no test is called {}",
        own.name()
    );
}

impl Town {
    async fn new(folder: PathBuf, ledger: &'static str) -> Self {
        let mesh = Mesh::from_env().await.expect("the mesh can be joined");
        Self {
            folder,
            ledger,
            mesh,
            url: None,
        }
    }

    /// A town on another mesh than the environment names; instances join it by its URL. `folder`
    /// has a folder `books`.
    pub fn on(folder: PathBuf, ledger: &'static str, mesh: Mesh, url: String) -> Self {
        Self {
            folder,
            ledger,
            mesh,
            url: Some(url),
        }
    }

    /// The mesh of this process.
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// For whatever belongs to the test.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets go the threads that are blocked.
    pub fn release(&self) {
        std::fs::write(self.books().join("release"), "").expect("the folder can be written");
    }

    fn books(&self) -> PathBuf {
        self.folder.join("books")
    }

    /// An instance of `ledger`, to be started.
    pub fn instance<'a>(&'a self, name: &'a str) -> Start<'a> {
        let mut command = Command::new(self.ledger);
        command
            .env("MESHRPC_INSTANCE", name)
            // As many as the smallest machine this is tested on has.
            .env("TOKIO_WORKER_THREADS", "2")
            .env_remove(FOLDER);
        if let Some(url) = &self.url {
            command.env("MESHRPC_MESH", url);
        }
        Start {
            town: self,
            name,
            deployment: "ledger",
            command,
            own_network: false,
        }
    }

    /// Instances of `ledger` with these names.
    pub async fn start<const N: usize>(&self, names: [&str; N]) -> [Instance; N] {
        let mut instances = Vec::new();
        for name in names {
            instances.push(self.instance(name).start().await);
        }
        instances
            .try_into()
            .unwrap_or_else(|_| unreachable!("one for each name"))
    }

    /// A client of `ledger`, connected to every instance.
    pub async fn client(&self) -> LedgerClient {
        self.client_of(&self.mesh).await
    }

    /// A client of `ledger` on another mesh value, connected to every instance.
    pub async fn client_of(&self, mesh: &Mesh) -> LedgerClient {
        let client = LedgerClient::connect(mesh, "ledger");
        client
            .with(Call::new().deadline(CAP))
            .wait_ready_all()
            .await
            .expect("every instance can be reached");
        client
    }

    /// What another process of this town prints.
    pub async fn ask(&self, session: &str, calls: u32) -> Vec<String> {
        let mut command = Command::new(self.ledger);
        command
            .args(["ask", "ledger", session, &calls.to_string()])
            .stdin(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.stdout(Stdio::piped()).spawn()?;
            // Its end would end the process.
            let kept = child.stdin.take();
            let output = child.wait_with_output();
            drop(kept);
            output
        });
        let output = output.await.expect("waiting does not panic");
        let output = output.expect("the client's process can be started");
        assert!(output.status.success(), "the client: {}", output.status);
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// What all instances have entered so far.
    pub fn entries(&self) -> Vec<Entry> {
        entries(&self.books()).expect("the books can be read")
    }

    /// Whether somebody has entered this.
    pub fn has_entry(&self, what: &str, call: u64) -> bool {
        self.entries()
            .iter()
            .any(|entry| entry.what == what && entry.call == call)
    }
}

impl<'a> Start<'a> {
    /// Under another deployment.
    pub fn of(mut self, deployment: &'a str) -> Self {
        self.deployment = deployment;
        self
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without this variable.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// In a network of its own, on a wire that can be [unplugged](Instance::unplug). There can be
    /// one such instance, of a test that is [`apart`].
    pub fn of_its_own_network(mut self) -> Self {
        self.own_network = true;
        self
    }

    /// Starts it; it serves when this returns.
    pub async fn start(mut self) -> Instance {
        self.command
            .args(["serve", self.deployment])
            .arg(self.town.books());
        if self.own_network {
            return network::start(self.name, &self.command).await;
        }
        Instance::start(self.name, self.command).await
    }

    /// Starts a client instead, with a session for each of so many accounts; it has called when this
    /// returns.
    pub async fn calls(mut self, accounts: u64) -> Caller {
        let accounts = accounts.to_string();
        self.command.args(["sessions", self.deployment, &accounts]);
        Caller::start(self.command).await
    }

    /// Starts it, which has to fail; what it says then.
    ///
    /// # Panics
    /// If it does not end in time, or says that all is well.
    pub async fn fails(mut self) -> String {
        self.command
            .args(["serve", self.deployment])
            .arg(self.town.books());
        self.ends_badly().await
    }

    /// Starts a client instead, which has to fail; what it says then.
    ///
    /// # Panics
    /// As [`fails`](Self::fails).
    pub async fn cannot_call(mut self) -> String {
        self.command.args(["ask", self.deployment, "anybody", "1"]);
        self.ends_badly().await
    }

    async fn ends_badly(mut self) -> String {
        self.command.stdin(Stdio::piped());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = self
                .command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()?;
            // Its end would end the process.
            let kept = child.stdin.take();
            let output = child.wait_with_output();
            drop(kept);
            output
        });
        let ended = tokio::time::timeout(CAP, ended).await.expect("it ends");
        let output = ended.expect("no panic").expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "all is well\n{said}");
        said
    }
}
