//! What a certificate says of itself, where the verifier of rustls does not say enough.

use std::{net::IpAddr, ops::RangeInclusive};

use rustls::{
    CertificateError, Error,
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer},
    server::ParsedCertificate,
};
use x509_cert::{
    Version,
    der::{
        Decode as _, Encode as _,
        asn1::{ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
    },
    ext::pkix::{BasicConstraints, SubjectAltName, name::GeneralName},
    name::Name,
};

/// X.520, `id-at-commonName`.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// RFC 5280, section 4.2.1.6.
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// The most characters of a name that are shown.
const MAX_NAME: usize = 100;

pub(super) struct Certificate<'a> {
    der: &'a CertificateDer<'a>,
    read: x509_cert::Certificate,
}

impl<'a> Certificate<'a> {
    pub(super) fn read(der: &'a CertificateDer<'a>) -> Result<Self, Error> {
        let read = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
        Ok(Self { der, read })
    }

    /// When it is valid, in seconds since 1970.
    pub(super) fn time(&self) -> RangeInclusive<u64> {
        let validity = &self.read.tbs_certificate.validity;
        validity.not_before.to_unix_duration().as_secs()..=validity.not_after.to_unix_duration().as_secs()
    }

    /// Whether it may have issued others (RFC 5280, section 4.2.1.9). One of version 1 cannot say so, and OpenSSL takes it for
    /// an authority if it is self-signed.
    pub(super) fn is_authority(&self) -> bool {
        let constraints = self.read.tbs_certificate.get::<BasicConstraints>();
        (self.is_version_1() && self.is_self_issued())
            || constraints.is_ok_and(|found| found.is_some_and(|(_, constraints)| constraints.ca))
    }

    /// Whether it is of version 1, which has no extensions.
    pub(super) fn is_version_1(&self) -> bool {
        self.read.tbs_certificate.version == Version::V1
    }

    /// Whether it names itself as what issued it.
    pub(super) fn is_self_issued(&self) -> bool {
        self.read.tbs_certificate.issuer == self.read.tbs_certificate.subject
    }

    /// The name of what issued it, fit for a line of a log.
    pub(super) fn issuer(&self) -> String {
        shown(&self.read.tbs_certificate.issuer)
    }

    /// Its own name, fit for a line of a log.
    pub(super) fn subject(&self) -> String {
        shown(&self.read.tbs_certificate.subject)
    }

    /// Its public key.
    pub(super) fn key(&self) -> Option<SubjectPublicKeyInfoDer<'static>> {
        self.read.tbs_certificate.subject_public_key_info.to_der().ok().map(SubjectPublicKeyInfoDer::from)
    }

    /// Fails if it is for another host. The common name counts if there are no alternative names, as with libpq.
    pub(super) fn check_name(&self, name: &ServerName<'_>) -> Result<(), Error> {
        if self.has_alternative_names() {
            return verify_server_name(&ParsedCertificate::try_from(self.der)?, name);
        }
        let common_name = self.common_name();
        if common_name.is_some_and(|common_name| common_name.eq_ignore_ascii_case(&name.to_str())) {
            Ok(())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    /// The hosts that it is for, fit for a line of a log.
    pub(super) fn names(&self) -> Vec<String> {
        if !self.has_alternative_names() {
            return self.common_name().iter().map(|name| visible(name)).collect();
        }
        let found = self.read.tbs_certificate.get::<SubjectAltName>().ok().flatten();
        let names = found.map(|(_, names)| names.0).unwrap_or_default();
        names.iter().filter_map(host).collect()
    }

    fn has_alternative_names(&self) -> bool {
        let extensions = self.read.tbs_certificate.extensions.as_deref().unwrap_or_default();
        extensions.iter().any(|extension| extension.extn_id == SUBJECT_ALT_NAME)
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

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(visible(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let short = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            short.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn shown(name: &Name) -> String {
    format!("\"{}\"", visible(&name.to_string()))
}

/// Not longer than a line, and nothing in it that moves a terminal: a server may have written it in bad faith.
fn visible(text: &str) -> String {
    text.chars().take(MAX_NAME).flat_map(char::escape_debug).collect()
}
