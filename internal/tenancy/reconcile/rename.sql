-- Renames a tenant's schema, roles and record in one transaction. No row is copied. Then
-- the tenant's sessions are ended, because their search_path names the old schema.
CREATE FUNCTION pg_temp.rename(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
  old name := (SELECT role FROM platform.tenants WHERE name = d.renamed_from);
  old_owner name := pg_temp.owner_of(old);
  code text;
BEGIN
  RAISE INFO 'tenant %: renamed from %', d.name, d.renamed_from;
  EXECUTE format('ALTER SCHEMA %I RENAME TO %I', old, d.role);
  EXECUTE format('ALTER ROLE %I RENAME TO %I', old, d.role);
  IF to_regrole(quote_ident(old_owner)) IS NOT NULL THEN
    EXECUTE format('ALTER ROLE %I RENAME TO %I', old_owner, d.owner);
  END IF;
  -- Older dumps contain a schema with the old name, so they are no archive of this tenant.
  UPDATE platform.tenants SET name = d.name, role = d.role, former = name, password = NULL, archive = NULL, restored = NULL, changed = now() WHERE name = d.renamed_from;
  UPDATE platform.usage SET tenant = d.name WHERE tenant = d.renamed_from;
  UPDATE platform.usage_names SET tenant = d.name WHERE tenant = d.renamed_from;
  INSERT INTO platform.usage_names (name, until, tenant) VALUES (d.renamed_from, now(), d.name);
  SELECT string_agg(oid::regprocedure::text, ', ' ORDER BY oid::regprocedure::text) INTO code
  FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(d.role)) AND strpos(prosrc, old) > 0;
  IF code IS NOT NULL THEN
    RAISE WARNING 'tenant %: these functions have the old schema in their text; change them by a migration: %', d.name, code;
  END IF;
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'rename', 'rename') FROM desired
WHERE renamed_from IN (SELECT name FROM platform.tenants) AND name NOT IN (SELECT name FROM platform.tenants) ORDER BY name
\gexec
SELECT format('SELECT pg_temp.attempt(%L, %L, %L)', name, 'ending its sessions', format('SELECT pg_temp.end_sessions(%L)', role)) FROM desired
WHERE renamed_from <> '' AND EXISTS (SELECT FROM platform.tenants t WHERE t.name = desired.name AND t.password IS NULL) ORDER BY name
\gexec
