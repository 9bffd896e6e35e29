-- Moves the rows of shared tables into a schema for each tenant. psql runs it in a
-- session of the app's role, which owns the shared tables and may act as each
-- tenant's owner. internal/tenancy/split.go puts the files of this folder together.
-- Nothing here writes to the shared tables.
\set ON_ERROR_STOP on
\set SHOW_CONTEXT never
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
-- pg_temp is last: otherwise a temporary table comes before the table that is meant.
SET search_path = pg_catalog, pg_temp;
-- A transaction that waits for a lock makes the app's statements wait behind it.
SET lock_timeout = '1min';
SELECT set_config(name, '0', false) FROM pg_settings
WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout');
-- A policy that hides rows from this session is an error, not a copy without them.
SET row_security = off;
-- Checksums are of rows as text: these settings change how values are written.
SET DateStyle = ISO;
SET IntervalStyle = postgres;
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = hex;
SET lc_monetary = 'C';

-- Two at once could each find a copy that the other has half made. The session of one
-- that was killed ends soon.
DO $$
BEGIN
  PERFORM pg_advisory_lock(hashtext('tenant_split'));
EXCEPTION WHEN lock_not_available THEN
  RAISE EXCEPTION 'another split is running in this database: wait until it has ended, and run this again';
END $$;

CREATE TEMP TABLE parameters (key_column name);
-- kind is keyed (the table has the key column), through (its foreign key on the
-- column via leads to the tenant) or shared (each tenant gets all of it).
CREATE TEMP TABLE wanted_tables (position int, source name PRIMARY KEY, kind text NOT NULL, via name);
CREATE TEMP TABLE wanted_tenants (number int PRIMARY KEY, key text NOT NULL UNIQUE, schema name NOT NULL UNIQUE, owner name NOT NULL);
CREATE TEMP TABLE wanted_sequences (source name PRIMARY KEY);
CREATE TEMP TABLE left_out (name text PRIMARY KEY);
CREATE TEMP TABLE faults (position serial, problem text NOT NULL);
