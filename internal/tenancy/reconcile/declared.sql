-- Creates the tables and views that the later files read: what the stack declares, and
-- what earlier runs recorded in platform.tenants.
DO $$
BEGIN
  IF to_regclass('platform.tenants') IS NULL THEN
    CREATE TABLE platform.tenants (
      name     text PRIMARY KEY,
      role     name NOT NULL UNIQUE,
      state    text NOT NULL DEFAULT 'new',
      password text,  -- digest of the verifier that was declared last
      archive  jsonb, -- the newest archive: file, sha256, tables with rows and checksum, sequences
      restored text,  -- sha256 of the archive that was restored into the schema; 'unfinished' until that succeeds
      changed  timestamptz NOT NULL DEFAULT now(),
      former   text,  -- the name before the last rename
      full_since timestamptz, -- when its storage exceeded its tier's limit (quota.sql); else null
      unmeasured int NOT NULL DEFAULT 0, -- number of runs in a row that could not measure its storage
      storage_mib int -- the storage of its tier; null before the first run that has written it
    );
  ELSIF (SELECT count(*) FROM pg_attribute WHERE attrelid = 'platform.tenants'::regclass AND attname IN ('former', 'full_since', 'unmeasured', 'storage_mib')) < 4 THEN
    ALTER TABLE platform.tenants ADD IF NOT EXISTS former text, ADD IF NOT EXISTS full_since timestamptz, ADD IF NOT EXISTS unmeasured int NOT NULL DEFAULT 0,
      ADD IF NOT EXISTS storage_mib int;
  END IF;
END $$;

-- app_connections is the connection limit of the app's own role.
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

-- The failures of this run. Later steps skip a tenant that has a row here.
CREATE TEMP TABLE failures (name text NOT NULL, step text NOT NULL, reason text NOT NULL);

-- owner_of returns the name of the owner of a tenant's schema for the tenant's login role.
-- names.Owner of the Go code returns the same.
CREATE FUNCTION pg_temp.owner_of(role name) RETURNS name LANGUAGE sql IMMUTABLE AS $$
  SELECT ('owner' || substr(role, length('tenant') + 1))::name
$$;

-- kept has the declared tenants with roles and a schema. A tenant to be purged is in it
-- until its schema is dropped. closed has the tenants that may not log in. A tenant whose
-- rename has failed keeps its old name until the next run.
CREATE TEMP VIEW kept AS SELECT * FROM desired WHERE state <> 'purged' OR to_regnamespace(quote_ident(role)) IS NOT NULL;
CREATE TEMP VIEW closed AS
  SELECT name, role, owner, state FROM desired WHERE state <> 'active'
  UNION ALL
  SELECT name, role, pg_temp.owner_of(role), 'suspended' FROM platform.tenants
  WHERE state <> 'purged' AND name NOT IN (SELECT name FROM desired)
    AND name NOT IN (SELECT renamed_from FROM desired JOIN failures USING (name));

-- roles has both roles of each tenant: login and owner.
CREATE TEMP VIEW roles AS
  SELECT name, role FROM kept UNION ALL SELECT name, owner FROM kept;

-- restoring has the tenants whose archive is to be restored into their schema.
CREATE TEMP VIEW restoring AS
  SELECT d.name, d.role, d.owner, t.archive FROM desired d JOIN platform.tenants t USING (name)
  WHERE d.restore AND t.restored IS DISTINCT FROM t.archive->>'sha256';

-- archiving has the tenants whose schema is to be dumped.
CREATE TEMP VIEW archiving AS
  SELECT d.name, d.role, d.owner FROM desired d JOIN platform.tenants t USING (name) WHERE d.state = 'archived' AND t.state <> 'archived';
