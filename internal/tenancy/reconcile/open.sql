-- Allows a tenant to log in after checking with the server that it is isolated from the
-- other tenants.
INSERT INTO failures SELECT name, 'isolation', string_agg(problem, '; ') FROM kept, LATERAL (SELECT to_regrole(quote_ident(role)) AS login, to_regrole(quote_ident(owner)) AS owning) AS oids, LATERAL (VALUES
  (has_database_privilege(login, current_database(), 'TEMPORARY') OR has_database_privilege(login, current_database(), 'CREATE'),
    format('it may create schemas or temporary tables in %1$s: its owner has to REVOKE CREATE, TEMPORARY ON DATABASE %1$I FROM PUBLIC, %2$I', current_database(), role)),
  (has_schema_privilege(login, 'public', 'USAGE'),
    'it may use the schema public: its owner has to REVOKE ALL ON SCHEMA public FROM PUBLIC'),
  (EXISTS (SELECT FROM pg_roles other WHERE other.oid NOT IN (login, owning) AND (pg_has_role(login, other.oid, 'MEMBER') OR pg_has_role(owning, other.oid, 'MEMBER'))),
    format('%s or %s is a member of another role: REVOKE that', role, owner)),
  (NOT owns_schema AND (pg_has_role(login, owning, 'MEMBER') OR has_schema_privilege(login, to_regnamespace(quote_ident(role)), 'CREATE')),
    format('%s may create in its schema', role))
) AS checks (failed, problem)
WHERE failed AND name NOT IN (SELECT name FROM failures) GROUP BY name;

SELECT format('SELECT pg_temp.change(%L, %L)', name, format('ALTER ROLE %I LOGIN', role))
FROM desired d JOIN pg_roles ON rolname = role WHERE d.state = 'active' AND NOT rolcanlogin ORDER BY role
\gexec
