-- copy_digest returns the digest of a tenant's table. It reads the table as the owner,
-- because the app's role has no rights on it. Reading a plain table runs no code of the
-- tenant's.
CREATE FUNCTION pg_temp.copy_digest(of_owner name, in_schema name, of_table name, OUT rows bigint, OUT checksum text) LANGUAGE plpgsql AS $$
DECLARE
  target text := format('%I.%I', in_schema, of_table);
  query text := pg_temp.digest_query(target);
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  IF to_regclass(target) IS NOT NULL THEN
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', target);
    IF (SELECT relkind <> 'r' OR relhasrules FROM pg_class WHERE oid = target::regclass) THEN
      RAISE EXCEPTION '% is no longer a plain table, so it is not read', target;
    END IF;
    EXECUTE query INTO rows, checksum;
  END IF;
  SET LOCAL ROLE NONE;
END $$;

-- compared has a row for each copy. It compares the copy when it was made (recorded), the
-- copy now, and the tenant's rows of the shared table now. copy_rows is null if the copy
-- does not exist any more.
CREATE TEMP TABLE compared (
  schema name, source name, shared_rows bigint, shared_changed boolean, recorded boolean, copy_rows bigint, copy_changed boolean, equal boolean
);
