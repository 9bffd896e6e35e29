-- Prints the gauges of each tenant that has a schema, in Prometheus' text format. It reads no
-- table of a tenant: rows come from PostgreSQL's statistics, and are estimates.
\set ON_ERROR_STOP on
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = pg_catalog;
SET client_connection_check_interval = '5s';
SET lock_timeout = '1s';
-- A label with another character could end the line. The stack file refuses such names. A column that
-- the next update adds is null here.
CREATE TEMP TABLE measured AS
  SELECT name, role, n.oid AS schema, NULL::bigint AS bytes, (to_jsonb(t) ->> 'storage_mib')::bigint * 1048576 AS allowed FROM platform.tenants t JOIN pg_namespace n ON nspname = role
  WHERE state <> 'purged' AND name ~ '^[a-z0-9-]+$';

-- A tenant may lock its tables. It has no sample then, and the next ones wait less for theirs.
CREATE FUNCTION pg_temp.measure(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE pg_temp.measured SET bytes = (
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relnamespace = schema AND relkind IN ('r', 'm', 'S'))
  WHERE name = of_tenant;
EXCEPTION WHEN lock_not_available OR query_canceled THEN
  PERFORM set_config('lock_timeout', '100ms', false);
END $$;
SET statement_timeout = '5s';
\o /dev/null
SELECT format('SELECT pg_temp.measure(%L)', name) FROM measured ORDER BY name
\gexec
\o
SET statement_timeout = '60s';
WITH counted AS (
  SELECT schemaname, sum(n_live_tup) AS rows, sum(n_tup_ins + n_tup_upd + n_tup_del) AS written FROM pg_stat_all_tables GROUP BY 1
), sessions AS (
  SELECT usename, count(*) AS open FROM pg_stat_activity GROUP BY 1
)
SELECT format('%s{tenant="%s"} %s', metric, name, value)
FROM measured LEFT JOIN counted ON schemaname = role LEFT JOIN sessions ON usename = role, LATERAL (VALUES
  ('tenant_schema_bytes', bytes), ('tenant_schema_limit_bytes', allowed), ('tenant_rows', coalesce(rows, 0)), ('tenant_rows_written_total', coalesce(written, 0)), ('tenant_connections', coalesce(open, 0))
) AS gauges (metric, value) WHERE value IS NOT NULL ORDER BY name, metric;
