//! Which program is a sidecar, and how it is called.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use super::super::placeholder;

/// What stands beside a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// Consul's built-in proxy, `consul connect proxy`: needs no further program. Its makers say it
    /// is for development.
    #[default]
    BuiltIn,
    /// Envoy, started and configured by `consul connect envoy`.
    Envoy(Envoy),
    /// A program of the user's and its arguments, in which `${id}` stands for the id of the
    /// service, `${sidecar_id}` for that of its sidecar, `${port}` for the port it has to listen
    /// on, `${admin_port}` for one that is free, and `$$` for `$`. It finds the agent and the token
    /// where Consul's own commands do: in `CONSUL_HTTP_ADDR`, `CONSUL_HTTP_TOKEN` and their like.
    Custom(Vec<String>),
    /// None that this process starts: somebody else runs it, on the port that is registered.
    External,
}

/// How Envoy is run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envoy {
    /// The program; `envoy` from `PATH` unless it is named.
    pub program: PathBuf,
    /// The agent's port for configuration, `HOST:PORT` or `https://HOST:PORT`; the one that the
    /// agent reports, unless it is named.
    pub grpc: Option<String>,
    /// Threads. Each balances on its own, so that connections are spread evenly by one alone.
    pub concurrency: u32,
    /// Seconds that connections are kept after their listener was replaced, which a renewed
    /// certificate does.
    pub drain_seconds: u32,
}

/// Where sidecars find the agent, and who they are to it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// The program `consul`.
    pub(crate) consul: PathBuf,
    /// `HOST:PORT`, `https://HOST:PORT` or `unix:///path`.
    pub(crate) http: String,
    /// The agent's port for Envoy, where no other is configured.
    pub(crate) grpc: String,
    pub(crate) token: Option<String>,
    /// Certificates of authorities that sign the agent's.
    pub(crate) ca_file: Option<PathBuf>,
    /// What this process shows to the agent: certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// The name in the agent's certificate.
    pub(crate) server_name: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// Whom a sidecar stands beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The id of the service's registration.
    pub(crate) id: String,
    /// The id of the sidecar's.
    pub(crate) sidecar_id: String,
    /// Where the sidecar listens for the mesh.
    pub(crate) listener: SocketAddr,
}

/// A command with its environment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) command: Vec<OsString>,
    /// Variables to set, or to take away from what this process has.
    pub(crate) environment: Vec<(&'static str, Option<OsString>)>,
}

/// Everything that Consul's commands read. What is not set on purpose must not come from the
/// environment of this process: it may be meant for another agent.
const VARIABLES: [&str; 16] = [
    "CONSUL_CACERT",
    "CONSUL_CAPATH",
    "CONSUL_CLIENT_CERT",
    "CONSUL_CLIENT_KEY",
    "CONSUL_GRPC_ADDR",
    "CONSUL_GRPC_CACERT",
    "CONSUL_GRPC_CAPATH",
    "CONSUL_HTTP_ADDR",
    "CONSUL_HTTP_AUTH",
    "CONSUL_HTTP_SSL",
    "CONSUL_HTTP_SSL_VERIFY",
    "CONSUL_HTTP_TOKEN",
    "CONSUL_HTTP_TOKEN_FILE",
    "CONSUL_NAMESPACE",
    "CONSUL_PARTITION",
    "CONSUL_TLS_SERVER_NAME",
];

impl Proxy {
    /// The command that runs this proxy beside `subject`, and Envoy's administration port; `None`
    /// if it is not this process that runs it.
    ///
    /// # Errors
    /// What is wrong with a command of the user's.
    pub(crate) fn launch(
        &self,
        subject: &Subject,
        access: &Access,
    ) -> Result<Option<(Launch, Option<SocketAddr>)>, String> {
        let consul = access.consul.as_os_str();
        let (command, admin) = match self {
            Proxy::External => return Ok(None),
            Proxy::BuiltIn => {
                let arguments = ["connect", "proxy", "-sidecar-for", &subject.id];
                (command(consul, arguments), None)
            }
            Proxy::Envoy(envoy) => {
                let admin = free_port().map_err(|error| format!("no free port: {error}"))?;
                (envoy.command(consul, subject, access, admin), Some(admin))
            }
            Proxy::Custom(words) => {
                let admin = free_port().map_err(|error| format!("no free port: {error}"))?;
                let (port, admin) = (subject.listener.port(), admin.port());
                let value = |name: &str| -> Option<&dyn fmt::Display> {
                    match name {
                        "id" => Some(&subject.id),
                        "sidecar_id" => Some(&subject.sidecar_id),
                        "port" => Some(&port),
                        "admin_port" => Some(&admin),
                        _ => None,
                    }
                };
                let words = words.iter().map(|word| placeholder::fill(word, value));
                let words: Vec<String> = words.collect::<Result<_, _>>().map_err(|name| {
                    format!("the sidecar's command has a placeholder that means nothing: `{name}`")
                })?;
                if words.first().is_none_or(String::is_empty) {
                    return Err("the sidecar's command is empty".to_owned());
                }
                (words.into_iter().map(OsString::from).collect(), None)
            }
        };
        let environment = access.environment();
        let launch = Launch {
            command,
            environment,
        };
        Ok(Some((launch, admin)))
    }
}

impl Default for Envoy {
    fn default() -> Self {
        Self {
            program: "envoy".into(),
            grpc: None,
            concurrency: 1,
            // Connections outlive renewed certificates: the mesh replaces them when it likes to.
            drain_seconds: 100_000,
        }
    }
}

impl Envoy {
    fn command(
        &self,
        consul: &OsStr,
        subject: &Subject,
        access: &Access,
        admin: SocketAddr,
    ) -> Vec<OsString> {
        let grpc = self.grpc.as_ref().unwrap_or(&access.grpc);
        let mut words = command(consul, ["connect", "envoy", "-sidecar-for", &subject.id]);
        words.extend(["-grpc-addr", grpc, "-admin-bind"].map(OsString::from));
        words.extend([admin.to_string(), "-envoy-binary".to_owned()].map(OsString::from));
        words.push(on_path(&self.program).into());
        // Consul refuses every Envoy that is newer than itself; those that were tried work.
        words.push("-ignore-envoy-compatibility=true".into());
        // Given a drain time, Consul leaves this out, and a second Envoy on the machine ends.
        words.extend(["--", "--disable-hot-restart", "--concurrency"].map(OsString::from));
        words.push(self.concurrency.to_string().into());
        words.push("--drain-time-s".into());
        words.push(self.drain_seconds.to_string().into());
        words.extend(["--drain-strategy", "immediate"].map(OsString::from));
        words
    }
}

impl Access {
    fn environment(&self) -> Vec<(&'static str, Option<OsString>)> {
        let path = |path: &PathBuf| path.clone().into_os_string();
        let certificate = self
            .identity
            .as_ref()
            .map(|(certificate, _)| path(certificate));
        let key = self.identity.as_ref().map(|(_, key)| path(key));
        VARIABLES
            .into_iter()
            .map(|variable| {
                let value = match variable {
                    "CONSUL_HTTP_ADDR" => Some(self.http.clone().into()),
                    // Not on the command line, which every user of the machine can read.
                    "CONSUL_HTTP_TOKEN" => self.token.clone().map(OsString::from),
                    "CONSUL_NAMESPACE" => self.namespace.clone().map(OsString::from),
                    "CONSUL_TLS_SERVER_NAME" => self.server_name.clone().map(OsString::from),
                    "CONSUL_CACERT" | "CONSUL_GRPC_CACERT" => self.ca_file.as_ref().map(path),
                    "CONSUL_CLIENT_CERT" => certificate.clone(),
                    "CONSUL_CLIENT_KEY" => key.clone(),
                    _ => None,
                };
                (variable, value)
            })
            .collect()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("consul", &self.consul)
            .field("http", &self.http)
            .field("grpc", &self.grpc)
            .finish_non_exhaustive()
    }
}

/// Without the environment, where the token is.
impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Launch").field(&self.command).finish()
    }
}

fn command<const N: usize>(program: &OsStr, arguments: [&str; N]) -> Vec<OsString> {
    let mut words = vec![program.to_owned()];
    words.extend(arguments.map(OsString::from));
    words
}

/// Consul takes the program as a path, and does not look for it.
fn on_path(program: &Path) -> PathBuf {
    let named = program.components().count() > 1;
    let folders = env::var_os("PATH").filter(|_| !named).unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| program.to_owned())
}

fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            id: "greeter-7".to_owned(),
            sidecar_id: "greeter-7-sidecar-proxy".to_owned(),
            listener: ([127, 0, 0, 1], 20000).into(),
        }
    }

    fn access() -> Access {
        Access {
            consul: "/opt/consul".into(),
            http: "127.0.0.1:8500".to_owned(),
            grpc: "127.0.0.1:8502".to_owned(),
            token: Some("secret".to_owned()),
            ..Access::default()
        }
    }

    fn words(proxy: &Proxy) -> Vec<String> {
        let (launch, _) = proxy.launch(&subject(), &access()).unwrap().unwrap();
        let words = launch.command.into_iter();
        words.map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn a_token_is_in_the_environment_and_in_no_argument_and_no_debug_output() {
        for proxy in [
            Proxy::BuiltIn,
            Proxy::Envoy(Envoy::default()),
            Proxy::Custom(vec!["proxy".to_owned(), "${id}".to_owned()]),
        ] {
            let (launch, _) = proxy.launch(&subject(), &access()).unwrap().unwrap();
            let token = ("CONSUL_HTTP_TOKEN", Some("secret".into()));
            assert!(launch.environment.contains(&token), "{proxy:?}");
            assert!(!format!("{launch:?} {:?}", access()).contains("secret"));
            assert!(!words(&proxy).join(" ").contains("secret"));
        }
    }

    #[test]
    fn a_command_of_the_users_is_filled_in() {
        let command = ["run", "--for=${id}", "${sidecar_id}", ":${port}", "$$"];
        let filled = words(&Proxy::Custom(command.map(str::to_owned).into()));
        let expected = [
            "run",
            "--for=greeter-7",
            "greeter-7-sidecar-proxy",
            ":20000",
            "$",
        ];
        assert_eq!(filled, expected);
    }

    #[test]
    fn a_command_that_cannot_be_filled_in_is_refused() {
        let refusal = |words: &[&str]| {
            let command = words.iter().map(|word| (*word).to_owned()).collect();
            let launch = Proxy::Custom(command).launch(&subject(), &access());
            launch.unwrap_err()
        };
        assert!(refusal(&["run", "${name}"]).contains("`name`"));
        assert!(refusal(&[]).contains("empty"));
    }

    #[test]
    fn nothing_is_started_for_a_proxy_that_somebody_else_runs() {
        let launch = Proxy::External.launch(&subject(), &access());
        assert_eq!(launch, Ok(None));
    }
}
