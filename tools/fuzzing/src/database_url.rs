//! A URL is understood or not; in neither case does a message hold the password.
//!
//! The lines of an input are what stands before and behind a password in its place, and the rest of the URL. An input of one
//! line is a whole URL.

use task_adapters::Database;

/// Nothing that is said of a database may hold it.
const PASSWORD: &str = "s3cr3tpassw0rd";

pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    // A file would be opened, and there are some that never end.
    if text.contains("sslrootcert") || text.contains(PASSWORD) {
        return false;
    }
    match text.splitn(3, '\n').collect::<Vec<_>>()[..] {
        // Behind the first `@` is no password any more, but the place.
        [before, behind, place] if !before.contains('@') && !behind.contains('@') => {
            let url = format!("postgres://u:{before}{PASSWORD}{behind}@{place}");
            parse(&url)
        }
        _ => parse(text),
    }
}

fn parse(url: &str) -> bool {
    match Database::parse(url) {
        Ok(database) => {
            let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
            assert!(is_postgres, "{url:?} was taken");
            let told = format!("{database:?} {}", database.address());
            assert!(!told.contains(PASSWORD), "{url:?}: {told}");
            let again = Database::parse(&format!("{url}{}connect_timeout=7", joint(url)));
            let place = |database: &Database| (database.address(), database.is_remote());
            let moved = again.as_ref().map(place).map_err(ToString::to_string);
            assert_eq!(moved, Ok(place(&database)), "{url:?} is elsewhere with another time limit");
            true
        }
        Err(error) => {
            let told = format!("{error} {error:?}");
            assert!(!told.contains(PASSWORD), "{url:?}: {told}");
            false
        }
    }
}

/// How a further parameter is added to a URL. Before the first `@` it is the password that may have a `?`.
fn joint(url: &str) -> char {
    let place = url.split_once('@').map_or(url, |(_, place)| place);
    if place.contains('?') { '&' } else { '?' }
}
