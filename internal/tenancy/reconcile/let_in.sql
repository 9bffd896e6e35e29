-- Lets the tenants in again that locks.sql shut out, in this run or in one that was
-- killed. Runs at the end of each run, whatever the run did.
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
DO $$
DECLARE
  login name;
BEGIN
  FOR login IN
    SELECT rolname FROM pg_roles WHERE rolname ~ '^tenant_' AND rolvaliduntil = '-infinity' AND pg_has_role(current_user, oid, 'USAGE') ORDER BY 1
  LOOP
    EXECUTE format('ALTER ROLE %I VALID UNTIL ''infinity''', login);
    RAISE INFO 'let % log in again', login;
  END LOOP;
END $$;
