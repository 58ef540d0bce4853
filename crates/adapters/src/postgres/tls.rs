//! TLS to the database, with rustls.

mod certificate;
mod verifiers;

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    client::{VerifierBuilderError, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::verifiers::{AsLibpq, Unverified};

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
    /// Nothing can be verified with the authorities.
    #[error("TLS cannot be set up: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

/// What tokio-postgres opens its connections with.
#[derive(Clone)]
pub(crate) enum Connector {
    Plain,
    Rustls(MakeRustlsConnect),
}

impl Connector {
    pub(crate) fn new(mode: SslMode, root_file: Option<&str>) -> Result<Self, TlsError> {
        if mode == SslMode::Disable {
            return Ok(Self::Plain);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let verifier: Arc<dyn ServerCertVerifier> = if mode == SslMode::Prefer {
            Arc::new(Unverified(provider))
        } else {
            let Trusted { roots, listed } = trusted(root_file)?;
            Arc::new(AsLibpq::new(roots, listed, provider)?)
        };
        let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Self::Rustls(MakeRustlsConnect::new(config)))
    }
}

/// What is trusted.
struct Trusted {
    roots: RootCertStore,
    /// The certificates of the file, each of which is trusted as itself too.
    listed: Vec<CertificateDer<'static>>,
}

fn trusted(file: Option<&str>) -> Result<Trusted, TlsError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = file.filter(|path| *path != "system") else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let listed = Vec::new();
        return if roots.is_empty() { Err(TlsError::NoSystemRoots) } else { Ok(Trusted { roots, listed }) };
    };
    let fault = |reason: String| TlsError::RootFile { path: path.to_owned(), reason };
    let mut listed = Vec::new();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate.clone()).map_err(|error| fault(error.to_string()))?;
        listed.push(certificate);
    }
    if listed.is_empty() {
        Err(fault("it holds no certificate".to_owned()))
    } else {
        Ok(Trusted { roots, listed })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    /// A file for one test, removed with it.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, contents: &str) -> Self {
            let path = std::env::temp_dir().join(format!("task-api-{}-{name}.pem", std::process::id()));
            fs::write(&path, contents).unwrap();
            Self(path)
        }

        fn path(&self) -> &str {
            self.0.to_str().unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    #[test]
    fn every_certificate_of_a_root_file_is_trusted() {
        let file = File::new("two", &format!("A comment.\n{}{}", certificate(), certificate()));
        assert_eq!(trusted(Some(file.path())).unwrap().listed.len(), 2);
        assert!(matches!(Connector::new(SslMode::Verified, Some(file.path())), Ok(Connector::Rustls(_))));
    }

    #[test]
    fn a_root_file_that_cannot_be_used_is_named() {
        let empty = File::new("empty", "");
        let text = File::new("text", "no certificate at all");
        let torn = File::new("torn", &certificate()[..200]);
        let nonsense =
            File::new("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let key = File::new("key", &rcgen::KeyPair::generate().unwrap().serialize_pem());
        for path in ["/no/such/file", empty.path(), text.path(), torn.path(), nonsense.path(), key.path()] {
            let error = Connector::new(SslMode::Verified, Some(path)).err().unwrap().to_string();
            assert!(error.starts_with(&format!("sslrootcert {path} cannot be read: ")), "{error}");
        }
    }

    #[test]
    fn no_roots_are_needed_if_nothing_is_verified() {
        assert!(matches!(Connector::new(SslMode::Disable, Some("/no/such/file")), Ok(Connector::Plain)));
        assert!(matches!(Connector::new(SslMode::Prefer, None), Ok(Connector::Rustls(_))));
    }
}
