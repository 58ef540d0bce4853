//! A query is taken exactly where each of its parameters is known, given once, and has a value of the contract's.

use std::{borrow::Cow, collections::HashMap};

use task_api::parsers::{Query, Refused};

pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let mut given: HashMap<Cow<'_, str>, Vec<Cow<'_, str>>> = HashMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        given.entry(name).or_default().push(value);
    }
    let wrong =
        given.iter().filter(|(name, values)| values.len() != 1 || !is_value(name, &values[0])).count();
    match Query::parse(text) {
        Ok(query) => {
            assert_eq!(wrong, 0, "taken although a parameter is at fault");
            lead_on(&query);
            true
        }
        Err(Refused::Empty) => unreachable!("an empty query lists all tasks"),
        Err(Refused::Fields(faults)) => {
            assert_eq!(faults.len(), wrong, "each parameter at fault is named once: {faults:?}");
            assert!(faults.iter().all(|(field, _)| given.contains_key(&**field)), "{faults:?}");
            assert_ne!(wrong, 0);
            false
        }
    }
}

/// The query of the next page is one, and its own next page is the same but for the cursor.
fn lead_on(query: &Query) {
    const CURSOR: &str = "a+b%&=é.";
    let next = query.next(CURSOR);
    let again = Query::parse(&next);
    assert_eq!(again.as_ref().map(|again| again.next(CURSOR)).ok(), Some(next));
    assert!(again.is_ok_and(|again| again.list() == query.list()));
}

fn is_value(name: &str, value: &str) -> bool {
    match name {
        "status" => ["all", "pending", "completed"].contains(&value),
        "sort" => ["created", "title"].contains(&value),
        "total" => ["true", "false"].contains(&value),
        "limit" => {
            value.parse::<u16>().is_ok_and(|limit| (1..=1000).contains(&limit) && limit.to_string() == value)
        }
        "cursor" => !value.is_empty(),
        _ => false,
    }
}
