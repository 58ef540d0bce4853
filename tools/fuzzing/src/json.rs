//! What is JSON here is JSON for `serde_json` too, with the same members; what is refused beyond that repeats a member.

use serde_json::Value;
use task_api::parsers::object as parse_object;

pub(crate) fn read(input: &[u8]) -> bool {
    let known = serde_json::from_slice::<Value>(input);
    let colons = std::str::from_utf8(input).map(colons).unwrap_or_default();
    match (parse_object(input), known) {
        (Ok(object), Ok(known)) => {
            let object = Value::Object(object);
            assert_eq!(object, known, "it has other members");
            assert_eq!(members(&object), colons, "a repeated member was taken");
            write_and_read(&object);
            true
        }
        (Ok(object), Err(error)) => unreachable!("{object:?} was taken, which is no JSON: {error}"),
        (Err(refusal), Ok(known)) if refusal == "it is not an object" => {
            assert!(!known.is_object(), "an object was taken for none");
            false
        }
        (Err(refusal), Ok(known)) => {
            assert!(members(&known) < colons, "refused ({refusal}), and no member is repeated");
            false
        }
        (Err(_), Err(_)) => false,
    }
}

/// What was read can be written and read again. `serde_json` reads a fraction to all but its last bit only.
fn write_and_read(object: &Value) {
    if !has_fraction(object) {
        let again = parse_object(object.to_string().as_bytes());
        assert_eq!(again.map(Value::Object).as_ref(), Ok(object), "it is another one when it was written");
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

/// How many members there are, at any depth.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// How many colons stand outside of strings: in JSON one for each member, repeated ones included.
fn colons(text: &str) -> usize {
    let (mut inside, mut escaped, mut count) = (false, false, 0);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}
