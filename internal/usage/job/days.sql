-- Prints the complete days (UTC) that are not in platform.usage yet, each with the second of its
-- end, the oldest first. It prints "early" before the first update. It leaves out days whose
-- metrics, or those of the day before, are not kept any more: :days is how many are kept.
\set ON_ERROR_STOP on
SET search_path = pg_catalog;
SET statement_timeout = '60s';
SELECT to_regclass('platform.usage_days') IS NULL AS early \gset
\if :early
  \echo early
  \q
\endif
SELECT day::date || ' ' || extract(epoch FROM (day + interval '1 day') AT TIME ZONE 'UTC')::bigint
FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS of,
  generate_series(greatest(today - :days + 2, (SELECT min(day) FROM platform.usage_days))::timestamp, (today - 1)::timestamp, '1 day') AS days (day)
WHERE day::date NOT IN (SELECT day FROM platform.usage_days) ORDER BY day;
