//! A cursor opens only for the user and the list that it was sealed for, and only unchanged.
//!
//! An input that begins with `?` is tried as a cursor. Of any other the first bytes are numbers, and the rest is a title: they
//! make a position, which is sealed.

use chrono::DateTime;
use task_api::parsers::Seal;
use task_domain::{Position, StatusFilter, TaskId, TaskOrder, Title, UserId};

const STATUSES: [StatusFilter; 3] = [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed];
const ORDERS: [TaskOrder; 2] = [TaskOrder::NewestFirst, TaskOrder::Title];

thread_local! {
    // One for each thread: `Seal` does not wait until another thread has read the key.
    static SEAL: Seal = Seal::with([7; 32]);
}

pub(crate) fn read(input: &[u8]) -> bool {
    let Ok(users) = ["alice", "bob"].map(UserId::parse).into_iter().collect::<Result<Vec<_>, _>>() else {
        unreachable!("both are user ids")
    };
    match input.strip_prefix(b"?") {
        Some(text) => std::str::from_utf8(text).is_ok_and(|text| any_text(&users, text)),
        None => sealed(&users, input).is_some(),
    }
}

/// A text that opens for a user is what sealing writes.
fn any_text(users: &[UserId], text: &str) -> bool {
    let mut opened = 0;
    for user in users {
        for (status, order) in lists() {
            if let Some(position) = open(user, status, order, text) {
                assert_eq!(seal(user, status, &position), text, "another text opens to the same position");
                opened += 1;
            }
        }
    }
    assert!(opened <= 1, "{text:?} opens for several lists");
    opened == 1
}

/// Seals a position, opens it, and sees that nothing else opens it.
fn sealed(users: &[UserId], input: &[u8]) -> Option<()> {
    let (choice, rest) = input.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (micros, rest) = rest.split_first_chunk()?;
    let ([user, other], id) = (users, TaskId::new(i64::from_be_bytes(*id))?) else { return None };
    let position = if choice & 1 == 0 {
        Position::Created { at: DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?, id }
    } else {
        Position::Title { title: Title::parse(std::str::from_utf8(rest).ok()?).ok()?, id }
    };
    let status = STATUSES[usize::from(choice >> 1) % 3];
    let cursor = seal(user, status, &position);
    for (listed, order) in lists() {
        assert_eq!(open(other, listed, order, &cursor), None, "it opens for another user");
        let own = listed == status && order == position.order();
        assert_eq!(open(user, listed, order, &cursor), own.then(|| position.clone()));
    }
    // Any one changed, missing or additional character spoils it.
    let place = usize::from(u16::from_be_bytes([micros[0], micros[1]])) % cursor.len();
    let by = char::from(b'!' + choice % 94);
    let (before, after) = cursor.split_at(place);
    for changed in [
        format!("{before}{by}{}", &after[1..]),
        format!("{before}{}", &after[1..]),
        format!("{before}{by}{after}"),
    ] {
        if changed != cursor {
            assert_eq!(open(user, status, position.order(), &changed), None, "{changed} opens like {cursor}");
        }
    }
    Some(())
}

fn lists() -> impl Iterator<Item = (StatusFilter, TaskOrder)> {
    STATUSES.into_iter().flat_map(|status| ORDERS.map(|order| (status, order)))
}

fn seal(user: &UserId, status: StatusFilter, position: &Position) -> String {
    SEAL.with(|seal| seal.seal(user, status, position))
}

fn open(user: &UserId, status: StatusFilter, order: TaskOrder, cursor: &str) -> Option<Position> {
    SEAL.with(|seal| seal.open(user, status, order, cursor))
}
