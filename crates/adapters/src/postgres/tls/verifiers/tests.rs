use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;

use super::*;

/// The 1st of June 2026.
const NOW: u64 = 1_780_272_000;

/// For that common name and those alternative names, during the year 2026.
fn parameters(common_name: &str, names: &[&str]) -> CertificateParams {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    parameters
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// As `openssl req -x509` in PostgreSQL's manual makes it: its own authority.
fn self_signed(common_name: &str, names: &[&str]) -> CertificateDer<'static> {
    let mut parameters = parameters(common_name, names);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.self_signed(&key()).unwrap().der().clone()
}

fn verifier(listed: &[CertificateDer<'static>]) -> AsLibpq {
    let mut roots = RootCertStore::empty();
    for certificate in listed {
        roots.add(certificate.clone()).unwrap();
    }
    AsLibpq::new(roots, listed.to_vec(), Arc::new(aws_lc_rs::default_provider())).unwrap()
}

fn verify_at(
    verifier: &AsLibpq,
    certificate: &CertificateDer<'_>,
    name: &str,
    seconds: u64,
) -> Result<(), Error> {
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier.verify_server_cert(certificate, &[], &name, &[], now).map(drop)
}

fn verify(verifier: &AsLibpq, certificate: &CertificateDer<'_>, name: &str) -> Result<(), Error> {
    verify_at(verifier, certificate, name, NOW)
}

#[test]
fn a_certificate_that_sslrootcert_holds_is_trusted_as_itself_for_its_host() {
    for certificate in [self_signed("db.example", &[]), self_signed("x", &["db.example", "10.0.0.7"])] {
        let verifier = verifier(std::slice::from_ref(&certificate));
        assert_eq!(verify(&verifier, &certificate, "db.example"), Ok(()));
        assert!(verify(&verifier, &certificate, "other.example").is_err());
    }
    let by_address = self_signed("x", &["10.0.0.7"]);
    assert_eq!(verify(&verifier(std::slice::from_ref(&by_address)), &by_address, "10.0.0.7"), Ok(()));
}

#[test]
fn another_certificate_for_the_same_host_is_refused() {
    let verifier = verifier(&[self_signed("db.example", &[])]);
    assert!(verify(&verifier, &self_signed("db.example", &[]), "db.example").is_err());
}

#[test]
fn a_certificate_is_refused_outside_of_its_time() {
    let certificate = self_signed("db.example", &[]);
    let verifier = verifier(std::slice::from_ref(&certificate));
    let year = 365 * 24 * 3600;
    assert_eq!(
        verify_at(&verifier, &certificate, "db.example", NOW - year),
        Err(CertificateError::NotValidYet.into())
    );
    assert_eq!(
        verify_at(&verifier, &certificate, "db.example", NOW + year),
        Err(CertificateError::Expired.into())
    );
}

#[test]
fn the_common_name_counts_if_there_are_no_alternative_names() {
    let mut authority = parameters("an authority", &[]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key()).unwrap();
    let issued = |common_name: &str, names: &[&str]| {
        parameters(common_name, names).signed_by(&key(), &authority).unwrap().der().clone()
    };
    let verifier = verifier(&[authority.der().clone()]);
    assert_eq!(verify(&verifier, &issued("db.example", &[]), "DB.example"), Ok(()));
    assert_eq!(verify(&verifier, &issued("x", &["db.example"]), "db.example"), Ok(()));
    assert!(verify(&verifier, &issued("db.example", &[]), "other.example").is_err());
    assert!(verify(&verifier, &issued("db.example", &["other.example"]), "db.example").is_err());
}
