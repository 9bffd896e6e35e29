-- Copies the rows of shared tables into a schema for each tenant. It does not write to the
-- shared tables. internal/tenancy/split.go joins the files of this folder to one script.
-- Run the script with psql as the app's role. This role owns the shared tables, and may act
-- as the owner of each tenant's schema.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
-- pg_temp is last: otherwise a temporary table would hide a table of the same name.
SET search_path = pg_catalog, pg_temp;
-- While a transaction waits for a lock, the app's statements wait behind it.
SET lock_timeout = '1min';
SELECT set_config(name, '0', false) FROM pg_settings
WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');
-- With this, a policy that hides rows from this session causes an error. Otherwise the copy
-- would lack these rows.
SET row_security = off;
-- Checksums are computed from rows as text. These settings define how values are written.
SET DateStyle = ISO;
SET IntervalStyle = postgres;
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = hex;
SET lc_monetary = 'C';

-- Only one split runs at a time: a second one could find a copy that is not complete yet.
-- After a split is killed, its session ends soon.
DO $$
BEGIN
  PERFORM pg_advisory_lock(hashtext('tenant_split'));
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'another split is running in this database: wait until it has ended, and run this again';
END $$;

CREATE TEMP TABLE parameters (key_column name);
-- kind is keyed, through or shared. keyed: the table has the key column. through: its foreign
-- key on the column via leads to the tenant. shared: each tenant gets all rows.
CREATE TEMP TABLE wanted_tables (position int, source name PRIMARY KEY, kind text NOT NULL, via name);
CREATE TEMP TABLE wanted_tenants (number int PRIMARY KEY, key text NOT NULL UNIQUE, schema name NOT NULL UNIQUE, owner name NOT NULL);
CREATE TEMP TABLE wanted_sequences (source name PRIMARY KEY);
CREATE TEMP TABLE left_out (name text PRIMARY KEY);
CREATE TEMP TABLE faults (position serial, problem text NOT NULL);
