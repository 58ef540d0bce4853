-- The server, the database, and what both say of this connection.
SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int AS version_number,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
    extract(epoch FROM clock_timestamp())::float8 AS clock,
    getdatabaseencoding()::text AS encoding,
    current_setting('session_replication_role') AS replication_role,
    quote_ident(current_user) AS role,
    quote_ident(current_schema()) AS schema,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
    coalesce(has_table_privilege(to_regclass('__diesel_schema_migrations'), 'SELECT'), true) AS may_read_migrations
