use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

/// Where a listener is bound or a client dials.
///
/// Written and read as `127.0.0.1:4000`, `[::1]:4000`, `unix:/run/greeter.sock` and
/// `in-process:7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
    /// A listener in this process, by a number that is never used again.
    InProcess(u64),
}

/// A text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: expected `IP:PORT` or `unix:/absolute/path`")]
pub struct AddressError(String);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::InProcess(number) => write!(f, "in-process:{number}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refused = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Address::Unix(path))
            } else {
                Err(refused())
            };
        }
        if let Some(number) = text.strip_prefix("in-process:") {
            return number
                .parse()
                .map(Address::InProcess)
                .map_err(|_| refused());
        }
        text.parse().map(Address::Tcp).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "127.0.0.1:4000",
            "[::1]:4000",
            "unix:/run/greeter.sock",
            "in-process:7",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "4000",
            "localhost:4000",
            "unix:",
            "unix:relative.sock",
            "in-process:x",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
