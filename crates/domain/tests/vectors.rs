//! The rules against what other programs say: python-dateutil of recurrence, zoneinfo of time zones, Python's unicodedata
//! and `str` of characters. `vectors/make.py` writes the files.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use task_domain::{
    Change, Due, DueAt, DueChange, DueDate, InvalidRule, RecurrenceFrom, Rule, Schedule, ScheduleChanges,
    Tag, ZoneName, fold,
};

/// The lines of a file, without the one that names the columns.
fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect())
}

fn due(text: &str) -> Option<Due> {
    DueDate::parse(text).map(Due::On).or_else(|_| DueAt::parse(text).map(Due::At)).ok()
}

/// A due as the files have it.
fn written(due: Due) -> String {
    match due {
        Due::On(date) => date.to_string(),
        Due::At(at) if at.moment().timestamp_subsec_micros() == 0 => seconds(at.moment()),
        Due::At(at) => at.moment().to_rfc3339_opts(SecondsFormat::Micros, true),
    }
}

fn seconds(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[test]
fn the_names_of_zones_are_those_of_the_release_and_no_others() {
    let names: Vec<_> = include_str!("vectors/zone-names.tsv").lines().collect();
    for name in &names {
        assert_eq!(ZoneName::parse(name).expect(name).as_str(), *name);
        for other in [name.to_lowercase(), name.to_uppercase(), format!("{name} "), format!("posix/{name}")] {
            assert_eq!(ZoneName::parse(&other).is_ok(), names.contains(&other.as_str()), "{other}");
        }
    }
    assert_eq!(names.len(), 597);
}

#[test]
fn times_and_days_of_zones_are_those_of_zoneinfo() {
    for line in lines(include_str!("vectors/zones.tsv")) {
        let zone = ZoneName::parse(line[0]).unwrap();
        if let [_, local, moment, shown] = line[..] {
            let found = zone.moment(local.parse().unwrap());
            assert_eq!(seconds(found), moment, "{line:?}");
            assert_eq!(zone.local(found), shown.parse::<NaiveDateTime>().unwrap(), "{line:?}");
        } else {
            assert_eq!(
                seconds(zone.first_moment(line[1].parse::<NaiveDate>().unwrap())),
                line[2],
                "{line:?}"
            );
        }
    }
}

#[test]
fn occurrences_are_those_of_dateutil() {
    let mut faults = 0;
    for line in lines(include_str!("vectors/recurrence.tsv")) {
        let [rule, from, first, zone, completed_at, dues, next_rule] = line[..] else { panic!("{line:?}") };
        let rule = match Rule::parse(rule) {
            Err(fault) => {
                assert_eq!((dues, fault), ("fault", InvalidRule::NoDay), "{line:?}");
                faults += 1;
                continue;
            }
            Ok(rule) => rule,
        };
        let changes = ScheduleChanges {
            due: DueChange::to(due(first).expect(first)),
            time_zone: if zone == "-" { Change::Keep } else { Change::Set(ZoneName::parse(zone).unwrap()) },
            rule: Change::Set(rule),
            from: Change::Set(RecurrenceFrom::parse(from).unwrap()),
        };
        let completed_at = completed_at.parse().expect(completed_at);
        let mut next = Schedule::default().apply(&changes).unwrap().next(completed_at);
        let found_rule =
            next.as_ref().and_then(Schedule::recurrence).map(|recurrence| recurrence.rule.to_string());
        assert_eq!(found_rule.as_deref().unwrap_or("-"), next_rule, "{line:?}");
        for due in dues.split(' ') {
            assert_eq!(
                next.as_ref().and_then(Schedule::due).map_or("-".to_owned(), written),
                due,
                "{line:?}"
            );
            next = next.and_then(|next| next.next(completed_at));
        }
    }
    assert!(faults > 100, "only {faults} rules without a day");
}

#[test]
fn keys_and_folded_texts_are_those_of_unicode() {
    let text = |points: &str| -> String {
        points
            .split_whitespace()
            .map(|point| char::from_u32(u32::from_str_radix(point, 16).unwrap()).unwrap())
            .collect()
    };
    let key = |text: &str| Tag::parse(text).ok().map(|tag| tag.key().to_owned());
    let mut differing = std::collections::HashSet::new();
    let (ranges, texts): (Vec<_>, Vec<_>) =
        lines(include_str!("vectors/folding.tsv")).partition(|line| line[0] == "assigned");
    for line in texts {
        let sent = text(line[0]);
        assert_eq!(fold(&sent), text(line[2]), "{line:?}");
        // A tag is trimmed, and has no commas.
        if let Some(key) = key(&sent).filter(|_| sent.trim() == sent) {
            assert_eq!(key, text(line[1]), "{line:?}");
        }
        differing.insert(sent);
    }
    for line in ranges {
        let [first, last] = [line[1], line[2]].map(|point| u32::from_str_radix(point, 16).unwrap());
        let characters = (first..=last).filter_map(char::from_u32).map(String::from);
        for same in characters.filter(|character| !differing.contains(character)) {
            assert_eq!(fold(&same), same);
            assert!(key(&same).is_none_or(|key| key == same), "{same:?}");
        }
    }
}
