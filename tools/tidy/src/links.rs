//! Links between documents lead somewhere: to a file of the checkout, and to a heading that it has.

use std::collections::BTreeMap;

use crate::violation::{File, Violation};

/// Checks the documents among `files`; `paths` are those of all files, pictures included.
pub(crate) fn check(paths: &[String], files: &[File]) -> Vec<Violation> {
    let mut texts: BTreeMap<&str, &str> = paths.iter().map(|path| (path.as_str(), "")).collect();
    texts.extend(files.iter().map(|file| (file.path.as_str(), file.text.as_str())));
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| is_document(&file.path)) {
        for (number, line) in outside_of_code(&file.text) {
            for link in links(line).filter(|link| !leads(&texts, &file.path, link)) {
                let rule = format!("links to {link}, which is not there");
                violations.push(Violation::new(format!("{}:{number}", file.path), rule));
            }
        }
    }
    violations
}

fn is_document(path: &str) -> bool {
    path.rsplit('.').next() == Some("md")
}

/// The numbered lines that are not inside a block of code.
fn outside_of_code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((index + 1, line))
    })
}

/// The targets of the links of a line that stay in the checkout.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.match_indices("](").filter_map(|(start, mark)| {
        let (target, _) = line[start + mark.len()..].split_once(')')?;
        Some(target)
    });
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

fn leads(texts: &BTreeMap<&str, &str>, from: &str, link: &str) -> bool {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let Some(path) = (if path.is_empty() { Some(from.to_owned()) } else { resolve(from, path) }) else {
        return false;
    };
    match (texts.get(path.as_str()), heading) {
        (Some(text), Some(heading)) if is_document(&path) => {
            outside_of_code(text).any(|(_, line)| slug(line).as_deref() == Some(heading))
        }
        (Some(_), _) => true,
        // A folder is the start of a path.
        (None, _) => {
            texts.keys().any(|known| known.strip_prefix(&*path).is_some_and(|rest| rest.starts_with('/')))
        }
    }
}

/// The path that `link` has from the root; `None` if it leaves the checkout.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()?),
            part => folders.push(part),
        }
    }
    Some(folders.join("/"))
}

/// What GitHub names a heading in addresses: in small letters, without punctuation, with hyphens for spaces.
fn slug(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("docs/a.md", text),
            file("docs/b.md", "# The `API`, at last\n```sh\n# not this\n```\n"),
            file("crates/x/src/lib.rs", ""),
        ];
        check(&["docs/picture.png".to_owned()], &files)
            .into_iter()
            .map(|violation| violation.to_string())
            .collect()
    }

    #[test]
    fn a_link_to_what_is_there_is_fine() {
        for link in [
            "b.md",
            "b.md#the-api-at-last",
            "../crates/x",
            "../crates/x/src/lib.rs",
            "https://example.com/x",
            "picture.png",
            "#own",
        ] {
            assert_eq!(broken(&format!("## Own\n\nSee [it]({link}).\n")), [""; 0], "{link}");
        }
    }

    #[test]
    fn a_link_to_what_is_not_there_is_found() {
        for link in ["c.md", "b.md#not-this", "b.md#the-api", "../crates/y", "../../crates/x", "#other"] {
            let found = [format!("docs/a.md:3: links to {link}, which is not there")];
            assert_eq!(broken(&format!("## Own\n\nSee [it]({link}).\n")), found);
        }
    }

    #[test]
    fn an_example_in_code_is_no_link() {
        assert_eq!(broken("```md\n[it](nowhere.md)\n```\n"), [""; 0]);
    }
}
