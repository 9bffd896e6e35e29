-- Ends sessions of tenants that block the run. A tenant can lock its own role (by an open
-- ALTER ROLE) or its tables. That would block every run, also the one that suspends the
-- tenant. This script runs beside reconcile.sql, and :run is the process ID of its session.
\set ON_ERROR_STOP on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET search_path = pg_catalog;
SET client_connection_check_interval = '5s';

CREATE FUNCTION pg_temp.end_blockers(run int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  blocker record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = run) THEN
    PERFORM pg_terminate_backend(pg_backend_pid()); -- this also ends \watch
  END IF;
  IF to_regclass('platform.tenants') IS NULL THEN
    RETURN; -- the first run has not created it yet
  END IF;
  FOR blocker IN
    SELECT DISTINCT b.pid, b.usename FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) AS of (pid) JOIN pg_stat_activity b ON b.pid = of.pid
    WHERE w.application_name = 'platform-reconcile' AND (w.usename = current_user OR w.usename ~ '^owner_')
      AND w.wait_event_type = 'Lock' AND w.query_start < now() - interval '3s'
      AND b.usename IN (SELECT role FROM platform.tenants)
  LOOP
    RAISE INFO 'end a session of % that blocks this run', blocker.usename;
    PERFORM pg_terminate_backend(blocker.pid);
  END LOOP;
EXCEPTION WHEN out_of_memory THEN
  NULL; -- the table of locks is full; the next look may succeed
END $$;
SELECT pg_temp.end_blockers(:run) \watch 1
