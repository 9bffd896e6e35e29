-- Allows one run at a time, and never an older declaration after a newer one.
--
-- The lease is a row that only the administrator can write. It belongs to a session
-- of the server. When that session ends, the lease is free. An advisory lock would do the
-- same, but every tenant could take it.
--
-- An update takes a revision, a number. A scheduled run takes none: otherwise an update
-- that waits for it would have the older number. A scheduled run repeats the declaration of
-- the last update. If it has another declaration, it changes nothing.
\getenv scheduled SCHEDULED
\if :scheduled
  SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('platform.lease') AND attname = 'declaration') AS early \gset
  \if :early
    \echo 'no update has run yet; nothing was changed'
    \q
  \endif
\else
DO $$
BEGIN
  IF to_regclass('platform.lease') IS NULL THEN
    CREATE SCHEMA IF NOT EXISTS platform;
    CREATE SEQUENCE platform.revision;
    CREATE TABLE platform.lease (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      pid int, backend_start timestamptz, -- the session that has the lease
      revision bigint NOT NULL DEFAULT 0, -- of the newest update that has run
      declaration text                    -- SHA-256 of what that update applied
    );
    INSERT INTO platform.lease DEFAULT VALUES;
  ELSIF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'platform.lease'::regclass AND attname = 'declaration') THEN
    ALTER TABLE platform.lease ADD declaration text;
  END IF;
EXCEPTION WHEN unique_violation OR duplicate_schema OR duplicate_table OR duplicate_column THEN
  NULL; -- another run created them at the same time
END $$;
\endif

-- The run takes its revision before it reads the declaration. So a higher revision never
-- has an older declaration. A run that begins again keeps its revision: a newer update may
-- have run meanwhile.
\set taken `cat "$WORK/revision" 2> /dev/null || true`
SELECT CASE WHEN :'scheduled' THEN 0 ELSE coalesce(nullif(:'taken', '')::bigint, nextval('platform.revision')) END AS revision, pg_backend_pid() AS pid,
  set_config('platform.scheduled', :'scheduled', false) AS noted \gset
\setenv REVISION :revision
\! echo "$REVISION" > "$WORK/revision"
\setenv RUN :pid
\! echo "$RUN" > "$WORK/session"
\set copied `cp desired.sql "$CREDENTIALS/verifiers.csv" "$WORK" && echo true || echo false`
\if :copied
\else
-- A full disk leaves a part of the file. Tenants that are missing in it would be suspended.
DO $$ BEGIN RAISE EXCEPTION 'the declaration could not be copied: see the message above'; END $$;
\endif
\set declaration `cat "$WORK/reconcile.sql" "$WORK/desired.sql" "$WORK/verifiers.csv" | sha256sum | cut -d' ' -f1`

DO $$
DECLARE
  waited boolean := false;
  held record;
BEGIN
  LOOP
    -- First lock the row, then look at the sessions. One statement for both would see the
    -- sessions as they were before it waited for the lock.
    SELECT pid, backend_start INTO held FROM platform.lease FOR UPDATE;
    PERFORM pg_stat_clear_snapshot();
    IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = held.pid AND backend_start = held.backend_start) THEN
      UPDATE platform.lease SET pid = a.pid, backend_start = a.backend_start FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
      EXIT;
    END IF;
    EXIT WHEN current_setting('platform.scheduled')::boolean;
    IF NOT waited THEN
      RAISE INFO 'waiting for another run to end';
    END IF;
    waited := true;
    COMMIT;
    PERFORM pg_sleep(0.5);
  END LOOP;
END $$;

SELECT revision > :revision AS superseded, revision AS newest, pid IS DISTINCT FROM :pid AS busy,
  declaration IS DISTINCT FROM :'declaration' AS other_declaration FROM platform.lease \gset
\if :scheduled
  \if :busy
    \echo 'another run is going on; nothing was changed'
    \q
  \elif :other_declaration
    \echo 'the last update applied another declaration, and this one waits for its own update; nothing was changed'
    \q
  \endif
\elif :superseded
  \warn 'refused: a newer declaration (revision' :newest') ran while this one (revision' :revision') waited; nothing was changed'
  \! touch "$WORK/refused"
  \q
\else
  UPDATE platform.lease SET revision = :revision;
\endif

\! PGAPPNAME=platform-watch psql -X -q -v run="$RUN" < watch.sql & echo $! > "$WORK/watch.pid"
