-- Enforces the storage limit of each tenant's tier. It compares the limit with the size of
-- the tenant's schema, and reads no table for that. Above the limit, the login loses INSERT
-- and UPDATE. It keeps SELECT and DELETE, so that the customer can make room. Below 90
-- percent, it gets back exactly the rights that it lost. A tenant may lock its tables so that
-- no run can measure them. After three such runs in a row, it counts as above the limit.
--
-- A withheld right is granted to platform_withheld, a role without members. So the record
-- of it is in the table's own list of rights. A rename, an archive and a restore keep it.
CREATE TEMP TABLE stored AS
  SELECT d.name, c.oid AS relation FROM desired d JOIN pg_namespace n ON nspname = d.role JOIN pg_class c ON relnamespace = n.oid
  WHERE d.state IN ('active', 'suspended') AND relkind IN ('r', 'p', 'm', 'v', 'f', 'S');
CREATE INDEX ON stored (name);
CREATE TEMP TABLE withheld AS
  SELECT DISTINCT name FROM stored JOIN pg_shdepend ON classid = 'pg_class'::regclass AND objid = relation
    AND refclassid = 'pg_authid'::regclass AND refobjid = to_regrole('platform_withheld')
  WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database());

-- move_writes moves INSERT and UPDATE on tables and columns from the roles givers to the
-- role taker. It returns how many rights it moved. It moves only rights on tables of the
-- owner, because the administrator may not grant the others. It moves only what the owner
-- granted: what a role with GRANT OPTION passed on is revoked together with its own right.
CREATE FUNCTION pg_temp.move_writes(of_tenant text, of_owner name, givers oid[], taker name) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  r record;
  moved int := 0;
BEGIN
  FOR r IN
    SELECT c.oid::regclass AS relation, '' AS columns, a.* FROM pg_temp.stored s JOIN pg_class c ON c.oid = s.relation, aclexplode(relacl) a
    WHERE s.name = of_tenant AND relowner = to_regrole(quote_ident(of_owner)) AND a.grantor = relowner AND a.grantee = ANY (givers) AND privilege_type IN ('INSERT', 'UPDATE')
    UNION ALL
    SELECT c.oid::regclass, format('(%I)', attname), a.* FROM pg_temp.stored s JOIN pg_class c ON c.oid = s.relation
      JOIN pg_attribute ON attrelid = c.oid AND attacl IS NOT NULL AND NOT attisdropped, aclexplode(attacl) a
    WHERE s.name = of_tenant AND relowner = to_regrole(quote_ident(of_owner)) AND a.grantor = relowner AND a.grantee = ANY (givers) AND privilege_type IN ('INSERT', 'UPDATE')
  LOOP
    EXECUTE format('GRANT %s %s ON %s TO %I %s', r.privilege_type, r.columns, r.relation, taker, CASE WHEN r.is_grantable THEN 'WITH GRANT OPTION' END);
    EXECUTE format('REVOKE %s %s ON %s FROM %s CASCADE', r.privilege_type, r.columns, r.relation,
      CASE WHEN r.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END);
    moved := moved + 1;
  END LOOP;
  RETURN moved;
END $$;

CREATE FUNCTION pg_temp.check_storage(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
  since timestamptz := (SELECT full_since FROM platform.tenants WHERE name = of_tenant);
  used numeric; -- MiB; null if it cannot be measured
  missed int;
  is_full boolean;
  withhold boolean;
  moved int := 0;
  writable text;
  amount text;
BEGIN
  BEGIN
    SELECT coalesce(sum(pg_total_relation_size(relation)), 0) / 1048576.0 INTO used FROM pg_temp.stored WHERE name = of_tenant;
  EXCEPTION WHEN lock_not_available OR query_canceled THEN
    PERFORM pg_temp.wait_less();
  END;
  UPDATE platform.tenants SET unmeasured = CASE WHEN used IS NULL THEN unmeasured + 1 ELSE 0 END
  WHERE name = of_tenant AND (used IS NULL OR unmeasured > 0) RETURNING unmeasured INTO missed;
  IF used IS NULL AND missed < 3 THEN
    RAISE WARNING 'tenant %: its storage is not measured in this run: sessions had locks on its tables for too long', d.name;
    RETURN;
  END IF;
  is_full := coalesce(used > d.storage_mib OR (since IS NOT NULL AND used >= 0.9 * d.storage_mib), true);
  amount := coalesce(round(used) || ' of ' || d.storage_mib || ' MiB',
    format('%s runs in a row could not measure its storage, because sessions had locks on its tables for too long', missed));
  withhold := is_full AND NOT d.owns_schema;
  IF withhold THEN
    moved := pg_temp.move_writes(d.name, d.owner, ARRAY[to_regrole(quote_ident(d.role)), 0]::oid[], 'platform_withheld');
  ELSIF EXISTS (SELECT FROM pg_temp.withheld WHERE name = of_tenant) THEN
    moved := pg_temp.move_writes(d.name, d.owner, ARRAY[to_regrole('platform_withheld')]::oid[], d.role);
  END IF;
  IF moved > 0 THEN
    RAISE INFO 'tenant %: % rights to write % %', d.name, moved, CASE WHEN withhold THEN 'withheld from' ELSE 'given back to' END, d.role;
  END IF;
  UPDATE platform.tenants SET full_since = CASE WHEN is_full THEN now() END WHERE name = of_tenant AND is_full <> (full_since IS NOT NULL);
  IF is_full AND d.owns_schema THEN
    RAISE WARNING 'tenant %: %; its writes cannot be suspended, because it acts as the owner of its schema; give it a larger plan, or declare state: suspended',
      d.name, amount;
  ELSIF is_full THEN
    SELECT string_agg(relation::regclass::text, ', ' ORDER BY relation::regclass::text) INTO writable FROM pg_temp.stored
    WHERE name = of_tenant AND has_any_column_privilege(d.role, relation, 'INSERT, UPDATE');
    RAISE WARNING 'tenant %: %; its writes are suspended until it is below % MiB or has a larger plan%',
      d.name, amount, floor(0.9 * d.storage_mib), coalesce('; it can still write to these tables, because another role owns them: ' || writable, '');
  ELSIF used >= 0.8 * d.storage_mib THEN
    RAISE WARNING 'tenant %: %; above % MiB its writes are suspended', d.name, amount, d.storage_mib;
  END IF;
END $$;
-- statement_timeout limits the whole check of one tenant. A tenant may lock its tables one
-- after the other, and lock_timeout starts again with each wait.
SET statement_timeout = '20s';
-- It is done also for a tenant that has failed: otherwise a tenant could keep its writes by
-- making another step fail.
SELECT format('SELECT pg_temp.always(%L, %L, %L)', name, 'comparing its storage with its plan', format('SELECT pg_temp.check_storage(%L)', name)) FROM desired
WHERE state IN ('active', 'suspended') ORDER BY name
\gexec
RESET statement_timeout;
