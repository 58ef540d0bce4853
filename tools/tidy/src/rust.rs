//! As much of Rust as the rules about imports need: words of code, without comments, texts and tests.

/// The code of a file without its comments, its texts and all that is for tests only.
pub(crate) fn code_without_tests(text: &str) -> String {
    without_tests(&without_words(text))
}

/// Blanks comments and texts.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, code.chars().next_back()));
        let length = skipped.unwrap_or(first.len_utf8());
        match skipped {
            Some(_) => code.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => code.push(first),
        }
        rest = &rest[length..];
    }
    code
}

/// The length of the comment that a text begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    Some(text.len())
}

/// The length of the string or character that a text begins with. A lifetime is neither.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes[0] == b'r' && !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        let marks = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
        if bytes.get(1 + marks) == Some(&b'"') {
            let end = format!("\"{}", "#".repeat(marks));
            let start = marks + 2;
            return Some(text[start..].find(&end).map_or(text.len(), |found| start + found + end.len()));
        }
    }
    let quote = bytes[0];
    if quote == b'\'' {
        let mut chars = text[1..].chars();
        let (first, second) = (chars.next()?, chars.next()?);
        if first != '\\' && second != '\'' {
            return None;
        }
    } else if quote != b'"' {
        return None;
    }
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some((at + 1).min(bytes.len()))
}

/// Cuts what stands behind `#[cfg(test)]`: an item with its braces, or up to its semicolon.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..start]);
        rest = &rest[start + item_length(&rest[start..])..];
    }
    kept + rest
}

/// The modules that a file declares for tests only, each in a file of its own.
pub(crate) fn modules_for_tests(text: &str) -> Vec<String> {
    let code = without_words(text);
    let items = code.split("#[cfg(test)]").skip(1).map(|item| item.split(['{', ';']).next().unwrap_or(""));
    let words = items.map(|item| item.split_whitespace().collect::<Vec<_>>());
    words
        .filter_map(|words| Some((*words.iter().skip_while(|word| **word != "mod").nth(1)?).to_owned()))
        .collect()
}

fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Every path of the code that begins with `crate`, `super` or `self` and goes on, braces taken apart. Names of types and
/// functions stand in it too.
pub(crate) fn paths(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = matches!(*token, "crate" | "super" | "self");
        let goes_on = tokens.get(at + 1) == Some(&"::");
        let is_middle = at > 0 && tokens[at - 1] == "::";
        if begins && goes_on && !is_middle {
            tree(&tokens[at..], &[], &mut found);
        }
    }
    found
}

fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Reads a tree of paths and returns how many tokens it has.
fn tree(tokens: &[&str], before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while !matches!(tokens.get(at), None | Some(&"}")) {
                    at += tree(&tokens[at..], &path, found).max(1);
                    at += usize::from(tokens.get(at) == Some(&","));
                }
                return at + 1;
            }
            // `self` in braces, `*` for all: the module itself.
            Some(word) if (*word == "self" && !before.is_empty()) || *word == "*" => {
                found.push(path);
                return at + 1;
            }
            Some(word) if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                path.push((*word).to_owned());
                at += 1;
                if tokens.get(at) != Some(&"::") {
                    found.push(path);
                    // A new name for what was imported.
                    return if tokens.get(at) == Some(&"as") { at + 2 } else { at };
                }
                at += 1;
            }
            _ => {
                found.push(path);
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(code: &str) -> Vec<String> {
        paths(code).iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_are_read_wherever_they_stand() {
        let code = "use crate::{a, b::{self, c as d}, e::*};\nuse super::f;\nfn g(x: crate::h::I) -> self::j::K<'_> {}\nuse std::k;";
        assert_eq!(
            joined(code),
            ["crate::a", "crate::b", "crate::b::c", "crate::e", "super::f", "crate::h::I", "self::j::K"]
        );
        assert_eq!(joined("pub(crate) fn a(&self) { self.b(); self.c }"), Vec::<String>::new());
    }

    #[test]
    fn words_are_no_code() {
        let text = "a /* crate::b /* */ crate::c */ 'x' '\\'' \"crate::d \\\" crate::e\" r#\"crate::\"f\"# &'a str // crate::g\nh";
        let code = without_words(text);
        assert!(!code.contains("crate"), "{code}");
        assert!(code.starts_with("a ") && code.contains("&'a str") && code.ends_with("\nh"), "{code}");
        assert_eq!(code.chars().count(), text.chars().count());
    }

    #[test]
    fn what_is_for_tests_is_left_out() {
        let code = "a\n#[cfg(test)]\npub(crate) mod testing {\n    fn b() { if c { d } }\n}\ne\n#[cfg(test)]\nuse f::g;\nh";
        assert_eq!(without_tests(code).split_whitespace().collect::<Vec<_>>(), ["a", "e", "h"]);
    }
}
