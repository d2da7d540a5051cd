//! Sidecars that are trusted, and all others.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use rustls::{
    Error,
    client::danger::ServerCertVerifier,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::{
    super::agent::{Leaf, Root, Roots},
    papers::Papers,
    verify::Verifier,
};
use crate::transport::tls::provider;

const DOMAIN: &str = "1f3a.consul";

/// A root, or what a root let sign for it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn root() -> Self {
        let (params, key) = Self::params();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    fn under(root: &Authority) -> Self {
        let (params, key) = Self::params();
        let pem = params.signed_by(&key, &root.issuer).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    fn params() -> (CertificateParams, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Names tell authorities apart; a random one does.
        let name = format!("authority {}", fastrand::u64(..));
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, key)
    }

    /// Certificate and key of a service by these URIs.
    fn leaf(&self, uris: &[&str], years: (i32, i32)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let uris = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().unwrap()));
        params.subject_alt_names = uris.collect();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        (pem, key.serialize_pem())
    }
}

fn uri(domain: &str, service: &str) -> String {
    format!("spiffe://{domain}/ns/default/dc/dc1/svc/{service}")
}

/// Whether a client that trusts `roots` takes this chain for the sidecar of `echo`.
fn met(roots: &[&Authority], chain: &[&str]) -> Result<(), Error> {
    let mut trusted = rustls::RootCertStore::empty();
    for root in roots {
        let certificate = CertificateDer::from_pem_slice(root.pem.as_bytes()).unwrap();
        trusted.add(certificate).unwrap();
    }
    let verifier = Verifier {
        roots: Arc::new(trusted),
        expected: uri(DOMAIN, "echo"),
        provider: provider(),
    };
    let chain: Vec<_> = chain
        .iter()
        .map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .collect();
    let (end, between) = chain.split_first().unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let met = verifier.verify_server_cert(end, between, &name, &[], UnixTime::now());
    met.map(drop)
}

#[test]
fn a_sidecar_is_the_service_of_its_uri_in_the_mesh_of_its_roots() {
    let (root, other) = (Authority::root(), Authority::root());
    let years = (2020, 2100);
    let (good, _) = root.leaf(&[&uri(DOMAIN, "echo")], years);
    assert_eq!(met(&[&root], &[&good]), Ok(()));
    let refused = |roots: &[&Authority], uris: &[&str], years| {
        let (leaf, _) = root.leaf(uris, years);
        met(roots, &[&leaf]).expect_err("it is refused").to_string()
    };
    let echo = uri(DOMAIN, "echo");
    let strange = refused(&[&other], &[&echo], years);
    assert!(strange.contains("UnknownIssuer"), "{strange}");
    let late = refused(&[&root], &[&echo], (2020, 2021));
    assert!(late.contains("certificate expired"), "{late}");
    for wrong in [
        uri("9c.consul", "echo"),
        uri(DOMAIN, "echo2"),
        uri(DOMAIN, "ledger"),
        echo.replace("dc1", "dc2"),
        echo.replace("default", "other"),
        echo.to_uppercase(),
    ] {
        let why = refused(&[&root], &[&wrong], years);
        assert!(
            why.contains(&wrong) && why.contains("SomebodyElse"),
            "{why}"
        );
    }
    let both = refused(&[&root], &[&echo, &uri(DOMAIN, "ledger")], years);
    assert!(both.contains("SomebodyElse"), "{both}");
    assert!(refused(&[&root], &[], years).contains("SomebodyElse"));
}

#[test]
fn while_a_root_is_replaced_both_are_good() {
    let (old, new) = (Authority::root(), Authority::root());
    let between = Authority::under(&old);
    let echo = uri(DOMAIN, "echo");
    let (leaf, _) = between.leaf(&[&echo], (2020, 2100));
    assert_eq!(
        met(&[&old], &[&leaf, &between.pem]),
        Ok(()),
        "the chain is sent"
    );
    assert!(met(&[&old], &[&leaf]).is_err(), "it is not");
    let (next, _) = new.leaf(&[&echo], (2020, 2100));
    assert_eq!(met(&[&old, &new], &[&leaf, &between.pem]), Ok(()));
    assert_eq!(met(&[&old, &new], &[&next]), Ok(()));
    assert!(
        met(&[&new], &[&leaf, &between.pem]).is_err(),
        "the old one is gone"
    );
}

#[test]
fn papers_belong_to_one_mesh_and_tell_nothing_of_the_key() {
    let root = Authority::root();
    let own = uri(DOMAIN, "client");
    let (chain, key) = root.leaf(&[&own], (2020, 2100));
    let roots = |domain: &str| Roots {
        active: "1".into(),
        trust_domain: domain.into(),
        roots: vec![Root {
            id: "1".into(),
            certificate: root.pem.clone(),
            active: true,
        }],
    };
    let leaf = |key: &str| Leaf {
        serial: "1".into(),
        chain: chain.clone(),
        key: key.into(),
        service: "client".into(),
        uri: own.clone(),
        valid_after: String::new(),
        valid_before: String::new(),
    };
    let made = |roots: &Roots, leaf: &Leaf, dc| Papers::new(roots, leaf, dc);
    let papers = made(&roots(DOMAIN), &leaf(&key), None).unwrap();
    assert!(papers.config("echo").is_ok());
    let place = format!(
        "{:?}",
        made(&roots(DOMAIN), &leaf(&key), Some("dc2")).unwrap()
    );
    assert!(place.contains("/ns/default/dc/dc2/svc/"), "{place}");
    let line = key.lines().nth(1).unwrap();
    assert!(!format!("{papers:?} {:?}", leaf(&key)).contains(line));

    let elsewhere = made(&roots("9c.consul"), &leaf(&key), None).unwrap_err();
    assert!(elsewhere.contains("9c.consul"), "{elsewhere}");
    let cut = key.replace("PRIVATE", "PRIVAT");
    let unread = made(&roots(DOMAIN), &leaf(&cut), None).unwrap_err();
    assert!(!unread.contains(line), "{unread}");
    let (_, foreign) = root.leaf(&[&own], (2020, 2100));
    assert!(
        made(&roots(DOMAIN), &leaf(&foreign), None).is_err(),
        "another key"
    );
}
