//! How a cursor holds the positions of each order. A further order is one more arm of [`Codec::of`].

use chrono::DateTime;
use serde::{Serialize, de::DeserializeOwned};
use task_domain::{Position, TaskId, TaskOrder, Title};

/// How a cursor holds the positions of one order. Clients keep cursors across releases: neither tag nor key may change.
pub(super) struct Codec {
    /// The name of the order within the seal. No two orders share one.
    pub(super) tag: &'static str,
    /// Writes the key of a position as JSON; `None` for a position in another order.
    pub(super) encode: fn(&Position) -> Option<Vec<u8>>,
    /// Reads a position back.
    pub(super) decode: fn(&[u8]) -> Option<Position>,
}

impl Codec {
    pub(super) const fn of(order: TaskOrder) -> Self {
        match order {
            TaskOrder::NewestFirst => Self {
                tag: "NewestFirst",
                encode: |position| {
                    let Position::Created { at, id } = position else { return None };
                    to_json(&(at.timestamp_micros(), id.get()))
                },
                decode: |json| {
                    let (micros, id) = from_json(json)?;
                    let at = DateTime::from_timestamp_micros(micros)?;
                    Some(Position::Created { at, id: TaskId::new(id)? })
                },
            },
            TaskOrder::Title => Self {
                tag: "Title",
                encode: |position| {
                    let Position::Title { title, id } = position else { return None };
                    to_json(&(title.as_str(), id.get()))
                },
                decode: |json| {
                    let (title, id): (String, _) = from_json(json)?;
                    Some(Position::Title { title: Title::parse(title).ok()?, id: TaskId::new(id)? })
                },
            },
        }
    }
}

fn to_json(key: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(key).ok()
}

fn from_json<Key: DeserializeOwned>(json: &[u8]) -> Option<Key> {
    serde_json::from_slice(json).ok()
}
