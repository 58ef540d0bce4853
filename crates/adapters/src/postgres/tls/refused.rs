//! Why the certificate of a server is refused, and what to do: in one sentence, because people read it in a log.

use std::{
    error::Error as StdError,
    fmt, io,
    time::{Duration, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use rustls::{CertificateError, Error, OtherError};

/// The most names of a certificate that are shown.
const MAX_NAMES: usize = 5;

/// Where the authorities come from, which decides what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustedBy {
    /// The file of `sslrootcert`.
    File,
    /// The system.
    System,
}

/// Why the certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing but itself vouches for it.
    SelfSigned(TrustedBy),
    /// The server does not send what issued it, which is not trusted itself.
    AloneAndUnknown { issuer: String, by: TrustedBy },
    /// Its chain ends at what is not trusted.
    Unknown { issuer: String, by: TrustedBy },
    /// An authority of that name is trusted, and has another key.
    OtherKey { issuer: String, by: TrustedBy },
    /// An authority in the file has expired or is not valid yet.
    AuthorityOutOfTime { authority: String, until: u64 },
    /// It has expired.
    Expired { until: u64, now: u64 },
    /// It is not valid yet.
    NotYetValid { from: u64, now: u64 },
    /// It is for other hosts.
    Name { wanted: String, names: Vec<String> },
    /// It is for something else than servers.
    Purpose,
    /// It is of version 1 of X.509, which says nothing of what it is for.
    Version1(TrustedBy),
    /// It has none of the forms that are read.
    Unreadable(String),
}

impl Refused {
    /// The refusal among the causes of an error, if there is one.
    pub(crate) fn among<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let causes = std::iter::successors(Some(error), |error| (*error).source());
        causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).find_map(|cause| {
            match cause.get_ref()?.downcast_ref::<Error>()? {
                Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
                _ => None,
            }
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server's certificate is refused: ")?;
        match self {
            Self::SelfSigned(by) => {
                write!(f, "it is self-signed: {} (on the server: ssl_cert_file)", add(*by))
            }
            Self::AloneAndUnknown { issuer, by } => write!(
                f,
                "the server sends its own certificate only, and {issuer}, which issued it, is not trusted here. If that is \
                 an intermediate authority, append its certificate to ssl_cert_file on the server; otherwise {}",
                add(*by)
            ),
            Self::Unknown { issuer, by } => {
                write!(f, "it leads to {issuer}, which is not trusted here: {}", add(*by))
            }
            Self::OtherKey { issuer, by } => write!(
                f,
                "{issuer} issued it with another key than the authority of this name has that is trusted here: {}",
                add(*by)
            ),
            Self::AuthorityOutOfTime { authority, until } => write!(
                f,
                "its authority {authority} in the file of sslrootcert is not valid now, but until {}: put the renewed \
                 certificate of the authority there",
                moment(*until)
            ),
            Self::Expired { until, now } => write!(
                f,
                "it has expired ({}): renew it, or correct the clock of this machine ({})",
                moment(*until),
                moment(*now)
            ),
            Self::NotYetValid { from, now } => write!(
                f,
                "it is not valid yet (from {}): correct the clock of this machine ({}), or make it anew",
                moment(*from),
                moment(*now)
            ),
            Self::Name { wanted, names } => write!(
                f,
                "it is for {}, and not for {wanted}: name the host as it does (`hostaddr` may give the address), or have \
                 one made for {wanted}",
                list(names)
            ),
            Self::Purpose => {
                f.write_str("it is not for servers: it needs serverAuth in its extended key usage, or none")
            }
            Self::Version1(by) => {
                write!(f, "it is of version 1 of X.509: have another one made, or {}", add(*by))
            }
            Self::Unreadable(why) => write!(f, "it cannot be checked ({why}): have another one made"),
        }
    }
}

impl StdError for Refused {}

fn add(by: TrustedBy) -> &'static str {
    match by {
        TrustedBy::File => "add that certificate to the file of sslrootcert",
        TrustedBy::System => "copy that certificate to this machine, and name the file with sslrootcert",
    }
}

fn moment(seconds: u64) -> String {
    let moment = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map(DateTime::<Utc>::from);
    moment.map_or_else(|| "never".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn list(names: &[String]) -> String {
    match names {
        [] => "no host at all".to_owned(),
        names if names.len() > MAX_NAMES => format!("{} and more", names[..MAX_NAMES].join(", ")),
        names => names.join(", "),
    }
}
