//! A PostgreSQL of the tests that speaks TLS, with a certificate of an authority of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::cluster::Cluster;

/// Where the authority's certificate is, beside the data.
const AUTHORITY: &str = "authority.pem";
/// Whoever connects has to encrypt, but for one database: `template1`, because it is always there.
const ACCESS: &str = "\
host    template1 all 127.0.0.1/32 scram-sha-256
hostssl all       all 127.0.0.1/32 scram-sha-256
";
/// The server reads relative names in its data folder.
const SETTINGS: &str = "\
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
";

/// Sets up a server that was not started yet.
pub(super) fn set_up(cluster: &Cluster, home: &Path) -> anyhow::Result<()> {
    let (authority, certificate, key) = certificates().context("cannot make certificates")?;
    let data = cluster.data();
    let settings = fs::read_to_string(data.join("postgresql.auto.conf")).unwrap_or_default();
    for (path, text) in [
        (home.join(AUTHORITY), authority),
        (data.join("server.crt"), certificate),
        (data.join("server.key"), key),
        (data.join("pg_hba.conf"), ACCESS.to_owned()),
        (data.join("postgresql.auto.conf"), settings + SETTINGS),
    ] {
        // The server refuses a key that others can read.
        crate::workspace::write_private(&path, &text)?;
        cluster.account().own(&path)?;
    }
    Ok(())
}

/// The file of the authority's certificate.
pub(super) fn authority(home: &Path) -> PathBuf {
    home.join(AUTHORITY)
}

/// An authority, and a certificate and a key for 127.0.0.1, and for no name.
fn certificates() -> Result<(String, String, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "The authority of a throw-away PostgreSQL");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
    Ok((authority.pem(), certificate.pem(), key.serialize_pem()))
}
