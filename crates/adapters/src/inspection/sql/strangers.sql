-- What roles may do with the relations in $1, but for their owner and this role. A right to a column counts as one to its table; a
-- right in a schema that the role may not enter does not count. If this role is not the owner's, neither do the rights of the
-- groups that it has its own from.
SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS role, name AS relation,
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
WHERE grantee <> relowner AND (grantee = 0 OR pg_get_userbyid(grantee) <> current_user)
    AND CASE grantee
        WHEN 0 THEN has_schema_privilege('public', relnamespace, 'USAGE')
        ELSE has_schema_privilege(grantee, relnamespace, 'USAGE')
            AND (pg_has_role(relowner, 'USAGE') OR NOT pg_has_role(grantee, 'USAGE'))
    END
GROUP BY 1, 2
ORDER BY 1, 2
