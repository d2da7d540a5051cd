//! Certificates, keys, and the files they stand in.

use std::{fs, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use tempfile::TempDir;

/// A certificate authority, and a folder for what it issues.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    folder: TempDir,
}

/// Files with a certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct Paper {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("it signs itself").pem();
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("roots.pem"), &certificate).expect("it is written");
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            folder,
        }
    }

    /// The file with its own certificate.
    pub(crate) fn roots(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    /// Its own certificate.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for `names`; those with `://` are URIs.
    pub(crate) fn issue(&self, file: &str, names: &[&str]) -> Paper {
        self.issue_for(file, names, |_| {})
    }

    /// One whose time is over.
    pub(crate) fn issue_expired(&self, file: &str, names: &[&str]) -> Paper {
        self.issue_for(file, names, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    fn issue_for(
        &self,
        file: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Paper {
        let (uris, names): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| name.contains("://"));
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names).expect("names");
        for uri in uris {
            let uri = uri.try_into().expect("ASCII");
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it is signed");
        let paper = Paper {
            chain: self.folder.path().join(format!("{file}.pem")),
            key: self.folder.path().join(format!("{file}.key")),
        };
        put(&paper.chain, &certificate.pem());
        put(&paper.key, &key.serialize_pem());
        paper
    }
}

/// Replaces a file as a whole.
pub(crate) fn put(path: &PathBuf, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("it is written");
    fs::rename(new, path).expect("it is replaced");
}
