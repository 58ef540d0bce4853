//! Cursors: a position in a list, sealed so that only this service can make one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::DateTime;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde::{Deserialize, Serialize};
use task_domain::{BoxError, Position, StatusFilter, TaskId, TaskOrder, Title, UserId};

/// What a seal is of, apart from every token: a JWT's signed part has no U+0000.
const CONTEXT: &str = "task-api cursor v1";

/// Seals positions, bound to user, filter and order.
#[derive(Clone)]
pub struct CursorSeal {
    sign: EncodingKey,
    verify: DecodingKey,
}

/// A position as it is written in a cursor.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Place {
    Created(i64, i64),
    Title(String, i64),
}

impl CursorSeal {
    /// Seals with a secret that all replicas share.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self { sign: EncodingKey::from_secret(secret), verify: DecodingKey::from_secret(secret) }
    }

    /// Writes a position as a cursor: what is sealed, a dot, and the seal.
    pub(crate) fn seal(
        &self,
        user: &UserId,
        status: StatusFilter,
        position: &Position,
    ) -> Result<String, BoxError> {
        let place = match position {
            Position::Created { at, id } => Place::Created(at.timestamp_micros(), id.get()),
            Position::Title { title, id } => Place::Title(title.as_str().to_owned(), id.get()),
        };
        let place = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place)?);
        let sealed = message(user, status, position.order(), &place);
        let seal = crypto::sign(sealed.as_bytes(), &self.sign, Algorithm::HS256)?;
        Ok(format!("{place}.{seal}"))
    }

    /// Reads a cursor that was sealed for this user, filter and order; `None` for everything else.
    pub(crate) fn open(
        &self,
        user: &UserId,
        status: StatusFilter,
        order: TaskOrder,
        cursor: &str,
    ) -> Option<Position> {
        let (place, seal) = cursor.split_once('.')?;
        let sealed = message(user, status, order, place);
        if !crypto::verify(seal, sealed.as_bytes(), &self.verify, Algorithm::HS256).ok()? {
            return None;
        }
        let position = match serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(place).ok()?).ok()? {
            Place::Created(micros, id) => {
                Position::Created { at: DateTime::from_timestamp_micros(micros)?, id: TaskId::new(id)? }
            }
            Place::Title(title, id) => {
                Position::Title { title: Title::parse(&title).ok()?, id: TaskId::new(id)? }
            }
        };
        (position.order() == order).then_some(position)
    }
}

impl std::fmt::Debug for CursorSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CursorSeal").finish_non_exhaustive()
    }
}

/// What is sealed. A user id has no control character, so that the parts cannot be taken for one another.
fn message(user: &UserId, status: StatusFilter, order: TaskOrder, place: &str) -> String {
    format!("{CONTEXT}\0{}\0{status:?}\0{order:?}\0{place}", user.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use task_domain::testing::{task, user};

    const STATUSES: [StatusFilter; 3] = [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed];
    const ORDERS: [TaskOrder; 2] = [TaskOrder::NewestFirst, TaskOrder::Title];

    fn seal() -> CursorSeal {
        CursorSeal::new(&[7; 32])
    }

    fn position(order: TaskOrder) -> Position {
        let mut task = task(&user("alice"), 7);
        task.title = Title::parse("🦀 \"é\\ ").unwrap();
        Position::of(&task, order)
    }

    #[test]
    fn a_cursor_opens_for_whom_and_what_it_was_sealed() {
        for order in ORDERS {
            for status in STATUSES {
                let cursor = seal().seal(&user("alice"), status, &position(order)).unwrap();
                assert!(
                    cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
                    "{cursor}"
                );
                assert_eq!(seal().open(&user("alice"), status, order, &cursor), Some(position(order)));
            }
        }
    }

    #[test]
    fn a_cursor_opens_for_nobody_and_nothing_else() {
        let cursor = seal().seal(&user("alice"), StatusFilter::All, &position(TaskOrder::Title)).unwrap();
        let open = |name: &str, status, order| seal().open(&user(name), status, order, &cursor);
        assert!(open("alice", StatusFilter::All, TaskOrder::Title).is_some());
        assert_eq!(open("bob", StatusFilter::All, TaskOrder::Title), None);
        assert_eq!(open("alice", StatusFilter::Pending, TaskOrder::Title), None);
        assert_eq!(open("alice", StatusFilter::All, TaskOrder::NewestFirst), None);
        let other = CursorSeal::new(&[8; 32]);
        assert_eq!(other.open(&user("alice"), StatusFilter::All, TaskOrder::Title, &cursor), None);
    }

    #[test]
    fn a_cursor_that_was_tampered_with_does_not_open() {
        let cursor =
            seal().seal(&user("alice"), StatusFilter::All, &position(TaskOrder::NewestFirst)).unwrap();
        let open =
            |cursor: &str| seal().open(&user("alice"), StatusFilter::All, TaskOrder::NewestFirst, cursor);
        for at in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(std::str::from_utf8(&bytes).unwrap()), None, "at {at}");
        }
        for garbage in ["", ".", "x", "x.y", &cursor[1..], &format!("{cursor}A"), &format!("{cursor}=")] {
            assert_eq!(open(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn the_secret_is_never_shown() {
        assert_eq!(format!("{:?}", seal()), "CursorSeal { .. }");
    }
}
