-- Refuses a declaration that cannot be applied. The run stops before it changes anything,
-- and prints all faults together. reconcile.sh exits with another status for a refusal than
-- for an error: after an error another try may succeed. What depends on a tenant's content
-- is checked later, and goes into the table failures.
\set ON_ERROR_STOP off
DO $$
DECLARE
  refused text;
BEGIN
  SELECT string_agg(format('tenant %s: %s', name, problem), E'\n' ORDER BY name) INTO refused FROM (
    SELECT name, 'is to be purged, but has no archive; declare state: archived, let that run, then purge' AS problem
      FROM desired d LEFT JOIN platform.tenants t USING (name)
      WHERE d.state = 'purged' AND (to_regrole(quote_ident(d.role)) IS NOT NULL OR to_regnamespace(quote_ident(d.role)) IS NOT NULL)
        AND (t.archive IS NULL OR t.state NOT IN ('archived', 'purged'))
    UNION ALL
    SELECT name, 'was purged; to have it back, declare state: active and restore: true'
      FROM desired d JOIN platform.tenants t USING (name) WHERE t.state = 'purged' AND d.state IN ('suspended', 'archived')
    UNION ALL
    SELECT name, 'was purged; declare restore: true to have it back, or fresh: true to start again with an empty schema'
      FROM desired d JOIN platform.tenants t USING (name) WHERE t.state = 'purged' AND d.state = 'active' AND NOT d.restore AND NOT d.fresh
    UNION ALL
    SELECT name, format('its schema %1$I is missing, although it is not purged; if a purge was interrupted, declare state: purged again; to start with an empty schema, run CREATE SCHEMA %1$I as %2$I', d.role, current_user)
      FROM desired d JOIN platform.tenants t USING (name)
      WHERE t.state IN ('active', 'suspended', 'archived') AND d.state <> 'purged' AND to_regnamespace(quote_ident(d.role)) IS NULL
    UNION ALL
    SELECT name, format('its schema has what a restore that failed left in it; declare restore: true, or drop the schema first: DROP SCHEMA %I CASCADE', d.role)
      FROM desired d JOIN platform.tenants t USING (name)
      WHERE t.state = 'purged' AND d.fresh AND t.restored = 'unfinished' AND NOT pg_temp.is_empty(d.role)
    UNION ALL
    -- If the database has neither name, it is a new one after a loss, and so is the tenant.
    SELECT d.name, format('is renamed from %s, which is %s; make that one active first', renamed_from, t.state)
      FROM desired d JOIN platform.tenants t ON t.name = renamed_from
      WHERE d.name NOT IN (SELECT name FROM platform.tenants) AND t.state NOT IN ('new', 'active', 'suspended')
    UNION ALL
    -- After a rename, somebody went back to an older stack file. The old name would become
    -- a new and empty tenant.
    SELECT d.name, format('was renamed to %s, which is not declared; declare that name, or write renamedFrom: %1$s here', t.name)
      FROM desired d JOIN platform.tenants t ON t.former = d.name
      WHERE d.renamed_from <> t.name AND d.name NOT IN (SELECT name FROM platform.tenants) AND t.name NOT IN (SELECT name FROM desired) AND t.state <> 'purged'
    UNION ALL
    SELECT name, 'has no archive to restore; remove restore: true'
      FROM desired d LEFT JOIN platform.tenants t USING (name) WHERE d.restore AND t.archive IS NULL
    UNION ALL
    SELECT name, format('the schema %s belongs to %s; change its owner to %s, or choose another name for the tenant', d.role, pg_get_userbyid(nspowner), d.owner)
      FROM desired d JOIN pg_namespace ON nspname = d.role WHERE pg_get_userbyid(nspowner) NOT IN (d.role, d.owner)
    UNION ALL
    SELECT d.name, format('the role %s has more rights than a tenant may have; choose another name for the tenant', rolname)
      FROM desired d JOIN pg_roles ON rolname IN (d.role, d.owner)
      WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
  ) problems;
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION E'refused, and nothing was changed:\n%', refused;
  END IF;
END $$;
\set ON_ERROR_STOP on
SELECT :'SQLSTATE' = 'P0001' AS refused, :'SQLSTATE' <> '00000' AS failed \gset
\if :refused
  \! touch "$WORK/refused"
  \q
\elif :failed
DO $$ BEGIN RAISE EXCEPTION 'the declaration could not be checked: see the message above'; END $$;
\endif
-- From here on, scheduled runs repeat this declaration. If this run is killed, they
-- complete it.
UPDATE platform.lease SET declaration = :'declaration' WHERE declaration IS DISTINCT FROM :'declaration';
