use chrono::{Datelike, NaiveDate, Weekday};

use super::weekdays::Weekdays;

/// Which days of a month a rule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MonthDays {
    /// By what.
    pub(super) by: By,
    /// Which one of them, from the first (1, 2, ...) or the last (-1, -2, ...); without it, all of them: `BYSETPOS`.
    pub(super) position: Option<i8>,
}

/// What days are named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Days counted from the first or the last one: `BYMONTHDAY`.
    Number(Numbers),
    /// Each of these days of the week: `BYDAY` without ordinals.
    Weekday(Weekdays),
    /// The first, second, ... of a day of the week, or the last, ... one: `BYDAY` with ordinals, ascending.
    Nth(Vec<(i8, Weekday)>),
}

/// Days of a month, counted from the first one and from the last one; bit 0 stands for 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    from_first: u32,
    from_last: u32,
}

impl Numbers {
    /// The numbers, the smallest first: those from the last day are negative.
    pub(super) fn iter(self) -> impl Iterator<Item = i8> {
        let bits = |bits: u32| (1..=31_i8).filter(move |number| bits & bit(*number) != 0);
        bits(self.from_last).map(|number| -number).rev().chain(bits(self.from_first))
    }

    /// The days that they are in a month of that length.
    fn days(self, length: u32) -> u32 {
        let all = u32::MAX >> (32 - length);
        // The last day is bit 0 of those from the last, and bit `length - 1` of the days.
        (self.from_first & all) | (self.from_last.reverse_bits() >> (32 - length))
    }
}

impl FromIterator<i8> for Numbers {
    fn from_iter<T: IntoIterator<Item = i8>>(numbers: T) -> Self {
        numbers.into_iter().fold(Self::default(), |mut all, number| {
            let side = if number < 0 { &mut all.from_last } else { &mut all.from_first };
            *side |= bit(number);
            all
        })
    }
}

/// The bit of a number from 1 to 31, or of its negative.
fn bit(number: i8) -> u32 {
    u32::from(number.unsigned_abs()).checked_sub(1).and_then(|shift| 1_u32.checked_shl(shift)).unwrap_or(0)
}

/// A month, as far as it matters for its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    /// 28 to 31.
    length: u32,
    /// The day of the week of its first day.
    first: Weekday,
}

impl Month {
    /// The month of that first day.
    pub(super) fn of(first: NaiveDate) -> Self {
        Self { length: u32::from(first.num_days_in_month()), first: first.weekday() }
    }

    /// The number of its first such day of the week.
    fn first_on(self, day: Weekday) -> u32 {
        day.days_since(self.first) + 1
    }
}

impl MonthDays {
    /// The days of that month that are named; bit 0 stands for the first day.
    pub(super) fn in_month(&self, month: Month) -> u32 {
        let days = match &self.by {
            By::Number(numbers) => numbers.days(month.length),
            By::Weekday(weekdays) => weekdays.iter().fold(0, |days, day| days | all(month, day)),
            By::Nth(days) => days.iter().fold(0, |found, (n, day)| found | pick(all(month, *day), *n)),
        };
        self.position.map_or(days, |position| pick(days, position))
    }
}

/// Each such day of the week.
fn all(month: Month, day: Weekday) -> u32 {
    let days = (month.first_on(day)..=month.length).step_by(7);
    days.fold(0, |days, number| days | (1 << (number - 1)))
}

/// One of these days: the first is 1, the last -1.
fn pick(mut days: u32, position: i8) -> u32 {
    let count = i64::from(days.count_ones());
    let skipped = if position < 0 { count + i64::from(position) } else { i64::from(position) - 1 };
    if skipped < 0 {
        return 0;
    }
    for _ in 0..skipped {
        days &= days.wrapping_sub(1);
    }
    days & days.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days of a month that are named by `by` at that position.
    fn days(by: By, position: Option<i8>, month: &str) -> Vec<u32> {
        let month = Month::of(format!("{month}-01").parse().unwrap());
        let bits = MonthDays { by, position }.in_month(month);
        (1..=32).filter(|day| *day < 32 && bits & (1 << (day - 1)) != 0).collect()
    }

    fn numbers(numbers: &[i8]) -> By {
        By::Number(numbers.iter().copied().collect())
    }

    #[test]
    fn days_are_counted_from_the_first_and_from_the_last() {
        assert_eq!(days(numbers(&[1, 31, -1]), None, "2026-01"), [1, 31]);
        assert_eq!(days(numbers(&[1, 31, -1]), None, "2026-02"), [1, 28]);
        assert_eq!(days(numbers(&[29, -29, -31]), None, "2024-02"), [1, 29]);
        assert_eq!(days(numbers(&[30, 31, -30]), None, "2100-02"), [0_u32; 0]);
        let all: Vec<i8> = (1..=31).collect();
        assert_eq!(days(numbers(&all), None, "2026-04").len(), 30);
        assert_eq!(numbers_of(&[3, -1, 3, -31, 31]), [-31, -1, 3, 31]);
    }

    fn numbers_of(numbers: &[i8]) -> Vec<i8> {
        numbers.iter().copied().collect::<Numbers>().iter().collect()
    }

    #[test]
    fn days_of_the_week_are_each_or_the_nth() {
        let mondays = By::Weekday([Weekday::Mon].into_iter().collect());
        assert_eq!(days(mondays, None, "2026-06"), [1, 8, 15, 22, 29]);
        let nth = |days: &[(i8, Weekday)]| By::Nth(days.to_vec());
        assert_eq!(days(nth(&[(1, Weekday::Mon), (-1, Weekday::Fri)]), None, "2026-05"), [4, 29]);
        assert_eq!(days(nth(&[(5, Weekday::Mon), (-5, Weekday::Mon)]), None, "2026-06"), [1, 29]);
        assert_eq!(days(nth(&[(5, Weekday::Mon), (-5, Weekday::Mon)]), None, "2026-07"), [0_u32; 0]);
    }

    #[test]
    fn a_position_is_one_of_the_days_or_none() {
        let weekdays = || {
            By::Weekday(
                [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].into_iter().collect(),
            )
        };
        assert_eq!(days(weekdays(), Some(-1), "2026-05"), [29]);
        assert_eq!(days(weekdays(), Some(1), "2026-08"), [3]);
        assert_eq!(days(weekdays(), Some(23), "2026-02"), [0_u32; 0]);
        assert_eq!(days(numbers(&[28, 29, 30]), Some(-1), "2026-02"), [28]);
        assert_eq!(days(numbers(&[28, 29, 30]), Some(-1), "2024-02"), [29]);
        assert_eq!(days(numbers(&[28, 29, 30]), Some(-1), "2026-03"), [30]);
        assert_eq!(days(numbers(&[1]), Some(-2), "2026-03"), [0_u32; 0]);
    }
}
