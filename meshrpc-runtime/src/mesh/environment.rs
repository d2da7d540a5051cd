//! The environment variables that meshrpc reads, all of them.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    duration,
    name::{self, invalid},
};
use crate::{discovery::Address, error::Error};

/// What the environment says.
///
/// | variable | meaning | without it |
/// |---|---|---|
/// | `MESHRPC_MESH` | URL of the mesh: `local:`, `static:…`, `consul://…` | `local:` |
/// | `MESHRPC_NAMESPACE` | who meets whom on `local:` | the workspace of the executable, else of the working directory, else `default` |
/// | `MESHRPC_INSTANCE` | stable name of the instances of this process | chosen by the mesh |
/// | `MESHRPC_LISTEN` | where a server listens: `IP:PORT` or `unix:/path` | chosen by the mesh |
/// | `MESHRPC_DEADLINE` | deadline of calls that name none: `500ms`, `30s`, `2m`, `none` | `30s` |
/// | `MESHRPC_RUNTIME_DIR` | directory of the `local:` registry | under `XDG_RUNTIME_DIR`, else a per-user folder among the temporary files |
/// | `MESHRPC_KEY_FILE` | file with the key that servers and their callers share | callers are not asked for one |
/// | `MESHRPC_KEY_FILE` | file with [keys](super::KeyFile) that callers and callees prove to each other | anybody may connect |
/// | `MESHRPC_TOKEN_FILE` | file with the token for the Consul agent | asked without a token |
/// | `MESHRPC_LOG` | filter for the log, for whoever sets one up | – |
///
/// Variables beginning with `MESHRPC_TEST_` belong to test suites. Any other that begins with
/// `MESHRPC_` is listed in [`unknown`](Self::unknown).
#[derive(Clone, Debug, Default)]
pub struct Environment {
    mesh: Option<String>,
    namespace: Option<String>,
    instance: Option<String>,
    listen: Option<Address>,
    deadline: Option<Option<Duration>>,
    runtime_dir: Option<PathBuf>,
    xdg_runtime_dir: Option<PathBuf>,
    key_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    log: Option<String>,
    unknown: Vec<String>,
}

/// A setting and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    /// The setting.
    pub value: T,
    /// Where it comes from, such as `MESHRPC_MESH` or `default`.
    pub because: String,
}

/// The deadline of calls that name none, unless the environment says otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// If a variable has a value that it cannot have; the message names it.
    pub fn read() -> Result<Self, Error> {
        Self::from_vars(env::vars_os())
    }

    /// Takes `vars` for the environment.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_vars(
        vars: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Result<Self, Error> {
        let mut read = Self::default();
        for (variable, value) in vars {
            let (variable, value) = (variable.into(), value.into());
            // An empty variable is how shells and unit files spell an unset one.
            if let Some(variable) = variable.to_str()
                && !value.is_empty()
            {
                read.take(variable, &value)?;
            }
        }
        read.unknown.sort();
        Ok(read)
    }

    fn take(&mut self, variable: &str, value: &OsStr) -> Result<(), Error> {
        let text = || match value.to_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(invalid(format!("{variable} is not UTF-8"))),
        };
        match variable {
            "MESHRPC_MESH" => self.mesh = Some(text()?),
            "MESHRPC_NAMESPACE" => {
                let namespace = text()?;
                name::check(variable, &namespace)?;
                self.namespace = Some(namespace);
            }
            "MESHRPC_INSTANCE" => {
                let instance = text()?;
                name::check(variable, &instance)?;
                self.instance = Some(instance);
            }
            "MESHRPC_LISTEN" => {
                let address = text()?.parse();
                self.listen =
                    Some(address.map_err(|error| invalid(format!("{variable}: {error}")))?);
            }
            "MESHRPC_DEADLINE" => {
                let value = text()?;
                let deadline = match &*value {
                    "none" => None,
                    _ => Some(duration::parse(&value).ok_or_else(|| {
                        let expected = duration::EXPECTED;
                        invalid(format!(
                            "{variable}: `{value}` is no deadline: expected {expected}, or `none`"
                        ))
                    })?),
                };
                self.deadline = Some(deadline);
            }
            "MESHRPC_RUNTIME_DIR" => {
                let directory = PathBuf::from(value);
                if !directory.is_absolute() {
                    let shown = directory.display();
                    return Err(invalid(format!(
                        "{variable}: `{shown}` is not an absolute path"
                    )));
                }
                self.runtime_dir = Some(directory);
            }
            "MESHRPC_KEY_FILE" => self.key_file = Some(PathBuf::from(value)),
            "MESHRPC_TOKEN_FILE" => self.token_file = Some(PathBuf::from(value)),
            "MESHRPC_LOG" => self.log = Some(text()?),
            "XDG_RUNTIME_DIR" => self.xdg_runtime_dir = Some(PathBuf::from(value)),
            _ if variable.starts_with("MESHRPC_TEST_") => {}
            _ if variable.starts_with("MESHRPC_") => self.unknown.push(variable.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// URL of the mesh.
    pub fn mesh(&self) -> Chosen<&str> {
        Chosen::or_default(self.mesh.as_deref(), "MESHRPC_MESH", "local:")
    }

    /// The deadline of unary calls that name none; `None`: they have none.
    pub fn deadline(&self) -> Chosen<Option<Duration>> {
        Chosen::or_default(self.deadline, "MESHRPC_DEADLINE", Some(DEFAULT_DEADLINE))
    }

    /// Stable name of the instances of this process, if one is given.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Where a server listens, if an address is given.
    pub fn listen(&self) -> Option<&Address> {
        self.listen.as_ref()
    }

    /// File with the key that servers and their callers share, if one is given.
    pub fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref()
    }

    /// File with the token for the Consul agent, if one is given.
    pub fn token_file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }

    /// Filter for the log, if one is given. The runtime sets up no log by itself.
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// Variables that begin with `MESHRPC_` and mean nothing to this version, sorted: typing
    /// errors, or settings of another version.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    #[cfg(feature = "local")]
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    #[cfg(any(feature = "local", feature = "consul"))]
    pub(super) fn runtime_dir(&self) -> Option<&Path> {
        self.runtime_dir.as_deref()
    }

    #[cfg(any(feature = "local", feature = "consul"))]
    pub(super) fn xdg_runtime_dir(&self) -> Option<&Path> {
        self.xdg_runtime_dir.as_deref()
    }
}

impl<T> Chosen<T> {
    fn or_default(given: Option<T>, variable: &str, default: T) -> Self {
        match given {
            Some(value) => Self {
                value,
                because: variable.to_owned(),
            },
            None => Self {
                value: default,
                because: "default".to_owned(),
            },
        }
    }
}

impl<T: fmt::Display> fmt::Display for Chosen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.because)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variable: &str, value: &str) -> Result<Environment, Error> {
        Environment::from_vars([(variable, value)])
    }

    #[test]
    fn an_empty_environment_gives_the_defaults_and_says_so() {
        let environment = Environment::from_vars([("", ""); 0]).unwrap();
        assert_eq!(environment.mesh().to_string(), "local: (default)");
        assert_eq!(environment.deadline().value, Some(Duration::from_secs(30)));
        assert_eq!(environment.instance(), None);
    }

    #[test]
    fn a_variable_that_is_set_is_named_as_the_reason() {
        let environment = of("MESHRPC_MESH", "static:a=127.0.0.1:1").unwrap();
        assert_eq!(
            environment.mesh().to_string(),
            "static:a=127.0.0.1:1 (MESHRPC_MESH)"
        );
    }

    #[test]
    fn deadlines() {
        let deadline = |text| of("MESHRPC_DEADLINE", text).map(|e| e.deadline().value);
        assert_eq!(deadline("500ms").unwrap(), Some(Duration::from_millis(500)));
        assert_eq!(deadline("2m").unwrap(), Some(Duration::from_secs(120)));
        assert_eq!(deadline("none").unwrap(), None);
        for refused in ["5", "0s", "-1s", "1.5s", "s", "1h", "18446744073709551615m"] {
            assert!(deadline(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused_by_name() {
        for (variable, value) in [
            ("MESHRPC_NAMESPACE", "../x"),
            ("MESHRPC_INSTANCE", "a/b"),
            ("MESHRPC_LISTEN", "localhost"),
            ("MESHRPC_RUNTIME_DIR", "relative"),
        ] {
            let error = of(variable, value).unwrap_err();
            assert!(error.to_string().contains(variable), "{error}");
        }
    }

    #[test]
    fn what_is_not_read_is_listed() {
        let vars = [
            ("MESHRPC_NAMESPCE", "x"),
            ("MESHRPC_TEST_X", "1"),
            ("MESHRPC_KEYFILE", "/k"),
        ];
        let environment = Environment::from_vars(vars).unwrap();
        assert_eq!(
            environment.unknown(),
            ["MESHRPC_KEYFILE", "MESHRPC_NAMESPCE"]
        );
    }
}
