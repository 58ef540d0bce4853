//! How many tests passed and failed, read from what the test runners print.

use std::{fmt, ops::AddAssign};

/// Whose output is read. nextest repeats what a failed test printed, the summaries of cargo's own runner included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cargo,
    Nextest,
}

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Totals {
    /// Reads a line of output, if it is a summary of that runner.
    pub(crate) fn of_line(line: &str, runner: Kind) -> Option<Self> {
        let line = without_colours(line);
        let line = line.trim();
        match runner {
            Kind::Cargo => Some(Self::add_up(line.strip_prefix("test result: ")?.split(['.', ';']))),
            Kind::Nextest => {
                let (_, counts) = line.strip_prefix("Summary [")?.split_once("run: ")?;
                Some(Self::add_up(counts.split(',')))
            }
        }
    }

    fn add_up<'a>(counts: impl Iterator<Item = &'a str>) -> Self {
        let mut totals = Self::default();
        for count in counts {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<u64>), words.next()) else {
                continue;
            };
            match what {
                "passed" => totals.passed += number,
                // nextest counts tests that were stopped or could not begin apart from those that failed.
                "failed" | "timed" | "exec" => totals.failed += number,
                "skipped" | "ignored" => totals.skipped += number,
                _ => {}
            }
        }
        totals
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The text without the escape sequences that colour it on a terminal.
fn without_colours(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(passed: u64, failed: u64, skipped: u64) -> Totals {
        Totals { passed, failed, skipped }
    }

    #[test]
    fn nextest_is_understood() {
        let line = "     Summary [   0.012s] 9/12 tests run: 5 passed (1 slow), 2 failed, 1 timed out, 1 exec failed, 3 skipped";
        assert_eq!(Totals::of_line(line, Kind::Nextest), Some(totals(5, 4, 3)));
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.012s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m";
        let repeated = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out";
        assert_eq!(Totals::of_line(repeated, Kind::Nextest), None);
        assert_eq!(Totals::of_line(coloured, Kind::Nextest), Some(totals(2, 0, 0)));
    }

    #[test]
    fn cargo_test_is_understood() {
        let line =
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        assert_eq!(Totals::of_line(line, Kind::Cargo), Some(totals(5, 0, 1)));
        let line = "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Totals::of_line(line, Kind::Cargo), Some(totals(5, 2, 0)));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "test title::tests::x ... ok", "running 5 tests", "Summary", "5 passed"] {
            assert_eq!(Totals::of_line(line, Kind::Cargo), None, "{line}");
            assert_eq!(Totals::of_line(line, Kind::Nextest), None, "{line}");
        }
    }

    #[test]
    fn the_closing_line_has_the_form_that_harnesses_read() {
        assert_eq!(totals(12, 0, 0).to_string(), "12 passed, 0 failed");
        assert_eq!(totals(12, 1, 2).to_string(), "12 passed, 1 failed, 2 skipped");
    }
}
