-- copy_digest is digest of a tenant's table, as its owner: the app's role has no
-- rights to it. Reading a plain table runs no code of the tenant's.
CREATE FUNCTION pg_temp.copy_digest(of_owner name, in_schema name, of_table name, OUT rows bigint, OUT checksum text) LANGUAGE plpgsql AS $$
DECLARE
  target text := format('%I.%I', in_schema, of_table);
  query text := pg_temp.digest_query(target);
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  IF to_regclass(target) IS NOT NULL THEN
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', target);
    IF (SELECT relkind <> 'r' OR relhasrules FROM pg_class WHERE oid = target::regclass) THEN
      RAISE EXCEPTION '% is no plain table any more: it is not read', target;
    END IF;
    EXECUTE query INTO rows, checksum;
  END IF;
  SET LOCAL ROLE NONE;
END $$;

-- compared is each copy: as it was made (recorded), as it is now, and the tenant's
-- part of the shared table now. copy_rows is null for a copy that is gone.
CREATE TEMP TABLE compared (
  schema name, source name, shared_rows bigint, shared_changed boolean, recorded boolean, copy_rows bigint, copy_changed boolean, equal boolean
);
