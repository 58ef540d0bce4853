//! A connection that reads share.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use deadpool::managed::Object;
use diesel_async::AsyncPgConnection;
use tokio::sync::Mutex as AsyncMutex;

use super::manager::Manager;

/// The connection that reads share, for as long as there are any.
///
/// Their statements are sent one behind the other, and the answers come back in that order: a system call, a wake-up and
/// a switch of processes serve many of them. The last read gives the connection back to the pool.
#[derive(Default)]
pub(super) struct Sharing {
    current: Mutex<Weak<Shared>>,
    opening: AsyncMutex<()>,
}

/// A connection of the pool that several reads use at once.
pub(super) struct Shared {
    object: Option<Object<Manager>>,
    retired: AtomicBool,
}

/// The use of a shared connection by one read. If it does not come to its end, no other read joins the connection.
pub(super) struct Reading {
    shared: Arc<Shared>,
    ended: bool,
}

impl Sharing {
    /// Joins the present reads, on a connection that is not too old, or opens one for all that come meanwhile.
    pub(super) async fn join<E>(
        &self,
        is_fresh: impl Fn(&Object<Manager>) -> bool,
        open: impl AsyncFnOnce() -> Result<Object<Manager>, E>,
    ) -> Result<Reading, E> {
        if let Some(shared) = self.current(&is_fresh) {
            return Ok(Reading::of(shared));
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(shared) = self.current(&is_fresh) {
            return Ok(Reading::of(shared));
        }
        let shared = Arc::new(Shared { object: Some(open().await?), retired: AtomicBool::new(false) });
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&shared);
        Ok(Reading::of(shared))
    }

    fn current(&self, is_fresh: impl Fn(&Object<Manager>) -> bool) -> Option<Arc<Shared>> {
        let shared = self.current.lock().unwrap_or_else(PoisonError::into_inner).upgrade()?;
        let usable = !shared.retired.load(Ordering::Relaxed) && shared.object.as_ref().is_some_and(is_fresh);
        usable.then_some(shared)
    }
}

impl Reading {
    fn of(shared: Arc<Shared>) -> Self {
        Self { shared, ended: false }
    }

    /// The connection; there always is one.
    pub(super) fn connection(&self) -> Option<&AsyncPgConnection> {
        self.shared.object.as_deref()
    }

    /// To be called when the read has come to its end.
    pub(super) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.retired.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}
