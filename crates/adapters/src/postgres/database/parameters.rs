//! The parameters behind the `?` of a `DATABASE_URL`: those of libpq 18, of other clients, and of the links that providers
//! show. docs/operations.md, "Parameters of `DATABASE_URL`", has the same table for people.

/// What becomes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is understood.
    Understood,
    /// It changes nothing here, for this reason. With one of these values, or with any if there are none; with another value it
    /// is refused.
    Ignored(&'static str, &'static [&'static str]),
    /// It cannot be followed, and following the rest without it would do something else; with what to do instead.
    Refused(&'static str),
}

use Use::{Ignored, Refused, Understood};

const ANY: &[&str] = &[];
const YES: &[&str] = &["1", "true", "on", "yes"];
const NO: &[&str] = &["0", "false", "off", "no"];

const POOL: &str = "DATABASE_POOL_MAX and DATABASE_POOL_SIZE say how many connections there are";
const WAIT: &str = "DATABASE_POOL_WAIT_MS and DATABASE_DEADLINE_MS say how long a request waits";
const PREPARED: &str =
    "the service prepares each statement once for a connection, and sees by itself whether a pooler keeps it";
const KERBEROS: &str = "the service does not speak Kerberos";
const LIMITS: &str = "set DATABASE_STATEMENT_TIMEOUT_MS and DATABASE_LOCK_TIMEOUT_MS instead";
const CLIENT_CERTIFICATE: &str = "the service has no client certificate: let it log in with a password";
const SEARCH_PATH: &str =
    "let the role find the tables: ALTER ROLE ... IN DATABASE ... SET search_path = ...";
const TLS: &str = "say it with sslmode: disable, prefer, require, verify-ca or verify-full";
const OAUTH: &str = "the service does not speak OAuth to PostgreSQL: let it log in with a password";
const WRITTEN_OUT: &str = "write what it stands for into DATABASE_URL";

/// Every parameter that is known, in the order of the alphabet.
pub(crate) const KNOWN: &[(&str, Use)] = &[
    ("ApplicationName", Refused("write application_name")),
    ("application_name", Understood),
    ("async_fallback", Ignored("it is for another client", ANY)),
    ("binary_parameters", Ignored(PREPARED, ANY)),
    ("channel_binding", Understood),
    ("client_encoding", Ignored("it is always UTF8", &["utf8", "UTF8", "utf-8", "UTF-8", "auto"])),
    ("cluster", Refused("write options=--cluster%3D...")),
    ("command_timeout", Ignored(WAIT, ANY)),
    ("connect_timeout", Understood),
    ("connection_limit", Ignored(POOL, ANY)),
    ("currentSchema", Ignored("it is the default", &["public"])),
    ("dbname", Understood),
    ("default_query_exec_mode", Ignored(PREPARED, ANY)),
    ("encoding", Ignored("it is always UTF8", &["utf8", "UTF8", "utf-8", "UTF-8"])),
    ("fallback_application_name", Understood),
    ("gssdelegation", Ignored(KERBEROS, ANY)),
    ("gssencmode", Ignored(KERBEROS, &["disable", "prefer"])),
    ("gsslib", Ignored(KERBEROS, ANY)),
    ("host", Understood),
    ("hostaddr", Understood),
    ("idle_in_transaction_session_timeout", Ignored("the service sets its own", ANY)),
    ("keepalives", Understood),
    ("keepalives_count", Understood),
    ("keepalives_idle", Understood),
    ("keepalives_interval", Understood),
    ("keepalives_retries", Understood),
    ("krbsrvname", Ignored(KERBEROS, ANY)),
    ("load_balance_hosts", Understood),
    ("lock_timeout", Refused(LIMITS)),
    ("loginTimeout", Refused("write connect_timeout")),
    ("max", Ignored(POOL, ANY)),
    (
        "max_connection_lifetime",
        Ignored("DATABASE_CONNECTION_MAX_AGE_SECONDS says how old a connection gets", ANY),
    ),
    ("max_idle_connection_lifetime", Ignored(POOL, ANY)),
    (
        "max_protocol_version",
        Ignored("the service speaks 3.0, which every server does", &["3.0", "3.2", "latest"]),
    ),
    ("min_protocol_version", Ignored("the service speaks 3.0", &["3.0"])),
    ("oauth_client_id", Refused(OAUTH)),
    ("oauth_client_secret", Refused(OAUTH)),
    ("oauth_issuer", Refused(OAUTH)),
    ("oauth_scope", Refused(OAUTH)),
    ("options", Understood),
    ("passfile", Refused(WRITTEN_OUT)),
    ("password", Understood),
    ("pgbouncer", Ignored(PREPARED, ANY)),
    (
        "pool_max_conn_lifetime",
        Ignored("DATABASE_CONNECTION_MAX_AGE_SECONDS says how old a connection gets", ANY),
    ),
    ("pool_max_conns", Ignored(POOL, ANY)),
    ("pool_min_conns", Ignored(POOL, ANY)),
    ("pool_mode", Ignored(PREPARED, ANY)),
    ("pool_timeout", Ignored(WAIT, ANY)),
    ("port", Understood),
    ("prepareThreshold", Ignored(PREPARED, ANY)),
    ("prepared_statement_cache_size", Ignored(PREPARED, ANY)),
    ("prepared_statements", Ignored(PREPARED, ANY)),
    ("query_timeout", Ignored(WAIT, ANY)),
    ("reWriteBatchedInserts", Ignored("it is for another client", ANY)),
    ("replication", Ignored("it is the default", NO)),
    (
        "require_auth",
        Refused(
            "it is not checked here; channel_binding=require makes sure that the server knows the password",
        ),
    ),
    ("requirepeer", Refused("who owns the socket is not checked here: protect its folder")),
    ("requiressl", Refused(TLS)),
    ("schema", Ignored("it is the default", &["public"])),
    ("scram_client_key", Refused("write the password")),
    ("scram_server_key", Refused("write the password")),
    ("search_path", Ignored("it is the default", &["public"])),
    ("service", Refused(WRITTEN_OUT)),
    ("servicefile", Refused(WRITTEN_OUT)),
    ("socket_timeout", Ignored(WAIT, ANY)),
    ("ssl", Refused(TLS)),
    ("ssl_max_protocol_version", Ignored("the newest that both sides speak is taken", &["", "TLSv1.3"])),
    (
        "ssl_min_protocol_version",
        Ignored("nothing older than TLS 1.2 is spoken", &["", "TLSv1", "TLSv1.1", "TLSv1.2"]),
    ),
    ("sslaccept", Refused(TLS)),
    ("sslcert", Refused(CLIENT_CERTIFICATE)),
    ("sslcertmode", Ignored("the service has no client certificate", &["allow", "disable"])),
    ("sslcompression", Ignored("nothing is compressed", NO)),
    ("sslcrl", Refused("revoked certificates are not looked for: take the authority out of sslrootcert")),
    ("sslcrldir", Refused("revoked certificates are not looked for: take the authority out of sslrootcert")),
    ("sslfactory", Refused(TLS)),
    ("sslidentity", Refused(CLIENT_CERTIFICATE)),
    ("sslkey", Refused(CLIENT_CERTIFICATE)),
    ("sslkeylogfile", Refused("the service does not write down keys of connections")),
    ("sslmode", Understood),
    ("sslnegotiation", Understood),
    ("sslpassword", Refused(CLIENT_CERTIFICATE)),
    ("sslrootcert", Understood),
    ("sslsni", Ignored("the name of the host is always sent", YES)),
    ("statement_cache_mode", Ignored(PREPARED, ANY)),
    ("statement_cache_size", Ignored(PREPARED, ANY)),
    ("statement_timeout", Refused(LIMITS)),
    ("supa", Ignored("it is for another client", ANY)),
    ("targetServerType", Refused("write target_session_attrs: any or read-write")),
    ("target_session_attrs", Understood),
    ("tcp_user_timeout", Understood),
    ("timezone", Ignored("every moment is sent with its zone", ANY)),
    ("uselibpqcompat", Ignored("the service reads every parameter as libpq does", ANY)),
    ("user", Understood),
    ("workaround", Ignored("it is for another client", ANY)),
];

/// What to do instead of an [`Ignored`] parameter with a value that would change something.
fn instead(name: &str) -> &'static str {
    match name {
        "schema" | "currentSchema" | "search_path" => SEARCH_PATH,
        "client_encoding" | "encoding" => "leave it out: texts are always UTF8",
        "gssencmode" => "leave it out, or set disable: the service does not speak Kerberos",
        "replication" => "leave it out: the service runs ordinary sessions",
        "sslsni" => "leave it out: the name of the host is always sent",
        "sslcertmode" => CLIENT_CERTIFICATE,
        _ => "leave it out: the service cannot do what it asks for",
    }
}

/// What becomes of `name=value`: nothing, a remark, or the reason why it is refused; the latter with what to do. The value
/// is never repeated, for a `?` in a password makes the rest of it look like parameters.
pub(super) fn judge(name: &str, value: &str) -> Result<Option<String>, Option<String>> {
    // Of a name that is not known nothing is repeated either.
    let (_, known) = KNOWN.iter().find(|(known, _)| *known == name).ok_or(None)?;
    match known {
        Understood => Ok(None),
        Ignored(why, values) if values.is_empty() || values.contains(&value) => {
            Ok(Some(format!("`{name}` is ignored: {why}")))
        }
        Ignored(..) => Err(Some(format!("`{name}` with this value is not understood: {}", instead(name)))),
        Refused(what) => Err(Some(format!("`{name}` is not understood: {what}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order_and_none_is_there_twice() {
        let folded: Vec<_> = KNOWN.iter().map(|(name, _)| *name).collect();
        assert!(folded.is_sorted(), "{folded:?}");
    }

    #[test]
    fn a_parameter_is_understood_ignored_with_a_remark_or_refused_with_what_to_do() {
        assert_eq!(judge("sslmode", "x"), Ok(None));
        assert!(judge("pgbouncer", "true").unwrap().unwrap().starts_with("`pgbouncer` is ignored: "));
        assert!(judge("schema", "public").unwrap().is_some());
        let refused = judge("schema", "s3cret").unwrap_err().unwrap();
        assert!(refused.contains("search_path") && !refused.contains("s3cret"), "{refused}");
        assert!(judge("sslcert", "x").unwrap_err().unwrap().contains("password"));
        assert_eq!(judge("s3cret", "x"), Err(None));
    }

    /// Keeps docs/operations.md and this table the same.
    #[test]
    fn the_documents_have_every_parameter_with_what_becomes_of_it() {
        let document = include_str!("../../../../../docs/operations.md");
        let (_, section) = document.split_once("\n### Parameters of DATABASE_URL\n").expect("the section");
        let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
        let mut documented = Vec::new();
        for row in rows.take_while(|line| line.starts_with('|')) {
            let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
            let (names, becomes) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            for name in names.split(", ") {
                documented
                    .push((name.trim_matches('`'), becomes.split_whitespace().next().unwrap_or_default()));
            }
        }
        documented.sort_unstable();
        let known: Vec<_> = KNOWN
            .iter()
            .map(|(name, becomes)| {
                let word = match becomes {
                    Understood => "understood",
                    Ignored(_, []) => "ignored",
                    Ignored(..) => "some",
                    Refused(_) => "refused",
                };
                (*name, word)
            })
            .collect();
        assert_eq!(documented, known);
    }
}
