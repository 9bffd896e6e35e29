-- An archive is written while nobody is logged in. It counts once it has been restored
-- into a database of its own, and holds there what the schema held.
CREATE FUNCTION pg_temp.check_archivable(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
  foreigners text;
BEGIN
  IF EXISTS (SELECT FROM pg_largeobject_metadata WHERE lomowner IN (to_regrole(quote_ident(d.role)), to_regrole(quote_ident(d.owner)))) THEN
    RAISE EXCEPTION 'it owns large objects, which the archive of a schema leaves out; move them into bytea columns first';
  END IF;
  SELECT string_agg(format('%s (%s)', c.oid::regclass, pg_get_userbyid(relowner)), ', ' ORDER BY relname) INTO foreigners
  FROM pg_class c WHERE relnamespace = to_regnamespace(quote_ident(d.role)) AND relowner <> to_regrole(quote_ident(d.owner))
    AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f');
  IF foreigners IS NOT NULL THEN
    RAISE EXCEPTION 'other roles own relations in its schema; ALTER ... OWNER TO %: %', d.owner, foreigners;
  END IF;
  PERFORM pg_temp.open_owner(of_tenant);
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'archive', 'check_archivable') FROM archiving ORDER BY name
\gexec
\copy (SELECT name, role, owner FROM archiving WHERE name NOT IN (SELECT name FROM failures) ORDER BY 1) TO PROGRAM 'cat > "$WORK/list"' WITH (DELIMITER ' ')
\! sh each.sh archive
TRUNCATE relations;
CREATE TEMP TABLE archived (name text PRIMARY KEY, file text NOT NULL, sha256 text NOT NULL);
\copy failures FROM PROGRAM 'cat "$WORK/failures.csv"' WITH (FORMAT csv)
\copy relations FROM PROGRAM 'cat "$WORK/relations.csv"' WITH (FORMAT csv)
\copy archived FROM PROGRAM 'cat "$WORK/archived"' WITH (DELIMITER ' ')
SELECT format('SELECT pg_temp.close_owner(%L)', name) FROM archiving ORDER BY name
\gexec
CREATE FUNCTION pg_temp.note_archive(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO 'tenant %: archived, and restored once as a drill', of_tenant;
  UPDATE platform.tenants t SET state = 'archived', restored = NULL, changed = now(),
    archive = jsonb_build_object('file', a.file, 'sha256', a.sha256, 'at', now(),
      'tables', pg_temp.contents(t.name, 'table'), 'sequences', pg_temp.contents(t.name, 'sequence'))
  FROM archived a WHERE a.name = t.name AND t.name = of_tenant;
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'archive', 'note_archive') FROM archived ORDER BY name
\gexec
