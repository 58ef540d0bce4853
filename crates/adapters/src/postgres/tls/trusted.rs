//! The certificates that are trusted.

use std::{borrow::Cow, ops::RangeInclusive};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime},
};

use super::{certificate::Certificate, refused::TrustedBy};

/// The authorities, and what is trusted as itself.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) by: TrustedBy,
    roots: RootCertStore,
    /// When each of the roots is valid, and its name. Nothing of those of the system, which its makers keep.
    times: Vec<(RangeInclusive<u64>, String)>,
    listed: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// The authorities of the system.
    pub(super) fn system(roots: RootCertStore) -> Self {
        Self { by: TrustedBy::System, roots, times: Vec::new(), listed: Vec::new() }
    }

    /// The certificates of a file: each is trusted as itself, and those that may issue others as authorities too. Fails with
    /// a reason if one of them cannot be read.
    pub(super) fn listed(listed: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let (mut roots, mut times) = (RootCertStore::empty(), Vec::new());
        for (index, der) in listed.iter().enumerate() {
            let fault = |error: rustls::Error| format!("its certificate {} is malformed: {error}", index + 1);
            let certificate = Certificate::read(der).map_err(fault)?;
            if certificate.is_authority() {
                roots.add(der.clone()).map_err(fault)?;
                times.push((certificate.time(), certificate.subject()));
            }
        }
        Ok(Self { by: TrustedBy::File, roots, times, listed })
    }

    /// Whether this very certificate is in the file.
    pub(super) fn lists(&self, certificate: &CertificateDer<'_>) -> bool {
        self.listed.iter().any(|listed| listed.as_ref() == certificate.as_ref())
    }

    /// The authorities that are valid at that time. OpenSSL does not take others either.
    pub(super) fn at(&self, now: UnixTime) -> Cow<'_, RootCertStore> {
        let is_valid = |(time, _): &(RangeInclusive<u64>, String)| time.contains(&now.as_secs());
        if self.times.iter().all(is_valid) {
            return Cow::Borrowed(&self.roots);
        }
        let all = self.roots.roots.iter().zip(&self.times);
        let valid = all.filter(|(_, time)| is_valid(time)).map(|(root, _)| root.clone());
        Cow::Owned(valid.collect())
    }

    /// All authorities, whatever the time.
    pub(super) fn always(&self) -> &RootCertStore {
        &self.roots
    }

    /// The name of an authority that is not valid at that time, and until when it is.
    pub(super) fn out_of_time(&self, now: UnixTime) -> Option<(&str, u64)> {
        let (time, name) = self.times.iter().find(|(time, _)| !time.contains(&now.as_secs()))?;
        Some((name, *time.end()))
    }
}
