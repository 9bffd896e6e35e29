-- The database itself: tenants get what they are granted, and PUBLIC nothing. A stack
-- without tenants leaves it alone.
SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) AS outsiders, count(*) > 0 AS any_outsiders FROM pg_roles, pg_database
WHERE datname = current_database() AND rolcanlogin AND NOT rolsuper AND EXISTS (SELECT FROM kept)
  AND rolname NOT IN (SELECT role FROM roles) AND rolname NOT IN (SELECT app_role FROM parameters) AND rolname NOT IN (SELECT role FROM closed)
  AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0 AND privilege_type = 'CONNECT')
  AND NOT EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a
    WHERE a.privilege_type = 'CONNECT' AND a.grantee <> 0 AND pg_has_role(pg_roles.oid, a.grantee, 'USAGE')) \gset
\if :any_outsiders
  \warn 'WARNING:  these roles came in through PUBLIC and cannot connect any more; GRANT CONNECT ON DATABASE to those that have to:' :outsiders
\endif
SELECT format('SELECT pg_temp.change(''the database'', %L)', format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()))
WHERE EXISTS (SELECT FROM kept) AND EXISTS (SELECT FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
  WHERE datname = current_database() AND grantee = 0)
\gexec
-- The databases that every PostgreSQL comes with admit all roles; tenants have no
-- business there. Where they belong to a superuser, as template1 does on DigitalOcean,
-- this cannot be had (docs/tenancy.md).
SELECT format('SELECT pg_temp.change(''the database'', %L)', format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname)) FROM pg_database
WHERE datname IN ('defaultdb', 'postgres', 'template1') AND datname <> current_database() AND pg_has_role(current_user, datdba, 'USAGE') AND EXISTS (SELECT FROM kept)
  AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
\gexec
SELECT format('SELECT pg_temp.change(''the database'', %L)', 'REVOKE ALL ON SCHEMA public FROM PUBLIC')
WHERE EXISTS (SELECT FROM kept) AND EXISTS (SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
  WHERE nspname = 'public' AND grantee = 0)
\gexec
SELECT format('SELECT pg_temp.change(''the database'', %L)', statement) FROM parameters, LATERAL (VALUES
  (format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), app_role),
    has_database_privilege(app_role, current_database(), 'CONNECT') AND has_database_privilege(app_role, current_database(), 'TEMPORARY')),
  (format('GRANT USAGE, CREATE ON SCHEMA public TO %I', app_role),
    has_schema_privilege(app_role, 'public', 'USAGE') AND has_schema_privilege(app_role, 'public', 'CREATE'))
) AS grants (statement, given) WHERE NOT given
\gexec
