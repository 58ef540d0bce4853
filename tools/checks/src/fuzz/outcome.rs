//! What libFuzzer prints of a run.

/// What came of calling a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) executions: f64,
    pub(crate) per_second: f64,
    /// How many edges of the code the seeds, and what was kept from runs before, had reached.
    pub(crate) edges_of_seeds: f64,
    pub(crate) edges: f64,
    /// How many inputs are kept, because each reaches something that the others do not.
    pub(crate) corpus: f64,
    /// What did not hold, and the file of the input.
    pub(crate) failure: Option<String>,
}

impl Outcome {
    /// Reads what was printed.
    pub(crate) fn of(told: &str, succeeded: bool) -> Self {
        let stat = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).and_then(number);
        let progress = |place: &str| told.lines().find(|line| line.starts_with('#') && line.contains(place));
        // A run that has found something does not say that it is done: what it said last is the best there is.
        let last = told.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: "));
        let member = |line: Option<&str>, name: &str| {
            line.and_then(|line| line.split_once(name))
                .and_then(|(_, behind)| number(behind))
                .unwrap_or_default()
        };
        Self {
            executions: stat("stat::number_of_executed_units:").unwrap_or_default(),
            per_second: stat("stat::average_exec_per_sec:").unwrap_or_default(),
            edges_of_seeds: member(progress("INITED"), " cov: "),
            edges: member(last, " cov: "),
            corpus: member(last, " corp: "),
            failure: (!succeeded).then(|| failure(told)),
        }
    }
}

/// The number that a text begins with.
fn number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// What did not hold, in one line, and where the input is.
fn failure(told: &str) -> String {
    let lines: Vec<_> = told.lines().collect();
    let panic = lines.iter().position(|line| line.contains("panicked at"));
    let panic = panic.map(|place| lines[place..].iter().take(3).copied().collect::<Vec<_>>().join(" "));
    let error = lines.iter().find(|line| line.contains("ERROR: libFuzzer")).map(|line| (*line).to_owned());
    let file = lines.iter().find_map(|line| line.split_once("Test unit written to ")).map(|(_, file)| file);
    let what = panic.or(error).unwrap_or_else(|| "it ended with an error".to_owned());
    format!("{what}; the input is {}", file.unwrap_or("not kept"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = "INFO: seed corpus: files: 11 min: 0b max: 260b total: 800b rss: 41Mb\n\
        #12\tINITED cov: 210 ft: 390 corp: 9/540b exec/s: 0 rss: 42Mb\n\
        #4096\tpulse  cov: 300 ft: 610 corp: 55/3Kb lim: 43 exec/s: 2048 rss: 44Mb\n\
        #1234567\tDONE   cov: 345 ft: 900 corp: 120/18Kb lim: 4096 exec/s: 2054 rss: 90Mb\n\
        Done 1234567 runs in 601 second(s)\n\
        stat::number_of_executed_units: 1234567\n\
        stat::average_exec_per_sec:     2054\n";

    #[test]
    fn a_run_tells_how_much_it_has_done() {
        let expected = Outcome {
            executions: 1_234_567.0,
            per_second: 2054.0,
            edges_of_seeds: 210.0,
            edges: 345.0,
            corpus: 120.0,
            failure: None,
        };
        assert_eq!(Outcome::of(DONE, true), expected);
    }

    #[test]
    fn a_run_that_found_something_says_what_and_where() {
        let told = "#12\tINITED cov: 210 ft: 390 corp: 9/540b exec/s: 0 rss: 42Mb\n\
            thread '<unnamed>' (1) panicked at crates/api/src/fuzzing/json.rs:20:5:\n\
            assertion failed: it holds\n\
            note: run with `RUST_BACKTRACE=1`\n\
            ==1== ERROR: libFuzzer: deadly signal\n\
            artifact_prefix='fuzz/artifacts/json/'; Test unit written to fuzz/artifacts/json/crash-1\n\
            stat::number_of_executed_units: 99\n";
        let outcome = Outcome::of(told, false);
        assert_eq!((outcome.executions, outcome.edges, outcome.corpus), (99.0, 210.0, 9.0));
        let failure = outcome.failure.unwrap();
        assert!(failure.contains("json.rs:20:5: assertion failed: it holds"), "{failure}");
        assert!(failure.ends_with("the input is fuzz/artifacts/json/crash-1"), "{failure}");
    }

    #[test]
    fn a_run_that_says_nothing_has_done_nothing() {
        assert_eq!(Outcome::of("", true), Outcome::default());
        assert!(Outcome::of("", false).failure.is_some());
    }
}
