-- What roles may do with the relations in $1, but for their owner, this role, and superusers, who need no right. A right
-- to a column counts as one to its table; a right in a schema that the role may not enter does not count.
SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(rolname) END AS role, name AS relation,
    array_agg(DISTINCT privilege ORDER BY privilege) AS rights
FROM (
    SELECT name, relowner, relnamespace, entry.grantee, entry.privilege_type AS privilege
    FROM unnest($1) AS own (name) JOIN pg_class ON pg_class.oid = to_regclass(name) CROSS JOIN aclexplode(relacl) AS entry
    UNION ALL
    SELECT name, relowner, relnamespace, entry.grantee, entry.privilege_type
    FROM unnest($1) AS own (name)
        JOIN pg_class ON pg_class.oid = to_regclass(name)
        JOIN pg_attribute ON attrelid = pg_class.oid
        CROSS JOIN aclexplode(attacl) AS entry
) AS granted
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
WHERE grantee <> relowner AND rolname IS DISTINCT FROM current_user AND NOT coalesce(rolsuper, false)
    AND CASE grantee
        WHEN 0 THEN has_schema_privilege('public', relnamespace, 'USAGE')
        ELSE has_schema_privilege(grantee, relnamespace, 'USAGE')
    END
GROUP BY 1, 2
ORDER BY 1, 2
