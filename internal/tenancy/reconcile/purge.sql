-- Purges tenants: drops the schema with its objects, then the grants of both roles, then
-- the roles. Before that, it compares the dump with the schema once more, and checks that
-- no object outside of the schema depends on it. It does not REASSIGN anything: an object
-- that got another owner would never be dropped.
CREATE TEMP VIEW purging AS
  SELECT d.name, d.role, d.owner, t.archive FROM desired d LEFT JOIN platform.tenants t USING (name) WHERE d.state = 'purged';

-- outsiders lists the objects outside of the schema that DROP ... CASCADE would drop.
CREATE FUNCTION pg_temp.outsiders(of_schema name, of_owner name) RETURNS text LANGUAGE sql AS $$
  WITH inside AS (
    SELECT 'pg_class'::regclass AS classid, oid FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(of_schema))
    UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace = to_regnamespace(quote_ident(of_schema))
    UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(of_schema))
    UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = to_regnamespace(quote_ident(of_schema))
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE collnamespace = to_regnamespace(quote_ident(of_schema))
    UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE connamespace = to_regnamespace(quote_ident(of_schema))
  ), dependants AS (
    SELECT d.classid, d.objid, d.objsubid FROM pg_depend d JOIN inside ON d.refclassid = inside.classid AND d.refobjid = inside.oid
    UNION
    SELECT s.classid, s.objid, s.objsubid FROM pg_shdepend s
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.deptype = 'o'
      AND s.refobjid IN (to_regrole(quote_ident(of_schema)), to_regrole(quote_ident(of_owner)))
  )
  SELECT string_agg(DISTINCT pg_describe_object(classid, objid, objsubid), ', ') FROM dependants, pg_identify_object(classid, objid, objsubid) o,
    pg_identify_object_as_address(classid, objid, objsubid) a
  WHERE o.schema IS DISTINCT FROM 'pg_toast' AND coalesce(o.schema, CASE WHEN o.type IN ('rule', 'trigger', 'policy', 'table constraint', 'default value', 'view column', 'table column') THEN a.object_names[1]
    WHEN o.type IN ('cast', 'default acl', 'operator of access method', 'function of access method') THEN of_schema::text
    WHEN o.type = 'schema' THEN o.name END, '') <> of_schema
$$;
CREATE FUNCTION pg_temp.check_outsiders(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p pg_temp.purging := (SELECT p FROM pg_temp.purging p WHERE name = of_tenant);
BEGIN
  IF pg_temp.outsiders(p.role, p.owner) IS NOT NULL THEN
    RAISE EXCEPTION 'nothing was dropped: these objects are outside of its schema, and a purge would drop them; drop them first, or change their owner: %', pg_temp.outsiders(p.role, p.owner);
  END IF;
  PERFORM pg_temp.open_owner(of_tenant);
END $$;
CREATE FUNCTION pg_temp.check_archive(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p pg_temp.purging := (SELECT p FROM pg_temp.purging p WHERE name = of_tenant);
BEGIN
  PERFORM pg_temp.require_done(of_tenant);
  IF pg_temp.differences(p.name, p.archive) IS NOT NULL THEN
    RAISE EXCEPTION 'nothing was dropped: its schema differs from its archive; declare state: suspended, then archived, to archive it again: %',
      pg_temp.differences(p.name, p.archive);
  END IF;
END $$;
CREATE TEMP TABLE to_drop AS SELECT name FROM purging WHERE to_regnamespace(quote_ident(role)) IS NOT NULL;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'purge', 'check_outsiders') FROM to_drop ORDER BY name
\gexec
-- The tables are locked from the comparison to the DROP. A session of the app's role may
-- have become the owner before the tenant was archived, and may still write.
CREATE FUNCTION pg_temp.lock_tables(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  relation regclass;
BEGIN
  FOR relation IN
    SELECT c.oid FROM pg_temp.purging JOIN pg_class c ON relnamespace = to_regnamespace(quote_ident(role))
    WHERE name = of_tenant AND relkind IN ('r', 'p')
  LOOP
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', relation);
  END LOOP;
END $$;
SET idle_in_transaction_session_timeout = 0;
BEGIN;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'purge', 'lock_tables') FROM to_drop ORDER BY name
\gexec
\copy (SELECT name, role, owner, archive->>'file', archive->>'sha256' FROM purging JOIN to_drop USING (name) WHERE name NOT IN (SELECT name FROM failures) ORDER BY 1) TO PROGRAM 'cat > "$WORK/list"' WITH (DELIMITER ' ')
\! sh each.sh compare
SELECT format('SELECT pg_temp.close_owner(%L)', name) FROM to_drop ORDER BY name
\gexec
TRUNCATE relations, done;
\copy failures FROM PROGRAM 'cat "$WORK/failures.csv"' WITH (FORMAT csv)
\copy done FROM PROGRAM 'cat "$WORK/done"'
\copy relations FROM PROGRAM 'cat "$WORK/relations"' WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'purge', 'check_archive') FROM to_drop ORDER BY name
\gexec
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('DROP SCHEMA %I CASCADE', role)) FROM purging
WHERE to_regnamespace(quote_ident(role)) IS NOT NULL ORDER BY role
\gexec
COMMIT;
-- A role cannot be dropped while it has a right in another database. Any role can give it
-- one there, by default privileges.
\copy (SELECT DISTINCT dropped, datname FROM purging, LATERAL (VALUES (role), (owner)) AS of (dropped), pg_shdepend JOIN pg_database ON pg_database.oid = dbid WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole(quote_ident(dropped)) AND datname <> current_database() AND name NOT IN (SELECT name FROM failures) ORDER BY 1) TO PROGRAM 'while read -r role database; do PGDATABASE=$database psql -X -q -c "DROP OWNED BY $role CASCADE" < /dev/null; done' WITH (DELIMITER ' ')
SELECT format('SELECT pg_temp.change(%L, %L)', name, statement)
FROM purging, LATERAL (VALUES (role), (owner)) AS of (dropped), LATERAL (VALUES (1, format('DROP OWNED BY %I CASCADE', dropped)), (2, format('DROP ROLE %I', dropped))) AS steps (step, statement)
WHERE to_regrole(quote_ident(dropped)) IS NOT NULL ORDER BY role, dropped DESC, step
\gexec
-- Adds the tenant's usage to the sums of all purged tenants, and deletes its rows: they have its
-- name, and show on which days it was active.
CREATE FUNCTION pg_temp.forget_usage(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE platform.usage IN SHARE ROW EXCLUSIVE MODE;
  PERFORM platform.add_purged_usage(month, requests, errors, bytes, rows_written, logins, events) FROM (
    SELECT date_trunc('month', day)::date AS month, sum(requests)::bigint AS requests, sum(errors)::bigint AS errors, sum(bytes)::bigint AS bytes,
      sum(rows_written)::bigint AS rows_written, sum(logins)::bigint AS logins, sum(events)::bigint AS events
    FROM platform.usage WHERE tenant = of_tenant GROUP BY 1) AS months;
  DELETE FROM platform.usage WHERE tenant = of_tenant;
  UPDATE platform.usage_names SET tenant = '(purged)' WHERE tenant = of_tenant;
  INSERT INTO platform.usage_names (name, until, tenant) VALUES (of_tenant, now(), '(purged)');
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'removing its usage', 'forget_usage')
FROM purging JOIN platform.tenants t USING (name) WHERE t.state <> 'purged' AND name NOT IN (SELECT name FROM failures) ORDER BY name
\gexec
