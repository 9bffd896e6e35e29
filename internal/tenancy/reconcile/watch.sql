-- Ends sessions of tenants that block the run: a tenant can hold a lock on its own
-- role (an open ALTER ROLE) or on its tables, and would stop every run with it, the
-- one that suspends it included. Runs beside reconcile.sql, whose session is :run.
\set ON_ERROR_STOP on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET search_path = pg_catalog;

CREATE FUNCTION pg_temp.end_blockers(run int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  blocker record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = run) THEN
    PERFORM pg_terminate_backend(pg_backend_pid()); -- ends \watch as well
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
END $$;
SELECT pg_temp.end_blockers(:run) \watch 1
