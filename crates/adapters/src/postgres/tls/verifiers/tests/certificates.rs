//! Certificates as people make them.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use x509_cert::der::{Decode as _, Encode as _};

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// For that common name and those alternative names, during the year 2026.
pub(super) fn parameters(common_name: &str, names: &[&str]) -> CertificateParams {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut parameters = CertificateParams::new(names).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    parameters
}

pub(super) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// An authority that is valid in those years.
pub(super) fn authority(name: &str, by: Option<&Authority>, years: [i32; 2]) -> Authority {
    let mut parameters = parameters(name, &[]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let [from, until] = years.map(|year| date_time_ymd(year, 1, 1));
    (parameters.not_before, parameters.not_after) = (from, until);
    match by {
        None => CertifiedIssuer::self_signed(parameters, key()).unwrap(),
        Some(by) => CertifiedIssuer::signed_by(parameters, key(), by).unwrap(),
    }
}

/// One for servers, by that authority.
pub(super) fn issued(by: &Authority, common_name: &str, names: &[&str]) -> CertificateDer<'static> {
    parameters(common_name, names).signed_by(&key(), by).unwrap().der().clone()
}

/// One for clients.
pub(super) fn for_clients(by: &Authority) -> CertificateDer<'static> {
    let mut parameters = parameters("db.example", &["db.example"]);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters.signed_by(&key(), by).unwrap().der().clone()
}

/// As `openssl req -x509` in PostgreSQL's manual makes it: its own authority.
pub(super) fn self_signed(common_name: &str, names: &[&str]) -> CertificateDer<'static> {
    let mut parameters = parameters(common_name, names);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.self_signed(&key()).unwrap().der().clone()
}

/// The same certificate as of version 1 of X.509, with a signature that no longer fits.
pub(super) fn version_1(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    let mut read = x509_cert::Certificate::from_der(certificate).unwrap();
    read.tbs_certificate.version = x509_cert::Version::V1;
    read.tbs_certificate.extensions = None;
    read.to_der().unwrap().into()
}
