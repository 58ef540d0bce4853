-- The columns of the relations that the names in $1 mean.
SELECT name AS relation, attname::text AS name, format_type(atttypid, NULL) AS data_type, attnotnull AS is_required,
    atthasdef OR attidentity <> '' AS has_default, collname::text AS collation,
    coalesce(collisdeterministic, true) AS is_deterministic
FROM unnest($1) AS own (name)
    JOIN pg_attribute ON attrelid = to_regclass(own.name)
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
WHERE attnum > 0 AND NOT attisdropped
ORDER BY own.name, attnum
