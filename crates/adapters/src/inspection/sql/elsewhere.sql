-- Tables named `user`, and tables named `users` or as the service's that a name without a schema does not mean. $1: the
-- names of the service's tables.
SELECT format('%I.%I', nspname, relname) AS line
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = ANY (ARRAY['user', 'users'] || $1) AND relkind IN ('r', 'p') AND nspname <> 'information_schema'
    AND nspname NOT LIKE 'pg\_%' AND (relname = 'user' OR pg_class.oid IS DISTINCT FROM to_regclass(quote_ident(relname)))
    -- Others have tables of users too, such as Supabase's `auth.users`; only text can be an owner of tasks.
    AND (
        relname <> 'users' OR EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = pg_class.oid AND attname = 'id' AND atttypid IN ('text'::regtype, 'varchar'::regtype)
        )
    )
ORDER BY 1
