//! TLS to the database, with rustls.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

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
    pub(crate) fn new(mode: SslMode, root_file: Option<&str>) -> Result<Self, TlsError> {
        if mode == SslMode::Disable {
            return Ok(Self::Plain);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = if mode == SslMode::Prefer {
            let verifier = Arc::new(Unverified(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        } else {
            builder.with_root_certificates(roots(root_file)?).with_no_client_auth()
        };
        Ok(Self::Rustls(MakeRustlsConnect::new(config)))
    }
}

fn roots(file: Option<&str>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    if let Some(path) = file.filter(|path| *path != "system") {
        let fault = |reason: String| TlsError::RootFile { path: path.to_owned(), reason };
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fault(error.to_string()))? {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            store.add(certificate).map_err(|error| fault(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(fault("it holds no certificate".to_owned()));
        }
        return Ok(store);
    }
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() { Err(TlsError::NoSystemRoots) } else { Ok(store) }
}

/// Accepts any certificate, for `sslmode=prefer` only. An attacker in between can turn that into plain text anyway, so a
/// check would refuse honest servers with a self-signed certificate and stop no attacker.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    // The signature proves that the server has the key of a certificate that says nothing. To check it, the certificate would
    // have to be read, which fails for those of version 1 that old tools make.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
        assert_eq!(roots(Some(file.path())).unwrap().len(), 2);
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
