//! TLS to the database, with rustls.

mod certificate;
mod refused;
mod root_file;
mod trusted;
mod verifiers;

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, client::danger::ServerCertVerifier, crypto::aws_lc_rs};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(crate) use self::refused::Refused;
use self::{
    root_file::RootFile,
    trusted::Trusted,
    verifiers::{AsLibpq, Unverified},
};

/// How the connection is protected: libpq's modes as far as they differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server can, with any certificate.
    Prefer,
    /// Encrypted, with a certificate for this host from a trusted authority.
    Verified,
}

impl SslMode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "prefer" => Some(Self::Prefer),
            "require" | "verify-ca" | "verify-full" => Some(Self::Verified),
            _ => None,
        }
    }
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of `sslrootcert` cannot be read, or holds no certificate.
    #[error("sslrootcert {path} cannot be read: {reason}")]
    RootFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system has no certificate authorities.
    #[error("no certificate authority was found on this system; install ca-certificates or set sslrootcert")]
    NoSystemRoots,
    /// rustls refuses the set-up.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// What tokio-postgres opens its connections with.
#[derive(Clone)]
pub(crate) enum Connector {
    Plain,
    Rustls(MakeRustlsConnect),
}

impl Connector {
    /// Adds to the remarks what is odd about the file.
    pub(crate) fn new(
        mode: SslMode,
        root_file: Option<&str>,
        remarks: &mut Vec<String>,
    ) -> Result<Self, TlsError> {
        if mode == SslMode::Disable {
            return Ok(Self::Plain);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let verifier: Arc<dyn ServerCertVerifier> = if mode == SslMode::Prefer {
            Arc::new(Unverified(provider))
        } else {
            Arc::new(AsLibpq::new(trusted(root_file, remarks)?, &provider))
        };
        let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Self::Rustls(MakeRustlsConnect::new(config)))
    }
}

fn trusted(file: Option<&str>, remarks: &mut Vec<String>) -> Result<Trusted, TlsError> {
    let Some(path) = file.filter(|path| *path != "system") else {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(TlsError::NoSystemRoots) } else { Ok(Trusted::system(roots)) };
    };
    let fault = |reason| TlsError::RootFile { path: path.to_owned(), reason };
    let RootFile { certificates, has_private_key } = root_file::read(path).map_err(fault)?;
    if has_private_key {
        remarks.push(
            "the file of sslrootcert holds a private key, which has no use here: take it out".to_owned(),
        );
    }
    Trusted::listed(certificates).map_err(fault)
}

#[cfg(test)]
mod tests;
