-- Makes the database's tenants what the stack declares. Runs in psql, in a
-- session of the database's administrator, who is no superuser. Every change is a
-- statement of its own that is made only where it is needed: a run that dies is
-- completed by the next, and a second run changes nothing.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
SET lock_timeout = '10min';
SET search_path = pg_catalog;
SET DateStyle = ISO;
SET TimeZone = 'UTC';
SET extra_float_digits = 1;

-- One run at a time: the lock goes with the session, however that ends.
SELECT pg_advisory_lock(hashtextextended('platform.tenants', 0));

CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS platform.tenants (
  name     text PRIMARY KEY,
  role     name NOT NULL UNIQUE,
  state    text NOT NULL DEFAULT 'new',
  password text,  -- digest of the verifier that the role has
  archive  jsonb, -- the newest: file, sha256, tables with rows and checksum
  restored text,  -- sha256 of the archive that the schema was filled from
  changed  timestamptz NOT NULL DEFAULT now()
);

CREATE TEMP TABLE parameters (app_role name);
CREATE TEMP TABLE desired (
  name text PRIMARY KEY, role name NOT NULL UNIQUE, state text NOT NULL, connections int NOT NULL,
  statement_timeout text NOT NULL, sample_data boolean NOT NULL, restore boolean NOT NULL
);
\i desired.sql
CREATE TEMP TABLE verifiers (role name PRIMARY KEY, verifier text NOT NULL);
\copy verifiers FROM PROGRAM 'cat "$CREDENTIALS/verifiers.csv"' WITH (FORMAT csv)

-- Who keeps a role and a schema, and who may log in.
CREATE TEMP VIEW kept AS SELECT * FROM desired WHERE state <> 'purged';
CREATE TEMP VIEW closed AS
  SELECT name, role, state FROM desired WHERE state <> 'active'
  UNION ALL
  SELECT name, role, 'suspended' FROM platform.tenants
  WHERE state <> 'purged' AND name NOT IN (SELECT name FROM desired);

-- change runs a statement and says so.
CREATE FUNCTION pg_temp.change(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO '%', statement;
  EXECUTE statement;
END $$;

-- set_password sets a role's password from its verifier, which is in no message.
CREATE FUNCTION pg_temp.set_password(of_role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v text := (SELECT verifier FROM pg_temp.verifiers WHERE role = of_role);
BEGIN
  RAISE INFO 'ALTER ROLE % PASSWORD from the Secret', quote_ident(of_role);
  BEGIN
    EXECUTE format('ALTER ROLE %I PASSWORD %L', of_role, v);
  EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'the password of % cannot be set: %', of_role, SQLSTATE;
  END;
  UPDATE platform.tenants SET password = encode(sha256(v::bytea), 'hex'), changed = now() WHERE role = of_role;
END $$;

CREATE FUNCTION pg_temp.end_sessions(of_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO 'end % sessions of %', (SELECT count(*) FROM pg_stat_activity WHERE usename = of_role), of_role;
  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = of_role;
END $$;

CREATE FUNCTION pg_temp.is_empty(schema name) RETURNS boolean LANGUAGE sql AS $$
  SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(schema)) AND relkind IN ('r', 'p'))
$$;

-- tables lists a schema's tables with their rows and a checksum that does not
-- depend on their order.
CREATE FUNCTION pg_temp.tables(schema name) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  t name;
  entry jsonb;
  out jsonb := '{}';
BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(schema)) AND relkind = 'r' LOOP
    EXECUTE format(
      'SELECT jsonb_build_object(''rows'', count(*), ''checksum'', coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text) FROM ONLY %I.%I t',
      schema, t) INTO entry;
    out := out || jsonb_build_object(t, entry);
  END LOOP;
  RETURN out;
END $$;

-- What cannot be done stops the run before it changes anything, all at once.
-- reconcile.sh tells such a refusal from an error, which another try may not meet.
\set ON_ERROR_STOP off
DO $$
DECLARE
  refused text;
BEGIN
  SELECT string_agg(format('tenant %s: %s', name, problem), E'\n' ORDER BY name) INTO refused FROM (
    SELECT name, 'is to be purged, but has no archive; declare state: archived, let that run, then purge' AS problem
      FROM desired d LEFT JOIN platform.tenants t USING (name)
      WHERE d.state = 'purged' AND to_regrole(quote_ident(d.role)) IS NOT NULL
        AND (t.archive IS NULL OR t.state NOT IN ('archived', 'purged'))
    UNION ALL
    SELECT name, 'was purged; to have it back, declare state: active and restore: true'
      FROM desired d JOIN platform.tenants t USING (name) WHERE t.state = 'purged' AND d.state IN ('suspended', 'archived')
    UNION ALL
    SELECT name, 'has no archive to restore; take restore: true out'
      FROM desired d LEFT JOIN platform.tenants t USING (name) WHERE d.restore AND t.archive IS NULL
    UNION ALL
    SELECT name, 'owns large objects, which the archive of a schema leaves out; move them into bytea columns first'
      FROM desired d JOIN platform.tenants t USING (name)
      WHERE d.state = 'archived' AND t.state <> 'archived'
        AND EXISTS (SELECT FROM pg_largeobject_metadata WHERE lomowner = to_regrole(quote_ident(d.role)))
    UNION ALL
    SELECT name, format('the schema %s belongs to %s; give it to the tenant''s role or choose another name', d.role, pg_get_userbyid(nspowner))
      FROM desired d JOIN pg_namespace ON nspname = d.role WHERE pg_get_userbyid(nspowner) <> d.role
    UNION ALL
    SELECT name, format('the role %s may do more than a tenant; choose another name', d.role)
      FROM desired d JOIN pg_roles ON rolname = d.role
      WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
  ) problems;
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION E'refused, and nothing was changed:\n%', refused;
  END IF;
END $$;
\set ON_ERROR_STOP on
SELECT :'SQLSTATE' = 'P0001' AS refused, :'SQLSTATE' <> '00000' AS failed \gset
\if :refused
\! touch "$WORK/refused"
\q
\elif :failed
DO $$ BEGIN RAISE EXCEPTION 'the declaration could not be checked: see the message above'; END $$;
\endif

-- The database itself: tenants get what they are granted, and PUBLIC nothing.
SELECT format('SELECT pg_temp.change(%L)', format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()))
WHERE EXISTS (SELECT FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
  WHERE datname = current_database() AND grantee = 0)
\gexec
SELECT format('SELECT pg_temp.change(%L)', 'REVOKE ALL ON SCHEMA public FROM PUBLIC')
WHERE EXISTS (SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
  WHERE nspname = 'public' AND grantee = 0)
\gexec
SELECT format('SELECT pg_temp.change(%L)', statement) FROM parameters, LATERAL (VALUES
  (format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), app_role),
    has_database_privilege(app_role, current_database(), 'CONNECT') AND has_database_privilege(app_role, current_database(), 'TEMPORARY')),
  (format('GRANT USAGE, CREATE ON SCHEMA public TO %I', app_role),
    has_schema_privilege(app_role, 'public', 'USAGE') AND has_schema_privilege(app_role, 'public', 'CREATE'))
) AS grants (statement, given) WHERE NOT given
\gexec

-- A role and a schema for each tenant. From 16 on a role's maker administers it
-- but is not a member with all rights, and has to make itself one.
INSERT INTO platform.tenants (name, role) SELECT name, role FROM kept ON CONFLICT (name) DO NOTHING;
SELECT format('SELECT pg_temp.change(%L)', format('CREATE ROLE %I NOLOGIN', role)) FROM kept
WHERE to_regrole(quote_ident(role)) IS NULL ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L)', format('GRANT %I TO %I%s', role, current_user,
  CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END)) FROM kept
WHERE NOT pg_has_role(current_user, role, 'USAGE') ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L)', format('GRANT %I TO %I%s', role, app_role,
  CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END)) FROM kept, parameters
WHERE NOT pg_has_role(app_role, role, 'MEMBER') ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L)', format('CREATE SCHEMA %I AUTHORIZATION %I', role, role)) FROM kept
WHERE to_regnamespace(quote_ident(role)) IS NULL ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L)', format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role)) FROM kept
WHERE NOT has_database_privilege(role, current_database(), 'CONNECT') ORDER BY role
\gexec

-- What its sessions start with, whoever pools them.
SELECT format('SELECT pg_temp.change(%L)', format('ALTER ROLE %I SET %s = %L', role, setting, value)) FROM kept, LATERAL (VALUES
  ('search_path', role::text),
  ('statement_timeout', statement_timeout),
  ('idle_in_transaction_session_timeout', '60s'),
  ('idle_session_timeout', '10min')
) AS settings (setting, value)
WHERE NOT EXISTS (SELECT FROM pg_db_role_setting
  WHERE setrole = to_regrole(quote_ident(role)) AND setdatabase = 0 AND setting || '=' || value = ANY (setconfig))
ORDER BY role, setting
\gexec
SELECT format('SELECT pg_temp.change(%L)', format('ALTER ROLE %I CONNECTION LIMIT %s', role, connections))
FROM kept JOIN pg_roles ON rolname = role WHERE rolconnlimit <> connections ORDER BY role
\gexec
SELECT format('SELECT pg_temp.set_password(%L)', role) FROM kept JOIN platform.tenants t USING (role) JOIN verifiers v USING (role)
WHERE t.password IS DISTINCT FROM encode(sha256(v.verifier::bytea), 'hex') ORDER BY role
\gexec

-- A schema that was purged is filled from its archive before anyone logs in.
\copy (SELECT d.name, d.role, t.archive->>'file', t.archive->>'sha256' FROM desired d JOIN platform.tenants t USING (name) WHERE d.restore AND t.restored IS DISTINCT FROM t.archive->>'sha256' AND pg_temp.is_empty(d.role) ORDER BY 1) TO PROGRAM 'cat > "$WORK/restore"' WITH (DELIMITER ' ')
\! sh "$RECONCILE/archive.sh" restore
DO $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT d.name, d.role, t.archive FROM desired d JOIN platform.tenants t USING (name)
    WHERE d.restore AND t.restored IS DISTINCT FROM t.archive->>'sha256'
  LOOP
    IF pg_temp.tables(r.role) <> r.archive->'tables' THEN
      RAISE EXCEPTION 'tenant %: its schema does not hold what the archive % does; a restore fills an empty schema only (see the messages above, and docs/tenancy.md)',
        r.name, r.archive->>'file';
    END IF;
    RAISE INFO 'tenant %: restored from %, rows and checksums compared', r.name, r.archive->>'file';
    UPDATE platform.tenants SET restored = r.archive->>'sha256', changed = now() WHERE name = r.name;
  END LOOP;
END $$;

-- Sample data goes into an empty schema, as its owner would put it there.
CREATE FUNCTION pg_temp.sample_data(of_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO 'tenant role %: sample data', of_role;
  EXECUTE format('SET LOCAL ROLE %I', of_role);
  EXECUTE format('CREATE TABLE %I.customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE)', of_role);
  EXECUTE format('CREATE TABLE %1$I.orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES %1$I.customers,
    placed_at timestamptz NOT NULL, total_cents int NOT NULL)', of_role);
  EXECUTE format('INSERT INTO %I.customers SELECT n, ''Customer '' || n, ''customer'' || n || ''@example.com''
    FROM generate_series(1, 20) n', of_role);
  EXECUTE format('INSERT INTO %I.orders SELECT n, 1 + n %% 20, timestamptz ''2026-01-01'' + n * interval ''7 hours'', 500 + n * 37 %% 9500
    FROM generate_series(1, 200) n', of_role);
END $$;
SELECT format('SELECT pg_temp.sample_data(%L)', role) FROM desired
WHERE sample_data AND state = 'active' AND pg_temp.is_empty(role) ORDER BY role
\gexec

SELECT format('SELECT pg_temp.change(%L)', format('ALTER ROLE %I LOGIN', role))
FROM desired d JOIN pg_roles ON rolname = role WHERE d.state = 'active' AND NOT rolcanlogin ORDER BY role
\gexec

-- Suspended, archived, to be purged, or no longer declared: no login, no session.
SELECT format('SELECT pg_temp.change(%L)', format('ALTER ROLE %I NOLOGIN', role))
FROM closed JOIN pg_roles ON rolname = role WHERE rolcanlogin ORDER BY role
\gexec
SELECT format('SELECT pg_temp.end_sessions(%L)', role) FROM closed
WHERE EXISTS (SELECT FROM pg_stat_activity WHERE usename = role) ORDER BY role
\gexec

-- An archive is written while nobody is logged in, and counts once its rows and
-- checksums are noted.
\copy (SELECT d.name, d.role FROM desired d JOIN platform.tenants t USING (name) WHERE d.state = 'archived' AND t.state <> 'archived' ORDER BY 1) TO PROGRAM 'cat > "$WORK/archive"' WITH (DELIMITER ' ')
\! sh "$RECONCILE/archive.sh" archive
CREATE TEMP TABLE archived (name text PRIMARY KEY, file text NOT NULL, sha256 text NOT NULL);
\copy archived FROM PROGRAM 'cat "$WORK/archived"' WITH (DELIMITER ' ')
CREATE FUNCTION pg_temp.note_archive(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO 'tenant %: archived', of_tenant;
  UPDATE platform.tenants t SET state = 'archived', restored = NULL, changed = now(),
    archive = jsonb_build_object('file', a.file, 'sha256', a.sha256, 'at', now(), 'tables', pg_temp.tables(t.role))
  FROM archived a WHERE a.name = t.name AND t.name = of_tenant;
END $$;
SELECT format('SELECT pg_temp.note_archive(%L)', name) FROM archived ORDER BY name
\gexec
DO $$
DECLARE
  missing text := (SELECT string_agg(name, ', ') FROM desired JOIN platform.tenants t USING (name)
    WHERE desired.state = 'archived' AND t.state <> 'archived');
BEGIN
  IF missing IS NOT NULL THEN
    RAISE EXCEPTION 'the archive of % was not written: see the messages above; nothing of it was dropped', missing;
  END IF;
END $$;

-- Purge: the schema with whoever's objects are in it, then what the role owns or
-- was granted elsewhere, then the role. Nothing is reassigned: what a purge left
-- to somebody else would stay for ever.
SELECT format('SELECT pg_temp.change(%L)', format('DROP SCHEMA %I CASCADE', role)) FROM desired
WHERE state = 'purged' AND to_regnamespace(quote_ident(role)) IS NOT NULL ORDER BY role
\gexec
SELECT format('SELECT pg_temp.change(%L)', statement)
FROM desired, LATERAL (VALUES (1, format('DROP OWNED BY %I CASCADE', role)), (2, format('DROP ROLE %I', role))) AS steps (step, statement)
WHERE state = 'purged' AND to_regrole(quote_ident(role)) IS NOT NULL ORDER BY role, step
\gexec

-- The record of what is.
SELECT format('UPDATE platform.tenants SET state = %L, changed = now() WHERE name = %L', d.state, d.name)
FROM desired d JOIN platform.tenants t USING (name) WHERE d.state <> t.state ORDER BY d.name
\gexec
UPDATE platform.tenants SET password = NULL, restored = NULL WHERE state = 'purged' AND password IS NOT NULL;
UPDATE platform.tenants t SET state = 'suspended', changed = now() FROM closed c
WHERE c.name = t.name AND t.state IN ('new', 'active') AND t.name NOT IN (SELECT name FROM desired);

-- What was promised is held against what the server says.
DO $$
DECLARE
  broken text;
  vanished text;
BEGIN
  SELECT string_agg(DISTINCT problem, E'\n') INTO broken FROM kept, LATERAL (VALUES
    (has_database_privilege(role, current_database(), 'TEMPORARY') OR has_database_privilege(role, current_database(), 'CREATE'),
      format('a tenant may make schemas or temporary tables in %s: its owner has to REVOKE ALL ON DATABASE FROM PUBLIC', current_database())),
    (has_schema_privilege(role, 'public', 'USAGE'),
      'a tenant may use the schema public: its owner has to REVOKE ALL ON SCHEMA public FROM PUBLIC'),
    (EXISTS (SELECT FROM pg_roles other WHERE other.rolname <> role AND pg_has_role(role, other.oid, 'MEMBER')),
      format('%s is a member of another role: REVOKE that', role))
  ) AS checks (failed, problem) WHERE failed;
  IF broken IS NOT NULL THEN
    RAISE EXCEPTION E'tenants are not kept apart:\n%', broken;
  END IF;
  SELECT string_agg(name, ', ' ORDER BY name) INTO vanished FROM closed WHERE name NOT IN (SELECT name FROM desired);
  IF vanished IS NOT NULL THEN
    RAISE WARNING 'no longer declared, and so suspended; nothing of theirs was dropped: %', vanished;
  END IF;
  RAISE INFO 'tenants: % declared, all as declared', (SELECT count(*) FROM desired);
END $$;
