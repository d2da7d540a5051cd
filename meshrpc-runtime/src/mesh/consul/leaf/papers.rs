//! A certificate of this process and the roots of its mesh, ready for use.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::{
    super::agent::{Leaf, Roots},
    verify::Verifier,
};
use crate::{
    error::{Error, Kind},
    transport::tls::provider,
};

/// What this process shows to sidecars, and whom it trusts.
pub(super) struct Papers {
    roots: Arc<RootCertStore>,
    shown: Arc<SingleCertAndKey>,
    /// The URI of a service, but for its name.
    place: String,
    provider: Arc<CryptoProvider>,
}

impl Papers {
    /// Services are those of `datacenter`, or of the one that the certificate is of.
    ///
    /// # Errors
    /// If something is no certificate, or they do not belong together. The message has nothing of
    /// the key.
    pub(super) fn new(
        roots: &Roots,
        leaf: &Leaf,
        datacenter: Option<&str>,
    ) -> Result<Self, String> {
        let place = place(&leaf.uri, &roots.trust_domain, datacenter)?;
        let mut trusted = RootCertStore::empty();
        for root in &roots.roots {
            for certificate in certificates(&root.certificate)? {
                let added = trusted.add(certificate);
                added.map_err(|error| format!("a root: {error}"))?;
            }
        }
        if trusted.is_empty() {
            return Err("there is no root".to_owned());
        }
        let provider = provider();
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes())
            .map_err(|_| "the key is not PEM".to_owned())?;
        let shown = CertifiedKey::from_der(certificates(&leaf.chain)?, key, &provider)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            roots: Arc::new(trusted),
            shown: Arc::new(shown.into()),
            place,
            provider,
        })
    }

    /// How a sidecar of `service` is met.
    pub(super) fn config(&self, service: &str) -> Result<Arc<ClientConfig>, Error> {
        let verifier = Verifier {
            roots: Arc::clone(&self.roots),
            expected: format!("{}{service}", self.place),
            provider: Arc::clone(&self.provider),
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Error::new(Kind::Unavailable, error.to_string()))?;
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::clone(&self.shown) as _);
        // Every connection is judged by what holds when it is made.
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }
}

/// `spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/`, as it is in this process's own URI.
fn place(own: &str, trust_domain: &str, datacenter: Option<&str>) -> Result<String, String> {
    let odd = || format!("`{own}` is no service of the trust domain `{trust_domain}`");
    let path = own
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.strip_prefix(trust_domain))
        .ok_or_else(odd)?;
    let parts: Vec<&str> = path.split('/').collect();
    let ["", "ns", namespace, "dc", own_datacenter, "svc", _] = parts[..] else {
        return Err(odd());
    };
    let datacenter = datacenter.unwrap_or(own_datacenter);
    Ok(format!(
        "spiffe://{trust_domain}/ns/{namespace}/dc/{datacenter}/svc/"
    ))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err("a certificate is not PEM".to_owned()),
    }
}

impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Papers")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
