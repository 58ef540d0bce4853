//! A PostgreSQL of the tests that speaks TLS, with the certificate of an authority that nothing else trusts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::cluster::Cluster;

/// Where the authority's certificate is, beside the data.
const AUTHORITY: &str = "authority.pem";
/// Made once by `tools/postgres/tls/make`: to make them anew for each run would compile a cryptographic library into xtask.
const CERTIFICATES: [&str; 3] = [
    include_str!("../tls/authority.pem"),
    include_str!("../tls/server.crt"),
    include_str!("../tls/server.key"),
];
/// A client has to encrypt, except for one database: `template1`, because it is always there.
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
pub(crate) fn set_up(cluster: &Cluster, home: &Path) -> anyhow::Result<()> {
    let [authority, certificate, key] = CERTIFICATES.map(str::to_owned);
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
        tools_kit::workspace::write_private(&path, &text)?;
        cluster.account().own(&path)?;
    }
    Ok(())
}

/// The file of the authority's certificate.
pub(crate) fn authority(home: &Path) -> PathBuf {
    home.join(AUTHORITY)
}
