-- Makes the database's tenants what the stack declares. Runs in psql, in a session
-- of the database's administrator, who is no superuser. Every change is a statement
-- of its own that is made only where it is needed: the next run completes a run that
-- was killed, and a second run changes nothing. What fails for one tenant is noted,
-- and the others go on.
--
-- The administrator executes nothing that a tenant can have planted: it does not
-- read tenants' tables. Dumps, restores and digests run in sessions of the schema's
-- owner, which can become no other role.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
SET lock_timeout = '30s';
SET client_connection_check_interval = '5s';
SET row_security = off;
SET search_path = pg_catalog;

-- A tenant's session can fill the server's table of locks. Then nobody can make a table,
-- and this run could not even suspend that tenant. Such a session is ended, and cannot
-- come back before open.sql lets the tenant in.
DO $$
DECLARE
  hoarder record;
BEGIN
  FOR hoarder IN
    SELECT pid, usename, held FROM (SELECT pid, count(*) AS held, sum(count(*)) OVER () AS taken FROM pg_locks GROUP BY pid) AS locks JOIN pg_stat_activity USING (pid)
    WHERE taken > current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / 2 AND held > 100
      AND usename ~ '^tenant_' AND pg_has_role(current_user, usesysid, 'USAGE')
  LOOP
    RAISE INFO 'end a session of % that has % of the server''s locks', hoarder.usename, hoarder.held;
    EXECUTE format('ALTER ROLE %I NOLOGIN', hoarder.usename);
    PERFORM pg_terminate_backend(hoarder.pid, 5000);
  END LOOP;
END $$;
