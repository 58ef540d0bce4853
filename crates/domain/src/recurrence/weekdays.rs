use chrono::Weekday;

/// A set of days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Weekdays(u8);

impl Weekdays {
    /// The names of the days in a rule, from Monday on.
    const NAMES: [(&'static str, Weekday); 7] = [
        ("MO", Weekday::Mon),
        ("TU", Weekday::Tue),
        ("WE", Weekday::Wed),
        ("TH", Weekday::Thu),
        ("FR", Weekday::Fri),
        ("SA", Weekday::Sat),
        ("SU", Weekday::Sun),
    ];

    /// The day of that name, in upper case.
    pub(super) fn day(name: &str) -> Option<Weekday> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, day)| *day)
    }

    /// The name of that day.
    pub(super) fn name(day: Weekday) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == day).map_or("", |(name, _)| name)
    }

    /// Each day of it, from Monday on.
    pub(super) fn iter(self) -> impl Iterator<Item = Weekday> {
        Self::NAMES.into_iter().map(|(_, day)| day).filter(move |day| self.contains(*day))
    }

    /// Whether that day is in it.
    #[must_use]
    pub(super) fn contains(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.num_days_from_monday()
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<T: IntoIterator<Item = Weekday>>(days: T) -> Self {
        Self(days.into_iter().fold(0, |bits, day| bits | Self::bit(day)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_names_and_stand_from_monday_on() {
        let days: Weekdays = [Weekday::Sun, Weekday::Mon, Weekday::Sun].into_iter().collect();
        assert_eq!(days.iter().map(Weekdays::name).collect::<Vec<_>>(), ["MO", "SU"]);
        assert!(days.contains(Weekday::Sun) && !days.contains(Weekday::Tue));
        for (name, day) in Weekdays::NAMES {
            assert_eq!((Weekdays::day(name), Weekdays::name(day)), (Some(day), name));
        }
        assert_eq!(Weekdays::day("mo"), None);
    }
}
