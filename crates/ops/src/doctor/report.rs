//! The report of the doctor, in lines for people.

use std::fmt;

/// How wide the lines are, in characters.
const WIDTH: usize = 110;
/// The column of the text, after the verdict and the name.
const INDENT: usize = 26;

/// The verdict on a part of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but should be looked at.
    Warning,
    /// It does not work.
    Problem,
}

/// The finding about one part of the set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The part of the set-up, in a word or two.
    pub name: &'static str,
    /// What was found. Never a secret.
    pub found: String,
    /// How to fix it; empty if there is nothing to do.
    pub advice: String,
}

impl Finding {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, name, found: found.into(), advice: String::new() }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, name, found: found.into(), advice: advice.into() }
    }

    pub(super) fn problem(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Problem, name, found: found.into(), advice: advice.into() }
    }
}

/// All findings, in the order of the examination. `Display` writes them for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether there is no problem; warnings do not count.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.count(Verdict::Problem) == 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            write!(f, "{finding}")?;
        }
        let warnings = match self.count(Verdict::Warning) {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            count => format!(", {count} warnings"),
        };
        match self.count(Verdict::Problem) {
            0 => write!(f, "\nNo problem was found{warnings}."),
            1 => write!(f, "\n1 problem{warnings}."),
            count => write!(f, "\n{count} problems{warnings}."),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "problem",
        };
        let mut head = format!("{verdict:<9}{:<17}", self.name);
        for line in wrapped(&self.found) {
            writeln!(f, "{head}{line}")?;
            head = " ".repeat(INDENT);
        }
        let mut head = format!("{}-> ", " ".repeat(INDENT));
        for line in wrapped(&self.advice) {
            writeln!(f, "{head}{line}")?;
            head = " ".repeat(INDENT + 3);
        }
        Ok(())
    }
}

/// Wraps a text into lines. Text in backticks counts as one word, so that it can be copied; a line that begins with a space
/// stays as it is.
fn wrapped(text: &str) -> Vec<String> {
    text.lines().flat_map(wrapped_line).collect()
}

fn wrapped_line(line: &str) -> Vec<String> {
    if line.starts_with(' ') {
        return vec![line.to_owned()];
    }
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in words(line) {
        let too_long = current.chars().count() + 1 + word.chars().count() > WIDTH - INDENT - 3;
        if too_long && !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    lines.push(current);
    lines
}

fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for piece in line.split_whitespace() {
        match words.last_mut().filter(|_| quoted) {
            Some(word) => {
                word.push(' ');
                word.push_str(piece);
            }
            None => words.push(piece.to_owned()),
        }
        quoted ^= piece.matches('`').count() % 2 == 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_commands_stay_whole() {
        let long = "word ".repeat(40);
        let report = Report {
            findings: vec![
                Finding::ok("settings", "fine"),
                Finding::warning("clock", &long, "look at it"),
                Finding::problem("migrations", "none\n  kept", format!("{long}`task-api migrate run`")),
            ],
        };
        let text = report.to_string();
        let indent = " ".repeat(INDENT);
        for line in text.lines().take_while(|line| !line.is_empty()) {
            assert!(line.chars().count() <= WIDTH, "{line}");
            let begins =
                ["ok       ", "warning  ", "problem  ", &indent].map(|begin| line.starts_with(begin));
            assert!(begins.contains(&true), "{line}");
        }
        assert!(text.starts_with("ok       settings         fine\nwarning  clock            word"), "{text}");
        assert!(text.contains(&format!("none\n{indent}  kept\n{indent}-> word")), "{text}");
        assert!(text.lines().any(|line| line.contains("`task-api migrate run`")), "{text}");
        assert!(text.ends_with("\n1 problem, 1 warning."), "{text}");
    }

    #[test]
    fn the_last_line_sums_up() {
        let sum = |findings: &[Finding]| {
            let report = Report { findings: findings.to_vec() };
            (report.is_good(), report.to_string().lines().last().unwrap().to_owned())
        };
        let (ok, warning) = (Finding::ok("a", "b"), Finding::warning("a", "b", "c"));
        let problem = Finding::problem("a", "b", "c");
        assert_eq!(sum(&[ok]), (true, "No problem was found.".to_owned()));
        assert_eq!(
            sum(&[warning.clone(), warning.clone()]),
            (true, "No problem was found, 2 warnings.".to_owned())
        );
        assert_eq!(sum(&[problem.clone(), problem, warning]), (false, "2 problems, 1 warning.".to_owned()));
    }
}
