//! Where a test takes place: with one release of Consul and one kind of proxy, in a process of its
//! own.

use std::{
    env,
    ffi::OsString,
    fs::{self, Permissions},
    future::Future,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use meshrpc_tests::{
    process::Own,
    real::{Agent, Consul, Kind, Release, Start, consul, envoy},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{doctor, site::Site};

/// Tells a test's process where it takes place: the release, the kind of proxy, and a folder.
const PLACE: &str = "MESHRPC_TEST_PLACE";

/// The file with the token, in the folder of a [secured](each_secured) test.
pub(crate) const TOKEN: &str = "token";

/// How long one test may take.
const CAP: Duration = Duration::from_secs(300);

/// A release, whether its proxy is Envoy, and the way that calls travel.
pub(crate) type Choice = (Release, bool, &'static str);

/// Each release with each kind of proxy that it can drive.
pub(crate) const EVERY: &[Choice] = &[
    (Release::V1_8, false, "upstream"),
    (Release::V1_22, false, "upstream"),
    (Release::V1_22, true, "upstream"),
];
/// Each release, where proxies make no difference.
pub(crate) const RELEASES: &[Choice] = &[
    (Release::V1_8, false, "upstream"),
    (Release::V1_22, false, "upstream"),
];
/// Each kind of proxy, where releases make no difference.
pub(crate) const PROXIES: &[Choice] = &[
    (Release::V1_22, false, "upstream"),
    (Release::V1_22, true, "upstream"),
];
/// Every way that calls travel, with each kind of proxy that they meet there.
pub(crate) const WAYS: &[Choice] = &[
    (Release::V1_8, false, "upstream"),
    (Release::V1_22, false, "upstream"),
    (Release::V1_22, true, "upstream"),
    (Release::V1_8, false, "instance"),
    (Release::V1_22, true, "instance"),
    (Release::V1_22, false, "plain"),
];
/// Those of them with certificates.
pub(crate) const CERTIFIED: &[Choice] = WAYS.split_at(5).0;

/// Those without a sidecar of the caller.
pub(crate) const DIRECT: &[Choice] = WAYS.split_at(3).1;

/// One release, one kind of proxy, one way. `consul` and `envoy` on the path are these.
pub(crate) struct Place {
    pub(crate) consul: Consul,
    pub(crate) kind: Kind,
    pub(crate) via: &'static str,
    folder: PathBuf,
}

/// An agent's TLS.
pub(crate) struct Tls {
    /// The agent's settings.
    pub(crate) settings: Value,
    /// In a URL, whom to trust.
    pub(crate) trust: String,
    /// In a URL, what to show.
    pub(crate) show: String,
}

/// Runs `test` in each of these places, at a time: tests mostly wait.
///
/// # Panics
/// If one fails.
pub(crate) fn each<T, F>(places: &[Choice], test: T)
where
    T: FnOnce(Place) -> F,
    F: Future<Output = ()>,
{
    each_within(&[], places, test);
}

/// As [`each`], in processes that `wrapper` starts.
pub(crate) fn each_within<T, F>(wrapper: &[&str], places: &[Choice], test: T)
where
    T: FnOnce(Place) -> F,
    F: Future<Output = ()>,
{
    run(Own::of::<T>().within(wrapper), None, places, test);
}

/// As [`each`]; the mesh is joined with the token in the file [`TOKEN`].
pub(crate) fn each_secured<T, F>(places: &[Choice], test: T)
where
    T: FnOnce(Place) -> F,
    F: Future<Output = ()>,
{
    run(Own::of::<T>(), Some(TOKEN), places, test);
}

fn run<F>(own: Own<'_>, token: Option<&str>, places: &[Choice], test: impl FnOnce(Place) -> F)
where
    F: Future<Output = ()>,
{
    if let Some(place) = env::var_os(PLACE) {
        let place = Place::told(&place);
        // Shown if the test fails.
        tracing_subscriber::fmt()
            .with_env_filter("meshrpc=debug,consul=info")
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
        let runtime = Runtime::new().expect("a runtime can be started");
        fs::write(place.folder.join("ran"), "").expect("the folder can be written");
        return runtime.block_on(test(place));
    }
    let tests = places
        .iter()
        .filter_map(|&place| Prepared::new(place, token));
    let tests: Vec<Prepared> = tests.collect();
    let failed: Vec<Choice> = thread::scope(|scope| {
        let run = |test| (test, scope.spawn(move || Prepared::run(test, own)));
        let running: Vec<_> = tests.iter().map(run).collect();
        let ended = running
            .into_iter()
            .map(|(test, running)| (test, running.join()));
        let failed = ended.filter(|(_, end)| end.is_err());
        failed.map(|(test, _)| test.choice).collect()
    });
    assert!(failed.is_empty(), "it failed with {failed:?}");
}

/// A place whose binaries are there.
struct Prepared {
    choice: Choice,
    variables: Vec<(&'static str, OsString)>,
    folder: TempDir,
}

impl Prepared {
    fn new(choice: Choice, token: Option<&str>) -> Option<Self> {
        let (release, with_envoy, via) = choice;
        let consul = consul(release)?;
        let envoy = match with_envoy {
            true => Some(envoy()?),
            false => None,
        };
        // Paths of Unix sockets are short; what is in it is its owner's only.
        let folder = tempfile::Builder::new()
            .prefix("consul")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in("/tmp")
            .expect("a folder can be made");
        let programs = folder.path().join("programs");
        let laid = fs::create_dir(folder.path().join("books"))
            .and_then(|()| fs::create_dir(&programs))
            .and_then(|()| symlink(consul.path, programs.join("consul")))
            .and_then(|()| match envoy {
                Some(envoy) => symlink(envoy, programs.join("envoy")),
                None => Ok(()),
            });
        laid.expect("the folder can be written");
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([programs].into_iter().chain(env::split_paths(&others)));
        let kind = envoy.map_or("builtin", |_| "envoy");
        let place = format!("{release} {kind} {via} {}", folder.path().display());
        let mut variables = vec![
            ("PATH", path.expect("paths are paths")),
            (PLACE, place.into()),
            (doctor::DOCTOR, doctor::built().into()),
            ("MESHRPC_RUNTIME_DIR", folder.path().into()),
        ];
        if let Some(token) = token {
            variables.push(("MESHRPC_TOKEN_FILE", folder.path().join(token).into()));
        }
        Some(Self {
            choice,
            variables,
            folder,
        })
    }

    fn run(&self, own: Own<'_>) {
        let variables = self.variables.iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| (*name, value.as_os_str()))
            .collect();
        own.run(&variables, CAP);
        let ran = self.folder.path().join("ran").exists();
        assert!(ran, "no test is called {}: {:?}", own.name(), self.choice);
    }
}

impl Place {
    /// What the process that runs the tests has prepared.
    fn told(place: &std::ffi::OsStr) -> Self {
        let place = place.to_str().expect("it is text");
        let mut words = place.splitn(4, ' ');
        let mut word = || words.next().expect("there are four words");
        let (release, kind, via, folder) = (word(), word(), word(), word());
        let folder = Path::new(folder);
        let program = |name| fs::canonicalize(folder.join("programs").join(name));
        let program = |name| program(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let release = match release {
            "1.8" => Release::V1_8,
            _ => Release::V1_22,
        };
        let path = &*program("consul").leak();
        let kind = match kind {
            "envoy" => Kind::Envoy(program("envoy").leak()),
            _ => Kind::BuiltIn,
        };
        let ways = WAYS.iter().map(|(_, _, via)| *via);
        let via = ways.into_iter().find(|known| *known == via);
        Self {
            consul: Consul { release, path },
            kind,
            via: via.expect("it is one of them"),
            folder: folder.to_owned(),
        }
    }

    /// Has Consul make a certificate of this kind, and before that an authority.
    fn certify(&self, of: &str) {
        let consul = |arguments: &[&str]| {
            let made = Command::new(self.consul.path)
                .args(arguments)
                .current_dir(&self.folder)
                .output()
                .expect("Consul can be run");
            assert!(made.status.success(), "{made:?}");
        };
        if !self.folder.join("consul-agent-ca.pem").exists() {
            consul(&["tls", "ca", "create"]);
        }
        consul(&["tls", "cert", "create", of]);
    }

    /// What it takes that an agent speaks TLS at this port, and with those only that show a
    /// certificate.
    pub(crate) fn tls(&self, port: u16) -> Tls {
        self.certify("-server");
        self.certify("-client");
        let file = |name: &str| self.folder.join(name).display().to_string();
        let ca = file("consul-agent-ca.pem");
        let pair = |of: &str| {
            let name = |end| file(&format!("dc1-{of}-consul-0{end}.pem"));
            (name(""), name("-key"))
        };
        let (cert, key) = pair("server");
        let settings = json!({
            "ca_file": ca, "cert_file": cert, "key_file": key,
            "verify_incoming_https": true, "ports": {"https": port},
        });
        let (cert, key) = pair("client");
        Tls {
            settings,
            trust: format!("ca={ca}"),
            show: format!("cert={cert}&key={key}"),
        }
    }

    /// An agent of this release.
    pub(crate) fn agent(&self) -> Start {
        Agent::of(self.consul)
    }

    /// For whatever belongs to the test.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The mesh of an agent that keeps nothing.
    pub(crate) async fn open(self) -> Site {
        let agent = self.agent().start().await;
        self.open_at(agent).await
    }

    /// The mesh of this agent.
    pub(crate) async fn open_at(self, agent: Agent) -> Site {
        let options = format!("proxy={}&via={}", self.kind, self.via);
        self.open_with(agent, &options).await
    }

    /// The mesh of this agent, with these options.
    pub(crate) async fn open_with(self, agent: Agent, options: &str) -> Site {
        Site::new(agent, self, options).await
    }
}

/// Puts a file there at once, as whoever rotates secrets does, that only its owner may read.
pub(crate) fn keep(secret: &str, file: &Path) {
    let new = file.with_extension("new");
    let written = fs::write(&new, secret)
        .and_then(|()| fs::set_permissions(&new, Permissions::from_mode(0o600)))
        .and_then(|()| fs::rename(&new, file));
    written.expect("the folder can be written");
}
