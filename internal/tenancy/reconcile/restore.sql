-- Restores the archive of a purged tenant into its schema, before the tenant may log in.
CREATE FUNCTION pg_temp.open_owner(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
BEGIN
  PERFORM pg_temp.end_sessions(d.owner);
  PERFORM pg_temp.set_password(d.owner, 'LOGIN');
END $$;
CREATE FUNCTION pg_temp.begin_restore(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE platform.tenants SET restored = 'unfinished' WHERE name = of_tenant AND restored IS DISTINCT FROM 'unfinished';
  PERFORM pg_temp.open_owner(of_tenant);
END $$;
-- close_owner closes the login of each tenant, also of those that have failed. What it
-- cannot close, close.sql of the next run does.
CREATE FUNCTION pg_temp.close_owner(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
BEGIN
  EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', d.owner);
  PERFORM pg_temp.end_sessions(d.owner);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'tenant %: closing the owner''s login failed: %', of_tenant, SQLERRM;
  INSERT INTO pg_temp.failures VALUES (of_tenant, 'closing the owner''s login', SQLERRM);
END $$;

-- done has the tenants for which each.sh ended without an error.
CREATE TEMP TABLE done (name text PRIMARY KEY);
CREATE FUNCTION pg_temp.require_done(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_temp.done WHERE name = of_tenant) THEN
    RAISE EXCEPTION 'its script did not end: see the messages above';
  END IF;
END $$;
-- relations has the tables and sequences that describe.sql found in a schema. described is
-- JSON: kind, name, rows, checksum. It is not of type jsonb, so that one tenant's line
-- cannot stop the import of the others.
CREATE TEMP TABLE relations (name text NOT NULL, described text NOT NULL);
-- contents returns the relations of one kind by name, each with its rows and checksum.
CREATE FUNCTION pg_temp.contents(of_tenant text, of_kind text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(jsonb_object_agg(d->>1, jsonb_build_object('rows', d->2, 'checksum', d->3)), '{}')
  FROM pg_temp.relations, LATERAL (SELECT described::jsonb AS d) AS parsed WHERE name = of_tenant AND d->>0 = of_kind
$$;
-- differences lists what differs between the schema and the archive; null if nothing does.
-- Archives that an earlier version wrote have no sequences.
CREATE FUNCTION pg_temp.differences(of_tenant text, archive jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s: %s in the archive, %s in the schema', kind, relation,
    coalesce(was->>'rows' || ' rows', 'missing'), coalesce(now->>'rows' || ' rows', 'missing')), '; ' ORDER BY kind DESC, relation)
  FROM (VALUES ('table', 'tables'), ('sequence', 'sequences')) AS kinds (kind, key), LATERAL (
    SELECT coalesce(a.key, s.key) AS relation, a.value AS was, s.value AS now
    FROM jsonb_each(archive->kinds.key) a FULL JOIN jsonb_each(pg_temp.contents(of_tenant, kinds.kind)) s ON s.key = a.key
    WHERE a.value IS DISTINCT FROM s.value
  ) AS different
  WHERE archive ? kinds.key
$$;

\copy (SELECT name, role, owner, archive->>'file', archive->>'sha256', pg_temp.is_empty(role) FROM restoring WHERE name NOT IN (SELECT name FROM failures) ORDER BY 1) TO PROGRAM 'cat > "$WORK/list"' WITH (DELIMITER ' ')
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'opening the owner''s login', 'begin_restore') FROM restoring ORDER BY name
\gexec
\! sh each.sh restore
SELECT format('SELECT pg_temp.close_owner(%L)', name) FROM restoring ORDER BY name
\gexec
\copy failures FROM PROGRAM 'cat "$WORK/failures.csv"' WITH (FORMAT csv)
\copy done FROM PROGRAM 'cat "$WORK/done"'
\copy relations FROM PROGRAM 'cat "$WORK/relations"' WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')
CREATE FUNCTION pg_temp.note_restore(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  PERFORM pg_temp.require_done(of_tenant);
  SELECT * INTO r FROM pg_temp.restoring WHERE name = of_tenant;
  IF pg_temp.differences(r.name, r.archive) IS NOT NULL THEN
    RAISE EXCEPTION 'its schema differs from the archive %, and an archive is restored into an empty schema only: %', r.archive->>'file', pg_temp.differences(r.name, r.archive);
  END IF;
  IF NOT r.archive ? 'sequences' THEN
    PERFORM pg_temp.grant_use(r.role, r.role);
  END IF;
  RAISE INFO 'tenant %: restored from %, rows and checksums compared', r.name, r.archive->>'file';
  UPDATE platform.tenants SET restored = r.archive->>'sha256', changed = now() WHERE name = r.name;
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'restore', 'note_restore') FROM restoring ORDER BY name
\gexec
