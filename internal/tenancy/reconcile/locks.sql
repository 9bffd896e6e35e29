-- Ends the sessions of a tenant that use most of the server's lock table. When that table is
-- full, no role can log in or create a table, so no run could suspend the tenant. This file
-- runs first, and is repeated until it succeeds. It locks such a tenant out by letting its
-- password expire, and does not change the tenant's state. let_in.sql undoes that. One look
-- at the locks is not enough, because a pooler frees them after each transaction.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
-- A tenant may hold its own role, by an open ALTER ROLE.
SET lock_timeout = '1s';
SET client_connection_check_interval = '5s';
DO $$
DECLARE
  hoarder record;
  scarce boolean := false;
  calm int := 0; -- looks in a row that found nothing
  started timestamptz := clock_timestamp();
  -- The number of locks for which the server reserves memory (NLOCKENTS in PostgreSQL's
  -- lock.c). From 18 on, each slot for an autovacuum worker counts.
  capacity int := current_setting('max_locks_per_transaction')::int * (current_setting('max_prepared_transactions')::int
    + current_setting('max_connections')::int + current_setting('max_worker_processes')::int + current_setting('max_wal_senders')::int + 1
    + coalesce(current_setting('autovacuum_worker_slots', true), current_setting('autovacuum_max_workers'))::int);
BEGIN
  -- A pooler ends a transaction after 120 s, so a session that holds the table does not
  -- outlast this loop.
  FOR look IN 1 .. 100000 LOOP
    SELECT NULL::name AS usename INTO hoarder; -- hoarder := NULL would have no field usename
    BEGIN
      PERFORM pg_stat_clear_snapshot();
      -- Only locks of tenants count. Others, such as a migration, may have many as well.
      -- Fast-path locks are not in the table.
      SELECT usename, held INTO hoarder FROM (
        SELECT usename, count(*) AS held, sum(count(*)) OVER () AS taken FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT fastpath AND usename ~ '^tenant_' AND pg_has_role(current_user, usesysid, 'USAGE')
          AND to_regrole(quote_ident('owner' || substr(usename, length('tenant') + 1))) IS NOT NULL -- otherwise it is not the login of a tenant
        GROUP BY usename) AS of_tenants
      WHERE taken > capacity * 3 / 4 AND held > 100 ORDER BY held DESC LIMIT 1;
      scarce := scarce OR hoarder.usename IS NOT NULL;
      calm := CASE WHEN hoarder.usename IS NULL THEN calm + 1 ELSE 0 END;
    EXCEPTION WHEN out_of_memory THEN
      scarce := true;
      calm := 0;
    END;
    IF hoarder.usename IS NOT NULL THEN
      RAISE INFO 'end the sessions of %, which have % of the server''s locks', hoarder.usename, hoarder.held;
      -- The sessions end first: one of them may hold the role.
      PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = hoarder.usename;
      BEGIN
        EXECUTE format('ALTER ROLE %I VALID UNTIL ''-infinity''', hoarder.usename);
      EXCEPTION WHEN lock_not_available OR internal_error OR out_of_memory THEN
        RAISE INFO '% cannot be locked out yet: %', hoarder.usename, SQLERRM;
      END;
      COMMIT;
    END IF;
    -- A session that logged in just before its tenant was locked out may fill the table later.
    EXIT WHEN calm >= CASE WHEN scarce THEN 200 ELSE 20 END;
    EXIT WHEN clock_timestamp() > started + interval '150s';
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$;
