//! The names of metrics: those that a query asks for, and those that the service has.

use std::collections::BTreeSet;

/// Words of the language of queries that may stand where a name may.
const KEYWORDS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "inf", "nan"];
/// Words that are followed by a list of labels in parentheses.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The metrics that a query of Prometheus asks for.
pub(crate) fn asked(query: &str) -> BTreeSet<String> {
    let bare = without_texts(query);
    let mut names = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        // A letter after a digit is a unit, such as that of 5m.
        let is_unit = rest[..start].ends_with(|c: char| c.is_ascii_digit());
        rest = &rest[start..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let opened = after.trim_start().strip_prefix('(');
        // `sum by (a) (b)` is written for `sum(b) by (a)`.
        let is_function = opened.is_some() || ["by", "without"].contains(&first_word(after));
        rest = match opened {
            Some(list) if BEFORE_LABELS.contains(&word) => {
                list.split_once(')').map_or("", |(_, after)| after)
            }
            _ => after,
        };
        if !is_function && !is_unit && !KEYWORDS.contains(&word) && !BEFORE_LABELS.contains(&word) {
            names.insert(word.to_owned());
        }
    }
    names
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// A query without what stands in braces, brackets and quotes: labels, ranges and their values.
fn without_texts(query: &str) -> String {
    let mut quote = None;
    let mut depth = 0_u32;
    let mut bare = String::new();
    for c in query.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

/// The series that the text of metrics holds: of a histogram those that it is made of.
pub(crate) fn served(metrics: &str) -> BTreeSet<String> {
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    let names = samples.filter_map(|line| line.split(['{', ' ']).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Vec<String> {
        asked(query).into_iter().collect()
    }

    #[test]
    fn functions_labels_ranges_and_keywords_are_no_names() {
        let quantile = "histogram_quantile(0.99, sum by (le, route) (rate(a_bucket{job=\"b_total\",x=~\"y}z\"}[$__rate_interval])))";
        assert_eq!(of(quantile), ["a_bucket"]);
        assert_eq!(of("a{b=\"c\"} >= on (job, instance) 0.9 * d{}"), ["a", "d"]);
        assert_eq!(of("sum(a) by (b) / sum without(c) (d offset 5m) > 1e3"), ["a", "d"]);
        assert_eq!(of("rate(a[5m]) unless on (b) group_left (c) d or absent(up{job='x'})"), ["a", "d", "up"]);
        assert_eq!(of("job:a:rate5m > bool 2"), ["job:a:rate5m"]);
    }

    #[test]
    fn the_parts_of_a_histogram_are_series() {
        let text = "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 0.5\na_count 1\n\n# TYPE b gauge\nb{x=\"y z\"} 2\n";
        assert_eq!(served(text).into_iter().collect::<Vec<_>>(), ["a_bucket", "a_count", "a_sum", "b"]);
    }
}
