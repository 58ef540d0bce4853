-- What has a name already that a migration would give in the schema in which it creates. $1: the names.
SELECT relname::text AS name,
    CASE relkind
        WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a table' WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
        WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence' WHEN 'c' THEN 'a type' ELSE 'an index'
    END AS kind
FROM pg_class
WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ANY ($1)
UNION ALL
-- A table gives its name to a type too.
SELECT typname::text, 'a type'
FROM pg_type
WHERE typnamespace = to_regnamespace(quote_ident(current_schema())) AND typname = ANY ($1) AND typrelid = 0
ORDER BY 1
