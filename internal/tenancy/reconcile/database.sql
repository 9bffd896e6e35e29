-- The database itself: tenants get what they are granted, and PUBLIC nothing. A stack
-- without tenants leaves it alone.
DO $$
DECLARE
  r record;
BEGIN
  -- A role that came in through PUBLIC alone is shut out. It may be somebody's report.
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
    RAISE WARNING 'these roles used % through PUBLIC and cannot any more; GRANT % ON % TO those that have to: %', r.object, r.privilege, r.object, r.outsiders;
  END LOOP;
END $$;
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

-- The app's old Pods may hold more than a lower limit, and then a new Pod would get
-- none and never be ready. So only the update's last run lowers it.
\getenv tolerate TOLERATE
SELECT set_config('platform.last_run', (:'tolerate' = '' AND NOT :'scheduled')::text, false) AS noted \gset
-- The plan counts these connections. From 16 on only a role with ADMIN OPTION on the
-- app's may limit it, and on DigitalOcean the app's role is made by somebody else.
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
  RAISE WARNING 'the database does not limit the connections of the app''s own role, as the administrator may not set it: %', statement;
END $$;
