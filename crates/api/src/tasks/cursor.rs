//! Cursors: a position in a list, sealed so that only this service can make one.
//!
//! A cursor is the base64url of the position's key in JSON, a dot, and the seal: an HMAC of that key, of the user, of the
//! filter and of the order's tag. Which order it is of, the request says; the seal proves it.

mod codec;

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use task_domain::{Position, RepositoryError, StatusFilter, TaskError, TaskOrder, UserId};
use tokio::sync::OnceCell;

use self::codec::Codec;
use crate::http::error::ApiError;

/// Keeps seals apart from the signatures of tokens: the signed part of a JWT has no U+0000.
const CONTEXT: &str = "task-api cursor v2";

/// The store of the key that seals cursors. All replicas share it.
#[async_trait]
pub trait SealKeySource: Send + Sync {
    /// Reads the key.
    async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError>;
}

/// Seals positions, bound to user, filter and order. The key is read once, at its first use.
#[derive(Clone)]
pub struct CursorSeal {
    source: Arc<dyn SealKeySource>,
    keys: Arc<OnceCell<Keys>>,
}

struct Keys {
    sign: EncodingKey,
    verify: DecodingKey,
}

impl CursorSeal {
    /// Seals with the key of that source.
    #[must_use]
    pub fn new(source: Arc<dyn SealKeySource>) -> Self {
        Self { source, keys: Arc::default() }
    }

    /// Writes a position as a cursor.
    pub(crate) async fn seal(
        &self,
        user: &UserId,
        status: StatusFilter,
        position: &Position,
    ) -> Result<String, ApiError> {
        let keys = self.keys().await?;
        let codec = Codec::of(position.order());
        let json =
            (codec.encode)(position).ok_or_else(|| ApiError::Internal("no key of the position".into()))?;
        let key = BASE64_URL_SAFE_NO_PAD.encode(json);
        let sealed = message(user, status, codec.tag, &key);
        match crypto::sign(sealed.as_bytes(), &keys.sign, Algorithm::HS256) {
            Ok(seal) => Ok(format!("{key}.{seal}")),
            Err(error) => Err(ApiError::Internal(error.into())),
        }
    }

    /// Reads a cursor that was sealed for this user, filter and order. Any other text is an invalid cursor; text that
    /// cannot be a cursor is refused without the key.
    pub(crate) async fn open(
        &self,
        user: &UserId,
        status: StatusFilter,
        order: TaskOrder,
        cursor: &str,
    ) -> Result<Position, ApiError> {
        let codec = Codec::of(order);
        let (key, seal) = cursor.split_once('.').ok_or(ApiError::InvalidCursor)?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(key).map_err(|_| ApiError::InvalidCursor)?;
        let position = (codec.decode)(&json).ok_or(ApiError::InvalidCursor)?;
        let sealed = message(user, status, codec.tag, key);
        let keys = self.keys().await?;
        match crypto::verify(seal, sealed.as_bytes(), &keys.verify, Algorithm::HS256) {
            Ok(true) => Ok(position),
            _ => Err(ApiError::InvalidCursor),
        }
    }

    async fn keys(&self) -> Result<&Keys, ApiError> {
        let read = async || -> Result<Keys, RepositoryError> {
            let key = self.source.seal_key().await?;
            Ok(Keys { sign: EncodingKey::from_secret(&key), verify: DecodingKey::from_secret(&key) })
        };
        self.keys.get_or_try_init(read).await.map_err(|error| TaskError::from(error).into())
    }
}

impl std::fmt::Debug for CursorSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CursorSeal").finish_non_exhaustive()
    }
}

/// The text that is sealed. A user id has no control character, so that the parts cannot be taken for one another.
fn message(user: &UserId, status: StatusFilter, order_tag: &str, key: &str) -> String {
    let status = match status {
        StatusFilter::All => "All",
        StatusFilter::Pending => "Pending",
        StatusFilter::Completed => "Completed",
    };
    format!("{CONTEXT}\0{}\0{status}\0{order_tag}\0{key}", user.as_str())
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod testing {
    use std::sync::Arc;

    use async_trait::async_trait;
    use task_domain::RepositoryError;

    use crate::tasks::cursor::{CursorSeal, SealKeySource};

    /// A key that can always be read.
    struct Fixed([u8; 32]);

    #[async_trait]
    impl SealKeySource for Fixed {
        async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
            Ok(self.0.to_vec())
        }
    }

    /// Seals with that key.
    pub(crate) fn seal_with(key: [u8; 32]) -> CursorSeal {
        CursorSeal::new(Arc::new(Fixed(key)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use task_domain::{
        Title,
        testing::{task, user},
    };

    use super::{testing::seal_with, *};

    const STATUSES: [StatusFilter; 3] = [StatusFilter::All, StatusFilter::Pending, StatusFilter::Completed];
    const ORDERS: [TaskOrder; 2] = [TaskOrder::NewestFirst, TaskOrder::Title];

    fn seal() -> CursorSeal {
        seal_with([7; 32])
    }

    fn position(order: TaskOrder) -> Position {
        let mut task = task(&user("alice"), 7);
        task.title = Title::parse("🦀 \"é\\ ").unwrap();
        Position::of(&task, order)
    }

    async fn sealed(status: StatusFilter, order: TaskOrder) -> String {
        seal().seal(&user("alice"), status, &position(order)).await.unwrap()
    }

    /// What a cursor opens to; `None` if it is not valid.
    async fn open(
        seal: &CursorSeal,
        name: &str,
        status: StatusFilter,
        order: TaskOrder,
        cursor: &str,
    ) -> Option<Position> {
        match seal.open(&user(name), status, order, cursor).await {
            Ok(position) => Some(position),
            Err(ApiError::InvalidCursor) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_cursor_opens_for_its_user_filter_and_order() {
        for order in ORDERS {
            for status in STATUSES {
                let cursor = sealed(status, order).await;
                assert!(
                    cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
                    "{cursor}"
                );
                assert_eq!(open(&seal(), "alice", status, order, &cursor).await, Some(position(order)));
            }
        }
    }

    /// These were sealed by version 0.1 with the same key.
    #[tokio::test]
    async fn cursors_that_clients_have_already_still_open() {
        for (order, cursor) in [
            (
                TaskOrder::NewestFirst,
                "WzE3NjczMjMwNDUwMDAwNjAsN10._KKMorEZW2qtc1w0xf3f__2x9MvlY1buba8FZEsMTfc",
            ),
            (TaskOrder::Title, "WyLwn6aAIFwiw6lcXCIsN10.Ew5CbgjbUVGaCNfdljJVis1tQGvY24hVzpMRvR82Ya0"),
        ] {
            assert_eq!(sealed(StatusFilter::Pending, order).await, cursor);
            assert!(open(&seal(), "alice", StatusFilter::Pending, order, cursor).await.is_some());
        }
    }

    #[tokio::test]
    async fn a_cursor_opens_for_no_other_user_filter_order_or_key() {
        let (all, title) = (StatusFilter::All, TaskOrder::Title);
        let cursor = sealed(all, title).await;
        assert!(open(&seal(), "alice", all, title, &cursor).await.is_some());
        assert_eq!(open(&seal(), "bob", all, title, &cursor).await, None);
        assert_eq!(open(&seal(), "alice", StatusFilter::Pending, title, &cursor).await, None);
        assert_eq!(open(&seal(), "alice", all, TaskOrder::NewestFirst, &cursor).await, None);
        assert_eq!(open(&seal_with([8; 32]), "alice", all, title, &cursor).await, None);
    }

    #[tokio::test]
    async fn a_cursor_that_was_tampered_with_does_not_open() {
        let (all, newest) = (StatusFilter::All, TaskOrder::NewestFirst);
        let (seal, cursor) = (seal(), sealed(all, newest).await);
        for at in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = std::str::from_utf8(&bytes).unwrap();
            assert_eq!(open(&seal, "alice", all, newest, changed).await, None, "at {at}");
        }
        for garbage in ["", ".", "x", "x.y", &cursor[1..], &format!("{cursor}A"), &format!("{cursor}=")] {
            assert_eq!(open(&seal, "alice", all, newest, garbage).await, None, "{garbage}");
        }
    }

    /// A key that can be read from the second time on.
    #[derive(Default)]
    struct Late(AtomicUsize);

    #[async_trait]
    impl SealKeySource for Late {
        async fn seal_key(&self) -> Result<Vec<u8>, RepositoryError> {
            tokio::task::yield_now().await;
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(RepositoryError::Unavailable("down".into())),
                _ => Ok(vec![7; 32]),
            }
        }
    }

    #[tokio::test]
    async fn the_key_is_read_once_and_a_failure_is_not_kept() {
        let source = Arc::new(Late::default());
        let seal = CursorSeal::new(Arc::clone(&source) as Arc<dyn SealKeySource>);
        let (cursor, user) = (sealed(StatusFilter::All, TaskOrder::Title).await, user("alice"));
        let open = || seal.open(&user, StatusFilter::All, TaskOrder::Title, &cursor);
        assert!(matches!(open().await, Err(ApiError::Unavailable(_))));
        for outcome in join_all((0..10).map(|_| open())).await {
            assert_eq!(outcome.unwrap(), position(TaskOrder::Title));
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn text_that_cannot_be_a_cursor_is_refused_without_the_key() {
        let source = Arc::new(Late::default());
        let seal = CursorSeal::new(Arc::clone(&source) as Arc<dyn SealKeySource>);
        for garbage in ["", "x", "x.y", "W10.y", "WzEsMV0"] {
            let outcome = seal.open(&user("alice"), StatusFilter::All, TaskOrder::Title, garbage).await;
            assert!(matches!(outcome, Err(ApiError::InvalidCursor)), "{garbage}");
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_key_is_never_shown() {
        assert_eq!(format!("{:?}", seal()), "CursorSeal { .. }");
    }
}
