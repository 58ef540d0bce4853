//! The keys that all replicas on a database share.

use task_adapters::{
    PgPool, cursor_key, migrations,
    testing::{TestDatabase, pool_options},
};

use crate::support::{unavailable, unexpected};

#[tokio::test]
async fn every_replica_gets_the_same_key_of_cursors() {
    let db = TestDatabase::new().await;
    let key = cursor_key(&db.pool()).await.unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(cursor_key(&db.pool()).await.unwrap(), key);
}

#[tokio::test]
async fn each_migrated_database_has_a_key_of_its_own() {
    let db = TestDatabase::new().await;
    let key = cursor_key(&db.pool()).await.unwrap();
    migrations::revert(db.database(), usize::MAX).await.unwrap();
    migrations::run(db.database()).await.unwrap();
    assert_ne!(cursor_key(&db.pool()).await.unwrap(), key);
}

#[tokio::test]
async fn a_missing_key_is_an_error() {
    let db = TestDatabase::new().await;
    db.execute("DELETE FROM service_keys").await;
    unexpected(cursor_key(&db.pool()).await);
    let proxy = db.proxy().await;
    proxy.refuse();
    unavailable(cursor_key(&PgPool::new(proxy.database(), pool_options()).unwrap()).await);
}
