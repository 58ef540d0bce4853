//! Time zones, from the database that is compiled in.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

/// A time zone by its name in the IANA database, a link such as `Asia/Calcutta` included (`docs/api.md`, "More members").
///
/// The name is kept as it was given. The zones come from the release that is compiled in; no file is read.
#[derive(Clone, Debug)]
pub struct ZoneName {
    name: Box<str>,
    zone: TimeZone,
}

/// A text that names no time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a name of the IANA time zone database, such as \"Europe/Berlin\"")]
pub struct InvalidZoneName;

impl PartialEq for ZoneName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ZoneName {}

impl ZoneName {
    /// Takes a name of the database in its letter case. Offsets are none, nor are abbreviations that are no names, nor is
    /// `Factory`, which stands for a machine without a zone.
    pub fn parse(text: &str) -> Result<Self, InvalidZoneName> {
        // The look-up ignores case and knows a name of CLDR besides; the name that it answers is none then, or another.
        let zone = TimeZoneDatabase::bundled().get(text).map_err(|_| InvalidZoneName)?;
        if zone.iana_name() != Some(text) || text == "Factory" {
            return Err(InvalidZoneName);
        }
        Ok(Self { name: text.into(), zone })
    }

    /// The zone of what names none.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// The name, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What a clock in the zone shows at that moment.
    #[must_use]
    pub fn local(&self, moment: DateTime<Utc>) -> NaiveDateTime {
        let utc = moment.naive_utc();
        utc.checked_add_signed(seconds(self.offset(utc))).unwrap_or(utc)
    }

    /// Which day it is in the zone at that moment.
    #[must_use]
    pub fn day(&self, moment: DateTime<Utc>) -> NaiveDate {
        self.local(moment).date()
    }

    /// The moment at which a clock in the zone shows `local`: the first one if it does so twice. If it never does, because
    /// the clock is put forward, the moment is taken with the offset before that (RFC 5545, section 3.3.5), so that the
    /// clock shows a later time.
    #[must_use]
    pub fn moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let offset = match self.ambiguous_offset(local) {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        at_offset(local, offset)
    }

    /// The moment of the first time that the day has in the zone; of a day that the zone left out, that of the day after.
    #[must_use]
    pub fn first_moment(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        match self.ambiguous_offset(midnight) {
            // The clock is put forward over midnight: the day begins at the moment at which that is done.
            AmbiguousOffset::Gap { before, after } => {
                let (earliest, latest) = (at_offset(midnight, after), at_offset(midnight, before));
                let transitions = self.zone.following(timestamp(earliest.naive_utc()));
                let moments = transitions
                    .filter_map(|transition| DateTime::from_timestamp(transition.timestamp().as_second(), 0));
                let is_it = |moment: &DateTime<Utc>| self.offset(moment.naive_utc()) == after;
                moments.take_while(|moment| *moment <= latest).find(is_it).unwrap_or(latest)
            }
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                at_offset(midnight, offset)
            }
        }
    }

    fn offset(&self, utc: NaiveDateTime) -> Offset {
        self.zone.to_offset(timestamp(utc))
    }

    fn ambiguous_offset(&self, local: NaiveDateTime) -> AmbiguousOffset {
        match civil(local) {
            Some(civil) => self.zone.to_ambiguous_timestamp(civil).offset(),
            None => AmbiguousOffset::Unambiguous { offset: self.offset(local) },
        }
    }
}

/// The nearest moment that jiff knows: its last one is two hours before the end of 9999-12-30. No zone changes its offset
/// there.
fn timestamp(utc: NaiveDateTime) -> Timestamp {
    let seconds = utc.and_utc().timestamp();
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(end)
}

fn civil(local: NaiveDateTime) -> Option<civil::DateTime> {
    let small = |value: u32| i8::try_from(value).ok();
    let (date, time) = (local.date(), local.time());
    civil::DateTime::new(
        i16::try_from(date.year()).ok()?,
        small(date.month())?,
        small(date.day())?,
        small(time.hour())?,
        small(time.minute())?,
        small(time.second())?,
        0,
    )
    .ok()
}

fn at_offset(local: NaiveDateTime, offset: Offset) -> DateTime<Utc> {
    local.checked_sub_signed(seconds(offset)).unwrap_or(local).and_utc()
}

fn seconds(offset: Offset) -> TimeDelta {
    TimeDelta::seconds(offset.seconds().into())
}

#[cfg(test)]
mod tests;
