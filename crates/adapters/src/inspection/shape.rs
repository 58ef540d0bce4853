//! What the migrations make, as far as the service relies on it. A test compares it with a migrated database.

/// A table of the service.
pub(crate) struct TableShape {
    pub(crate) name: &'static str,
    /// The migration that creates it, by the beginning of its name.
    pub(crate) since: &'static str,
    /// What the service does with it.
    pub(crate) needs: &'static [&'static str],
    /// Whether its rows belong to users.
    pub(crate) of_users: bool,
    /// The columns of its primary key.
    pub(crate) key: &'static [&'static str],
    /// The name of its primary key.
    pub(crate) key_name: &'static str,
    pub(crate) columns: &'static [ColumnShape],
    /// Its other indexes: the name, and the columns.
    pub(crate) indexes: &'static [(&'static str, &'static str)],
}

/// A column of a table of the service.
pub(crate) struct ColumnShape {
    pub(crate) name: &'static str,
    /// The migration that adds it, by the beginning of its name.
    pub(crate) since: &'static str,
    pub(crate) data_type: &'static str,
    pub(crate) is_required: bool,
    pub(crate) has_default: bool,
    /// Whether it is compared byte by byte, which the order of lists and the wall between users rest on.
    pub(crate) is_bytewise: bool,
}

const CREATE_TASKS: &str = "2026-11-23-000000";
const VERSIONS: &str = "2026-11-23-120000";
const SERVICE_KEYS: &str = "2026-11-24-000000";

const READ_AND_WRITE: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE"];

impl TableShape {
    /// Every name that the migrations give for it: its own, that of its key, and those of its indexes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.name, self.key_name].into_iter().chain(self.indexes.iter().map(|(index, _)| *index))
    }
}

impl ColumnShape {
    const fn new(name: &'static str, data_type: &'static str, since: &'static str) -> Self {
        Self { name, since, data_type, is_required: true, has_default: false, is_bytewise: false }
    }

    const fn bytewise(mut self) -> Self {
        self.is_bytewise = true;
        self
    }

    const fn nullable(mut self) -> Self {
        self.is_required = false;
        self
    }

    const fn with_default(mut self) -> Self {
        self.has_default = true;
        self
    }
}

/// All tables of the service, in the order of their migrations.
pub(crate) const TABLES: &[TableShape] = &[
    TableShape {
        name: "tasks",
        since: CREATE_TASKS,
        needs: READ_AND_WRITE,
        of_users: true,
        key: &["user_id", "id"],
        key_name: "tasks_pkey",
        columns: &[
            ColumnShape::new("user_id", "text", CREATE_TASKS).bytewise(),
            ColumnShape::new("id", "bigint", CREATE_TASKS).with_default(),
            ColumnShape::new("title", "text", CREATE_TASKS).bytewise(),
            ColumnShape::new("description", "text", CREATE_TASKS).nullable(),
            ColumnShape::new("completed", "boolean", CREATE_TASKS).with_default(),
            ColumnShape::new("created_at", "timestamp with time zone", CREATE_TASKS).with_default(),
            ColumnShape::new("updated_at", "timestamp with time zone", CREATE_TASKS).with_default(),
            ColumnShape::new("version", "bigint", VERSIONS).with_default(),
            ColumnShape::new("completed_at", "timestamp with time zone", VERSIONS).nullable(),
        ],
        indexes: &[
            ("tasks_by_created", "(user_id, created_at, id)"),
            ("tasks_by_status_created", "(user_id, completed, created_at, id)"),
            ("tasks_by_title", "(user_id, title, id)"),
            ("tasks_by_status_title", "(user_id, completed, title, id)"),
        ],
    },
    TableShape {
        name: "idempotency_keys",
        since: VERSIONS,
        needs: READ_AND_WRITE,
        of_users: true,
        key: &["user_id", "key"],
        key_name: "idempotency_keys_pkey",
        columns: &[
            ColumnShape::new("user_id", "text", VERSIONS).bytewise(),
            ColumnShape::new("key", "text", VERSIONS).bytewise(),
            ColumnShape::new("fingerprint", "bytea", VERSIONS),
            ColumnShape::new("receipt", "bytea", VERSIONS),
            ColumnShape::new("created_at", "timestamp with time zone", VERSIONS).with_default(),
        ],
        indexes: &[("idempotency_keys_by_created", "(created_at)")],
    },
    TableShape {
        name: "service_keys",
        since: SERVICE_KEYS,
        needs: &["SELECT"],
        of_users: false,
        key: &["name"],
        key_name: "service_keys_pkey",
        columns: &[
            ColumnShape::new("name", "text", SERVICE_KEYS).bytewise(),
            ColumnShape::new("key", "bytea", SERVICE_KEYS),
        ],
        indexes: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inspection::{Column, OwnTable, Part, inspect},
        migrations,
        tasks::members::MEMBERS,
        testing::{TestDatabase, pool_options},
    };

    fn is_as_declared(found: &Column, column: &ColumnShape) -> bool {
        found.name == column.name
            && found.data_type == column.data_type
            && (found.is_required, found.has_default) == (column.is_required, column.has_default)
            && (found.collation.as_deref() == Some("C")) == column.is_bytewise
    }

    /// A member that came later may be null, and stands in `members.rs`.
    fn is_later_member(found: &Column) -> bool {
        MEMBERS.iter().any(|member| member.name == found.name) && !found.is_required && !found.has_default
    }

    fn others<'a>(table: &'a OwnTable, shape: &TableShape) -> Vec<&'a String> {
        let is_declared = |index: &str| shape.indexes.iter().any(|(name, _)| *name == index);
        table.indexes.iter().filter(|index| !is_declared(index) && *index != shape.key_name).collect()
    }

    #[tokio::test]
    async fn the_shape_is_what_the_migrations_make() {
        let db = TestDatabase::new().await;
        let seen = inspect(db.database(), &pool_options()).await.unwrap();
        let names = "SELECT relname::text AS line FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname NOT IN ('users', '__diesel_schema_migrations')";
        assert_eq!(db.lines(names).await.len(), TABLES.len());
        for shape in TABLES {
            let table = seen.tables.iter().find(|table| table.name == shape.name).unwrap();
            for found in &table.columns {
                let declared = shape.columns.iter().any(|column| is_as_declared(found, column));
                assert!(declared || is_later_member(found), "{found:?}");
            }
            assert_eq!(others(table, shape), [""; 0], "{}", shape.name);
            for (index, on) in shape.indexes {
                let definition = format!(
                    "SELECT replace(replace(pg_get_indexdef('{index}'::regclass), 'public.', ''), ' USING btree', '') AS line"
                );
                assert_eq!(
                    db.lines(&definition).await,
                    [format!("CREATE INDEX {index} ON {} {on}", shape.name)]
                );
            }
        }
    }

    #[tokio::test]
    async fn after_each_migration_nothing_is_wrong_but_that_others_are_pending() {
        let db = TestDatabase::new().await;
        let count = migrations::status(db.database()).await.unwrap().len();
        for left in (0..=count).rev() {
            let seen = inspect(db.database(), &pool_options()).await.unwrap();
            let faults = seen.faults();
            assert_eq!(faults.len(), usize::from(left < count), "{faults:#?}");
            assert!(faults.iter().all(|fault| fault.part == Part::Migrations && !fault.stops_migrations));
            migrations::revert(db.database(), 1).await.unwrap();
        }
    }
}
