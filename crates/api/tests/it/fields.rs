//! docs/api.md, "Routes" and "Common errors": what the members of a body may be, and all faults at once.

use serde_json::{Value, json};

use crate::helpers::{Answer, Server, post, put};

const TASKS: &str = "/api/alice/tasks";
const TASK: &str = "/api/alice/tasks/7";

fn create(server: &Server, body: &Value) -> Answer {
    server.send(&post(TASKS).by("alice").json(body))
}

fn update(server: &Server, body: &Value) -> Answer {
    server.send(&put(TASK).by("alice").json(body))
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn every_member_at_fault_is_named_and_no_other() {
    let server = Server::without_port();
    let long = "x".repeat(201);
    let longer = "x".repeat(10_001);
    for (body, by_create, by_update) in [
        (json!({"title": 1}), &["title"][..], &["title"][..]),
        (json!({"title": true}), &["title"], &["title"]),
        (json!({"title": []}), &["title"], &["title"]),
        (json!({"title": ["t"]}), &["title"], &["title"]),
        (json!({"title": {"a": "t"}}), &["title"], &["title"]),
        (json!({"title": 1e300}), &["title"], &["title"]),
        (json!({"title": ""}), &["title"], &["title"]),
        (json!({"title": " \t\r\n"}), &["title"], &["title"]),
        (json!({"title": "\u{2003}\u{3000}\u{85}\u{a0}\u{2028}"}), &["title"], &["title"]),
        (json!({ "title": long }), &["title"], &["title"]),
        (json!({"title": "a\0b"}), &["title"], &["title"]),
        (json!({"title": "\0"}), &["title"], &["title"]),
        (json!({"description": 1}), &["description", "title"], &["description"]),
        (json!({"description": false}), &["description", "title"], &["description"]),
        (json!({"description": ["d"]}), &["description", "title"], &["description"]),
        (json!({"description": {}}), &["description", "title"], &["description"]),
        (json!({"description": "a\0"}), &["description", "title"], &["description"]),
        (json!({ "title": "t", "description": longer }), &["description"], &["description"]),
        (json!({"title": "t", "completed": true}), &["completed"], &["completed"]),
        (json!({"title": "t", "completed": null}), &["completed"], &["completed"]),
        (json!({"title": "t", "id": 7, "user_id": "alice"}), &["id", "user_id"], &["id", "user_id"]),
        (json!({"title": "t", "created_at": "", "updated_at": ""}), &["created_at", "updated_at"], {
            &["created_at", "updated_at"]
        }),
        (json!({"title": "t", "Title": "t", " title": "t"}), &[" title", "Title"], &[" title", "Title"]),
        (json!({"title": "t", "": 1, "a\0b": 1, "é🦀": 1}), &["", "a\0b", "é🦀"], &["", "a\0b", "é🦀"]),
        (json!({"title": "t", "__proto__": {}}), &["__proto__"], &["__proto__"]),
        (json!({ "title": long, "description": longer, "x": 1 }), &["description", "title", "x"], {
            &["description", "title", "x"]
        }),
        (
            json!({"title": 1, "description": 2, "completed": 3, "y": {"z": 1}}),
            { &["completed", "description", "title", "y"] },
            &["completed", "description", "title", "y"],
        ),
    ] {
        assert_eq!(sorted(create(&server, &body).assert_faults("validation_failed")), by_create, "{body}");
        assert_eq!(sorted(update(&server, &body).assert_faults("validation_failed")), by_update, "{body}");
    }
}

#[test]
fn a_title_is_needed_to_create_and_null_is_none() {
    let server = Server::without_port();
    for body in [json!({}), json!({"title": null}), json!({"description": "d"})] {
        assert_eq!(create(&server, &body).assert_faults("validation_failed"), ["title"], "{body}");
    }
}

#[test]
fn a_title_has_1_to_200_scalar_values_once_it_is_trimmed() {
    let server = Server::working();
    let white = "\u{9}\u{a}\u{b}\u{c}\u{d} \u{85}\u{a0}\u{1680}\u{2000}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    for unit in ["a", "é", "語", "🦀", "\u{301}", "\u{200d}", "\u{200b}", "\u{feff}"] {
        for length in [1, 2, 199, 200] {
            let title = unit.repeat(length);
            let padded = json!({ "title": format!("{white}{title}{white}") });
            let answer = create(&server, &padded);
            assert_eq!(answer.assert_status(201).json()["title"], title, "{length} times {unit:?}");
            update(&server, &padded).assert_status(200);
        }
        let too_long = json!({ "title": unit.repeat(201) });
        assert_eq!(create(&server, &too_long).assert_faults("validation_failed"), ["title"]);
        assert_eq!(update(&server, &too_long).assert_faults("validation_failed"), ["title"]);
    }
    // 100 letters for a reader, 200 scalar values.
    let combined = "e\u{301}".repeat(100);
    create(&server, &json!({ "title": combined })).assert_status(201);
    create(&server, &json!({ "title": combined.clone() + "x" })).assert_error(400, "validation_failed");
    // One family for a reader, seven scalar values each.
    let families = "👨\u{200d}👩\u{200d}👧\u{200d}👦".repeat(28);
    create(&server, &json!({ "title": families.clone() + "1234" })).assert_status(201);
    create(&server, &json!({ "title": families + "12345" })).assert_error(400, "validation_failed");
    // White space inside is kept and counted.
    let inside = format!("a{}b", " ".repeat(198));
    assert_eq!(create(&server, &json!({ "title": inside })).assert_status(201).json()["title"], inside);
    let inside = format!("a{}b", " ".repeat(199));
    create(&server, &json!({ "title": inside })).assert_error(400, "validation_failed");
}

#[test]
fn a_description_has_up_to_10000_scalar_values_and_is_never_trimmed() {
    let server = Server::working();
    for unit in ["a", "é", "🦀", "\u{301}", " "] {
        for length in [0, 1, 9_999, 10_000] {
            let description = unit.repeat(length);
            let body = json!({ "title": "t", "description": description });
            let answer = create(&server, &body);
            assert_eq!(answer.assert_status(201).json()["description"], description, "{length} {unit:?}");
            update(&server, &body).assert_status(200);
        }
        let body = json!({ "title": "t", "description": unit.repeat(10_001) });
        assert_eq!(create(&server, &body).assert_faults("validation_failed"), ["description"]);
        assert_eq!(update(&server, &body).assert_faults("validation_failed"), ["description"]);
    }
}

#[test]
fn escapes_count_as_what_they_stand_for() {
    let server = Server::working();
    let title = format!(r#"{{"title":"{}"}}"#, r"\ud83e\udd80".repeat(200));
    let answer = server.send(&post(TASKS).by("alice").json(&title));
    assert_eq!(answer.assert_status(201).json()["title"], "🦀".repeat(200));
    let answer = server.send(&post(TASKS).by("alice").json(r#"{"t\u0069tle":"\u0020\u0061\u0009"}"#));
    assert_eq!(answer.assert_status(201).json()["title"], "a");
    // The longest values there are fit into a body even where every character is escaped.
    let longest = format!(
        r#"{{"title":"{0}","description":"{1}"}}"#,
        r"\ud83e\udd80".repeat(200),
        r"\ud83e\udd80".repeat(10_000)
    );
    let answer = server.send(&post(TASKS).by("alice").json(&longest));
    assert_eq!(answer.assert_status(201).json()["description"], "🦀".repeat(10_000));
    let nul = server.send(&post(TASKS).by("alice").json(r#"{"title":"a\u0000"}"#));
    assert_eq!(nul.assert_faults("validation_failed"), ["title"]);
}

#[test]
fn at_most_100_faults_are_named() {
    let server = Server::without_port();
    for unknown in [98, 99, 100, 101, 5000] {
        let mut body = json!({ "title": "", "description": 1 });
        for number in 0..unknown {
            body[format!("m{number}")] = json!(null);
        }
        for answer in [create(&server, &body), update(&server, &body)] {
            let faults = answer.assert_faults("validation_failed");
            assert_eq!(faults.len(), (unknown + 2).min(100));
            assert_eq!(sorted(faults.clone()).len(), faults.len(), "a member is named twice");
            assert!(faults.iter().all(|name| body.get(name).is_some()));
        }
    }
}

#[test]
fn a_message_says_what_is_wrong() {
    let server = Server::without_port();
    let message = |body: Value| {
        create(&server, &body).assert_error(400, "validation_failed").fields.unwrap().remove(0).message
    };
    assert!(message(json!({})).contains("required"));
    assert!(message(json!({"title": 1})).contains("string"));
    assert!(message(json!({"title": " "})).contains("empty"));
    assert!(message(json!({ "title": "x".repeat(201) })).contains("200"));
    assert!(message(json!({ "title": "t", "description": "x".repeat(10_001) })).contains("10000"));
    assert!(message(json!({"title": "\0"})).contains("U+0000"));
    assert!(message(json!({"title": "t", "x": 1})).contains("not a known member"));
}
