//! What a `static+tls:` URL says of certificates.

use super::name::invalid;
use crate::{
    error::Error,
    transport::tls::{ClientTls, ServerTls},
};

/// The parameters behind the list of addresses.
///
/// | option | value |
/// |---|---|
/// | `ca` | file with the certificates that servers' have to lead to; needed |
/// | `cert`, `key` | files with the certificate chain of this process and its key: needed to serve, and shown to servers that ask for one |
/// | `client-ca` | file with the certificates that clients' have to lead to; without it, clients need none |
/// | `server-name` | name that every server's certificate has to have, instead of the host in the list |
#[derive(Debug, Default, PartialEq)]
pub(super) struct TlsOptions {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    client_ca: Option<String>,
    server_name: Option<String>,
}

impl TlsOptions {
    /// Reads what follows `?`.
    ///
    /// # Errors
    /// If it is not as described above.
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let mut options = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (option, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match option {
                "ca" => &mut options.ca,
                "cert" => &mut options.cert,
                "key" => &mut options.key,
                "client-ca" => &mut options.client_ca,
                "server-name" => &mut options.server_name,
                _ => return Err(refused(&format!("`{option}` is no option of it"))),
            };
            if value.is_empty() {
                return Err(refused(&format!("`{option}` has no value")));
            }
            if place.replace(value.to_owned()).is_some() {
                return Err(refused(&format!("`{option}` is given twice")));
            }
        }
        if options.cert.is_some() != options.key.is_some() {
            return Err(refused("`cert` and `key` belong together"));
        }
        Ok(options)
    }

    /// What clients of the mesh go by.
    ///
    /// # Errors
    /// If it is not said whom to trust.
    pub(super) fn client(&self) -> Result<ClientTls, Error> {
        let ca = self.ca.as_ref().ok_or_else(|| refused("`ca` is missing"))?;
        let mut tls = ClientTls::new(ca);
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.certificate(cert, key);
        }
        if let Some(name) = &self.server_name {
            tls = tls.name(name);
        }
        Ok(tls)
    }

    /// What servers show, if they can.
    pub(super) fn server(&self) -> Option<ServerTls> {
        let (cert, key) = self.cert.as_ref().zip(self.key.as_ref())?;
        let tls = ServerTls::new(cert, key);
        Some(match &self.client_ca {
            Some(roots) => tls.client_roots(roots),
            None => tls,
        })
    }
}

fn refused(why: &str) -> Error {
    invalid(format!("the `static+tls:` mesh URL is refused: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_the_table() {
        let all = "ca=/ca&cert=/c&key=/k&client-ca=/cc&server-name=x";
        let options = TlsOptions::parse(all).unwrap();
        let expected = ClientTls::new("/ca").certificate("/c", "/k").name("x");
        assert_eq!(options.client().unwrap(), expected);
        assert_eq!(
            options.server(),
            Some(ServerTls::new("/c", "/k").client_roots("/cc"))
        );
        let calls = TlsOptions::parse("ca=/ca").unwrap();
        assert_eq!(calls.server(), None);
        for refused in ["ca", "ca=", "ca=/a&ca=/b", "cert=/c", "insecure=1"] {
            assert!(TlsOptions::parse(refused).is_err(), "{refused}");
        }
        assert!(TlsOptions::parse("").unwrap().client().is_err());
    }
}
