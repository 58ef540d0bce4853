//! The commands in docs/operations.md, which are run as they stand there.

use std::{fs, process::Command};

use anyhow::{Context as _, ensure};
use tools_kit::{process, workspace};

const DOCUMENT: &str = "docs/operations.md";

/// The section about backups.
pub(crate) struct Document {
    section: String,
}

impl Document {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let text = fs::read_to_string(workspace::root().join(DOCUMENT));
        Self::of(&text.with_context(|| format!("cannot read {DOCUMENT}"))?)
    }

    fn of(text: &str) -> anyhow::Result<Self> {
        let rest = text.split_once("\n## Backup\n").map(|(_, rest)| rest);
        let rest = rest.with_context(|| format!("{DOCUMENT} has no section `Backup`"))?;
        let section = rest.split("\n## ").next().unwrap_or_default();
        Ok(Self { section: section.to_owned() })
    }

    /// Runs the block of commands that begins with that comment.
    pub(crate) async fn run(&self, title: &str, mut shell: Command) -> anyhow::Result<()> {
        let commands = self.block("sh", |block| block.starts_with(&format!("# {title}\n")));
        let commands = commands.with_context(|| format!("{DOCUMENT} has no commands under `# {title}`"))?;
        // A line that fails ends it, as a person would stop there.
        shell.args(["-e", "-u", "-c", commands]);
        let told = process::output(&mut shell.into()).await?;
        let words = String::from_utf8_lossy(&told.stderr).into_owned();
        ensure!(told.status.success(), "`# {title}` of {DOCUMENT} fails: {}", process::tail(&words, 8));
        Ok(())
    }

    /// What the document sets `TARGET` to, if it speaks of that setting.
    pub(crate) fn target(&self, setting: &str) -> anyhow::Result<&str> {
        let mut targets =
            self.section.lines().filter_map(|line| line.strip_prefix("TARGET=\"")?.strip_suffix('"'));
        let found = targets.find(|target| target.starts_with(setting));
        found.with_context(|| format!("{DOCUMENT} sets no TARGET with {setting}"))
    }

    /// The SQL that holds a word.
    pub(crate) fn statement(&self, word: &str) -> anyhow::Result<&str> {
        let found = self.block("sql", |block| block.contains(word));
        found.with_context(|| format!("{DOCUMENT} has no SQL with `{word}`"))
    }

    /// The first block of a language that is the one.
    fn block(&self, language: &str, is_the_one: impl Fn(&str) -> bool) -> Option<&str> {
        // A block may be indented below an item of a list.
        let blocks = self.section.split("```").skip(1).step_by(2);
        let mut blocks = blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
        blocks.find(|block| is_the_one(block.trim_start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n## Backup\n\n```sh\n# one\na\nb\n```\n\n- item\n\n  ```sql\n  SELECT 1;\n  ```\n\n## Next\n\n\
                        ```sh\n# two\nc\n```\n";

    #[test]
    fn commands_are_found_by_their_comment_in_their_section_only() {
        let document = Document::of(TEXT).unwrap();
        let find = |title: &str| document.block("sh", |block| block.starts_with(&format!("# {title}\n")));
        assert_eq!(find("one"), Some("# one\na\nb\n"));
        assert_eq!(find("two"), None);
        assert_eq!(document.statement("SELECT").unwrap().trim(), "SELECT 1;");
        assert!(Document::of("# A\n").is_err());
    }

    #[tokio::test]
    async fn the_first_command_that_fails_is_the_last() {
        let document =
            Document::of("\n## Backup\n```sh\n# one\necho no >&2\nfalse\necho yes >&2\n```\n").unwrap();
        let error = document.run("one", Command::new("sh")).await.unwrap_err().to_string();
        assert!(error.contains("no") && !error.contains("yes"), "{error}");
        assert!(document.run("none", Command::new("sh")).await.is_err());
    }

    #[test]
    fn the_document_has_what_is_run() {
        let document = Document::read().unwrap();
        for title in
            ["dump", "restore the dump", "keep the log", "take a base backup", "name the moment", "recover"]
        {
            let found = document.block("sh", |block| block.starts_with(&format!("# {title}\n")));
            assert!(found.is_some(), "{title}");
        }
        assert_eq!(
            document.target("recovery_target_name").unwrap(),
            "recovery_target_name = 'before_cleanup'"
        );
        assert!(document.target("recovery_target_xid").is_err());
    }
}
