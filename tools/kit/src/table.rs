//! Tables that people read as they are, and that documents take as they are.

use std::fmt;

use serde_json::Value;

/// A table in Markdown, whose columns are as wide as what stands in them. The first one holds names, the others numbers.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these heads.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let cells = std::iter::once(&self.head).chain(&self.rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(4)
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, row: &[String]) -> fmt::Result {
        for (column, cell) in row.iter().enumerate() {
            let width = self.width(column);
            if column == 0 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
        }
        writeln!(f, "|")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, &self.head)?;
        let rule = |column| {
            let dashes = "-".repeat(self.width(column) - 1);
            if column == 0 { format!("{dashes}-") } else { format!("{dashes}:") }
        };
        self.line(f, &(0..self.head.len()).map(rule).collect::<Vec<_>>())?;
        self.rows.iter().try_for_each(|row| self.line(f, row))
    }
}

/// A number without a fraction, in groups of three digits.
#[must_use]
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of tasks in millions.
#[must_use]
pub fn millions(tasks: u64) -> String {
    let (whole, tenths) = (tasks / 1_000_000, tasks % 1_000_000 / 100_000);
    if tenths == 0 { format!("{whole} million") } else { format!("{whole}.{tenths} million") }
}

/// Adds the members of one JSON object to another.
pub fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&["workload", "req"]);
        table.row(vec!["get".to_owned(), "48,344".to_owned()]);
        let expected = "| workload |    req |\n| -------- | -----: |\n| get      | 48,344 |\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!(whole(1_234_567.4), "1,234,567");
        assert_eq!(whole(999.6), "1,000");
        assert_eq!(whole(12.0), "12");
        assert_eq!(
            (millions(100_000), millions(10_000_000)),
            ("0.1 million".to_owned(), "10 million".to_owned())
        );
    }

    #[test]
    fn members_are_added() {
        let mut object = json!({ "a": 1 });
        merge(&mut object, json!({ "b": 2 }));
        assert_eq!(object, json!({ "a": 1, "b": 2 }));
    }
}
