//! Where an agent is.

use std::{fmt, path::PathBuf};

use super::super::super::name::invalid;
use crate::error::Error;

/// Where an agent is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Place {
    pub(super) fn list(text: &str, port: u16) -> Result<Vec<Place>, Error> {
        text.split(',')
            .map(|place| {
                Self::parse(place, port).ok_or_else(|| {
                    invalid(
                        "an agent in the `consul:` mesh URL is none of `HOST`, `HOST:PORT`, \
                         `IP:PORT`, `[IP6]:PORT`"
                            .to_owned(),
                    )
                })
            })
            .collect()
    }

    fn parse(text: &str, default: u16) -> Option<Place> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                match rest {
                    "" => (host, None),
                    _ => (host, Some(rest.strip_prefix(':')?)),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if host.is_empty() || !text.starts_with('[') && !host.bytes().all(plain) {
            return None;
        }
        let port = match port {
            Some(port) => port.parse().ok().filter(|&port| port != 0)?,
            None => default,
        };
        Some(Place::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
