//! Who writes what: text that goes wrong wherever a dump or a shell takes it for something else than text.

use serde_json::{Value, json};

/// Ids that have to be quoted in a path, in SQL or in a shell.
pub(crate) const USERS: [&str; 4] = ["demo", "o'brien \"$HOME\"", "ünï/côdé \u{1f9ea}", "%2e\\N;--"];

/// The bodies of the tasks that each user creates.
pub(crate) fn bodies() -> Vec<Value> {
    let odd = [
        "plain",
        "\\N \\. \\\\ \\x41 \\u0041",
        "it's \"quoted\"; DROP TABLE tasks; --",
        "$HOME `id` %s {} <b>&amp;",
        "tab\there\u{1}control\u{7f}",
        "e\u{301} is not \u{e9}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202e}turned",
        "\u{1f469}\u{200d}\u{1f52c} family of one",
        "a\u{2028}b\r\nc",
        "\u{10ffff}\u{fffd}\u{feff}x",
    ];
    let mut bodies: Vec<Value> =
        odd.iter().map(|text| json!({ "title": text, "description": text })).collect();
    // The longest that there are, in characters of four bytes, and the two kinds of nothing.
    bodies.push(json!({ "title": "\u{1f4a5}".repeat(200), "description": "\u{1f4a5}".repeat(10_000) }));
    bodies.push(json!({ "title": "empty", "description": "" }));
    bodies.push(json!({ "title": "none", "description": null }));
    bodies
}
