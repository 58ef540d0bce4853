//! What pgbench is given in `tools/bench/sql` is what the service says, so that the two can be compared.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
};

use super::sql::{ByTitleOfStatus, Create, Find, NewestFirst, Update};

/// The text of a file without its comments and variables, whose names become those of the parameters.
macro_rules! file {
    ($name:literal) => {
        parameters(include_str!(concat!("../../../../tools/bench/sql/", $name, ".sql")))
    };
}

fn parameters(file: &str) -> String {
    let lines = file.lines().filter(|line| !line.starts_with('\\'));
    // pgbench has no variable without a value, so that a file says that one is absent.
    let text = plain(&lines.collect::<Vec<_>>().join("\n")).replace("NULL::", ":absent::");
    let mut count = 0;
    let mut numbered = |part: &str| {
        count += 1;
        let behind = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        format!("${count}{behind}")
    };
    // Two colons are a cast, one is a name.
    let mut piece = |piece: &str| {
        let mut parts = piece.split(':');
        let first = parts.next().unwrap_or("").to_owned();
        parts.fold(first, |text, part| text + &numbered(part))
    };
    text.trim_end_matches(';').split("::").map(&mut piece).collect::<Vec<_>>().join("::")
}

/// Without comments, and with one blank for all white space.
fn plain(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or(""));
    let text = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    text.replace("( ", "(").replace(" )", ")")
}

fn said<T: QueryFragment<Pg> + QueryId>(statement: &T) -> String {
    plain(&diesel::debug_query::<Pg, _>(statement).to_string())
}

#[test]
fn one_task_is_asked_for_in_the_same_words() {
    assert_eq!(file!("get"), said(&Find { owner: "ada", id: 7 }));
}

#[test]
fn lists_are_asked_for_in_the_same_words() {
    let at = DateTime::<Utc>::MAX_UTC;
    assert_eq!(file!("list"), said(&NewestFirst { owner: "ada", at, id: 7, limit: 1001 }));
    let pending = ByTitleOfStatus { owner: "ada", completed: false, title: "", id: 0, limit: 1001 };
    assert_eq!(file!("list_pending_title"), said(&pending));
}

#[test]
fn a_task_is_created_in_the_same_words() {
    assert_eq!(file!("create"), said(&Create { owner: "ada", title: "buy milk", description: None }));
}

#[test]
fn tasks_are_changed_in_the_same_words() {
    let update = Update {
        title: Some("buy milk"),
        description: None,
        keep_description: false,
        completed: None,
        flip: false,
        owner: "ada",
        id: 7,
        any_version: true,
        versions: &[],
    };
    for file in [file!("update"), file!("toggle")] {
        assert_eq!(file, said(&update));
    }
}
