//! A body is taken exactly where the contract says so, and then says what its members say.

use serde_json::{Map, Value};
use task_api::parsers::{self, Refused};
use task_domain::{Change, Description, TaskChanges, Title};

type Object = Map<String, Value>;

pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(members) = parsers::object(input) else { return false };
    // Each is tried whatever became of the others.
    [create(&members), update(&members), patch(&members), complete(&members)].contains(&true)
}

fn create(members: &Object) -> bool {
    let good = only(members, &["title", "description"])
        && members.get("title").is_some_and(is_title)
        && members.get("description").is_none_or(|value| value.is_null() || is_description(value));
    let body = parsers::create(members);
    if let Ok(task) = &body {
        check_title(&task.title, members);
        assert_eq!(task.description.as_ref().map(Description::as_str), text(members, "description"));
    }
    judge(body, good, members)
}

fn update(members: &Object) -> bool {
    let sound = |name, is_one: fn(&Value) -> bool| {
        members.get(name).is_none_or(|value| value.is_null() || is_one(value))
    };
    let good = only(members, &["title", "description"])
        && sound("title", is_title)
        && sound("description", is_description);
    let body = parsers::update(members);
    match &body {
        Ok(changes) => {
            check_changes(changes, members);
            assert_eq!(changes.completed, None);
            assert_ne!(changes.description, Change::Clear, "null is nothing in an update");
            assert!(!changes.is_empty());
        }
        Err(Refused::Empty) => {
            assert!(good && members.values().all(Value::is_null), "something would be set");
            return false;
        }
        Err(_) => {}
    }
    judge(body, good, members)
}

fn patch(members: &Object) -> bool {
    let good = only(members, &["title", "description", "completed"])
        && members.get("title").is_none_or(is_title)
        && members.get("description").is_none_or(|value| value.is_null() || is_description(value))
        && members.get("completed").is_none_or(Value::is_boolean);
    let body = parsers::patch(members);
    if let Ok(changes) = &body {
        check_changes(changes, members);
        assert_eq!(changes.completed, members.get("completed").and_then(Value::as_bool));
        let cleared = members.get("description").is_some_and(Value::is_null);
        assert_eq!(changes.description == Change::Clear, cleared);
        assert_eq!(changes.is_empty(), members.is_empty());
    }
    judge(body, good, members)
}

fn complete(members: &Object) -> bool {
    let completed = members.get("completed").and_then(Value::as_bool);
    let body = parsers::complete(members);
    if let Ok(body) = &body {
        assert_eq!(body.completed, completed);
    }
    judge(body, only(members, &["completed"]) && completed.is_some(), members)
}

/// Compares what was made of a body with what the contract says, and a refusal with the members that it names.
fn judge<T>(body: Result<T, Refused>, good: bool, members: &Object) -> bool {
    match body {
        Ok(_) => assert!(good, "taken although a member is at fault: {members:?}"),
        Err(Refused::Fields(faults)) => {
            assert!(!good, "refused although no member is at fault: {faults:?}");
            assert!(!faults.is_empty());
            for (place, (field, message)) in faults.iter().enumerate() {
                let is_known = members.contains_key(field)
                    || (message == "is required" && ["title", "completed"].contains(&&**field));
                assert!(is_known, "{field} is no field of the body");
                assert!(!faults[..place].iter().any(|(other, _)| other == field), "{field} twice");
            }
        }
        Err(Refused::Empty) => unreachable!("only an update is refused for that"),
    }
    good
}

fn check_changes(changes: &TaskChanges, members: &Object) {
    if let Some(title) = &changes.title {
        check_title(title, members);
    }
    assert_eq!(changes.title.is_some(), text(members, "title").is_some());
    let set = if let Change::Set(text) = &changes.description { Some(text.as_str()) } else { None };
    assert_eq!(set, text(members, "description"), "a description is kept as it was sent");
}

/// A title is what was sent, without white space at its ends.
fn check_title(title: &Title, members: &Object) {
    let (title, sent) = (title.as_str(), text(members, "title").unwrap_or_default());
    assert_eq!(title, sent.trim_matches(char::is_whitespace));
    assert!((1..=200).contains(&title.chars().count()) && !title.contains('\0'), "{title:?}");
}

fn only(members: &Object, known: &[&str]) -> bool {
    members.keys().all(|name| known.contains(&&**name))
}

fn text<'a>(members: &'a Object, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// docs/api.md, "Rules": 1 to 200 scalar values between white space, none of them U+0000.
fn is_title(value: &Value) -> bool {
    let title = value.as_str().unwrap_or_default().trim_matches(char::is_whitespace);
    (1..=200).contains(&title.chars().count()) && !title.contains('\0')
}

/// docs/api.md, "Rules": at most 10,000 scalar values, none of them U+0000.
fn is_description(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= 10_000 && !text.contains('\0'))
}
