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
-- "true" if the table was full a moment ago
\getenv was_full WAS_FULL
\o /dev/null
SELECT set_config('platform.was_full', :'was_full', false);
DO $$
DECLARE
  logins oid[]; -- of tenants
  hoarder oid;
  hoarded int;
  was_full boolean := current_setting('platform.was_full')::boolean;
  scarce boolean := was_full;
  calm int := 0; -- looks in a row that found nothing
  shut_out boolean;
  started timestamptz := clock_timestamp();
  -- The number of locks for which the server reserves memory (NLOCKENTS in PostgreSQL's
  -- lock.c). From 18 on, each slot for an autovacuum worker counts.
  capacity int := current_setting('max_locks_per_transaction')::int * (current_setting('max_prepared_transactions')::int
    + current_setting('max_connections')::int + current_setting('max_worker_processes')::int + current_setting('max_wal_senders')::int + 1
    + coalesce(current_setting('autovacuum_worker_slots', true), current_setting('autovacuum_max_workers'))::int);
BEGIN
  -- A pooler ends a transaction after 120 s, so a transaction that holds the table does not
  -- outlast this loop.
  LOOP
    hoarder := NULL;
    shut_out := false;
    BEGIN
      -- Reading the catalogs takes locks. The rest of a look takes none: it calls the
      -- functions below the views pg_locks and pg_stat_activity, and the session's cache has
      -- the roles now. So a look works while the table is full.
      IF logins IS NULL THEN
        SELECT coalesce(array_agg(oid), '{}') INTO logins FROM pg_roles
        WHERE rolname ~ '^tenant_' AND pg_has_role(current_user, oid, 'USAGE') AND oid::regrole IS NOT NULL
          AND to_regrole(quote_ident('owner' || substr(rolname, length('tenant') + 1))) IS NOT NULL; -- otherwise it is not the login of a tenant
      END IF;
      PERFORM pg_stat_clear_snapshot();
      -- Only locks of tenants count. Others, such as a migration, may have many as well.
      -- Fast-path locks and predicate locks (of serializable transactions) are not in the
      -- table. If the table was full a moment ago, a tenth of it is too much: a tenant may be
      -- filling it again.
      SELECT usesysid, held INTO hoarder, hoarded FROM (
        SELECT usesysid, count(*) AS held, sum(count(*)) OVER () AS taken FROM pg_lock_status() AS l JOIN pg_stat_get_activity(NULL) AS a USING (pid)
        WHERE NOT l.fastpath AND l.mode <> 'SIReadLock' AND a.usesysid = ANY (logins)
        GROUP BY usesysid) AS of_tenants
      WHERE taken > capacity * CASE WHEN was_full THEN 0.1 ELSE 0.75 END AND held > 100 ORDER BY held DESC LIMIT 1;
      scarce := scarce OR hoarder IS NOT NULL;
      calm := CASE WHEN hoarder IS NULL THEN calm + 1 ELSE 0 END;
      IF hoarder IS NOT NULL THEN
        -- The sessions end first: one of them may hold the role.
        PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_get_activity(NULL) WHERE usesysid = hoarder;
        RAISE INFO 'end the sessions of %, which have % of the server''s locks', hoarder::regrole, hoarded;
        EXECUTE format('ALTER ROLE %s VALID UNTIL ''-infinity''', hoarder::regrole);
        shut_out := true;
      END IF;
    EXCEPTION
      WHEN out_of_memory THEN
        was_full := true;
        scarce := true;
        calm := 0;
      WHEN lock_not_available OR internal_error THEN
        RAISE INFO '% cannot be locked out yet: %', hoarder::regrole, SQLERRM;
    END;
    IF shut_out THEN
      COMMIT;
      -- The change has removed the role from the session's cache. After an error it is still
      -- there, and reading the catalogs would fail while the table is full.
      logins := NULL;
    END IF;
    -- A session that logged in just before its tenant was locked out may fill the table later.
    EXIT WHEN calm >= CASE WHEN scarce THEN 200 ELSE 20 END;
    EXIT WHEN clock_timestamp() > started + interval '150s';
    -- It is blind without the roles, and a tenant may leave the table free for milliseconds only.
    PERFORM pg_sleep(CASE WHEN logins IS NULL THEN 0.001 ELSE 0.01 END);
  END LOOP;
END $$;
