-- Ends sessions of a tenant that use most of the server's lock table. When that table is
-- full, no role can log in or create a table, so no run could suspend the tenant. This file
-- runs first, and is repeated until it succeeds. It locks such a tenant out by letting its
-- password expire, and does not change the tenant's state. let_in.sql undoes that. One look
-- at the locks is not enough, because a pooler frees them after each transaction.
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
    SELECT NULL::int AS pid INTO hoarder; -- hoarder := NULL would have no field pid
    BEGIN
      PERFORM pg_stat_clear_snapshot();
      -- Only locks of tenants count. Others, such as a migration, may have many as well.
      SELECT pid, usename, held INTO hoarder FROM (
        SELECT pid, usename, count(*) AS held, sum(count(*)) OVER () AS taken FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE usename ~ '^tenant_' AND pg_has_role(current_user, usesysid, 'USAGE')
          AND to_regrole(quote_ident('owner' || substr(usename, length('tenant') + 1))) IS NOT NULL -- otherwise it is not the login of a tenant
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
