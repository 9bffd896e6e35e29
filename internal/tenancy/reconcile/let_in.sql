-- Lets tenants log in again that locks.sql has locked out, in this run or in one that was
-- killed. It runs at the end of every run, also of a run that failed or changed nothing.
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
