-- Creates two roles for each tenant: one that logs in and can create nothing, and the
-- owner of the schema, which cannot log in. Then it sets their memberships, settings,
-- connection limits and passwords.
INSERT INTO platform.tenants (name, role) SELECT name, role FROM kept WHERE name NOT IN (SELECT name FROM failures) ON CONFLICT (name) DO NOTHING;
-- From 16 on, PostgreSQL searches all roles that the administrator administers for each
-- statement about a role. One statement for each new role saves time: it sets the
-- membership and the limit as well.
SELECT set_config(name, 'set, inherit', false) FROM pg_settings WHERE name = 'createrole_self_grant';
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('CREATE ROLE %I NOLOGIN%s', role, ' CONNECTION LIMIT ' || connections))
FROM roles LEFT JOIN kept USING (name, role) WHERE to_regrole(quote_ident(role)) IS NULL ORDER BY role
\gexec
SELECT set_config(name, '', false) FROM pg_settings WHERE name = 'createrole_self_grant';
-- No role is a member of platform_withheld (see quota.sql). A dump of a tenant may name it.
SELECT 'SELECT pg_temp.change(''the database'', ''CREATE ROLE platform_withheld NOLOGIN'')'
WHERE EXISTS (SELECT FROM kept) AND to_regrole('platform_withheld') IS NULL
\gexec

-- members has the memberships that should exist. The administrator may act as both roles.
-- The app's own role may act as the owner, for migrations. It may not while a tenant is
-- archived: what it wrote then would be missing in the dump. A tenant with ownsSchema acts
-- as the owner itself. Then the app's role may not: the tenant may have planted code there.
CREATE TEMP VIEW members AS
  SELECT name, role, current_user AS member, true AS inherits FROM roles
  UNION ALL
  SELECT name, owner, app_role, false FROM kept, parameters WHERE NOT owns_schema AND state NOT IN ('archived', 'purged')
  UNION ALL
  SELECT name, owner, role, false FROM kept WHERE owns_schema;
-- From 16 on, the creator of a role has only the ADMIN OPTION on it. It has to grant itself
-- the rights of a member (INHERIT, SET). Before 16, every member has all rights.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('GRANT %I TO %I%s', role, member,
  CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' WITH INHERIT %s, SET TRUE', CASE WHEN inherits THEN 'TRUE' ELSE 'FALSE' END) ELSE '' END)) FROM members
WHERE NOT pg_has_role(member, to_regrole(quote_ident(role)), CASE WHEN inherits THEN 'USAGE' WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
ORDER BY role, member
\gexec
-- Revokes all other memberships: in the tenants' roles, and of the tenants' roles in others.
-- From 16 on, REVOKE has to name the grantor.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('REVOKE %I FROM %I%s CASCADE', of.rolname, to_role.rolname,
  CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', pg_get_userbyid(m.grantor)) ELSE '' END))
FROM pg_auth_members m JOIN pg_roles of ON of.oid = m.roleid JOIN pg_roles to_role ON to_role.oid = m.member
  JOIN roles ON roles.role IN (of.rolname, to_role.rolname)
WHERE to_role.rolname <> current_user
  AND NOT EXISTS (SELECT FROM members w WHERE w.role = of.rolname AND w.member = to_role.rolname)
ORDER BY of.rolname, to_role.rolname
\gexec

SELECT format('SELECT pg_temp.change(%L, %L)', name, format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role)) FROM roles
WHERE NOT has_database_privilege(to_regrole(quote_ident(role)), current_database(), 'CONNECT') ORDER BY role
\gexec

-- role_settings has the settings with which a tenant's sessions start, with any pooler. All
-- other settings of the role are reset: a role may change its own settings.
CREATE TEMP VIEW role_settings AS
  SELECT name, role, setting || '=' || value AS entry, setting, value FROM kept, LATERAL (VALUES
    ('search_path', role::text),
    ('statement_timeout', statement_timeout),
    ('idle_in_transaction_session_timeout', '60s'),
    ('idle_session_timeout', '10min'),
    ('client_connection_check_interval', '5s'), -- ends a statement whose client, the pooler, has disconnected
    ('transaction_timeout', CASE WHEN current_setting('server_version_num')::int >= 170000 THEN '10min' END),
    ('role', CASE WHEN owns_schema THEN owner::text END)
  ) AS settings (setting, value) WHERE value IS NOT NULL;
SELECT format('SELECT pg_temp.change(%L, %L)', name,
  format('ALTER ROLE %I %sRESET ALL', role, CASE WHEN setdatabase <> 0 THEN format('IN DATABASE %I ', datname) END))
FROM roles JOIN pg_db_role_setting ON setrole = to_regrole(quote_ident(role)) LEFT JOIN pg_database ON pg_database.oid = setdatabase
WHERE setdatabase <> 0 OR EXISTS (SELECT FROM unnest(setconfig) AS has (entry)
  WHERE split_part(has.entry, '=', 1) NOT IN (SELECT setting FROM role_settings s WHERE s.role = roles.role))
ORDER BY role
\gexec
SELECT format('SELECT pg_temp.set_own(%L, %L, %L)', name, role, format('ALTER ROLE %I SET %s = %L', role, setting, value)) FROM role_settings
WHERE NOT EXISTS (SELECT FROM pg_db_role_setting
  WHERE setrole = to_regrole(quote_ident(role)) AND setdatabase = 0 AND entry = ANY (setconfig))
ORDER BY role, setting
\gexec
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('ALTER ROLE %I CONNECTION LIMIT %s', role, connections))
FROM kept JOIN pg_roles ON rolname = role WHERE rolconnlimit <> connections ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('ALTER ROLE %I VALID UNTIL ''infinity''', role))
FROM roles JOIN pg_roles ON rolname = role
WHERE rolvaliduntil <> 'infinity' AND NOT (rolvaliduntil = '-infinity' AND rolname ~ '^tenant_') -- let_in.sql resets these at the end of the run
ORDER BY role
\gexec

-- Sets each password in each run: a role may change its own password, and only a superuser
-- could compare it. A run reports it only if the declaration changed the password.
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT k.name, k.role, encode(sha256(v.verifier::bytea), 'hex') AS digest, t.password
    FROM kept k JOIN verifiers v USING (role) JOIN platform.tenants t USING (role) ORDER BY role
  LOOP
    IF r.digest IS DISTINCT FROM r.password THEN
      RAISE INFO 'ALTER ROLE % PASSWORD from the Secret', quote_ident(r.role);
    END IF;
    PERFORM pg_temp.attempt(r.name, 'setting its password', format('SELECT pg_temp.set_password(%L, '''')', r.role));
  END LOOP;
  UPDATE platform.tenants t SET password = encode(sha256(v.verifier::bytea), 'hex'), changed = now()
  FROM verifiers v WHERE v.role = t.role AND t.password IS DISTINCT FROM encode(sha256(v.verifier::bytea), 'hex')
    AND t.name NOT IN (SELECT name FROM failures);
END $$;
