//! Why a database cannot be named or reached.

use std::time::Duration;

use crate::postgres::tls;

/// Why a text is no usable `DATABASE_URL`. Never repeats the password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It does not begin with `postgres://` or `postgresql://`.
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    /// It cannot be parsed, or has a parameter that is not understood.
    #[error("{0}")]
    Syntax(String),
    /// It can be read in two ways: with a password that has both `/` and `?`, or with a parameter that has `@`.
    #[error(
        "has `/` and `?` before `@`: write them as %2F and %3F in a password, and `@` as %40 in a parameter"
    )]
    Ambiguous,
    /// It names no host.
    #[error("names no host")]
    NoHost,
    /// There are more or fewer ports, or addresses, than hosts.
    #[error("must have one port for all hosts or one for each, and one `hostaddr` for each if it has any")]
    Hosts,
    /// Its `sslmode` is not one of those understood.
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full, not {0:?}")]
    SslMode(String),
    /// The certificate authorities cannot be loaded.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
}

/// Why no connection could be opened, with all causes in one line, which tokio-postgres leaves out of its text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConnectError(pub(super) String);

impl From<tokio_postgres::Error> for ConnectError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(with_causes(&error))
    }
}

impl From<diesel::ConnectionError> for ConnectError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self(with_causes(&error))
    }
}

impl ConnectError {
    pub(crate) fn no_answer_within(limit: Duration) -> Self {
        Self(format!("no answer within {limit:?}"))
    }
}

/// An error and all its causes in one line, none of them twice.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
