//! Makes text from other sources safe for a terminal.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use task_support::visible;

/// The most characters of a text that are shown.
const LIMIT: usize = 200;

/// The text in double quotes. Invisible characters are escaped, so that a text can neither control the terminal nor look like
/// another one.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(LIMIT).collect();
    if cut.len() < text.len() { format!("{cut:?}...") } else { format!("{cut:?}") }
}

/// The text without quotes, for messages of a server. Invisible characters are escaped.
pub(super) fn plain(text: &str) -> String {
    shortened(text, LIMIT)
}

/// The same for a sentence of our own about what a server sent, which is not cut before it says what to do.
pub(super) fn sentence(text: &str) -> String {
    shortened(text, 4 * LIMIT)
}

fn shortened(text: &str, limit: usize) -> String {
    let shown = visible(&text.chars().take(limit).collect::<String>());
    if text.chars().count() > limit { shown + "..." } else { shown }
}

/// A JSON value: the text of a string, a description of anything else.
pub(super) fn value(given: &Value) -> String {
    match given {
        Value::String(text) => quoted(text),
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::Array(entries) => {
            let one = |entry: &Value| if entry.is_array() { "a list".to_owned() } else { value(entry) };
            let texts: Vec<_> = entries.iter().take(5).map(one).collect();
            format!("a list of {}: {}", entries.len(), texts.join(", "))
        }
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A moment as the API writes it.
pub(super) fn moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A number of seconds as people say it.
pub(super) fn seconds(seconds: f64) -> String {
    let seconds = seconds.abs();
    let (unit, size) = match seconds {
        _ if seconds < 120.0 => ("s", 1.0),
        _ if seconds < 7200.0 => ("minutes", 60.0),
        _ if seconds < 172_800.0 => ("hours", 3600.0),
        _ => ("days", 86_400.0),
    };
    let number = seconds / size;
    if number < 10.0 && size < 2.0 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_controls_the_terminal() {
        assert_eq!(quoted("https://a.example"), "\"https://a.example\"");
        assert_eq!(quoted("a\u{1b}[31m\n\u{202e}\u{200b}b"), r#""a\u{1b}[31m\n\u{202e}\u{200b}b""#);
        assert_eq!(quoted("say \"hi\""), r#""say \"hi\"""#);
        assert_eq!(plain("role \"x\"\u{7}\r\n"), r#"role "x"\u{7}\r\n"#);
        assert!(quoted(&"x".repeat(1000)).chars().count() < 210);
        assert!(plain(&"x".repeat(1000)).ends_with("xx..."));
    }

    #[test]
    fn a_value_is_described_by_its_type() {
        for (given, expected) in [
            (json!("a"), "\"a\""),
            (json!(7), "the number 7"),
            (json!(null), "null"),
            (json!(true), "true or false"),
            (json!({"a": 1}), "an object"),
            (json!(["a", "b\n"]), r#"a list of 2: "a", "b\n""#),
        ] {
            assert_eq!(value(&given), expected);
        }
    }

    #[test]
    fn a_time_has_the_unit_that_people_would_use() {
        for (given, expected) in [
            (0.25, "0.2 s"),
            (-37.4, "37 s"),
            (600.0, "10 minutes"),
            (7200.0, "2 hours"),
            (864_000.0, "10 days"),
        ] {
            assert_eq!(seconds(given), expected);
        }
    }
}
