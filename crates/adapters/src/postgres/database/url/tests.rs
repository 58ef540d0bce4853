use proptest::prelude::*;

use super::*;
use crate::postgres::database::Database;

fn error(url: &str) -> String {
    Database::parse(url).unwrap_err().to_string()
}

fn address(url: &str) -> String {
    Database::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).address()
}

#[test]
fn every_mode_of_libpq_but_allow_is_understood() {
    for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
        Database::parse(&format!("postgres://h/d?sslmode={mode}")).unwrap();
    }
    for other in ["allow", "no-verify", "s3cret"] {
        assert_eq!(
            error(&format!("postgres://h/d?sslmode={other}")),
            "`sslmode` must be disable, prefer, require, verify-ca or verify-full"
        );
    }
}

#[test]
fn what_the_query_names_replaces_what_stands_before_it() {
    assert_eq!(address("postgres://u@localhost:5432/db?host=/run/b"), "/run/b:5432/db");
    assert_eq!(address("postgres://u@localhost:5432/db?port=6000&dbname=other"), "localhost:6000/other");
    assert_eq!(address("postgres:///?host=h&dbname=d"), "h:5432/d");
    assert_eq!(address("postgres:///d?hostaddr=127.0.0.1"), "127.0.0.1:5432/d");
    let read = DatabaseUrl::parse("postgres://a:b@h/d?user=me&password=s%26c", Config::new()).unwrap();
    assert_eq!((read.config.get_user(), read.config.get_password()), (Some("me"), Some(&b"s&c"[..])));
}

#[test]
fn hosts_are_names_addresses_and_folders_with_ports_or_without() {
    for (url, expected) in [
        ("postgres://one:1,two,[::1]:3/d", "one:1,two:5432,::1:3/d"),
        ("postgres://%2Frun%2Fpostgresql/d", "/run/postgresql:5432/d"),
        ("postgres://one,two/d?port=7", "one:7,two:7/d"),
        ("postgres://db%2Dx/a%20b", "db-x:5432/a b"),
        ("postgres://h", "h:5432/"),
    ] {
        assert_eq!(address(url), expected);
    }
}

#[test]
fn numbers_of_hosts_and_ports_that_do_not_fit_are_refused() {
    for url in ["postgres://u@/d?host=a,b,c&port=1,2", "postgres://a,b/d?hostaddr=127.0.0.1"] {
        let error = Database::parse(url).unwrap_err();
        assert!(matches!(error, InvalidDatabaseUrl::Hosts), "{url}: {error}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_what_to_do() {
    for (url, words) in [
        ("mysql://h/d", "must begin with"),
        ("h/d", "must begin with"),
        ("", "must begin with"),
        ("\"postgres://h/d\"", "quotation marks"),
        ("'postgres://h/d'", "quotation marks"),
        ("postgres:///d", "names no host"),
        ("postgres://a,,b/d", "names no host"),
        ("postgres://u:hunter2@s3cr3t@127.0.0.1:5432/db", "write %40 for `@`"),
        ("postgres://u:s3cr3t%@h/d", "write %25"),
        ("postgres://u:s3cr3t%zz@h/d", "write %25"),
        ("postgres://u:s3cr3t%00@h/d", "write %25"),
        ("postgres://h:s3cr3t/d", "a port"),
        ("postgres://h:0/d", "a port"),
        ("postgres://[::1/d", "`[` without `]`"),
        ("postgres://h/d?hostaddr=s3cr3t", "`hostaddr` must be"),
        ("postgres://h/d?password=s3cr@3t", "`@` as %40"),
        ("postgres://u:s3c/r?3t@h/d", "%2F and %3F"),
        ("postgres://h/d?sslmode=require&sslrootcert=/no/such/file", "/no/such/file"),
    ] {
        let error = error(url);
        assert!(error.contains(words), "{url}: {error}");
        assert!(!error.contains("s3c") && !error.contains("3t"), "{error}");
    }
}

#[test]
fn all_parameters_that_are_refused_are_named_at_once() {
    let error = error(
        "postgres://u:s3cret@h/d?ssl=true&schema=mine&s3cret=s3cret&pgbouncer=true&connect_timeout=x&y",
    );
    let parts: Vec<_> = error.split("; ").map(|part| part.split([':', ' ']).next().unwrap()).collect();
    assert_eq!(parts, ["`ssl`", "`schema`", "parameter", "if", "`connect_timeout`", "parameter"]);
    assert!(error.contains("parameter 3 behind") && error.contains("parameter 6 behind"), "{error}");
    assert!(!error.contains("s3cret") && !error.contains("mine"), "{error}");
}

#[test]
fn the_links_that_providers_show_are_understood_with_remarks() {
    for (url, ignored) in [
        ("postgresql://owner:p@ep-x-pooler.aws.neon.tech/app?sslmode=disable&channel_binding=require", 0),
        ("postgresql://u:p@h:6543/d?schema=public&connection_limit=1&pgbouncer=true", 3),
        ("postgres://u:p@h/d?sslmode=disable&supa=base-pooler.x", 1),
        ("postgresql://u:p@h/d?options=-c%20search_path%3Dtasks", 0),
        (
            "postgresql://u:p@h/d?application_name=x&connect_timeout=5&keepalives_idle=9&tcp_user_timeout=7000",
            0,
        ),
        ("postgresql://u:p@h/d?gssencmode=disable&sslcompression=0&client_encoding=utf8", 3),
    ] {
        let database = Database::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(database.remarks().len(), ignored, "{url}: {:?}", database.remarks());
    }
    let config = DatabaseUrl::parse(
        "postgres://h/d?keepalives_idle=9&tcp_user_timeout=7000&connect_timeout=5",
        Config::new(),
    );
    let config = config.unwrap().config;
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(9));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(7)));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(5)));
}

#[test]
fn a_question_mark_in_a_password_begins_no_parameters() {
    for hosts in ["h", "h,i"] {
        let url = format!("postgres://u:a?s3cret=b&sslmode=c@{hosts}/d?sslmode=disable");
        let read = DatabaseUrl::parse(&url, Config::new()).unwrap();
        assert_eq!(read.config.get_password(), Some(&b"a?s3cret=b&sslmode=c"[..]));
        assert_eq!((read.config.get_user(), read.config.get_dbname()), (Some("u"), Some("d")));
        assert_eq!(read.ssl_mode, SslMode::Disable);
    }
    assert_eq!(address("postgres://u:a/b@h/d"), "h:5432/d");
}

/// What a person may have typed or pasted around a password, with the password in the place of `#`.
const SHAPES: [&str; 14] = [
    "postgres://u:#@h/d",
    "postgresql://u:#@h:5432/d?sslmode=disable",
    "postgres://u:#@one,two/d?port=#",
    "postgres://#@h/d",
    "postgres://u:#/d",
    "postgres://h/d?password=#",
    "postgres://h/d?user=u&password=#&schema=x",
    "postgres://u:x@h/d?#",
    "postgres://u:x@h/d?#=1",
    "postgres://u:x@h/d?sslmode=#",
    "postgres://u:x@[#]/d",
    "\"postgres://u:#@h/d\"",
    "u:#@h/d",
    "host=h password=#",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_part_of_a_password_is_shown_whatever_is_wrong_with_the_url(
        password in "[A-Z@:/?#%&=+,;'\"\\[\\]\\\\ .~-]{4,24}",
        shape in 0..SHAPES.len(),
    ) {
        let url = SHAPES[shape].replace('#', &password);
        let shown = match Database::parse(&url) {
            Ok(database) => format!("{:?} {:?}", database, database.remarks()),
            Err(error) => format!("{error} {error:?}"),
        };
        // What reads like a host, a port or a name of a database was understood as one; the property is about the rest.
        let understood = Database::parse(&url).map(|database| database.address()).unwrap_or_default();
        let characters: Vec<char> = password.chars().collect();
        for run in characters.windows(4) {
            let run: String = run.iter().collect();
            let is_a_place = understood.contains(&run) || understood.contains(&decoded(&run).unwrap_or_default());
            prop_assert!(is_a_place || !shown.contains(&run), "{run:?} of {url} is in {shown}");
        }
    }
}
