pub(crate) mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use task_domain::{
    IdempotencyStore, IdempotentRequest, Receipt, ReceiptWriter, Replay, RepositoryError, TaskCommand,
    TaskOutcome, UserId,
};

use self::sql::{Claim, Find, Forget, Lock, Store};
use crate::{
    postgres::{pool::PgPool, statement::Prepared},
    tasks::statements,
};

/// The constraint that every key's owner is a user; see the migration that creates `idempotency_keys`.
const OWNER_EXISTS: &str = "idempotency_keys_user_id_fkey";

/// Carries out repeated writes once, with a table of keys beside the tasks.
///
/// Key, write and receipt are one transaction, which holds an advisory lock on the key, so that a second request of the
/// same key gets an answer instead of waiting. The key is stored before the write, because its foreign key locks the user:
/// the deletion of a user locks in that order too, and the other one would be a deadlock. The pool closes a connection on
/// which a transaction did not come to its end, and PostgreSQL rolls back.
#[derive(Clone, Debug)]
pub struct PgIdempotencyStore {
    pool: Arc<PgPool>,
}

impl PgIdempotencyStore {
    /// Keeps keys in the database of `pool`.
    #[must_use]
    pub fn new(pool: Arc<PgPool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl IdempotencyStore for PgIdempotencyStore {
    async fn execute_once(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
        command: TaskCommand,
        receipts: ReceiptWriter,
    ) -> Result<Replay, RepositoryError> {
        let _permit = self.pool.admit().await?;
        self.pool
            .run(async |connection| {
                let transaction = connection.transaction(async |connection| {
                    first(connection, owner, request, &command, receipts).await
                });
                match (transaction.await, &command) {
                    // No key can be stored for an owner who is no user. To create a task fails in the same way, and any
                    // other write finds no task.
                    (Err(error), TaskCommand::Create(_)) => Err(error),
                    (Err(error), _) if is_no_user(&error) => {
                        Ok(Replay::First((receipts.0)(&TaskOutcome::NotFound)))
                    }
                    (outcome, _) => outcome,
                }
            })
            .await
    }

    async fn recall(
        &self,
        owner: &UserId,
        request: &IdempotentRequest,
    ) -> Result<Option<Replay>, RepositoryError> {
        let _permit = self.pool.admit().await?;
        self.pool
            .run(async |connection| {
                connection.transaction(async |connection| known(connection, owner, request).await).await
            })
            .await
    }

    async fn forget_expired(&self, limit: u16) -> Result<usize, RepositoryError> {
        let limit = i64::from(limit);
        self.pool.run(async |connection| Prepared(Forget { limit: &limit }).execute(connection).await).await
    }
}

/// Carries out a command unless its key is known already.
async fn first(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    request: &IdempotentRequest,
    command: &TaskCommand,
    receipts: ReceiptWriter,
) -> QueryResult<Replay> {
    if !lock(connection, owner, request).await? {
        // Another request works on the key, or looks it up.
        return Ok(find(connection, owner, request).await?.unwrap_or(Replay::InProgress));
    }
    let (owner_id, key) = (owner.as_str(), request.key.as_str());
    let claim = Prepared(Claim { owner: owner_id, key, fingerprint: &request.fingerprint.0 });
    if claim.execute(connection).await? == 0 {
        // It may have expired in between; the next try will see that.
        return Ok(find(connection, owner, request).await?.unwrap_or(Replay::InProgress));
    }
    let Receipt(receipt) = (receipts.0)(&statements::execute(connection, owner, command).await?);
    Prepared(Store { receipt: &receipt, owner: owner_id, key }).execute(connection).await?;
    Ok(Replay::First(Receipt(receipt)))
}

/// What is known of a key: its receipt, or that a request works on it.
async fn known(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    request: &IdempotentRequest,
) -> QueryResult<Option<Replay>> {
    let locked = lock(connection, owner, request).await?;
    let found = find(connection, owner, request).await?;
    Ok(found.or((!locked).then_some(Replay::InProgress)))
}

async fn lock(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    request: &IdempotentRequest,
) -> QueryResult<bool> {
    Prepared(Lock { key: request.key.as_str(), owner: owner.as_str() }).get_result(connection).await
}

async fn find(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    request: &IdempotentRequest,
) -> QueryResult<Option<Replay>> {
    let find = Prepared(Find { owner: owner.as_str(), key: request.key.as_str() });
    let known: Option<(Vec<u8>, Vec<u8>)> = find.get_result(connection).await.optional()?;
    Ok(known.map(|(fingerprint, receipt)| {
        if fingerprint == request.fingerprint.0 { Replay::Again(Receipt(receipt)) } else { Replay::Mismatch }
    }))
}

fn is_no_user(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info)
            if info.constraint_name() == Some(OWNER_EXISTS)
    )
}
