//! What a `consul:` URL says.

mod place;

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    super::{
        Environment, duration,
        name::{self, invalid},
    },
    sidecar::{self, Proxy, options::SidecarOptions},
};
use crate::error::Error;

pub(super) use place::Place;

/// What is asked of Consul, and how, as a mesh URL has it.
///
/// ```text
/// consul://127.0.0.1:8500
/// consul://agent.internal,10.0.0.7:8500?via=instance&dc=dc2
/// consul+tls://agent.internal:8501?ca=/etc/consul/ca.pem
/// consul+unix:///run/consul/http.sock?via=plain
/// ```
///
/// After `consul://` stand the agent's addresses, `HOST`, `HOST:PORT`, `IP:PORT` or `[IP6]:PORT`,
/// separated by commas; without a port 8500, and 8501 for `consul+tls://`. Host names are resolved
/// for each new connection, and every address they have is tried in turn. Several agents have to be
/// of one datacenter; the first that answers is kept. After `consul+unix://` stands the absolute
/// path of a socket.
///
/// | option | values | default | because |
/// |---|---|---|---|
/// | `via` | `upstream`, `instance`, `plain` ([`Route`]) | `upstream` | works with every proxy, and leaves certificates to it |
/// | `as` | name of a service | the program's file name | under this name the process calls others: intentions speak of it |
/// | `dc` | a datacenter | the agent's own | – |
/// | `ns` | a namespace | the agent's default | only agents of the Enterprise edition have others; one that has none refuses it |
/// | `proxy` | `builtin`, `envoy`, `command`, `external` ([`Proxy`]) | `builtin` | needs no second program |
/// | `consul` | the program | `consul` from `PATH` | it runs the built-in proxy, and starts Envoy |
/// | `envoy`, `grpc`, `concurrency`, `drain` | the program; the agent's port for it; its threads; seconds that it keeps connections after it has a new certificate | `envoy` from `PATH`, what the agent says, 1, 100000 | with `proxy=envoy` |
/// | `command` | a program and its arguments, separated by spaces ([`Proxy::Custom`]) | none | with `proxy=command` |
/// | `ports` | `LOWEST-HIGHEST` | any | ports of sidecars, where a firewall stands between machines |
/// | `address` | the IP address that others reach this machine at | that of the agent | needed where the agent is on another machine |
/// | `template` | file with a [`Template`](super::Template) | the one that Consul is used with here | more tags, other checks |
/// | `timeout` | `500ms`, `10s`, … | `10s` | a client agent that was cut off from its servers answers later, or never |
/// | `ca` | file with the certificates to trust, PEM | – | needed for `consul+tls:` and for it only: an agent's certificate is signed by a CA of its own |
/// | `cert`, `key` | files with a client certificate and its key, PEM | none | agents with `verify_incoming` ask for one |
/// | `server-name` | name that the agent's certificate has to have | the host | dialled by address, an agent often has the name `localhost` or `server.dc1.consul` only |
///
/// Values are percent-decoded. A parameter that is not in the table is refused, and so is one that
/// is given twice. There is no parameter for a token, which would be seen in process lists and logs:
/// it stands in the file that `MESHRPC_TOKEN_FILE` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) places: Vec<Place>,
    pub(super) tls: Option<TlsOptions>,
    pub(super) route: Route,
    pub(super) identity: String,
    pub(super) datacenter: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) sidecars: SidecarOptions,
    pub(super) timeout: Duration,
    pub(super) token_file: Option<PathBuf>,
}

/// How calls travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// Through a sidecar of this process, which picks an instance for each connection.
    #[default]
    Upstream,
    /// To the sidecar of a chosen instance, with a mesh certificate of this process.
    Instance,
    /// To the instances themselves; there are no sidecars.
    Plain,
}

/// How an agent is met that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsOptions {
    pub(super) ca: PathBuf,
    /// Our certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    pub(super) server_name: Option<String>,
}

/// Time for an answer that nobody has to wait for.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Options {
    /// Reads a whole mesh URL; the token's file comes from `environment`.
    ///
    /// # Errors
    /// If the URL is not as described above; the message names the part, and no value of an
    /// unknown parameter.
    pub fn parse(url: &str, environment: &Environment) -> Result<Options, Error> {
        let refused = |why: &str| invalid(format!("the `consul:` mesh URL is refused: {why}"));
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| refused("`://` and an agent's address are missing"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let given = Given::parse(query)?;
        let tls = given.tls(scheme == "consul+tls")?;
        let places = match scheme {
            "consul" => Place::list(place, 8500)?,
            "consul+tls" => Place::list(place, 8501)?,
            "consul+unix" => {
                let path = PathBuf::from(decoded(place)?);
                if !path.is_absolute() {
                    return Err(refused("the socket's path is not absolute"));
                }
                vec![Place::Unix(path)]
            }
            _ => return Err(refused("its scheme is unknown")),
        };
        let identity = match given.identity {
            Some(identity) => identity,
            None => program_name()?,
        };
        Ok(Options {
            places,
            tls,
            route: given.route.unwrap_or_default(),
            identity,
            datacenter: given.datacenter,
            namespace: given.namespace,
            sidecars: given.sidecars.finish()?,
            timeout: given.timeout.unwrap_or(TIMEOUT),
            token_file: environment.token_file().map(Path::to_owned),
        })
    }

    /// What tells the registry of one mesh from others, for what is kept on this machine.
    pub(super) fn registry(&self) -> String {
        let places: Vec<String> = self.places.iter().map(Place::to_string).collect();
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (datacenter, namespace) = (part(&self.datacenter), part(&self.namespace));
        format!("{}/{datacenter}/{namespace}", places.join(","))
    }

    /// How calls travel.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The service that this process is when it calls others.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The datacenter, if it is not the agent's own.
    pub fn datacenter(&self) -> Option<&str> {
        self.datacenter.as_deref()
    }

    /// The namespace, if one is named.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Which program the sidecars are.
    pub fn proxy(&self) -> &Proxy {
        &self.sidecars.proxy
    }

    /// The file with the token, if there is one.
    pub fn token_file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }
}

/// The parameters of a URL.
#[derive(Default)]
struct Given {
    route: Option<Route>,
    identity: Option<String>,
    datacenter: Option<String>,
    namespace: Option<String>,
    sidecars: sidecar::options::Given,
    timeout: Option<Duration>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    server_name: Option<String>,
}

impl Given {
    fn parse(query: &str) -> Result<Self, Error> {
        let mut given = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            given.take(option, &decoded(value)?)?;
        }
        Ok(given)
    }

    fn take(&mut self, option: &str, value: &str) -> Result<(), Error> {
        let named = || -> Result<String, Error> {
            name::check(&format!("`{option}` of the mesh URL"), value)?;
            Ok(value.to_owned())
        };
        let file = || match PathBuf::from(value) {
            path if path.is_absolute() => Ok(path),
            _ => Err(invalid(format!(
                "`{option}` of the mesh URL is not an absolute path"
            ))),
        };
        let none_of =
            |choices: &str| invalid(format!("`{option}` of the mesh URL is none of {choices}"));
        match option {
            "via" => {
                let route = match value {
                    "upstream" => Route::Upstream,
                    "instance" => Route::Instance,
                    "plain" => Route::Plain,
                    _ => return Err(none_of("`upstream`, `instance`, `plain`")),
                };
                once(&mut self.route, option, route)
            }
            "as" => once(&mut self.identity, option, named()?),
            "dc" => once(&mut self.datacenter, option, named()?),
            "ns" => once(&mut self.namespace, option, named()?),
            "timeout" => {
                let time = duration::parse(value);
                let time = time.ok_or_else(|| none_of(duration::EXPECTED))?;
                once(&mut self.timeout, option, time)
            }
            "ca" => once(&mut self.ca, option, file()?),
            "cert" => once(&mut self.certificate, option, file()?),
            "key" => once(&mut self.key, option, file()?),
            "server-name" => once(&mut self.server_name, option, named()?),
            "token" => Err(invalid(
                "a token does not belong in a URL, which is seen in process lists and logs: put \
                 it in a file, and name the file in MESHRPC_TOKEN_FILE"
                    .to_owned(),
            )),
            _ if self.sidecars.take(option, value)? => Ok(()),
            _ => Err(invalid(format!(
                "`{}` is no parameter of a `consul:` mesh URL",
                option.escape_debug()
            ))),
        }
    }

    fn tls(&self, wanted: bool) -> Result<Option<TlsOptions>, Error> {
        let client = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                return Err(invalid(
                    "`cert` and `key` of the mesh URL belong together".to_owned(),
                ));
            }
        };
        let some = client.is_some() || self.ca.is_some() || self.server_name.is_some();
        match (&self.ca, wanted) {
            (Some(ca), true) => Ok(Some(TlsOptions {
                ca: ca.clone(),
                client,
                server_name: self.server_name.clone(),
            })),
            (None, true) => Err(invalid(
                "a `consul+tls:` mesh URL needs `ca=/path`, the certificates to trust".to_owned(),
            )),
            (_, false) if some => Err(invalid(
                "`ca`, `cert`, `key` and `server-name` belong to a `consul+tls:` mesh URL"
                    .to_owned(),
            )),
            (_, false) => Ok(None),
        }
    }
}

fn once<T>(slot: &mut Option<T>, option: &str, value: T) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid(format!("`{option}` stands twice in the mesh URL"))),
    }
}

/// Percent-decodes a value.
fn decoded(text: &str) -> Result<String, Error> {
    let refused =
        || invalid("a value in the `consul:` mesh URL is not percent-encoded UTF-8".to_owned());
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || (bytes.next()? as char).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(refused());
        };
        decoded.push((high * 16 + low) as u8);
    }
    String::from_utf8(decoded).map_err(|_| refused())
}

/// What this program is called, for want of a better name.
fn program_name() -> Result<String, Error> {
    let program = env::current_exe().ok();
    let file = program
        .as_deref()
        .and_then(|path| path.file_name()?.to_str());
    match file.map(named_after) {
        Some(stem) if name::check("", stem).is_ok() => Ok(stem.to_owned()),
        _ => Err(invalid(
            "the program's file name cannot be that of a service: name one by `as=` in the mesh URL"
                .to_owned(),
        )),
    }
}

/// A file's name without what follows its last dot.
fn named_after(file: &str) -> &str {
    // So Linux calls one that was replaced while it runs, as builds do.
    let file = file.strip_suffix(" (deleted)").unwrap_or(file);
    let stem = Path::new(file).file_stem();
    stem.and_then(|stem| stem.to_str()).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Options, Error> {
        Options::parse(url, &Environment::default())
    }

    fn refusal(url: &str) -> String {
        parse(url).unwrap_err().to_string()
    }

    fn tcp(host: &str, port: u16) -> Place {
        Place::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn the_shortest_url_has_the_defaults_of_the_table() {
        let options = parse("consul://127.0.0.1").unwrap();
        assert_eq!(options.places, [tcp("127.0.0.1", 8500)]);
        assert_eq!(options.route(), Route::Upstream);
        assert_eq!(*options.proxy(), Proxy::BuiltIn);
        assert_eq!(options.timeout, Duration::from_secs(10));
        assert_eq!(options.datacenter(), None);
        assert_eq!(options.namespace(), None);
        assert_eq!(options.token_file(), None);
        assert!(options.tls.is_none());
        assert!(!options.identity().is_empty());
    }

    #[test]
    fn a_program_is_called_the_same_after_its_file_was_replaced() {
        for file in [
            "greeter",
            "greeter (deleted)",
            "greeter.exe",
            "greeter.bin (deleted)",
        ] {
            assert_eq!(named_after(file), "greeter", "{file}");
        }
    }

    #[test]
    fn every_option_is_read() {
        let options =
            parse("consul://a:1?via=plain&as=shop&dc=dc2&ns=team&proxy=envoy&timeout=250ms")
                .unwrap();
        assert_eq!(options.route(), Route::Plain);
        assert_eq!(options.identity(), "shop");
        assert_eq!(options.datacenter(), Some("dc2"));
        assert_eq!(options.namespace(), Some("team"));
        assert!(matches!(options.proxy(), Proxy::Envoy(_)));
        assert_eq!(options.timeout, Duration::from_millis(250));
    }

    #[test]
    fn an_agent_may_be_named_many_ways() {
        let options = parse("consul://agent.internal,10.0.0.7:18500,[::1]:1,[::2]").unwrap();
        let expected = [
            tcp("agent.internal", 8500),
            tcp("10.0.0.7", 18500),
            tcp("::1", 1),
            tcp("::2", 8500),
        ];
        assert_eq!(options.places, expected);
        let options = parse("consul+unix:///run/a%20b.sock?via=instance").unwrap();
        assert_eq!(options.places, [Place::Unix("/run/a b.sock".into())]);
        assert_eq!(options.route(), Route::Instance);
        let options =
            parse("consul+tls://a?ca=/ca.pem&cert=/c.pem&key=/k.pem&server-name=localhost")
                .unwrap();
        assert_eq!(options.places, [tcp("a", 8501)]);
        let tls = options.tls.unwrap();
        assert_eq!(tls.ca, Path::new("/ca.pem"));
        assert_eq!(tls.client, Some(("/c.pem".into(), "/k.pem".into())));
        assert_eq!(tls.server_name.as_deref(), Some("localhost"));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (url, word) in [
            ("consul:", "`://`"),
            ("consul://", "an agent"),
            ("consul://a,,b", "an agent"),
            ("consul://user@a", "an agent"),
            ("consul://a:0", "an agent"),
            ("consul://a:70000", "an agent"),
            ("consul://a/x", "an agent"),
            ("consul://[::1", "an agent"),
            ("consul://[a]:1", "an agent"),
            ("consul+unix://run/x", "not absolute"),
            ("consul+tls://a", "ca="),
            ("consul://a?ca=/x", "consul+tls"),
            ("consul+tls://a?ca=/x&cert=/y", "belong together"),
            ("consul+tls://a?ca=x", "absolute"),
            ("consul://a?via=x", "`via`"),
            ("consul://a?via=plain&via=plain", "twice"),
            ("consul://a?timeout=0s", "`timeout`"),
            ("consul://a?timeout=5", "`timeout`"),
            ("consul://a?dc=a/b", "`dc`"),
            ("consul://a?ns=%2f", "`ns`"),
            ("consul://a?as=", "`as`"),
            ("consul://a?dc=%f", "percent"),
            ("consul://a?dc=%+1", "percent"),
            ("consul://a?x=1", "`x`"),
        ] {
            let refusal = refusal(url);
            assert!(refusal.contains(word), "{url}: {refusal}");
        }
    }

    #[test]
    fn a_token_in_the_url_is_refused_without_repeating_it() {
        for url in ["consul://a?token=s3cret", "consul://a?tokn=s3cret"] {
            assert!(!refusal(url).contains("s3cret"));
        }
    }
}
