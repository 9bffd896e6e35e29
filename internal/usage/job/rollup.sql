-- Writes the day :day into platform.usage, from the answers of VictoriaMetrics in $WORK/answers,
-- in one transaction. A day that is written stays as it is.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
SET client_connection_check_interval = '5s';
SET statement_timeout = '20s';
SET lock_timeout = '10s';
\o /dev/null
\set answers `cat "$WORK/answers"`
SELECT set_config('platform.day', :'day', false), set_config('platform.days', :'days', false);

-- number returns null for a text that is no finite number, such as NaN.
CREATE FUNCTION pg_temp.number(text) RETURNS numeric LANGUAGE sql AS $$
  SELECT CASE WHEN $1 ~ '^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$' THEN least(greatest($1::numeric, 0), 9e15) END
$$;
CREATE FUNCTION pg_temp.checked(answers jsonb) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  bad text := (SELECT string_agg(key, ', ') FROM jsonb_each(answers) WHERE value->>'status' IS DISTINCT FROM 'success');
BEGIN
  IF bad IS NOT NULL THEN
    RAISE EXCEPTION 'VictoriaMetrics gave no answer to %', bad;
  END IF;
  RETURN QUERY SELECT key, r->'metric'->>'tenant', pg_temp.number(r->'value'->>1)
  FROM jsonb_each(answers), jsonb_array_elements(value->'data'->'result') AS of (r);
END $$;
CREATE TEMP TABLE answers AS SELECT * FROM pg_temp.checked(:'answers') AS (metric text, label text, value numeric);

-- tenant_of returns the tenant that a label meant during the day: after a rename the new name,
-- and after a purge (purged). It returns null for a name that never was a tenant's. Traefik
-- writes one hyphen for several.
CREATE FUNCTION pg_temp.tenant_of(label text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT tenant FROM platform.usage_names WHERE name = label AND until > start ORDER BY until LIMIT 1),
    (SELECT CASE WHEN state = 'purged' THEN '(purged)' ELSE name END FROM platform.tenants WHERE name = label),
    (SELECT tenant FROM platform.usage_names WHERE regexp_replace(name, '-+', '-', 'g') = label AND until > start ORDER BY until LIMIT 1),
    (SELECT CASE WHEN state = 'purged' THEN '(purged)' ELSE name END FROM platform.tenants WHERE regexp_replace(name, '-+', '-', 'g') = label ORDER BY name LIMIT 1))
  FROM (SELECT current_setting('platform.day')::timestamp AT TIME ZONE 'UTC' AS start) AS of
$$;

BEGIN;
-- A rename or a purge waits for the end of this transaction, and then changes its rows too.
LOCK TABLE platform.usage IN SHARE ROW EXCLUSIVE MODE;
DO $$
DECLARE
  today date := current_setting('platform.day')::date;
  -- Without it, the counters of this day are not known.
  measured boolean := EXISTS (SELECT FROM pg_temp.answers WHERE metric = 'measured' AND value > 0)
    AND NOT EXISTS (SELECT FROM pg_temp.answers WHERE metric = 'lost' AND value > 0);
  -- An app may have no such counters.
  has_logins boolean := measured AND EXISTS (SELECT FROM pg_temp.answers WHERE metric = 'logins');
  has_events boolean := measured AND EXISTS (SELECT FROM pg_temp.answers WHERE metric = 'events');
BEGIN
  IF EXISTS (SELECT FROM platform.usage_days WHERE day = today) THEN
    RETURN; -- another run has written it
  END IF;
  CREATE TEMP TABLE of_day ON COMMIT DROP AS
    SELECT tenant,
      CASE WHEN measured THEN coalesce(round(sum(value) FILTER (WHERE metric = 'requests')), 0)::bigint END AS requests,
      CASE WHEN measured THEN coalesce(round(sum(value) FILTER (WHERE metric = 'errors')), 0)::bigint END AS errors,
      CASE WHEN measured THEN coalesce(round(sum(value) FILTER (WHERE metric = 'bytes')), 0)::bigint END AS bytes,
      max(value) FILTER (WHERE metric = 'p95')::double precision AS p95,
      to_timestamp(max(value) FILTER (WHERE metric = 'last_request')::double precision) AS last_request,
      max(value) FILTER (WHERE metric = 'storage')::bigint AS storage,
      max(value) FILTER (WHERE metric = 'rows')::bigint AS rows,
      CASE WHEN measured THEN round(sum(value) FILTER (WHERE metric = 'rows_written'))::bigint END AS rows_written,
      max(value) FILTER (WHERE metric = 'connections')::int AS connections,
      CASE WHEN has_logins THEN coalesce(round(sum(value) FILTER (WHERE metric = 'logins')), 0)::bigint END AS logins,
      CASE WHEN has_events THEN coalesce(round(sum(value) FILTER (WHERE metric = 'events')), 0)::bigint END AS events
    FROM (SELECT metric, value, pg_temp.tenant_of(label) AS tenant FROM pg_temp.answers) AS of
    WHERE tenant IS NOT NULL GROUP BY tenant;
  INSERT INTO platform.usage (tenant, day, requests, errors, bytes, p95, last_request, storage, rows, rows_written, connections, logins, events)
    SELECT tenant, today, requests, errors, bytes, p95, last_request, storage, rows, rows_written, connections, logins, events
    FROM pg_temp.of_day WHERE tenant <> '(purged)';
  PERFORM platform.add_purged_usage(date_trunc('month', today)::date, requests, errors, bytes, rows_written, logins, events)
    FROM pg_temp.of_day WHERE tenant = '(purged)';
  INSERT INTO platform.usage_days (day, measured) VALUES (today, measured);
  DELETE FROM platform.usage WHERE day < date_trunc('month', today) - interval '25 months';
  DELETE FROM platform.usage_days WHERE day < date_trunc('month', today) - interval '25 months';
  -- No day before that is written any more.
  DELETE FROM platform.usage_names WHERE until < now() - make_interval(days => current_setting('platform.days')::int + 1);
END $$;
COMMIT;
