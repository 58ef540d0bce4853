//! Opens the connections of a pool, and judges whether one may be used again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::ConnectionError;
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Hook, HookError},
    },
};
use futures_util::FutureExt;

use super::options::PoolOptions;
use crate::postgres::database::Database;

pub(super) type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;

pub(super) fn manager(database: &Database, options: &PoolOptions) -> Manager {
    let mut session = options.session().map(|(name, value)| format!("SET {name} = '{value}'")).join("; ");
    if options.session_settings_from_role {
        session.clear();
    }
    let database = database.clone();
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    // `Fast` looks at what is known here: that the connection is open and has no transaction. No round trip.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_url| {
        let (database, session) = (database.clone(), session.clone());
        async move {
            let bad = |error: &dyn std::error::Error| ConnectionError::BadConnection(error.to_string());
            let mut connection = database.connect().await.map_err(|error| bad(&error))?;
            if !session.is_empty() {
                connection.batch_execute(&session).await.map_err(|error| bad(&error))?;
            }
            Ok(connection)
        }
        .boxed()
    });
    Manager::new_with_config("", config)
}

/// Refuses a connection that is too old, and pings one that has been idle for a while.
///
/// If one idle connection was cut, so were those that had been idle for as long. They are refused without another ping, so
/// that a request waits for one dead connection and not for all of them.
pub(super) fn known_to_be_alive(
    max_age: Duration,
    before_ping: Duration,
    ping_timeout: Duration,
) -> Hook<AsyncPgConnection> {
    let cut: Arc<Mutex<Option<Instant>>> = Arc::default();
    Hook::async_fn(move |connection: &mut AsyncPgConnection, metrics| {
        let (age, idle) = (metrics.age(), metrics.last_used());
        let cut = Arc::clone(&cut);
        Box::pin(async move {
            if age > max_age {
                return Err(HookError::message("the connection is too old"));
            }
            if idle <= before_ping {
                return Ok(());
            }
            let asked = Instant::now();
            let used_before = |moment: Instant| asked.checked_sub(idle).is_some_and(|used| used <= moment);
            if cut.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(used_before) {
                return Err(HookError::message("the connection was cut with another one"));
            }
            let ping = tokio::time::timeout(ping_timeout, connection.batch_execute("SELECT 1"));
            if matches!(ping.await, Ok(Ok(()))) {
                return Ok(());
            }
            *cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
            Err(HookError::message("the connection does not answer"))
        })
    })
}
