-- Revokes the rights of PUBLIC on the database and on the schema public, so that tenants
-- have only the rights that they were granted. A stack without tenants revokes nothing.
DO $$
DECLARE
  r record;
BEGIN
  -- Warns of each role that belongs to no tenant and that loses its access. It may be the
  -- role of a reporting tool.
  FOR r IN
    SELECT object, privilege, string_agg(quote_ident(rolname), ', ' ORDER BY rolname) AS outsiders FROM (
      SELECT format('DATABASE %I', datname) AS object, 'CONNECT' AS privilege, coalesce(datacl, acldefault('d', datdba)) AS acl, datname = current_database() AS ours
      FROM pg_database WHERE datname = current_database() OR datname IN ('defaultdb', 'postgres', 'template1') AND pg_has_role(current_user, datdba, 'USAGE')
      UNION ALL
      SELECT 'SCHEMA public', 'USAGE', coalesce(nspacl, acldefault('n', nspowner)), true FROM pg_namespace WHERE nspname = 'public'
    ) AS objects, pg_roles
    WHERE EXISTS (SELECT FROM pg_temp.kept) AND rolcanlogin AND NOT rolsuper
      AND rolname NOT IN (SELECT role FROM pg_temp.roles) AND rolname NOT IN (SELECT role FROM pg_temp.closed)
      AND NOT (ours AND rolname IN (SELECT app_role FROM pg_temp.parameters))
      AND EXISTS (SELECT FROM aclexplode(acl) a WHERE a.grantee = 0 AND a.privilege_type = privilege)
      AND NOT EXISTS (SELECT FROM aclexplode(acl) a WHERE a.privilege_type = privilege AND a.grantee <> 0 AND pg_has_role(pg_roles.oid, a.grantee, 'USAGE'))
    GROUP BY object, privilege ORDER BY object
  LOOP
    RAISE WARNING 'these roles used % by the rights of PUBLIC, and lost them; GRANT % ON % TO those that need it: %', r.object, r.privilege, r.object, r.outsiders;
  END LOOP;
END $$;
SELECT format('SELECT pg_temp.change(''the database'', %L)', format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()))
WHERE EXISTS (SELECT FROM kept) AND EXISTS (SELECT FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
  WHERE datname = current_database() AND grantee = 0)
\gexec
-- A tenant may only connect. It could fill the database with temporary tables, or create a
-- schema with the name of a later tenant.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('REVOKE %s ON DATABASE %I FROM %I CASCADE', privilege_type, current_database(), role))
FROM roles, pg_database, aclexplode(datacl) WHERE datname = current_database() AND grantee = to_regrole(quote_ident(role)) AND privilege_type <> 'CONNECT'
  AND pg_has_role(current_user, datdba, 'USAGE') ORDER BY role, privilege_type
\gexec
-- PUBLIC may connect to the databases that every PostgreSQL has, and tenants do not need
-- them. The administrator cannot revoke that for a database of a superuser, such as
-- template1 on DigitalOcean (docs/tenancy.md).
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

-- Only the last run of an update lowers the limit. Before that, the app's old Pods may use
-- more connections than the new limit. Then a new Pod would get none, and never be ready.
\getenv tolerate TOLERATE
SELECT set_config('platform.last_run', (:'tolerate' = '' AND NOT :'scheduled')::text, false) AS noted \gset
-- Limits the app's own role to the connections that the plan counts. From PostgreSQL 16 on
-- this needs the ADMIN OPTION on the app's role. DigitalOcean's administrator does not have
-- it, because DigitalOcean creates the app's role.
DO $$
DECLARE
  statement text := (SELECT format('ALTER ROLE %I CONNECTION LIMIT %s', app_role, app_connections) FROM pg_temp.parameters
    JOIN pg_roles ON rolname = app_role WHERE rolconnlimit <> app_connections AND NOT rolsuper AND rolname <> current_user
      AND (rolconnlimit BETWEEN 0 AND app_connections OR current_setting('platform.last_run')::boolean));
BEGIN
  IF statement IS NOT NULL THEN
    EXECUTE statement;
    RAISE INFO '%', statement;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'the connections of the app''s own role are not limited, because the administrator may not run: %', statement;
END $$;
