//! The words that give away a sentence without an actor, or one that was translated word by word.

use crate::violation::{File, Violation};

/// What is counted; an asterisk parts each, since this file keeps the rule too.
const COUNTED: [&str; 8] =
    ["who*ever", "whom*ever", "some*body", "no*body", "any*body", "let* go", "is* told", "are* told"];
/// How many of them all files together may have: where one is a name, or is quoted.
const MOST: usize = 12;
/// Files that are written by programs, or that have been published.
const LEFT_OUT: [&str; 3] = ["Cargo.lock", "package-lock.json", "docs/openapi.json"];

pub(crate) fn check(files: &[File]) -> Vec<Violation> {
    let found: Vec<_> = files.iter().filter(|file| is_prose(&file.path)).flat_map(of_file).collect();
    if found.len() <= MOST {
        return Vec::new();
    }
    let rule = format!("there are {} such words, and {MOST} may be", found.len());
    found.into_iter().chain([Violation::new("words", rule)]).collect()
}

fn is_prose(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["rs", "md", "toml", "sql", "mjs", "ts", "tsx", "py", "yaml", "yml", "lua", "example"]
        .contains(&extension)
        && !LEFT_OUT.iter().any(|left_out| path.ends_with(left_out))
}

fn of_file(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let line = line.to_lowercase().replace('_', " ");
        for word in COUNTED.map(|word| word.replace('*', "")) {
            let times =
                line.match_indices(&word).filter(|(start, _)| is_whole(&line, *start, word.len())).count();
            let place = format!("{}:{}", file.path, number + 1);
            violations.extend((0..times).map(|_| Violation::new(&place, format!("says {word:?}"))));
        }
    }
    violations
}

fn is_whole(line: &str, start: usize, length: usize) -> bool {
    let is_letter = |c: char| c.is_alphanumeric();
    !line[..start].ends_with(is_letter) && !line[start + length..].starts_with(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: String) -> File {
        File { path: path.to_owned(), text }
    }

    #[test]
    fn a_few_are_allowed_and_one_more_is_not() {
        let line = format!("// {} asks\n", COUNTED[0].replace('*', "").to_uppercase());
        assert_eq!(check(&[file("a.rs", line.repeat(MOST))]), []);
        let found = check(&[file("a.rs", line.repeat(MOST)), file("docs/b.md", line)]);
        assert_eq!(found.len(), MOST + 2);
        assert_eq!(found[MOST].place, "docs/b.md:1");
    }

    #[test]
    fn each_is_found_in_prose_and_in_names() {
        for word in COUNTED.map(|word| word.replace('*', "")) {
            assert_eq!(of_file(&file("a.md", format!("So {word}, it ends."))).len(), 1, "{word}");
            assert_eq!(
                of_file(&file("a.rs", format!("fn a_{}_b() {{}}", word.replace(' ', "_")))).len(),
                1,
                "{word}"
            );
        }
        assert_eq!(of_file(&file("a.md", "outlet gone; this told".to_owned())), []);
        assert!(
            !is_prose("package-lock.json") && !is_prose("tools/fuzz/seeds/json/cut") && is_prose("README.md")
        );
    }
}
