//! Which certificates of a server are accepted.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
        verify_tls13_signature_with_raw_key,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{certificate::Certificate, refused::Refused, trusted::Trusted};

/// Accepts a certificate for this host from a trusted authority, and two more that libpq accepts as well: one that
/// `sslrootcert` itself holds, as PostgreSQL's manual makes it (self-signed), and one that names its host in the common
/// name only.
#[derive(Debug)]
pub(super) struct AsLibpq {
    trusted: Trusted,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What a server sends, and what for.
struct Shown<'a> {
    certificate: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

impl AsLibpq {
    pub(super) fn new(trusted: Trusted, provider: &CryptoProvider) -> Self {
        Self { trusted, algorithms: provider.signature_verification_algorithms }
    }

    fn check(&self, shown: &Shown<'_>) -> Result<(), Error> {
        match self.check_chain(shown, &self.trusted.at(shown.now)) {
            Ok(()) => check_name(shown),
            Err(_) if self.trusted.lists(shown.certificate) => {
                let certificate = Certificate::read(shown.certificate)?;
                let (time, now) = (certificate.time(), shown.now.as_secs());
                if now < *time.start() {
                    Err(CertificateError::NotValidYet.into())
                } else if now > *time.end() {
                    Err(CertificateError::Expired.into())
                } else {
                    certificate.check_name(shown.name)
                }
            }
            Err(error) => Err(error),
        }
    }

    fn check_chain(&self, shown: &Shown<'_>, roots: &RootCertStore) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(shown.certificate)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, shown.others, shown.now, algorithms)
    }

    /// Why it is refused, for people. `None` if it cannot be read at all.
    fn explain(&self, error: &CertificateError, shown: &Shown<'_>) -> Option<Refused> {
        use CertificateError as Fault;
        let certificate = Certificate::read(shown.certificate).ok()?;
        let (time, now) = (certificate.time(), shown.now.as_secs());
        Some(match error {
            Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
                Refused::Name { wanted: shown.name.to_str().into_owned(), names: certificate.names() }
            }
            _ if now > *time.end() => Refused::Expired { until: *time.end(), now },
            _ if now < *time.start() => Refused::NotYetValid { from: *time.start(), now },
            Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => Refused::Purpose,
            Fault::UnknownIssuer
            | Fault::BadSignature
            | Fault::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                self.unknown(error, &certificate, shown)
            }
            _ if certificate.is_self_issued() => Refused::SelfSigned(self.trusted.by),
            _ if certificate.is_version_1() => Refused::Version1(self.trusted.by),
            other => Refused::Unreadable(other.to_string()),
        })
    }

    /// Why nothing that is trusted vouches for it.
    fn unknown(&self, error: &CertificateError, certificate: &Certificate<'_>, shown: &Shown<'_>) -> Refused {
        let by = self.trusted.by;
        if let Some((authority, until)) = self.trusted.out_of_time(shown.now)
            && self.check_chain(shown, self.trusted.always()).is_ok()
        {
            return Refused::AuthorityOutOfTime { authority: authority.to_owned(), until };
        }
        if certificate.is_self_issued() {
            return Refused::SelfSigned(by);
        }
        let others: Vec<_> = shown.others.iter().filter_map(|der| Certificate::read(der).ok()).collect();
        // Some servers send the root too, which vouches for itself only.
        let last = others.iter().rfind(|other| !other.is_self_issued()).unwrap_or(certificate);
        let issuer = last.issuer();
        if *error != CertificateError::UnknownIssuer {
            Refused::OtherKey { issuer, by }
        } else if others.is_empty() {
            Refused::AloneAndUnknown { issuer, by }
        } else {
            Refused::Unknown { issuer, by }
        }
    }
}

/// The chain has been verified before.
fn check_name(shown: &Shown<'_>) -> Result<(), Error> {
    match verify_server_name(&ParsedCertificate::try_from(shown.certificate)?, shown.name) {
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Certificate::read(shown.certificate)?.check_name(shown.name),
        outcome => outcome,
    }
}

impl ServerCertVerifier for AsLibpq {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown { certificate: end_entity, others: intermediates, name: server_name, now };
        match self.check(&shown) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(fault)) => {
                let refused = self.explain(&fault, &shown);
                let refused = refused.map(|refused| CertificateError::Other(OtherError(Arc::new(refused))));
                Err(refused.unwrap_or(fault).into())
            }
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // One that is trusted as itself may be of version 1, which rustls does not read. The key is all that is needed.
        if self.trusted.lists(certificate)
            && let Some(key) = Certificate::read(certificate)?.key()
        {
            return verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms);
        }
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Accepts any certificate, for `sslmode=prefer` only. An attacker in between can turn that into plain text anyway, so a
/// check would refuse honest servers with a self-signed certificate and stop no attacker.
#[derive(Debug)]
pub(super) struct Unverified(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // The signature proves that the server has the key of a certificate that says nothing. To check it, the certificate would
    // have to be read, which fails for those of version 1 that old tools make.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
