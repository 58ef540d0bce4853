//! Why a database cannot be named or reached.

use std::time::Duration;

use crate::postgres::tls;

/// Why a text is no usable `DATABASE_URL`. Repeats nothing of it but names of parameters that are known and the path of
/// `sslrootcert`: what cannot be parsed may be a part of the password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// It does not begin with `postgres://` or `postgresql://`.
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    /// It is in quotation marks.
    #[error(
        "is in quotation marks, which are part of it: leave them out (`docker run --env-file` keeps those of a file)"
    )]
    Quoted,
    /// It can be read in two ways: with a password that has both `/` and `?`, or with a parameter that has `@`.
    #[error(
        "has `/` and `?` before `@`: write them as %2F and %3F in a password, and `@` as %40 in a parameter"
    )]
    Ambiguous,
    /// There is an `@` in what would be the host.
    #[error(
        "has a second `@`: in a user name or a password, write %40 for `@`, %2F for `/`, %3F for `?` and %3A for `:`"
    )]
    SecondAt,
    /// A `%` is followed by something else than two hexadecimal digits, or stands for what is no text.
    #[error("has a `%` that encodes no character: write %25 for a percent sign")]
    Percent,
    /// A bracket is not closed.
    #[error("has a `[` without `]`: only an address of IPv6 is in brackets")]
    Brackets,
    /// It names no host.
    #[error("names no host")]
    NoHost,
    /// A port is not a number from 1 to 65535.
    #[error(
        "has a port that is not a number from 1 to 65535; in a password, write %3A for `:`, %2F for `/` and %40 for `@`"
    )]
    Port,
    /// A `hostaddr` is no IP address.
    #[error("`hostaddr` must be an IP address, or one for each host")]
    Address,
    /// There are more or fewer ports, or addresses, than hosts.
    #[error("must have one port for all hosts or one for each, and one `hostaddr` for each if it has any")]
    Hosts,
    /// Parameters that are not understood, all of them, each with what to do.
    #[error("{0}")]
    Parameters(String),
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
        // It says everything; what is around it is about the layers of the program.
        let refused = tls::Refused::among(&error).map(ToString::to_string);
        Self(refused.unwrap_or_else(|| with_causes(&error)))
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
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
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
