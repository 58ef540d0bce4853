//! Looks at a database, and takes the commands out of an advice.

use task_adapters::{
    inspection::{Fault, inspect},
    testing::{TestDatabase, pool_options},
};

pub(crate) async fn faults(db: &TestDatabase) -> Vec<Fault> {
    inspect(db.database(), &pool_options()).await.unwrap().faults()
}

/// The commands of an advice: what stands between backticks and begins as SQL that changes something.
pub(crate) fn commands(fault: &Fault) -> Vec<&str> {
    let quoted = fault.advice.split('`').skip(1).step_by(2).filter(|text| !text.contains("..."));
    quoted
        .filter(|text| {
            ["ALTER", "CREATE", "DROP", "GRANT", "REVOKE"].iter().any(|verb| text.starts_with(verb))
        })
        .collect()
}

/// The rights that docs/operations.md gives to the role of the service.
pub(crate) const OF_THE_SERVICE: &str =
    "GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, idempotency_keys TO ROLE;
    GRANT SELECT ON service_keys, __diesel_schema_migrations TO ROLE";
