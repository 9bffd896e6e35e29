-- run_as runs statements as the owner of a tenant's schema. search_path has the tenant's
-- schema in the place of public.
CREATE FUNCTION pg_temp.run_as(of_owner name, in_schema name, statements text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  statement text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  EXECUTE format('SET LOCAL search_path = %I, pg_catalog, pg_temp', in_schema);
  FOREACH statement IN ARRAY statements LOOP
    EXECUTE statement;
  END LOOP;
  SET LOCAL search_path = pg_catalog, pg_temp;
  SET LOCAL ROLE NONE;
END $$;

-- copy_rows copies a tenant's rows into its table. It runs as the app's role: only this role
-- may read the shared table. No other session sees the new table before the transaction ends.
CREATE FUNCTION pg_temp.copy_rows(of_tenant int, from_table oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  w record;
  s record;
  target text;
  expected record;
  copied record;
BEGIN
  SELECT * INTO w FROM wanted_tenants WHERE number = of_tenant;
  SELECT * INTO s FROM sources JOIN written USING (oid) WHERE oid = from_table;
  target := format('%I.%I', w.schema, s.source);
  PERFORM pg_temp.run_as(w.owner, w.schema, ARRAY[format('GRANT SELECT, INSERT ON %s TO %I', target, session_user)]);
  EXECUTE format('SET LOCAL search_path = %I, pg_catalog, pg_temp', w.schema);
  -- Rows are read by their place. Without this setting, small tables would be scanned.
  PERFORM set_config('enable_seqscan', CASE s.kind WHEN 'shared' THEN 'on' ELSE 'off' END, true);
  EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ONLY public.%I t%s', target, s.columns, s.selected, s.source,
    CASE WHEN s.kind <> 'shared' THEN format(' WHERE t.ctid = ANY (ARRAY(SELECT place FROM pg_temp.placed WHERE source = %s AND tenant = %s))', from_table, of_tenant) END);
  SET LOCAL enable_seqscan = on;
  SET LOCAL search_path = pg_catalog, pg_temp;
  SELECT * INTO copied FROM pg_temp.digest(target::regclass);
  PERFORM pg_temp.run_as(w.owner, w.schema, ARRAY[format('REVOKE SELECT, INSERT ON %s FROM %I', target, session_user)]);
  SELECT rows, checksum INTO expected FROM expected_shares e WHERE e.oid = from_table AND e.number = of_tenant;
  IF expected IS DISTINCT FROM copied THEN
    RAISE EXCEPTION '% rows of public.% became % rows in %, or their content differs: if the app still writes, stop it; then run this again', expected.rows, s.source, copied.rows, target;
  END IF;
  INSERT INTO public.tenant_split VALUES (w.schema, 'table', s.source, copied.rows, copied.checksum);
  RAISE INFO '%: % rows, checksum %', target, copied.rows, copied.checksum;
END $$;

-- sequence_values returns statements that set a tenant's sequences to the values of the
-- shared ones. With max(id) + 1, new rows would get the ids of deleted rows.
CREATE FUNCTION pg_temp.sequence_values(in_schema name, of_sequences oid[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  n record;
  last bigint;
  called boolean;
  statements text[] := '{}';
BEGIN
  FOR n IN SELECT * FROM needed_sequences WHERE oid = ANY (of_sequences) LOOP
    EXECUTE format('SELECT last_value, is_called FROM %s', n.oid::regclass) INTO last, called;
    statements := statements || format('SELECT setval(%L, %s, %L)', format('%I.%I', in_schema, n.name), last, called);
  END LOOP;
  RETURN statements;
END $$;
CREATE TEMP TABLE expected_shares AS SELECT * FROM shares;

-- lock_sources locks the shared tables, so that the app cannot write to them during the
-- transaction.
CREATE FUNCTION pg_temp.lock_sources() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  s record;
BEGIN
  FOR s IN SELECT * FROM sources ORDER BY oid LOOP
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE MODE', s.oid::regclass);
  END LOOP;
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'public.% is in use: stop the app, and run this again', s.source;
END $$;

-- copy_tenant copies the tables that a tenant does not have yet, in one transaction.
CREATE FUNCTION pg_temp.copy_tenant(of_tenant int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  w record;
  missing name[];
  sequences oid[];
  opened boolean;
  s record;
BEGIN
  SELECT * INTO w FROM wanted_tenants WHERE number = of_tenant;
  LOCK TABLE public.tenant_split IN SHARE ROW EXCLUSIVE MODE;
  missing := ARRAY(SELECT source FROM sources WHERE source NOT IN (SELECT name FROM public.tenant_split r WHERE r.schema = w.schema AND r.kind = 'table'));
  IF missing = '{}' THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM pg_temp.code(w.schema)) THEN
    RAISE EXCEPTION '% has functions or operators since this run began: drop them, and run this again', w.schema;
  END IF;
  PERFORM pg_temp.lock_sources();
  sequences := ARRAY(SELECT oid FROM needed_sequences WHERE (kind = 'i' AND owner IN (SELECT oid FROM sources WHERE source = ANY (missing)))
    OR (kind <> 'i' AND name NOT IN (SELECT r.name FROM public.tenant_split r WHERE r.schema = w.schema AND r.kind = 'sequence')));
  opened := NOT has_schema_privilege(w.schema, 'USAGE');
  IF opened THEN
    PERFORM pg_temp.run_as(w.owner, w.schema, ARRAY[format('GRANT USAGE ON SCHEMA %I TO %I', w.schema, session_user)]);
  END IF;
  PERFORM pg_temp.run_as(w.owner, w.schema, ARRAY(SELECT statement FROM definitions d WHERE (step IN ('type', 'sequence')
      AND NOT EXISTS (SELECT FROM public.tenant_split r WHERE r.schema = w.schema AND r.kind = d.step AND r.name = d.source))
    OR (step = 'table' AND source = ANY (missing)) ORDER BY position));
  FOR s IN SELECT * FROM sources WHERE source = ANY (missing) ORDER BY position LOOP
    PERFORM pg_temp.copy_rows(of_tenant, s.oid);
  END LOOP;
  PERFORM pg_temp.run_as(w.owner, w.schema, ARRAY(SELECT statement FROM definitions WHERE step = 'finish' AND source = ANY (missing) ORDER BY position)
    || ARRAY(SELECT statement FROM definitions WHERE step = 'link' AND source = ANY (missing) ORDER BY position)
    || pg_temp.sequence_values(w.schema, sequences)
    || CASE WHEN opened THEN ARRAY[format('REVOKE USAGE ON SCHEMA %I FROM %I', w.schema, session_user)] END);
  INSERT INTO public.tenant_split (schema, kind, name) SELECT w.schema, kind, name FROM (
    SELECT DISTINCT step AS kind, source AS name FROM definitions WHERE step IN ('type', 'sequence')) made ON CONFLICT DO NOTHING;
END $$;
SELECT format('SELECT pg_temp.copy_tenant(%s)', number) FROM wanted_tenants ORDER BY number
\gexec
