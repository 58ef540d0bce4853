-- The `users` that a name without a schema means, and its `id`.
SELECT format('%I.%I', nspname, relname) AS full_name,
    relkind::text AS relation_kind,
    format_type(atttypid, NULL) AS id_type,
    coalesce(collisdeterministic, true) AS is_deterministic,
    EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = pg_class.oid AND indisunique AND indisvalid AND indimmediate AND indpred IS NULL
            AND indexprs IS NULL AND indnkeyatts = 1 AND indkey[0] = attnum
    ) AS is_unique,
    coalesce(has_column_privilege(pg_class.oid, attnum, 'SELECT'), false) AS may_read,
    coalesce(has_column_privilege(pg_class.oid, attnum, 'REFERENCES'), false) AS may_refer
FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'id' AND NOT attisdropped
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
WHERE pg_class.oid = to_regclass('users')
