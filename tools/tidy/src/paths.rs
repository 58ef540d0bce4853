//! No file names a folder of the machine on which it was written.

use crate::violation::{File, Violation};

/// The folders of people. Put together here, since this file keeps the rule too.
const PEOPLE: [&str; 3] = [concat!("/", "home/"), concat!("/", "Users/"), concat!("/", "root/")];

pub(crate) fn check(file: &File) -> Vec<Violation> {
    let named = |line: &str| PEOPLE.iter().find(|folder| is_named(line, folder)).copied();
    let lines = file.text.lines().enumerate();
    let found = lines.filter_map(|(number, line)| Some((number + 1, named(line)?)));
    let rule = |folder: &str| format!("names a folder of one machine ({folder}...)");
    found.map(|(number, folder)| Violation::new(format!("{}:{number}", file.path), rule(folder))).collect()
}

/// Whether the folder begins a path here, and is not only a part of an address such as `example.com/home/`.
fn is_named(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + folder.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}".contains(c))
            && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: String) -> Vec<String> {
        check(&File { path: "a.md".to_owned(), text }).into_iter().map(|violation| violation.place).collect()
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in PEOPLE {
            assert_eq!(lines(format!("fine\nsee {folder}me/project\n")), ["a.md:2"]);
            assert_eq!(lines(format!("PATH={folder}me/bin\n")), ["a.md:1"]);
        }
    }

    #[test]
    fn other_paths_are_fine() {
        for text in
            ["/usr/lib/postgresql", "https://example.com/home/page", "crates/home/x", "the /home/ folder"]
        {
            assert!(lines(text.to_owned()).is_empty(), "{text}");
        }
    }
}
