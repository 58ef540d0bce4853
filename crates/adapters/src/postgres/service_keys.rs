use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use task_domain::RepositoryError;

use super::pool::PgPool;
use crate::schema::service_keys;

/// The name of the key that cursors are sealed with; see the migration that creates `service_keys`.
const CURSORS: &str = "cursors";

/// Reads the key that cursors are sealed with: 32 bytes, which all replicas on the same database share.
pub async fn cursor_key(pool: &PgPool) -> Result<Vec<u8>, RepositoryError> {
    let select = service_keys::table.find(CURSORS).select(service_keys::key);
    pool.run(async |connection| select.get_result(connection).await).await
}
