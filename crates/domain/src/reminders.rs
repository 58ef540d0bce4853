use crate::list_limit::TooMany;

/// When the owner wants to be reminded: minutes from the due time, negative before it (`docs/api.md`, "More members").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reminder(i32);

/// A number of minutes that is too far from the due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be from {} to {}", Reminder::MIN, Reminder::MAX)]
pub struct InvalidReminder;

impl Reminder {
    /// The earliest one: four weeks before.
    pub const MIN: i64 = -40_320;
    /// The latest one: a day after.
    pub const MAX: i64 = 1_440;

    /// Takes a number of minutes in the range.
    pub fn new(minutes: i64) -> Result<Self, InvalidReminder> {
        match i32::try_from(minutes) {
            Ok(in_range) if (Self::MIN..=Self::MAX).contains(&minutes) => Ok(Self(in_range)),
            _ => Err(InvalidReminder),
        }
    }

    /// The minutes from the due time.
    #[must_use]
    pub const fn minutes(self) -> i32 {
        self.0
    }
}

/// The reminders of a task: at most [`Reminders::MAX`], ascending and without doubles (`docs/api.md`, "More members").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reminders(Vec<Reminder>);

impl Reminders {
    /// How many there may be, as they are sent.
    pub const MAX: usize = 10;

    /// Takes the reminders that were sent, in whatever order.
    pub fn new(mut sent: Vec<Reminder>) -> Result<Self, TooMany> {
        TooMany::check(sent.len(), Self::MAX)?;
        sent.sort_unstable();
        sent.dedup();
        Ok(Self(sent))
    }

    /// Each reminder, the earliest first.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Reminder> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_reminder_is_from_four_weeks_before_to_a_day_after() {
        for minutes in [-40_320, -1, 0, 1_440] {
            assert_eq!(Reminder::new(minutes).map(|reminder| i64::from(reminder.minutes())), Ok(minutes));
        }
        for minutes in [-40_321, 1_441, i64::MIN, i64::MAX, 1 << 32] {
            assert_eq!(Reminder::new(minutes), Err(InvalidReminder), "{minutes}");
        }
        assert_eq!(InvalidReminder.to_string(), "must be from -40320 to 1440");
    }

    #[test]
    fn there_are_at_most_ten_as_they_are_sent() {
        let sent = |count| vec![Reminder::new(-5).unwrap(); count];
        assert_eq!(Reminders::new(sent(10)).unwrap().iter().len(), 1);
        assert_eq!(Reminders::new(sent(11)), Err(TooMany { max: 10, actual: 11 }));
        assert_eq!(TooMany { max: 10, actual: 11 }.to_string(), "must be at most 10; there are 11");
        assert!(Reminders::default().is_empty());
    }

    proptest! {
        #[test]
        fn reminders_are_ascending_without_doubles_whatever_their_order(
            sent in vec(prop_oneof![Reminder::MIN..=Reminder::MAX, -3..3_i64], 0..=10),
        ) {
            let taken = |sent: &[i64]| Reminders::new(sent.iter().map(|m| Reminder::new(*m).unwrap()).collect());
            let reminders = taken(&sent).unwrap();
            prop_assert!(reminders.0.windows(2).all(|pair| pair[0] < pair[1]));
            let reversed: Vec<_> = sent.iter().rev().copied().collect();
            prop_assert_eq!(taken(&reversed).unwrap(), reminders.clone());
            prop_assert!(sent.iter().all(|m| reminders.iter().any(|kept| i64::from(kept.minutes()) == *m)));
        }
    }
}
