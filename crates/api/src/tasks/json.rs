//! Answers as JSON text. A body is declared once, by [`json_object!`]: its struct gives the schema, the writer and the room
//! that it takes.
//!
//! `serde_json` looks at each byte of a text by itself, which for a list of a hundred tasks is a tenth of what this
//! program has to do. Here a text is scanned as a whole, and only one that has something to escape is left to
//! `serde_json`. The bytes are those that `serde_json` writes.

/// A value that is written as JSON.
pub(super) trait WriteJson {
    /// Writes it.
    fn write_json(&self, out: &mut String);

    /// How many bytes it takes at most, as long as nothing in it has to be escaped.
    fn max_len(&self) -> usize;

    /// Whether an object leaves a member of this value out.
    fn is_left_out(&self) -> bool {
        false
    }
}

/// The text of a body.
pub(super) fn to_string(body: &impl WriteJson) -> String {
    // Text that grows would be moved.
    let mut out = String::with_capacity(body.max_len());
    body.write_json(&mut out);
    out
}

/// An optional value that is left out of its object instead of being null.
#[derive(Debug)]
pub(super) struct LeftOutIfNone<T>(pub(super) Option<T>);

impl<T: WriteJson> WriteJson for LeftOutIfNone<T> {
    fn write_json(&self, out: &mut String) {
        self.0.write_json(out);
    }

    fn max_len(&self) -> usize {
        self.0.max_len()
    }

    fn is_left_out(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: WriteJson> WriteJson for Option<T> {
    fn write_json(&self, out: &mut String) {
        match self {
            Some(value) => value.write_json(out),
            None => out.push_str("null"),
        }
    }

    fn max_len(&self) -> usize {
        self.as_ref().map_or("null".len(), WriteJson::max_len)
    }
}

impl<T: WriteJson> WriteJson for Vec<T> {
    fn write_json(&self, out: &mut String) {
        out.push('[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            value.write_json(out);
        }
        out.push(']');
    }

    fn max_len(&self) -> usize {
        "[]".len() + self.iter().map(|value| value.max_len() + ",".len()).sum::<usize>()
    }
}

impl WriteJson for bool {
    fn write_json(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }

    fn max_len(&self) -> usize {
        "false".len()
    }
}

macro_rules! write_integers {
    ($($integer:ty),+) => {$(
        impl WriteJson for $integer {
            fn write_json(&self, out: &mut String) {
                out.push_str(itoa::Buffer::new().format(*self));
            }

            fn max_len(&self) -> usize {
                "-9223372036854775808".len()
            }
        }
    )+};
}
write_integers!(i64, u64, usize);

impl WriteJson for &str {
    fn write_json(&self, out: &mut String) {
        if has_to_be_escaped(self) {
            // Every text can be written as JSON.
            out.push_str(&serde_json::to_string(self).unwrap_or_default());
        } else {
            out.push('"');
            out.push_str(self);
            out.push('"');
        }
    }

    fn max_len(&self) -> usize {
        self.len() + "\"\"".len()
    }
}

/// Whether a text has what a JSON string cannot hold as it is (RFC 8259, section 7). It looks at every byte, even after a
/// find, so that the compiler can look at many at a time.
fn has_to_be_escaped(text: &str) -> bool {
    let found = |byte| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.bytes().fold(0, |any, byte| any | found(byte)) != 0
}

/// Writes a member behind another one, unless its value is left out.
pub(super) fn write_member(out: &mut String, name: &str, value: &impl WriteJson) {
    if !value.is_left_out() {
        out.push_str(name);
        value.write_json(out);
    }
}

/// Declares a struct that is written as a JSON object with its fields as members, in their order. The first one is never
/// left out.
macro_rules! json_object {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$lifetime:lifetime>)? {
            $(#[$first_meta:meta])* $first:ident: $first_type:ty
            $(, $(#[$member_meta:meta])* $member:ident: $type:ty)* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name $(<$lifetime>)? {
            $(#[$first_meta])* $first: $first_type
            $(, $(#[$member_meta])* $member: $type)*
        }

        impl $(<$lifetime>)? $crate::tasks::json::WriteJson for $name $(<$lifetime>)? {
            fn write_json(&self, out: &mut String) {
                out.push_str(concat!("{\"", stringify!($first), "\":"));
                self.$first.write_json(out);
                $($crate::tasks::json::write_member(
                    out, concat!(",\"", stringify!($member), "\":"), &self.$member);)*
                out.push('}');
            }

            fn max_len(&self) -> usize {
                concat!("{\"", stringify!($first), "\":}").len() + self.$first.max_len()
                    $(+ concat!(",\"", stringify!($member), "\":").len() + self.$member.max_len())*
            }
        }
    };
}
pub(super) use json_object;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        let any = proptest::collection::vec(any::<char>(), 0..40);
        prop_oneof![any.prop_map(String::from_iter), "[a-z\"\\\\\n\t\u{1}\u{7f}é🦀]{0,40}"]
    }

    json_object! {
        struct Sample<'a> {
            number: i64,
            text: &'a str,
            flag: bool,
            optional: Option<&'a str>,
            total: LeftOutIfNone<u64>,
            list: Vec<usize>,
        }
    }

    proptest! {
        #[test]
        fn an_object_is_written_as_serde_json_writes_it(
            number in any::<i64>(),
            text in text(),
            flag in any::<bool>(),
            optional in proptest::option::of(text()),
            total in proptest::option::of(any::<u64>()),
            list in proptest::collection::vec(any::<usize>(), 0..4),
        ) {
            let mut expected =
                json!({"number": number, "text": text, "flag": flag, "optional": optional, "total": total, "list": list});
            if let (None, Value::Object(members)) = (total, &mut expected) {
                members.shift_remove("total");
            }
            let (text, optional, total) = (text.as_str(), optional.as_deref(), LeftOutIfNone(total));
            prop_assert_eq!(to_string(&Sample { number, text, flag, optional, total, list }), expected.to_string());
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
}
