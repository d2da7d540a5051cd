//! Certificates and keys, as they stand in files. Nothing of a key gets into a message.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The certificates of a chain.
pub(super) fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err("there is no certificate".to_owned()),
        Err(_) => Err("a certificate is not PEM".to_owned()),
    }
}

/// The certificates that are trusted.
pub(super) fn roots(text: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for root in chain(text)? {
        roots.add(root).map_err(|error| error.to_string())?;
    }
    Ok(roots)
}

/// The first private key: PKCS#8, PKCS#1 or SEC1.
pub(super) fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| "there is no private key".to_owned())
}
