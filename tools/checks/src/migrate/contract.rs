//! The contract step, which takes away what an earlier release still used, and the words that allow it.
//!
//! No tool can know whether any replica still needs a column. So the author of the step names, in the file, the release
//! that no longer did, and that has to be one that was released: not the one that is being made.

/// Something that stands in a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Counted from one.
    pub(crate) line: usize,
    pub(crate) rule: String,
    pub(crate) message: String,
}

/// What comes before the number of the release.
const MARKER: &str = "-- contract: unneeded since ";
/// squawk's own way to allow something, for the statement that follows.
const IGNORE: &str = "squawk-ignore";
/// The rule of this module.
const RULE: &str = "contract";

/// Rules of squawk about what a release before may still rely on, besides those whose names begin with [`TAKES_AWAY`].
const BREAKS_OLDER: [&str; 8] = [
    "adding-not-nullable-field",
    "ban-alter-row-level-security",
    "ban-disable-trigger",
    "ban-new-write-restriction",
    "ban-revoke",
    "ban-set-default",
    "ban-set-schema",
    "ban-truncate-cascade",
];
const TAKES_AWAY: [&str; 2] = ["ban-drop-", "renaming-"];
/// What [`BREAKS_OLDER`] says of a constraint on a column that the same statement adds. An older release does not write
/// that column, and what a default breaks fails when the migration is tried.
const ON_A_NEW_COLUMN: &str = "A new column constraint can reject writes from existing clients.";

/// What is left of the findings of squawk when a contract step is allowed if it says so, and what is wrong with how
/// it says so.
pub(crate) fn judge(text: &str, findings: Vec<Finding>, released: &[String]) -> Vec<Finding> {
    let mut complaints = disguises(text);
    let findings = findings.into_iter().filter(|finding| finding.message != ON_A_NEW_COLUMN);
    let (steps, others): (Vec<_>, Vec<_>) = findings.partition(|finding| is_of_contract(&finding.rule));
    complaints.extend(others);
    let Some((line, release)) = marker(text) else {
        complaints.extend(steps.into_iter().map(with_advice));
        return complaints;
    };
    if steps.is_empty() {
        complaints.push(complaint(line, "this is no contract step: take the comment away".to_owned()));
    } else if !released.iter().any(|version| version == release) {
        let why = format!("{release} is no release of CHANGELOG.md: replicas that need it may still run");
        complaints.push(complaint(line, why));
    }
    complaints
}

fn with_advice(step: Finding) -> Finding {
    let message = format!("{} Where a release no longer needs it, name it: `{MARKER}0.0.0`", step.message);
    Finding { message, ..step }
}

fn complaint(line: usize, message: String) -> Finding {
    Finding { line, rule: RULE.to_owned(), message }
}

/// The line of the comment that allows a contract step, and the release that it names.
fn marker(text: &str) -> Option<(usize, &str)> {
    text.lines()
        .enumerate()
        .find_map(|(line, words)| Some((line + 1, words.trim().strip_prefix(MARKER)?.trim())))
}

/// Where a comment makes squawk overlook a contract step, or everything: one way to allow it is enough.
fn disguises(text: &str) -> Vec<Finding> {
    let allows_contract = |words: &str| {
        let rules = words.split([',', ' ']).map(str::trim).filter(|rule| !rule.is_empty());
        let rules: Vec<_> = rules.collect();
        // Without a rule, or for a whole file, it allows everything that may be added later.
        rules.is_empty() || words.starts_with("-file") || rules.into_iter().any(is_of_contract)
    };
    let lines =
        text.lines().enumerate().filter_map(|(line, words)| Some((line, words.split_once(IGNORE)?.1)));
    let lines =
        lines.filter(|(_, words)| allows_contract(words.trim_end_matches("*/").trim_start_matches(':')));
    let why = format!("`{IGNORE}` has to name rules, and none of a contract step: that is `{MARKER}0.0.0`");
    lines.map(|(line, _)| complaint(line + 1, why.clone())).collect()
}

fn is_of_contract(rule: &str) -> bool {
    BREAKS_OLDER.contains(&rule) || TAKES_AWAY.iter().any(|beginning| rule.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: &str) -> Finding {
        Finding { line: 2, rule: rule.to_owned(), message: "It may break.".to_owned() }
    }

    fn rules(text: &str, findings: &[&str]) -> Vec<String> {
        let findings = findings.iter().map(|rule| found(rule)).collect();
        judge(text, findings, &["0.1.0".to_owned()]).into_iter().map(|complaint| complaint.rule).collect()
    }

    #[test]
    fn a_contract_step_needs_the_release_that_no_longer_needs_the_thing() {
        for rule in ["ban-drop-column", "renaming-column", "adding-not-nullable-field"] {
            assert_eq!(rules("", &[rule]), [rule]);
            assert!(rules("-- contract: unneeded since 0.1.0", &[rule]).is_empty(), "{rule}");
            for other in ["0.2.0", "0.1", "Unreleased"] {
                assert_eq!(rules(&format!("-- contract: unneeded since {other}"), &[rule]), ["contract"]);
            }
        }
    }

    #[test]
    fn the_comment_allows_nothing_else() {
        let text = "-- contract: unneeded since 0.1.0";
        assert_eq!(rules(text, &[]), ["contract"]);
        for rule in ["require-concurrent-index-creation", "changing-column-type", "syntax-error"] {
            assert_eq!(rules(text, &["ban-drop-column", rule]), [rule]);
        }
    }

    #[test]
    fn squawk_is_not_told_to_overlook_a_contract_step() {
        for comment in [
            "-- squawk-ignore ban-drop-column",
            "-- squawk-ignore prefer-text-field, ban-drop-column",
            "-- squawk-ignore",
            "-- squawk-ignore-file prefer-text-field",
            "/* squawk-ignore ban-drop-column */",
        ] {
            assert_eq!(rules(comment, &[]), ["contract"], "{comment}");
        }
        assert!(rules("-- squawk-ignore prefer-text-field", &[]).is_empty());
    }

    #[test]
    fn a_refusal_says_how_the_step_would_be_allowed() {
        let complaints = judge("", vec![found("ban-drop-table")], &[]);
        assert_eq!(complaints[0].line, 2);
        assert!(complaints[0].message.contains("-- contract: unneeded since"), "{}", complaints[0].message);
    }
}
