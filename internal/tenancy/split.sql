-- Copies the rows of each tenant from shared tables into the tenant's schema, as
-- the application's role, who owns the shared tables and may act as the owner of each
-- tenant's schema.
-- Every table of every tenant is one transaction, compared by rows and checksum
-- before it counts, so that a run that dies is continued by the next. The shared
-- tables are only read.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
SET statement_timeout = 0;
SET search_path = pg_catalog;
SET DateStyle = ISO;
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SELECT pg_advisory_lock(hashtextextended('platform.split', 0));

CREATE TABLE IF NOT EXISTS public.tenant_split (
  role name, source name, rows bigint NOT NULL, checksum text NOT NULL, copied timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (role, source)
);
CREATE TEMP VIEW sources AS SELECT s.position, s.source, c.oid FROM wanted_tables s
  LEFT JOIN pg_class c ON c.relname = s.source AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r';

-- columns are those that are written: a generated one follows from the others.
CREATE FUNCTION pg_temp.columns(of_table oid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = of_table AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;

-- digest is the rows and the checksum of a tenant's part of a table, in either place.
CREATE FUNCTION pg_temp.digest(of_table regclass, condition text, OUT rows bigint, OUT checksum text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM ONLY %s t WHERE %s', of_table, condition)
    INTO rows, checksum;
END $$;

CREATE FUNCTION pg_temp.of_tenant(key text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%I::text = %L', key_column, key) FROM pg_temp.parameters
$$;

DO $$
DECLARE
  refused text;
  s record;
  strangers bigint;
  problems text[] := '{}';
BEGIN
  SELECT array_agg(problem) INTO problems FROM (
    SELECT format('there is no table public.%s', source) AS problem FROM sources WHERE oid IS NULL
    UNION ALL
    SELECT format('public.%s has no column %s', source, key_column) FROM sources, parameters WHERE oid IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = sources.oid AND attname = key_column AND NOT attisdropped)
    UNION ALL
    SELECT format('public.%s refers to %s, which is not among the tables', source, confrelid::regclass) FROM sources JOIN pg_constraint ON conrelid = sources.oid AND contype = 'f'
      WHERE confrelid NOT IN (SELECT oid FROM sources WHERE oid IS NOT NULL)
    UNION ALL
    SELECT format('public.%s has the trigger %s, which would not come along; drop it, and make it again in the schemas', source, tgname)
      FROM sources JOIN pg_trigger ON tgrelid = sources.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT format('there is no schema %s; declare the tenant and let the reconcile run first', role) FROM wanted_tenants
      WHERE to_regnamespace(quote_ident(role)) IS NULL
  ) found;
  problems := coalesce(problems, '{}');
  IF problems = '{}' THEN
    FOR s IN SELECT source, oid FROM sources ORDER BY position LOOP
      EXECUTE format('SELECT count(*) FROM ONLY %s WHERE %I::text IS NULL OR %2$I::text NOT IN (SELECT key FROM pg_temp.wanted_tenants)',
        s.oid::regclass, (SELECT key_column FROM parameters)) INTO strangers;
      IF strangers > 0 THEN
        problems := problems || format('public.%s has %s rows that belong to no tenant of the list', s.source, strangers);
      END IF;
    END LOOP;
  END IF;
  refused := array_to_string(problems, E'\n');
  IF refused <> '' THEN
    RAISE EXCEPTION E'refused, and nothing was copied:\n%', refused;
  END IF;
END $$;

-- owner is the role that owns a tenant's schema.
CREATE FUNCTION pg_temp.owner(of_role name) RETURNS name LANGUAGE sql AS $$
  SELECT ('owner' || substr(of_role, length('tenant') + 1))::name
$$;

-- copy_table makes a tenant's table and fills it. A sequence of its own takes the
-- place of the shared one, and goes on where the rows end.
CREATE FUNCTION pg_temp.copy_table(of_role name, of_key text, from_table name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  source oid := (SELECT oid FROM sources WHERE sources.source = from_table);
  target text := format('%I.%I', of_role, from_table);
  owner name := pg_temp.owner(of_role);
  shared record;
  copied record;
  col record;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', owner);
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', of_role, session_user);
  RESET ROLE;
  EXECUTE format('LOCK TABLE %s IN SHARE MODE', source::regclass);
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', target, source::regclass);
  EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM ONLY %s WHERE %s',
    target, pg_temp.columns(source), source::regclass, pg_temp.of_tenant(of_key));
  FOR col IN SELECT attname, attidentity, pg_get_serial_sequence(source::regclass::text, attname) AS sequence FROM pg_attribute
    WHERE attrelid = source AND attnum > 0 AND NOT attisdropped AND pg_get_serial_sequence(source::regclass::text, attname) IS NOT NULL
  LOOP
    IF col.attidentity = '' THEN
      EXECUTE format('CREATE SEQUENCE %I.%I OWNED BY %s.%I', of_role, from_table || '_' || col.attname || '_seq', target, col.attname);
      EXECUTE format('ALTER TABLE %s ALTER %I SET DEFAULT nextval(%L)', target, col.attname,
        format('%I.%I', of_role, from_table || '_' || col.attname || '_seq'));
    END IF;
    EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), coalesce(max(%I), 0) + 1, false) FROM %s', target, col.attname, col.attname, target);
  END LOOP;
  SELECT * INTO shared FROM pg_temp.digest(source, pg_temp.of_tenant(of_key));
  SELECT * INTO copied FROM pg_temp.digest(target::regclass, 'true');
  IF shared IS DISTINCT FROM copied THEN
    RAISE EXCEPTION '% rows of public.% became % rows of another content in %', shared.rows, from_table, copied.rows, target;
  END IF;
  EXECUTE format('ALTER TABLE %s OWNER TO %I', target, owner);
  EXECUTE format('SET LOCAL ROLE %I', owner);
  -- The owner's default privileges are for what it creates itself.
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, of_role);
  EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', of_role, of_role);
  EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', of_role, session_user);
  RESET ROLE;
  INSERT INTO public.tenant_split VALUES (of_role, from_table, copied.rows, copied.checksum);
  RAISE INFO '%: % rows, checksum %', target, copied.rows, copied.checksum;
END $$;
SELECT format('SELECT pg_temp.copy_table(%L, %L, %L)', role, key, source) FROM wanted_tenants, sources
WHERE NOT EXISTS (SELECT FROM public.tenant_split d WHERE d.role = wanted_tenants.role AND d.source = sources.source)
ORDER BY role, position
\gexec

-- Foreign keys between the tables, once all of a tenant's are there. Their text
-- names tables as the search path lets it, here public's, there the tenant's.
CREATE FUNCTION pg_temp.link(of_role name, from_table name, constraint_name name, definition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', pg_temp.owner(of_role));
  PERFORM set_config('search_path', quote_ident(of_role), true);
  EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', of_role, from_table, constraint_name, definition);
  RAISE INFO '%.%: %', of_role, from_table, definition;
END $$;
SET search_path = public, pg_catalog;
CREATE TEMP TABLE links AS SELECT source, conname, pg_get_constraintdef(pg_constraint.oid) AS definition
  FROM sources JOIN pg_constraint ON conrelid = sources.oid AND contype = 'f';
SET search_path = pg_catalog;
SELECT format('SELECT pg_temp.link(%L, %L, %L, %L)', role, source, conname, definition) FROM wanted_tenants, links
WHERE NOT EXISTS (SELECT FROM pg_constraint JOIN pg_class t ON t.oid = conrelid
  WHERE pg_constraint.conname = links.conname AND t.relname = links.source AND t.relnamespace = to_regnamespace(quote_ident(role)))
ORDER BY role, source, conname
\gexec

-- What was written to the shared tables since their copy would be missing.
DO $$
DECLARE
  behind text;
BEGIN
  SELECT string_agg(format('public.%s of %s', d.source, d.role), ', ') INTO behind
  FROM public.tenant_split d JOIN wanted_tenants w USING (role) JOIN sources s USING (source), pg_temp.digest(s.oid, pg_temp.of_tenant(w.key)) now
  WHERE (d.rows, d.checksum) IS DISTINCT FROM (now.rows, now.checksum);
  IF behind IS NOT NULL THEN
    RAISE EXCEPTION 'changed since it was copied: %; stop the app, drop these tables of the tenants and their lines in public.tenant_split, and run again', behind;
  END IF;
  RAISE INFO 'split: % tables of tenants, all as in the shared ones', (SELECT count(*) FROM public.tenant_split JOIN wanted_tenants USING (role));
END $$;
