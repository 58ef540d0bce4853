//! A file of variables (`.env`), as the documents describe it: one `NAME=value` on a line.

use std::{fs, io, path::Path};

/// What a file of variables says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvFile {
    /// The variables, in the order of the file.
    pub variables: Vec<(String, String)>,
    /// The lines that are not understood.
    pub unreadable: Vec<UnreadableLine>,
}

/// A line that is not of the form `NAME=value`. What it says is left out: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableLine {
    /// Its number, counted from 1.
    pub number: usize,
    /// What stands before its `=`, if that is a name. The value is what cannot be read then.
    pub name: Option<String>,
}

impl EnvFile {
    /// Reads the file of that path, and no other: not one of a folder above. `None` if there is none.
    ///
    /// Fails if it cannot be read, or is not in UTF-8.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self::parse(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a text, which may begin with a byte order mark. A `$` is a dollar sign: no variable is put in its place.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut file = Self::default();
        for (index, line) in text.lines().enumerate() {
            // Line by line: after an error the library would take the rest for one value.
            match dotenvy::from_read_iter(literal(line).as_bytes()).next() {
                Some(Ok(variable)) => file.variables.push(variable),
                Some(Err(_)) => file.unreadable.push(UnreadableLine { number: index + 1, name: name(line) }),
                None => {}
            }
        }
        file
    }
}

/// The line with every `$` escaped that the library would expand: those outside of single quotation marks.
fn literal(line: &str) -> String {
    let (mut text, mut is_quoted, mut is_escaped) = (String::with_capacity(line.len()), false, false);
    for character in line.chars() {
        match character {
            '\'' if !is_escaped => is_quoted = !is_quoted,
            '$' if !is_quoted && !is_escaped => text.push('\\'),
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped && !is_quoted;
        text.push(character);
    }
    text
}

fn name(line: &str) -> Option<String> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim().trim_start_matches("export ").trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> Vec<(String, String)> {
        let file = EnvFile::parse(text);
        assert_eq!(file.unreadable, []);
        file.variables
    }

    fn value(text: &str) -> String {
        variables(text).remove(0).1
    }

    #[test]
    fn values_are_bare_or_quoted_and_comments_are_left_out() {
        let text = "# don't\n\nA=1\nexport B = two # words\nC='a # b'\nD=\"e\\nf\"\r\nE=\n";
        let expected = [("A", "1"), ("B", "two"), ("C", "a # b"), ("D", "e\nf"), ("E", "")];
        assert_eq!(variables(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(variables("\u{feff}A=1"), [("A".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn a_dollar_sign_is_a_dollar_sign() {
        for (written, read) in
            [("pa$$word", "pa$$word"), ("\"x${HOME}y\"", "x${HOME}y"), ("'$HOME'", "$HOME"), ("a\\$b", "a$b")]
        {
            assert_eq!(value(&format!("A={written}")), read);
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_counted_and_does_not_stop_the_others() {
        let file = EnvFile::parse("A=1\nno name here\nDATABASE_URL=\"s3cret\nB=2\n");
        assert_eq!(file.variables.len(), 2);
        let line = |number, name: Option<&str>| UnreadableLine { number, name: name.map(str::to_owned) };
        assert_eq!(file.unreadable, [line(2, None), line(3, Some("DATABASE_URL"))]);
        assert!(!format!("{file:?}").contains("s3cret"));
    }
}
