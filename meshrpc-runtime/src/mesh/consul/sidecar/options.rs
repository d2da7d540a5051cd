//! What a mesh URL says of sidecars and registrations.

use std::{net::IpAddr, path::PathBuf};

use super::{
    super::registration::{Ports, Template},
    Envoy, Proxy,
};
use crate::{error::Error, mesh::name::invalid};

/// What a mesh URL says of sidecars and registrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SidecarOptions {
    pub(crate) proxy: Proxy,
    /// The program `consul`.
    pub(crate) consul: PathBuf,
    /// Address that others reach this machine at.
    pub(crate) address: Option<String>,
    /// Ports of sidecars.
    pub(crate) ports: Ports,
    /// What servers are registered as.
    pub(crate) template: Option<Template>,
}

/// The parameters as they stand there.
#[derive(Debug, Default)]
pub(crate) struct Given {
    proxy: Option<String>,
    command: Option<String>,
    consul: Option<PathBuf>,
    envoy: Option<PathBuf>,
    grpc: Option<String>,
    concurrency: Option<u32>,
    drain: Option<u32>,
    address: Option<IpAddr>,
    ports: Option<Ports>,
    template: Option<Template>,
}

impl Given {
    /// Takes a parameter if it is one of these; whether it was.
    ///
    /// # Errors
    /// If its value cannot be one, or it stands there twice.
    pub(crate) fn take(&mut self, option: &str, value: &str) -> Result<bool, Error> {
        let refused = |expected: &str| {
            Err(invalid(format!(
                "`{option}` of the mesh URL is not {expected}"
            )))
        };
        let again = match option {
            "proxy" => self.proxy.replace(value.to_owned()).is_some(),
            "command" => self.command.replace(value.to_owned()).is_some(),
            "consul" => self.consul.replace(value.into()).is_some(),
            "envoy" => self.envoy.replace(value.into()).is_some(),
            "grpc" => self.grpc.replace(value.to_owned()).is_some(),
            "concurrency" => match value.parse() {
                Ok(threads) if threads > 0 => self.concurrency.replace(threads).is_some(),
                _ => return refused("a number of threads"),
            },
            "drain" => match value.parse() {
                Ok(seconds) if seconds > 0 => self.drain.replace(seconds).is_some(),
                _ => return refused("a number of seconds"),
            },
            "address" => match value.parse::<IpAddr>() {
                Ok(ip) if !ip.is_unspecified() => self.address.replace(ip).is_some(),
                _ => return refused("an IP address that others can dial"),
            },
            "ports" => match ports(value) {
                Some(ports) => self.ports.replace(ports).is_some(),
                None => return refused("`LOWEST-HIGHEST`"),
            },
            "template" => {
                let text = std::fs::read_to_string(value).map_err(|error| {
                    invalid(format!("`template` of the mesh URL: {value}: {error}"))
                })?;
                let template = Template::parse(&text).map_err(invalid)?;
                self.template.replace(template).is_some()
            }
            _ => return Ok(false),
        };
        match again {
            true => Err(invalid(format!("`{option}` stands twice in the mesh URL"))),
            false => Ok(true),
        }
    }

    /// # Errors
    /// If parameters do not go together.
    pub(crate) fn finish(self) -> Result<SidecarOptions, Error> {
        let refused = |why: &str| Err(invalid(format!("the `consul:` mesh URL is refused: {why}")));
        let of_envoy = self.envoy.is_some()
            || self.grpc.is_some()
            || self.concurrency.is_some()
            || self.drain.is_some();
        let proxy = match (self.proxy.as_deref(), &self.command) {
            (None | Some("command"), Some(command)) => {
                let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
                if words.is_empty() {
                    return refused("`command` is empty");
                }
                Proxy::Custom(words)
            }
            (Some("command"), None) => return refused("`proxy=command` needs `command`"),
            (_, Some(_)) => return refused("`command` goes with `proxy=command`"),
            (None | Some("builtin"), None) => Proxy::BuiltIn,
            (Some("external"), None) => Proxy::External,
            (Some("envoy"), None) => {
                let usual = Envoy::default();
                Proxy::Envoy(Envoy {
                    program: self.envoy.unwrap_or(usual.program),
                    grpc: self.grpc,
                    concurrency: self.concurrency.unwrap_or(usual.concurrency),
                    drain_seconds: self.drain.unwrap_or(usual.drain_seconds),
                })
            }
            _ => {
                return refused("`proxy` is none of `builtin`, `envoy`, `command`, `external`");
            }
        };
        if of_envoy && !matches!(proxy, Proxy::Envoy(_)) {
            return refused("`envoy`, `grpc`, `concurrency` and `drain` go with `proxy=envoy`");
        }
        Ok(SidecarOptions {
            proxy,
            consul: self.consul.unwrap_or_else(|| "consul".into()),
            address: self.address.map(|ip| ip.to_string()),
            ports: self.ports.unwrap_or_default(),
            template: self.template,
        })
    }
}

fn ports(text: &str) -> Option<Ports> {
    let (low, high) = text.split_once('-')?;
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (0 < low && low <= high).then_some(Ports::Range(low..=high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(given: &[(&str, &str)]) -> Result<SidecarOptions, Error> {
        let mut taken = Given::default();
        for (option, value) in given {
            assert!(taken.take(option, value)?, "{option}");
        }
        taken.finish()
    }

    #[test]
    fn every_option_is_read() {
        let options = options(&[
            ("proxy", "envoy"),
            ("envoy", "/opt/envoy"),
            ("consul", "/opt/consul"),
            ("grpc", "127.0.0.1:18502"),
            ("concurrency", "2"),
            ("drain", "60"),
            ("address", "10.0.0.5"),
            ("ports", "20000-20100"),
        ])
        .unwrap();
        let Proxy::Envoy(envoy) = &options.proxy else {
            panic!("{options:?}");
        };
        assert_eq!(envoy.grpc.as_deref(), Some("127.0.0.1:18502"));
        assert_eq!(
            (envoy.concurrency, &*envoy.program),
            (2, "/opt/envoy".as_ref())
        );
        assert_eq!(envoy.drain_seconds, 60);
        assert_eq!(options.address.as_deref(), Some("10.0.0.5"));
        assert_eq!(options.ports, Ports::Range(20000..=20100));
    }

    #[test]
    fn a_command_is_split_into_words() {
        let options = options(&[("command", "run --for ${id}")]).unwrap();
        let words = ["run", "--for", "${id}"].map(str::to_owned);
        assert_eq!(options.proxy, Proxy::Custom(words.into()));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (given, word) in [
            (&[("proxy", "nginx")] as &[_], "`builtin`"),
            (&[("proxy", "builtin"), ("proxy", "builtin")], "twice"),
            (&[("proxy", "command")], "needs `command`"),
            (&[("command", " ")], "empty"),
            (&[("command", "x"), ("proxy", "envoy")], "goes with"),
            (&[("envoy", "/opt/envoy")], "go with `proxy=envoy`"),
            (&[("proxy", "envoy"), ("concurrency", "0")], "threads"),
            (&[("address", "0.0.0.0")], "`address`"),
            (&[("address", "here")], "`address`"),
            (&[("ports", "20")], "`ports`"),
            (&[("ports", "30-20")], "`ports`"),
            (&[("template", "/nowhere/at/all")], "/nowhere/at/all"),
        ] {
            let refusal = options(given).unwrap_err().to_string();
            assert!(refusal.contains(word), "{given:?}: {refusal}");
        }
    }
}
