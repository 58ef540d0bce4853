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

/// Why a file of variables cannot be read. Repeats nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableFile {
    /// It is a folder.
    #[error("is a folder and not a file")]
    Folder,
    /// The system does not give its contents.
    #[error("cannot be read ({0})")]
    Refused(io::ErrorKind),
    /// It is in UTF-16, as some editors and shells write files.
    #[error("is in UTF-16: save it in UTF-8")]
    Utf16,
    /// A line of it is not in UTF-8.
    #[error("line {0}: is not in UTF-8: save the file in UTF-8")]
    NotUtf8(usize),
}

impl EnvFile {
    /// Reads the file of that path, and no other: not one of a folder above. `None` if there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, UnreadableFile> {
        match fs::read(path) {
            Ok(contents) => Ok(Some(Self::parse(decode(&contents)?))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                io::ErrorKind::IsADirectory => Err(UnreadableFile::Folder),
                kind => Err(UnreadableFile::Refused(kind)),
            },
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

fn decode(contents: &[u8]) -> Result<&str, UnreadableFile> {
    // A text has no U+0000, but half of the bytes of UTF-16 are mostly zero.
    if contents.starts_with(&[0xff, 0xfe]) || contents.starts_with(&[0xfe, 0xff]) || contents.contains(&0) {
        return Err(UnreadableFile::Utf16);
    }
    std::str::from_utf8(contents).map_err(|error| {
        UnreadableFile::NotUtf8(contents[..error.valid_up_to()].split(|byte| *byte == b'\n').count())
    })
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
    fn a_file_that_is_no_text_in_utf_8_is_said_to_be_what_it_is() {
        let utf16: Vec<u8> = "\u{feff}A=s3cret".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (contents, words) in [
            (&utf16[..], "is in UTF-16"),
            (&utf16[2..], "is in UTF-16"),
            (b"A=1\r\nB=s3cret\xe9\n", "line 2: is not in UTF-8"),
        ] {
            let error = decode(contents).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("s3cret"), "{error}");
        }
        let folder = EnvFile::read(&std::env::temp_dir()).unwrap_err();
        assert_eq!(folder.to_string(), "is a folder and not a file");
        assert_eq!(EnvFile::read(Path::new("/no/such/.env")).unwrap(), None);
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
