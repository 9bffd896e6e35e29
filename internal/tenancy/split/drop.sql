-- drop_copies drops a tenant's copies in one transaction. It does not use CASCADE: somebody
-- may have created objects that depend on the copies.
CREATE FUNCTION pg_temp.drop_copies(of_schema name, of_owner name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  statements text[];
  copies text[] := ARRAY(SELECT format('%I.%I', schema, name) FROM public.tenant_split WHERE schema = of_schema AND kind = 'table');
  copy text;
BEGIN
  LOCK TABLE public.tenant_split IN SHARE ROW EXCLUSIVE MODE;
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  FOREACH copy IN ARRAY copies LOOP
    IF to_regclass(copy) IS NOT NULL THEN
      EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', copy);
    END IF;
  END LOOP;
  SET LOCAL ROLE NONE;
  IF EXISTS (SELECT FROM public.tenant_split r, pg_temp.copy_digest(of_owner, r.schema, r.name) c
    WHERE schema = of_schema AND kind = 'table' AND c.rows IS NOT NULL AND (c.rows, c.checksum) IS DISTINCT FROM (r.rows, r.checksum)) THEN
    RAISE EXCEPTION '%: a row was written since this run began, so nothing of this schema was dropped', of_schema;
  END IF;
  SELECT array_agg(format('DROP %s IF EXISTS %s', CASE kind WHEN 'type' THEN 'TYPE' ELSE upper(kind) END, names) ORDER BY kind = 'table' DESC, kind) INTO statements
  FROM (SELECT kind, string_agg(format('%I.%I', schema, name), ', ') AS names FROM public.tenant_split WHERE schema = of_schema GROUP BY kind) copies;
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  FOR i IN 1 .. coalesce(array_length(statements, 1), 0) LOOP
    EXECUTE statements[i];
  END LOOP;
  SET LOCAL ROLE NONE;
  DELETE FROM public.tenant_split WHERE schema = of_schema;
  RAISE INFO '%: its copies are dropped, the shared tables are as they were', of_schema;
END $$;
SELECT format('SELECT pg_temp.drop_copies(%L, %L)', schema, owner) FROM wanted_tenants
WHERE schema IN (SELECT schema FROM public.tenant_split) ORDER BY number
\gexec
SET platform.rollback = on;
