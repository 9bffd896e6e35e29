-- Lets tenants log in again that locks.sql has locked out, in this run or in one that was
-- killed. It runs at the end of every run, also of a run that failed or changed nothing. If
-- another run has the lease, that one lets them in at its end. :session is the process ID of
-- this run's session; 0 if it had none.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
SET lock_timeout = '1s';
SET client_connection_check_interval = '5s';
-- The session of a run that got a signal may still be working.
\o /dev/null
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE pid = :session AND usename = current_user AND application_name = 'platform-reconcile';
DO $$
DECLARE
  login name;
BEGIN
  IF to_regclass('platform.lease') IS NOT NULL THEN
    IF EXISTS (SELECT FROM platform.lease JOIN pg_stat_activity USING (pid, backend_start)) THEN
      RETURN;
    END IF;
  END IF;
  FOR login IN
    SELECT rolname FROM pg_roles WHERE rolname ~ '^tenant_' AND rolvaliduntil = '-infinity' AND pg_has_role(current_user, oid, 'USAGE') ORDER BY 1
  LOOP
    -- A session that the tenant still has may hold the role. Each role has a transaction of
    -- its own, so that one tenant cannot keep another one out.
    FOR try IN 1 .. 5 LOOP
      BEGIN
        EXECUTE format('ALTER ROLE %I VALID UNTIL ''infinity''', login);
        RAISE INFO 'let % log in again', login;
        EXIT;
      EXCEPTION WHEN lock_not_available OR internal_error THEN
        PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = login;
      END;
    END LOOP;
    COMMIT;
  END LOOP;
END $$;
