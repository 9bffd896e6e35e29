-- What the stack declares, and what the platform recorded.
DO $$
BEGIN
  IF to_regclass('platform.tenants') IS NULL THEN
    CREATE TABLE platform.tenants (
      name     text PRIMARY KEY,
      role     name NOT NULL UNIQUE,
      state    text NOT NULL DEFAULT 'new',
      password text,  -- digest of the verifier that was declared last
      archive  jsonb, -- the newest: file, sha256, tables with rows and checksum, sequences
      restored text,  -- sha256 of the archive that the schema was filled from
      changed  timestamptz NOT NULL DEFAULT now(),
      former   text,  -- the name before the last rename
      full_since timestamptz -- when it had more than its plan's storage (quota.sql)
    );
  ELSIF (SELECT count(*) FROM pg_attribute WHERE attrelid = 'platform.tenants'::regclass AND attname IN ('former', 'full_since')) < 2 THEN
    ALTER TABLE platform.tenants ADD IF NOT EXISTS former text, ADD IF NOT EXISTS full_since timestamptz;
  END IF;
END $$;

-- app_connections is how many connections the plan counts for the app's own role.
CREATE TEMP TABLE parameters (app_role name, app_connections int);
CREATE TEMP TABLE desired (
  name text PRIMARY KEY, role name NOT NULL UNIQUE, owner name NOT NULL UNIQUE, state text NOT NULL, connections int NOT NULL,
  statement_timeout text NOT NULL, sample_data boolean NOT NULL, restore boolean NOT NULL, owns_schema boolean NOT NULL,
  fresh boolean NOT NULL, renamed_from text NOT NULL, storage_mib int NOT NULL
);
\getenv work WORK
\set desired :work '/desired.sql'
\i :desired
CREATE TEMP TABLE verifiers (role name PRIMARY KEY, verifier text NOT NULL);
\copy verifiers FROM PROGRAM 'cat "$WORK/verifiers.csv"' WITH (FORMAT csv)

-- What failed in this run. A tenant with a row here is left as it is.
CREATE TEMP TABLE failures (name text NOT NULL, step text NOT NULL, reason text NOT NULL);

-- owner_of is the owner of a tenant's schema, by the login's role (names.Owner).
CREATE FUNCTION pg_temp.owner_of(role name) RETURNS name LANGUAGE sql IMMUTABLE AS $$
  SELECT ('owner' || substr(role, length('tenant') + 1))::name
$$;

-- Tenants that have roles and a schema, those that are to be purged until it is done,
-- and tenants that may not log in.
CREATE TEMP VIEW kept AS SELECT * FROM desired WHERE state <> 'purged' OR to_regnamespace(quote_ident(role)) IS NOT NULL;
CREATE TEMP VIEW closed AS
  SELECT name, role, owner, state FROM desired WHERE state <> 'active'
  UNION ALL
  SELECT name, role, pg_temp.owner_of(role), 'suspended' FROM platform.tenants
  WHERE state <> 'purged' AND name NOT IN (SELECT name FROM desired);

-- Both roles of each tenant.
CREATE TEMP VIEW roles AS
  SELECT name, role FROM kept UNION ALL SELECT name, owner FROM kept;

-- Tenants whose schema is to be filled from their archive.
CREATE TEMP VIEW restoring AS
  SELECT d.name, d.role, d.owner, t.archive FROM desired d JOIN platform.tenants t USING (name)
  WHERE d.restore AND t.restored IS DISTINCT FROM t.archive->>'sha256';

-- Tenants whose schema is to be dumped.
CREATE TEMP VIEW archiving AS
  SELECT d.name, d.role, d.owner FROM desired d JOIN platform.tenants t USING (name) WHERE d.state = 'archived' AND t.state <> 'archived';
