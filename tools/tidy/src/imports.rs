//! The imports between the files of a crate: no circle, and no name from the crate's own root.
//!
//! An import is what a `use` names, or a path in the code that begins with `crate`, `super` or `self`. That a file declares a
//! module is none. What tests import is none either: they stand below everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    rust::{code_without_tests, modules_for_tests, paths},
    violation::{File, Violation},
};

/// The files of a crate by the path of their module, such as `http::error`; the root's path is empty.
type Modules<'a> = BTreeMap<Vec<String>, &'a File>;
/// The files that each file imports from.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Checks the crates that are in these folders.
pub(crate) fn check(folders: &[&str], files: &[File]) -> Vec<Violation> {
    folders.iter().flat_map(|folder| check_crate(&format!("{folder}/src/"), files)).collect()
}

fn check_crate(src: &str, files: &[File]) -> Vec<Violation> {
    let modules = modules(src, files);
    let mut graph = Graph::new();
    for (module, file) in &modules {
        let imported = imports(module, file, &modules);
        graph.insert(file.path.clone(), imported);
    }
    let root = |path: &str| path == format!("{src}lib.rs") || path == format!("{src}main.rs");
    let mut violations = Vec::new();
    for (path, imported) in &graph {
        for name in imported.iter().filter(|name| root(name)) {
            let rule = format!("imports from {name}: name the module that defines it");
            violations.push(Violation::new(path, rule));
        }
    }
    violations.extend(circles(&graph).into_iter().map(|circle| {
        Violation::new(&circle[0], format!("is in a circle of imports: {}", circle.join(", ")))
    }));
    violations
}

/// The modules of the library and of the program that share a folder, without those that are for tests only.
fn modules<'a>(src: &str, files: &'a [File]) -> Modules<'a> {
    let inside = |file: &'a File| Some((file.path.strip_prefix(src)?.strip_suffix(".rs")?, file));
    let inside = files.iter().filter_map(inside).filter(|(name, _)| !name.starts_with("bin/"));
    let mut modules: Modules<'a> = inside.map(|(name, file)| (module(name), file)).collect();
    let for_tests: Vec<_> = modules
        .iter()
        .flat_map(|(path, file)| {
            let below = if path == &["main"] { &[][..] } else { &path[..] };
            let names = modules_for_tests(&file.text).into_iter();
            names.map(move |name| [below, &[name]].concat()).collect::<Vec<_>>()
        })
        .collect();
    modules.retain(|path, _| !for_tests.iter().any(|tests| path.starts_with(tests)));
    modules
}

/// The path of the module in a file of that name below `src`.
fn module(name: &str) -> Vec<String> {
    let mut path: Vec<_> = name.split('/').map(str::to_owned).collect();
    if name == "lib" || path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// The files that a file imports from, itself left out.
fn imports(module: &[String], file: &File, modules: &Modules<'_>) -> BTreeSet<String> {
    // A program beside a library has the library's name in its imports, and otherwise is a root itself.
    let module = if module == ["main"] { &[][..] } else { module };
    let mut imported = BTreeSet::new();
    for path in paths(&code_without_tests(&file.text)) {
        let Some(target) = resolve(module, &path) else { continue };
        imported.extend(home(&target, modules).map(|found| found.path.clone()));
    }
    imported.remove(&file.path);
    imported
}

/// A path from the root of the crate, for one that begins with `crate`, `super` or `self`.
fn resolve(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        _ => return None,
    };
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| *word == "super") {
        debug_assert_eq!(word, "super");
        base.pop()?;
        rest = after;
    }
    base.extend(rest.iter().cloned());
    Some(base)
}

/// The file of the innermost module that a path leads through. A path that names a module itself, and nothing in it, is an
/// import of that module.
fn home<'a>(path: &[String], modules: &Modules<'a>) -> Option<&'a File> {
    let longest = (1..=path.len()).rev().find_map(|length| modules.get(&path[..length]));
    longest.or_else(|| modules.get(&[][..]).or_else(|| modules.get(&["main".to_owned()][..]))).copied()
}

/// The groups of files of which each imports every other one, by way of others or directly: Tarjan's strongly connected
/// components, found by reaching since a crate has few files.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reachable: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|file| (file, reached(file, graph))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for file in graph.keys() {
        if seen.contains(file) || !reachable[file].contains(file) {
            continue;
        }
        let members = reachable[file]
            .iter()
            .copied()
            .filter(|other| reachable.get(*other).is_some_and(|back| back.contains(file)));
        let members: Vec<String> = members.cloned().collect();
        seen.extend(members.iter().cloned());
        found.push(members);
    }
    found
}

/// Every file that is imported from a file, by way of others too.
fn reached<'a>(file: &'a String, graph: &'a Graph) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for imported in graph.get(file).into_iter().flatten() {
            if reached.insert(imported) {
                next.push(imported);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let file =
            |(path, text): &(&str, &str)| File { path: format!("a/src/{path}"), text: (*text).to_owned() };
        let files: Vec<_> = sources.iter().map(file).collect();
        check(&["a"], &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_of_three_files_is_found_once() {
        let sources = [
            ("lib.rs", "mod a;\nmod b;\npub mod c;\n"),
            ("a.rs", "use crate::b::B;\n"),
            ("b.rs", "use crate::{\n    c::{self, C},\n};\n"),
            ("c.rs", "fn c() { crate::a::a(); }\n"),
        ];
        assert_eq!(
            found(&sources),
            ["a/src/a.rs: is in a circle of imports: a/src/a.rs, a/src/b.rs, a/src/c.rs"]
        );
    }

    #[test]
    fn a_child_that_imports_from_the_parent_that_uses_it_makes_a_circle() {
        let sources = [
            ("lib.rs", "mod a;\n"),
            ("a.rs", "mod child;\nuse self::child::Child;\npub(crate) struct Parent;\n"),
            ("a/child.rs", "use super::Parent;\npub(crate) struct Child;\n"),
        ];
        assert_eq!(found(&sources), ["a/src/a.rs: is in a circle of imports: a/src/a.rs, a/src/a/child.rs"]);
    }

    #[test]
    fn what_declares_a_module_does_not_import_it() {
        let sources = [
            ("lib.rs", "mod a;\n"),
            ("a.rs", "mod child;\npub(crate) struct Parent;\n"),
            ("a/child.rs", "use super::Parent;\n"),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_imported_from_the_root() {
        for (root, import) in [
            ("lib.rs", "use crate::Thing;"),
            ("main.rs", "use super::Thing;"),
            ("main.rs", "type A = crate::Thing;"),
        ] {
            let sources = [(root, "mod a;\npub struct Thing;\n"), ("a.rs", import)];
            let expected = format!("a/src/a.rs: imports from a/src/{root}: name the module that defines it");
            assert_eq!(found(&sources), [expected], "{import}");
        }
    }

    #[test]
    fn files_for_tests_import_nothing_either() {
        let sources = [
            ("lib.rs", "mod a;\n"),
            ("a.rs", "use crate::a::b::B;\nmod b;\n#[cfg(test)]\npub(crate) mod support;\n"),
            ("a/b.rs", "pub(crate) struct B;\n"),
            ("a/support.rs", "use crate::a::A;\n"),
            ("a/support/more.rs", "use crate::Root;\n"),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }

    #[test]
    fn tests_and_comments_import_nothing() {
        let sources = [
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::B;\n"),
            (
                "b.rs",
                "//! [`crate::a`]\n/* use crate::a; */\nconst TEXT: &str = \"crate::a\";\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
            ),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }
}
