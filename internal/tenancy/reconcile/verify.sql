-- Records the new state of each tenant, and reports the tenants that failed.
SELECT format('UPDATE platform.tenants SET state = %L, changed = now() WHERE name = %L', d.state, d.name)
FROM desired d JOIN platform.tenants t USING (name) WHERE d.state <> t.state AND name NOT IN (SELECT name FROM failures) ORDER BY d.name
\gexec
UPDATE platform.tenants t SET storage_mib = d.storage_mib FROM desired d WHERE d.name = t.name AND t.storage_mib IS DISTINCT FROM d.storage_mib;
UPDATE platform.tenants t SET password = NULL, restored = NULL, full_since = NULL FROM desired d
WHERE d.name = t.name AND d.state = 'purged' AND t.state = 'purged' AND (password IS NOT NULL OR restored IS NOT NULL OR full_since IS NOT NULL);
UPDATE platform.tenants t SET state = 'suspended', changed = now() FROM closed c
WHERE c.name = t.name AND t.state IN ('new', 'active') AND t.name NOT IN (SELECT name FROM desired);
-- Such a tenant is as declared, and it can do this again. A run that fails raises an alert.
INSERT INTO failures SELECT name, 'table of locks', 'it filled the table of locks, and its sessions were ended. It can log in again: declare state: suspended'
FROM desired JOIN pg_roles ON rolname = role WHERE state = 'active' AND rolvaliduntil = '-infinity';

DO $$
DECLARE
  vanished text := (SELECT string_agg(name, ', ' ORDER BY name) FROM pg_temp.closed WHERE name NOT IN (SELECT name FROM pg_temp.desired));
  failed text := (SELECT string_agg(format('  %s | %s | %s', name, step, reason), E'\n' ORDER BY name) FROM pg_temp.failures);
BEGIN
  IF vanished IS NOT NULL THEN
    RAISE WARNING 'no longer declared, and so suspended; nothing of theirs was dropped: %', vanished;
  END IF;
  IF failed IS NOT NULL THEN
    RAISE WARNING E'% of % tenants failed, the others are as declared; the next run tries again:\n  tenant | step | reason\n%',
      (SELECT count(DISTINCT name) FROM pg_temp.failures), (SELECT count(*) FROM pg_temp.desired), failed;
  ELSE
    RAISE INFO 'tenants: % declared, all as declared', (SELECT count(*) FROM pg_temp.desired);
  END IF;
END $$;
SELECT count(*) > 0 AS some_failed FROM failures \gset
\if :some_failed
  \! touch "$WORK/failed"
\endif
