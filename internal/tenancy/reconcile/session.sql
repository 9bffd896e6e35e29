-- Makes the tenants in the database what the stack declares. reconcile.sh joins the files
-- of this folder to one script, and runs it with psql as the database's administrator, who
-- is no superuser. Each change is a statement of its own, and is made only if it is needed.
-- So the next run completes a run that was killed, and a second run changes nothing. If a
-- step fails for one tenant, the run records that and continues with the others.
--
-- The administrator must not execute code that a tenant may have planted. So it does not
-- read tenants' tables. Dumps, restores and digests run in sessions of the schema's owner,
-- which cannot become any other role.
\set ON_ERROR_STOP on
\set VERBOSITY terse
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
SET lock_timeout = '30s';
SET client_connection_check_interval = '5s';
SET row_security = off;
SET search_path = pg_catalog;
