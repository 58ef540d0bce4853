-- What each of the names in $1 means to this role.
SELECT name,
    format('%I.%I', nspname, relname) AS full_name,
    relkind IN ('r', 'p') AS is_table,
    relpersistence = 'u' AS is_unlogged,
    row_security_active(pg_class.oid) AS is_filtered,
    ARRAY(
        SELECT wanted FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
        WHERE NOT has_table_privilege(pg_class.oid, wanted)
    ) AS lacks,
    -- The foreign keys from `user_id` to `users`: how each one is, and its name.
    ARRAY(
        SELECT CASE
            WHEN confdeltype <> 'c' THEN 'blocks '
            WHEN to_jsonb(pg_constraint) ->> 'conenforced' = 'false' OR EXISTS (
                SELECT FROM pg_trigger WHERE tgconstraint = pg_constraint.oid AND tgenabled NOT IN ('O', 'A')
            ) THEN 'disabled '
            WHEN NOT convalidated THEN 'unvalidated '
            ELSE 'cascades '
        END || quote_ident(conname)
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attname = 'user_id'
        WHERE conrelid = pg_class.oid AND confrelid = to_regclass('users') AND contype = 'f' AND conkey = ARRAY[attnum]
        ORDER BY 1
    ) AS foreign_keys,
    ARRAY(
        SELECT array_to_string(ARRAY(
            SELECT attname FROM pg_attribute
            WHERE attrelid = indrelid AND attnum = ANY ((indkey::smallint[])[0:indnkeyatts - 1])
            ORDER BY attname
        ), ', ')
        FROM pg_index
        WHERE indrelid = pg_class.oid AND indisunique AND indisvalid AND indimmediate AND indpred IS NULL
            AND indexprs IS NULL
    ) AS unique_keys,
    ARRAY(
        SELECT index.relname::text FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
        WHERE indrelid = pg_class.oid AND indisvalid
    ) AS indexes,
    ARRAY(
        SELECT index.relname::text FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
        WHERE indrelid = pg_class.oid AND NOT indisvalid
    ) AS invalid_indexes,
    ARRAY(
        SELECT quote_ident(tgname) FROM pg_trigger
        WHERE tgrelid = pg_class.oid AND NOT tgisinternal AND tgenabled <> 'D'
        UNION ALL
        SELECT quote_ident(rulename) FROM pg_rewrite WHERE ev_class = pg_class.oid AND rulename <> '_RETURN'
        ORDER BY 1
    ) AS interventions
FROM unnest($1) WITH ORDINALITY AS own (name, place)
    JOIN pg_class ON pg_class.oid = to_regclass(name)
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
ORDER BY place
