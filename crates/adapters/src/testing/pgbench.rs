use crate::{idempotency, postgres::statement::NamedText, tasks};

/// Every statement of the service that is a file, by the file's name. Those on idempotency keys are named `key_find` and so
/// on, and lists `page_by_created`, `page_by_created_of_status`, `count`, `count_of_status` and so on.
pub(crate) fn statements() -> Vec<NamedText> {
    let keys = idempotency::sql::all().into_iter().map(|(name, text)| (format!("key_{name}"), text));
    tasks::sql::all().into_iter().chain(tasks::page::all()).chain(keys).collect()
}

/// A statement of the service as pgbench runs it: with `:name` for each parameter, and `NULL` for those that are absent,
/// because no variable of pgbench is null. Its name is that of its file in `tasks/sql`, or `page_by_created`,
/// `page_by_created_of_status` and so on for a list.
///
/// Panics if there is no such statement.
#[must_use]
pub fn pgbench_statement(name: &str, absent: &[&str]) -> String {
    let known = statements().into_iter().find(|(known, _)| known == name);
    let (_, text) = known.unwrap_or_else(|| panic!("no statement is named {name}"));
    let value = |parameter: &str, _| {
        if absent.contains(&parameter) { "NULL".to_owned() } else { format!(":{parameter}") }
    };
    format!("{};", text.unwrap().with(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_names_and_absent_ones_are_null() {
        assert_eq!(
            pgbench_statement("count_of_status", &[]),
            "SELECT count(*) FROM tasks WHERE user_id = :owner AND completed = :completed;"
        );
        let update = pgbench_statement("update", &["completed"]);
        assert!(update.contains(":title::text AS title, :set_title::boolean AS set_title"), "{update}");
        assert!(update.contains("NULL::boolean AS completed, :set_completed::boolean"), "{update}");
    }
}
