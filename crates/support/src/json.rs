//! Strict JSON, after I-JSON (RFC 7493): UTF-8, no repeated field at any depth, no lone surrogate, numbers that a double
//! holds, bounded nesting. Bodies and tokens that another parser could read differently are refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The fields of a JSON object.
pub type Object = Map<String, Value>;

/// Why bytes are not a JSON object. It has the position of the fault, and nothing of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJson {
    /// The bytes are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The text is not JSON, or is ambiguous.
    #[error("{problem} at line {line}, column {column}")]
    Syntax {
        /// What is wrong.
        problem: &'static str,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The text is JSON, but not an object.
    #[error("it is not an object")]
    NotAnObject,
}

/// The problem of a repeated field. It leaves out the name, which is input of the client.
const REPEATED: &str = "a member is repeated";

/// Parses a JSON object. Only white space may follow it.
pub fn parse_object(bytes: &[u8]) -> Result<Object, InvalidJson> {
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidJson::NotUtf8)?;
    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err(InvalidJson::NotAnObject),
        Err(error) => {
            Err(InvalidJson::Syntax { problem: problem(&error), line: error.line(), column: error.column() })
        }
    }
}

fn problem(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    if error.is_eof() {
        "it ends too early"
    } else if text.starts_with(REPEATED) {
        REPEATED
    } else if text.starts_with("recursion limit exceeded") {
        "it is nested too deeply"
    } else if text.starts_with("number out of range") {
        "a number is out of range"
    } else if text.contains("surrogate") || text.contains("unicode code point") || text.contains("hex escape")
    {
        "a string has an escape that is no character"
    } else {
        "it is not well-formed"
    }
}

/// A value in which no object repeats a field.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Value, String> {
        parse_object(text.as_bytes()).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_parsed_like_serde_json_parses_it() {
        let text = r#"{"a":[1,-2,3.5,1e3,true,false,null,"x\u00e9\ud83e\udd80"],"b":{"c":{}},"":12345678901234567890123}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn only_white_space_may_surround_an_object() {
        assert!(parse(" \t\r\n{} \n").is_ok());
        for text in ["{}x", "{}{}", "x{}", "{},", "\u{a0}{}", "{}\u{0}", "\u{feff}{}"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_an_object_is_refused() {
        for text in ["[]", "1", "null", "true", r#""{}""#] {
            assert_eq!(parse(text), Err("it is not an object".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_repeated_field_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"b":[{"c":{"d":1,"d":2}}]}"#] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with("a member is repeated at line 1"), "{message}");
        }
        assert!(parse(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }

    #[test]
    fn lone_surrogates_and_broken_escapes_are_refused() {
        for text in [r#"{"a":"\ud800"}"#, r#"{"a":"\udc00"}"#, r#"{"a":"\ud800\u0041"}"#, r#"{"\ud83e":1}"#] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with("a string has an escape that is no character"), "{text}: {message}");
        }
        assert!(parse(r#"{"a":"\x41"}"#).is_err());
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        for bytes in [&b"{\"a\":\"\xff\"}"[..], b"\xff\xfe{\x00}\x00", b"{\"a\":\"\xed\xa0\x80\"}"] {
            assert_eq!(parse_object(bytes), Err(InvalidJson::NotUtf8));
        }
    }

    #[test]
    fn numbers_beyond_a_double_are_refused() {
        for text in [r#"{"a":1e400}"#, r#"{"a":-1e309}"#] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with("a number is out of range"), "{text}: {message}");
        }
        assert!(parse(r#"{"a":1.7976931348623157e308}"#).is_ok());
        for text in [r#"{"a":01}"#, r#"{"a":+1}"#, r#"{"a":.5}"#, r#"{"a":NaN}"#, r#"{"a":Infinity}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn extreme_nesting_is_refused() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(100)).is_ok());
        assert!(parse(&deep(60_000)).unwrap_err().starts_with("it is nested too deeply"));
        let objects = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
        assert!(parse(&objects).is_err());
    }

    #[test]
    fn truncated_text_is_refused() {
        for text in ["", "{", r#"{"a""#, r#"{"a":"#, r#"{"a":"b"#, r#"{"a":1"#, r#"{"a":1,"#] {
            assert!(parse(text).unwrap_err().starts_with("it ends too early"), "{text}");
        }
    }

    #[test]
    fn an_error_repeats_nothing_of_the_input() {
        for text in [r#"{"s3cret":1,"s3cret":2}"#, r#"{"a":s3cret}"#, r#"{"a":"s3cret\x"}"#] {
            assert!(!parse(text).unwrap_err().contains("s3cret"));
        }
    }
}
