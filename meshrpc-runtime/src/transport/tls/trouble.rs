//! What a failed handshake means.

use std::{io, sync::Arc};

use rustls::{AlertDescription, CertificateError, Error, OtherError};

/// The same error, by what can be done about it: where one side does not trust the other,
/// `PermissionDenied`.
pub(crate) fn classified(error: io::Error) -> io::Error {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        // A verifier's own words.
        Some(Error::InvalidCertificate(CertificateError::Other(OtherError(words)))) => {
            io::Error::new(io::ErrorKind::PermissionDenied, Arc::clone(words))
        }
        Some(tls) if is_distrust(tls) => io::Error::new(io::ErrorKind::PermissionDenied, error),
        _ => error,
    }
}

fn is_distrust(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => true,
        Error::AlertReceived(alert) => matches!(
            alert,
            AlertDescription::AccessDenied
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRequired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate
        ),
        _ => false,
    }
}
