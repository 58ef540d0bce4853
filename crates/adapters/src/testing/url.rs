use super::waiting::HUNG;
use crate::postgres::database::Database;

/// The same URL, for a client that waits for a server on a busy machine.
pub(super) fn patient(url: &str) -> String {
    with_parameter(url, &format!("connect_timeout={}", HUNG.as_secs()))
}

/// The database of that URL, by connections that no query for those of the service finds.
pub(super) fn database_past_the_service(url: &str) -> Database {
    Database::parse(&with_parameter(url, "application_name=test")).unwrap()
}

fn with_parameter(url: &str, parameter: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameter}")
}

/// The same URL with another database.
pub(super) fn with_database(server_url: &str, name: &str) -> String {
    let (address, query) = server_url.split_once('?').unwrap_or((server_url, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let host = rest.split('/').next().unwrap();
    format!("{scheme}://{host}/{name}?{query}")
}

/// The same URL with another address, and the address that it had.
pub(super) fn detour(url: &str, address: &str) -> (String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (login, upstream) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    assert!(
        !upstream.is_empty(),
        "the tests need a server that listens on TCP, so that they can get in between"
    );
    let port = if upstream.contains(':') { "" } else { ":5432" };
    (format!("{scheme}://{login}{address}{path}"), format!("{upstream}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detour_changes_the_address_and_nothing_else() {
        assert_eq!(
            detour("postgres://u:p@h:5/d?sslmode=disable", "x:1"),
            ("postgres://u:p@x:1/d?sslmode=disable".to_owned(), "h:5".to_owned())
        );
        assert_eq!(detour("postgres://h/d", "x:1"), ("postgres://x:1/d".to_owned(), "h:5432".to_owned()));
    }

    #[test]
    fn a_url_keeps_its_server_and_parameters_and_changes_its_database() {
        assert_eq!(
            with_database("postgres://u:p@h:5/d?sslmode=disable", "x"),
            "postgres://u:p@h:5/x?sslmode=disable"
        );
        assert_eq!(with_database("postgres://h", "x"), "postgres://h/x?");
    }
}
