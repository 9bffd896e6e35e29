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
\set VERBOSITY terse
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
SET lock_timeout = '30s';
SET client_connection_check_interval = '5s';
SET row_security = off;
SET search_path = pg_catalog;
