-- A tenant's session can fill the server's table of locks. Then nobody logs in or makes a
-- table, and no run could suspend that tenant. This runs first, and again until it
-- succeeds. It shuts such a tenant out by a password that has expired, which says nothing
-- about the tenant's state; let_in.sql ends that. A pooler frees the locks after each
-- transaction, so one look is not enough.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
DO $$
DECLARE
  hoarder record;
  scarce boolean := false;
  ended int := 0;
  capacity int := current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int;
BEGIN
  FOR look IN 1 .. 2000 LOOP
    SELECT NULL::int AS pid INTO hoarder; -- after hoarder := NULL it has no field pid
    BEGIN
      PERFORM pg_stat_clear_snapshot();
      -- Tenants' locks alone count: others may have many, and that is no tenant's fault.
      SELECT pid, usename, held INTO hoarder FROM (
        SELECT pid, usename, count(*) AS held, sum(count(*)) OVER () AS taken FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE usename ~ '^tenant_' AND pg_has_role(current_user, usesysid, 'USAGE')
          AND to_regrole(quote_ident('owner' || substr(usename, length('tenant') + 1))) IS NOT NULL -- or it is no tenant's login
        GROUP BY pid, usename) AS of_tenants
      WHERE taken > capacity / 2 AND held > 100 ORDER BY held DESC LIMIT 1;
      scarce := scarce OR hoarder.pid IS NOT NULL;
    EXCEPTION WHEN out_of_memory THEN
      scarce := true;
    END;
    IF hoarder.pid IS NOT NULL THEN
      RAISE INFO 'end a session of % that has % of the server''s locks', hoarder.usename, hoarder.held;
      EXECUTE format('ALTER ROLE %I VALID UNTIL ''-infinity''', hoarder.usename);
      COMMIT;
      PERFORM pg_terminate_backend(hoarder.pid, 5000);
      ended := ended + 1;
    END IF;
    EXIT WHEN look >= 20 AND (NOT scarce OR ended > 0 AND hoarder.pid IS NULL);
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$;
