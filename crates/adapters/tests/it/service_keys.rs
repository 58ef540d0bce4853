//! The keys that all replicas on a database share.

use task_adapters::{
    PgPool, cursor_key, migrations,
    testing::{TestDatabase, pool_options},
};

use crate::support::{unavailable, unexpected};

#[tokio::test]
async fn the_key_of_cursors_is_the_same_for_everybody_who_asks() {
    let db = TestDatabase::new().await;
    let key = cursor_key(&db.pool()).await.unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(cursor_key(&db.pool()).await.unwrap(), key);
}

#[tokio::test]
async fn each_migrated_database_has_a_key_of_its_own() {
    let db = TestDatabase::new().await;
    let key = cursor_key(&db.pool()).await.unwrap();
    migrations::redo(db.database()).await.unwrap();
    assert_ne!(cursor_key(&db.pool()).await.unwrap(), key);
}

#[tokio::test]
async fn a_key_is_not_made_up_where_there_is_none() {
    let db = TestDatabase::new().await;
    db.execute("DELETE FROM service_keys").await;
    unexpected(cursor_key(&db.pool()).await);
    let proxy = db.proxy().await;
    proxy.refuse();
    unavailable(cursor_key(&PgPool::new(proxy.database(), pool_options()).unwrap()).await);
}
