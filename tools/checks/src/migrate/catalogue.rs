//! What a database's schema is, as lines of text that can be compared.

use anyhow::Context as _;
use tokio_postgres::Client;

/// Every object of the schema `public` that is not an extension's, each in a line that says all about it. The table in
/// which diesel keeps what is applied is no part of the schema.
const DESCRIPTION: &str = "
WITH relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_diesel%'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
), tables AS (SELECT * FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'f')),
line(text) AS (
    SELECT format('relation %s: kind %s, persistence %s, options %s, row security %s %s', relname, relkind, relpersistence,
        reloptions, relrowsecurity, relforcerowsecurity) FROM relation WHERE relkind NOT IN ('i', 'I')
  UNION ALL
    SELECT format('column %s.%s: number %s, %s, not null %s, collation %s, default %s, identity %L, generated %L',
        t.relname, a.attname,
        row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), a.attnotnull,
        (SELECT collname FROM pg_collation WHERE oid = a.attcollation), pg_get_expr(d.adbin, d.adrelid),
        a.attidentity, a.attgenerated)
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
    SELECT format('constraint %s on %s: %s, validated %s', conname, conrelid::regclass, pg_get_constraintdef(oid), convalidated)
    FROM pg_constraint WHERE conrelid IN (SELECT oid FROM tables)
  UNION ALL
    SELECT format('index %s, valid %s', pg_get_indexdef(indexrelid), indisvalid)
    FROM pg_index WHERE indrelid IN (SELECT oid FROM tables)
  UNION ALL
    SELECT format('sequence %s: %s from %s by %s, %s to %s, cycle %s', c.relname, format_type(s.seqtypid, NULL), s.seqstart,
        s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
    FROM pg_sequence s JOIN relation c ON c.oid = s.seqrelid
  UNION ALL
    SELECT format('trigger %s, enabled %s', pg_get_triggerdef(oid), tgenabled)
    FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM tables) AND NOT tgisinternal
  UNION ALL
    SELECT format('policy %s on %s: %s %s, using %s, check %s', polname, polrelid::regclass, polcmd, polroles::regrole[],
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy WHERE polrelid IN (SELECT oid FROM tables)
  UNION ALL
    SELECT format('view %s: %s', relname, pg_get_viewdef(oid)) FROM tables WHERE relkind IN ('v', 'm')
  UNION ALL
    SELECT format('function %s: %s', p.oid::regprocedure, pg_get_functiondef(p.oid)) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p') AND p.proname NOT LIKE 'diesel\\_%'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  UNION ALL
    SELECT format('type %s: kind %s, base %s, values %s', t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod),
        (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
  UNION ALL
    SELECT format('extension %s', extname) FROM pg_extension
  UNION ALL
    SELECT format('comment on %s %s: %s', c.objoid::regclass, c.objsubid, c.description) FROM pg_description c
    WHERE c.classoid = 'pg_class'::regclass AND c.objoid IN (SELECT oid FROM relation)
) SELECT text FROM line ORDER BY text COLLATE \"C\"";

/// The columns of all tables but Better Auth's, in the order in which they were made: table, column, type, nullable.
const COLUMNS: &str = "
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname <> 'users' AND c.relname NOT LIKE '\\_\\_diesel%'
ORDER BY c.relname, a.attnum";

/// The columns of each primary key, in the key's order.
const KEYS: &str = "
SELECT c.relname::text, array_agg(a.attname::text ORDER BY k.position)
FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid
CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k(number, position)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE p.contype = 'p' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname";

/// A table as diesel has to see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) key: Vec<String>,
    pub(crate) columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// PostgreSQL's name of the type.
    pub(crate) sql_type: String,
    pub(crate) nullable: bool,
}

/// Describes the whole schema.
pub(crate) async fn describe(client: &Client) -> anyhow::Result<Vec<String>> {
    let rows = client.query(DESCRIPTION, &[]).await.context("cannot read the catalogue of the database")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Lists the tables that the service may use.
pub(crate) async fn tables(client: &Client) -> anyhow::Result<Vec<Table>> {
    let mut tables: Vec<Table> = Vec::new();
    for row in client.query(COLUMNS, &[]).await.context("cannot list the columns of the database")? {
        let name: String = row.get(0);
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table { name, ..Table::default() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(Column { name: row.get(1), sql_type: row.get(2), nullable: row.get(3) });
        }
    }
    for row in client.query(KEYS, &[]).await.context("cannot list the keys of the database")? {
        let name: String = row.get(0);
        if let Some(table) = tables.iter_mut().find(|table| table.name == name) {
            table.key = row.get(1);
        }
    }
    Ok(tables)
}

/// The lines that only one of two descriptions has, marked `-` for the first and `+` for the second.
pub(crate) fn difference(first: &[String], second: &[String]) -> Vec<String> {
    let missing = first.iter().filter(|line| !second.contains(line)).map(|line| format!("- {line}"));
    let added = second.iter().filter(|line| !first.contains(line)).map(|line| format!("+ {line}"));
    missing.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use task_adapters::testing::TestDatabase;
    use tools_postgres::connect;

    use super::*;

    #[test]
    fn a_difference_names_both_sides() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(difference(&lines("a b c"), &lines("a c d")), ["- b", "+ d"]);
        assert!(difference(&lines("a b"), &lines("a b")).is_empty());
    }

    #[tokio::test]
    async fn each_kind_of_change_shows() {
        let database = TestDatabase::new().await;
        let client = connect(database.url()).await.unwrap();
        let mut before = describe(&client).await.unwrap();
        for change in [
            "ALTER TABLE tasks ALTER COLUMN completed SET DEFAULT true",
            "ALTER TABLE tasks ALTER COLUMN description SET NOT NULL",
            "ALTER TABLE tasks ALTER COLUMN description TYPE varchar(20)",
            "ALTER TABLE tasks ALTER COLUMN title TYPE text COLLATE \"POSIX\"",
            "ALTER TABLE tasks ALTER COLUMN id SET MAXVALUE 100",
            "ALTER TABLE tasks DROP CONSTRAINT tasks_title_length",
            "DROP INDEX tasks_by_title",
            "ALTER TABLE tasks SET (fillfactor = 70)",
            "ALTER TABLE tasks ENABLE ROW LEVEL SECURITY",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER t BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE TYPE mood AS ENUM ('good')",
            "COMMENT ON TABLE tasks IS 'work'",
        ] {
            database.execute(change).await;
            let after = describe(&client).await.unwrap();
            assert_ne!(difference(&before, &after), Vec::<String>::new(), "{change}");
            before = after;
        }
    }

    #[tokio::test]
    async fn tables_have_their_columns_and_their_key() {
        let database = TestDatabase::new().await;
        let client = connect(database.url()).await.unwrap();
        let tables = tables(&client).await.unwrap();
        let tasks = tables.iter().find(|table| table.name == "tasks").unwrap();
        assert_eq!(tasks.key, ["user_id", "id"]);
        assert!(tasks.columns.iter().any(|column| column.name == "description" && column.nullable));
        assert!(tables.iter().all(|table| table.name != "users"));
    }
}
