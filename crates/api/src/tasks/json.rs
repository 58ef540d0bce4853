//! Tasks as JSON text, written straight into the text that is sent.
//!
//! `serde_json` looks at each byte of a text by itself, which for a list of a hundred tasks is a tenth of what this
//! program has to do. Here a text is looked at as a whole, and only one that has something to escape is left to
//! `serde_json`. What is written is the same to the byte; a test compares the two.

use chrono::{DateTime, Utc};

use super::{
    response::{TaskBody, TaskListBody},
    timestamp,
};

/// About how many bytes the members of a task take beside its texts.
const MEMBERS: usize = 290;

/// The body of a task.
pub(super) fn task(body: &TaskBody<'_>) -> String {
    let mut out = String::with_capacity(size(body));
    write_task(&mut out, body);
    out
}

/// The body of a page.
pub(super) fn task_list(body: &TaskListBody<'_>) -> String {
    // So that it is not moved while it grows.
    let mut out = String::with_capacity(MEMBERS + body.tasks.iter().map(size).sum::<usize>());
    out.push_str("{\"tasks\":[");
    for (index, task) in body.tasks.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_task(&mut out, task);
    }
    out.push_str("],\"count\":");
    write_number(&mut out, body.count);
    out.push_str(",\"next_cursor\":");
    write_optional(&mut out, body.next_cursor, write_text);
    if let Some(total) = body.total {
        out.push_str(",\"total\":");
        write_number(&mut out, total);
    }
    out.push('}');
    out
}

fn size(body: &TaskBody<'_>) -> usize {
    MEMBERS + body.user_id.len() + body.title.len() + body.description.map_or(0, str::len)
}

fn write_task(out: &mut String, body: &TaskBody<'_>) {
    out.push_str("{\"id\":");
    write_number(out, body.id);
    out.push_str(",\"user_id\":");
    write_text(out, body.user_id);
    out.push_str(",\"title\":");
    write_text(out, body.title);
    out.push_str(",\"description\":");
    write_optional(out, body.description, write_text);
    out.push_str(if body.completed { ",\"completed\":true" } else { ",\"completed\":false" });
    out.push_str(",\"created_at\":");
    write_moment(out, body.created_at);
    out.push_str(",\"updated_at\":");
    write_moment(out, body.updated_at);
    out.push_str(",\"version\":");
    write_number(out, body.version);
    out.push_str(",\"completed_at\":");
    write_optional(out, body.completed_at, write_moment);
    out.push('}');
}

fn write_optional<T>(out: &mut String, value: Option<T>, write: impl Fn(&mut String, T)) {
    match value {
        Some(value) => write(out, value),
        None => out.push_str("null"),
    }
}

fn write_number(out: &mut String, number: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(number));
}

fn write_moment(out: &mut String, moment: DateTime<Utc>) {
    out.push('"');
    timestamp::write(out, moment);
    out.push('"');
}

fn write_text(out: &mut String, text: &str) {
    if has_to_be_escaped(text) {
        // A text always can be written.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// Whether a text has what a JSON string cannot hold as it is (RFC 8259, section 7). It looks at all of it, so that the
/// compiler can look at many bytes at a time.
fn has_to_be_escaped(text: &str) -> bool {
    let found = |byte| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.bytes().fold(0, |any, byte| any | found(byte)) != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use task_domain::{
        Description, Task, TaskPage, Title, Version,
        testing::{self, user},
    };

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        let any = proptest::collection::vec(any::<char>(), 1..40);
        prop_oneof![any.prop_map(String::from_iter), "[a-z\"\\\\\n\t\u{1}\u{7f}é🦀]{1,40}"]
            .prop_map(|text| text.replace('\0', ""))
    }

    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        (-62_167_219_200_i64..253_402_300_800, 0_u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
    }

    prop_compose! {
        fn a_task()(
            id in 1..=i64::MAX,
            title in text().prop_filter_map("no title", |text| Title::parse(text).ok()),
            description in proptest::option::of(text()),
            completed_at in proptest::option::of(moment()),
            created_at in moment(),
            updated_at in moment(),
            version in 1..=i64::MAX,
        ) -> Task {
            let description = description.map(|text| Description::parse(text).unwrap());
            let version = Version::new(version).unwrap();
            let task = testing::task(&user("a\"b/é"), id);
            Task { title, description, completed_at, created_at, updated_at, version, ..task }
        }
    }

    proptest! {
        #[test]
        fn a_task_is_written_as_serde_json_writes_it(written in a_task()) {
            let body = TaskBody::from(&written);
            prop_assert_eq!(task(&body), serde_json::to_string(&body).unwrap());
        }

        #[test]
        fn a_page_is_written_as_serde_json_writes_it(
            tasks in proptest::collection::vec(a_task(), 0..4),
            total in proptest::option::of(any::<u64>()),
            cursor in proptest::option::of(text()),
        ) {
            let page = TaskPage { tasks, more: cursor.is_some(), total };
            let body = TaskListBody::new(&page, cursor.as_deref());
            prop_assert_eq!(task_list(&body), serde_json::to_string(&body).unwrap());
        }
    }

    #[test]
    fn every_character_that_json_escapes_is_found() {
        for byte in 0..=0x7f_u8 {
            let text = format!("plain{}plain", char::from(byte));
            let escaped = serde_json::to_string(&text).unwrap() != format!("\"{text}\"");
            assert_eq!(has_to_be_escaped(&text), escaped, "{byte}");
        }
    }

    #[test]
    fn a_body_has_the_room_that_it_takes() {
        let owner = user("alice");
        let mut largest = testing::task(&owner, i64::MAX);
        largest.version = Version::new(i64::MAX).unwrap();
        largest.completed_at = Some(largest.updated_at);
        let tasks = vec![largest; 100];
        let page = TaskPage { tasks, more: true, total: Some(u64::MAX) };
        let body = task_list(&TaskListBody::new(&page, Some(&"c".repeat(200))));
        assert_eq!(
            body.capacity(),
            MEMBERS + page.tasks.iter().map(|task| size(&TaskBody::from(task))).sum::<usize>()
        );
    }
}
