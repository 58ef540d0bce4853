//! What a certificate says of its host and its time, where the verifier of rustls does not say enough.

use rustls::{
    CertificateError, Error,
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_cert::der::{
    Decode as _,
    asn1::{ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
};

/// X.520, `id-at-commonName`.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// RFC 5280, section 4.2.1.6.
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

pub(super) struct Certificate<'a> {
    der: &'a CertificateDer<'a>,
    read: x509_cert::Certificate,
}

impl<'a> Certificate<'a> {
    pub(super) fn read(der: &'a CertificateDer<'a>) -> Result<Self, Error> {
        let read = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
        Ok(Self { der, read })
    }

    /// Fails outside of its time.
    pub(super) fn check_time(&self, now: UnixTime) -> Result<(), Error> {
        let validity = &self.read.tbs_certificate.validity;
        if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
            Err(CertificateError::NotValidYet.into())
        } else if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
            Err(CertificateError::Expired.into())
        } else {
            Ok(())
        }
    }

    /// Fails if it is for another host. The common name counts if there are no alternative names, as with libpq.
    pub(super) fn check_name(&self, name: &ServerName<'_>) -> Result<(), Error> {
        let extensions = self.read.tbs_certificate.extensions.as_deref().unwrap_or_default();
        if extensions.iter().any(|extension| extension.extn_id == SUBJECT_ALT_NAME) {
            return verify_server_name(&ParsedCertificate::try_from(self.der)?, name);
        }
        let common_name = self.common_name();
        if common_name.is_some_and(|common_name| common_name.eq_ignore_ascii_case(&name.to_str())) {
            Ok(())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn common_name(&self) -> Option<String> {
        let mut names = self.read.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
        let value = &names.rfind(|name| name.oid == COMMON_NAME)?.value;
        let utf8 = || value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned());
        let printable =
            || value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned());
        let teletex = || value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned());
        utf8().or_else(printable).or_else(teletex)
    }
}
