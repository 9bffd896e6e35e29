-- Creates the tables with the usage of each tenant. An hourly Job fills them (internal/usage).
-- The platform's schema grants nothing, so no tenant can read or write them. A tenant reads its own
-- rows by the view at the end.
DO $$
BEGIN
  IF to_regclass('platform.usage') IS NULL THEN
    CREATE TABLE platform.usage (
      tenant       text NOT NULL, -- (purged) has the sums of all purged tenants
      day          date NOT NULL, -- in UTC; of (purged) the first day of the month
      requests     bigint,        -- null: not measured
      errors       bigint,        -- requests with a status of 500 and more
      bytes        bigint,        -- sent in answers
      p95          double precision, -- seconds within which 95 % of the requests were answered
      last_request timestamptz,   -- to five minutes
      storage      bigint,        -- the most bytes of tables and indexes
      rows         bigint,        -- at the end of the day, an estimate
      rows_written bigint,        -- inserted, updated and deleted, an estimate
      connections  int,           -- the most database connections that a run has seen
      logins       bigint,        -- null: the app does not count them
      events       bigint,        -- null: the app does not count them
      PRIMARY KEY (tenant, day)
    );
    -- The days that are complete. measured is false if the counters of a day are not known.
    CREATE TABLE platform.usage_days (day date PRIMARY KEY, measured boolean NOT NULL, written timestamptz NOT NULL DEFAULT now());
    -- The first day is not complete, so it is never counted.
    INSERT INTO platform.usage_days (day, measured) VALUES ((now() AT TIME ZONE 'UTC')::date, false);
    -- Metrics of a name before a time belong to a tenant with another name: after a rename or a
    -- purge, days may be written that were before it.
    CREATE TABLE platform.usage_names (name text, until timestamptz, tenant text NOT NULL, PRIMARY KEY (name, until));

    -- Adds to the sums of the purged tenants in a month.
    CREATE FUNCTION platform.add_purged_usage(month date, requests bigint, errors bigint, bytes bigint, rows_written bigint, logins bigint, events bigint)
    RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $f$
      INSERT INTO platform.usage AS u (tenant, day, requests, errors, bytes, rows_written, logins, events)
      VALUES ('(purged)', month, add_purged_usage.requests, add_purged_usage.errors, add_purged_usage.bytes, add_purged_usage.rows_written, add_purged_usage.logins, add_purged_usage.events)
      ON CONFLICT (tenant, day) DO UPDATE SET
        requests = coalesce(u.requests + excluded.requests, u.requests, excluded.requests),
        errors = coalesce(u.errors + excluded.errors, u.errors, excluded.errors),
        bytes = coalesce(u.bytes + excluded.bytes, u.bytes, excluded.bytes),
        rows_written = coalesce(u.rows_written + excluded.rows_written, u.rows_written, excluded.rows_written),
        logins = coalesce(u.logins + excluded.logins, u.logins, excluded.logins),
        events = coalesce(u.events + excluded.events, u.events, excluded.events)
    $f$;
    REVOKE ALL ON FUNCTION platform.add_purged_usage FROM PUBLIC;

    CREATE VIEW platform.usage_month AS
      SELECT tenant, date_trunc('month', day)::date AS month, sum(requests) AS requests, sum(errors) AS errors, sum(bytes) AS bytes,
        -- The mean of the days, weighted with their requests: the quantile of a month cannot be computed from those of its days.
        sum(p95 * requests) / nullif(sum(requests) FILTER (WHERE p95 IS NOT NULL), 0) AS p95,
        max(last_request) AS last_request, round(avg(storage)) AS storage, (array_agg(rows ORDER BY day DESC) FILTER (WHERE rows IS NOT NULL))[1] AS rows,
        sum(rows_written) AS rows_written, max(connections) AS connections, sum(logins) AS logins, sum(events) AS events,
        count(*) FILTER (WHERE requests > 0 AND tenant <> '(purged)') AS active_days
      FROM platform.usage GROUP BY 1, 2;
  END IF;

  -- Each tenant reads its own rows in platform_usage.days. The rows are those of the session's login
  -- role: SET ROLE does not change session_user, and a tenant with ownsSchema acts as another role. A
  -- role that is no tenant's login finds no row. So PUBLIC may have the rights. A grant for each
  -- tenant would fail for hundreds of them: the grants of a view must fit into a page of 8 KiB.
  -- The schema is one of its own, so that the schema platform stays closed.
  -- The tenant comes from the row (names.SQL of the Go code), and not from platform.tenants: a
  -- session that reads the view locks its tables, and watch.sql, which ends such sessions, has to
  -- read platform.tenants.
  IF to_regclass('platform_usage.days') IS NULL THEN
    CREATE INDEX usage_login ON platform.usage (('tenant_' || replace(tenant, '-', '_')), day);
    CREATE SCHEMA platform_usage;
    -- Without security_barrier, a tenant's own function in WHERE would get the rows of the others.
    CREATE VIEW platform_usage.days WITH (security_barrier) AS
      SELECT day, requests, errors, bytes, p95, last_request, storage, rows, rows_written, connections, logins, events
      FROM platform.usage WHERE 'tenant_' || replace(tenant, '-', '_') = session_user::text;
    GRANT USAGE ON SCHEMA platform_usage TO PUBLIC;
    GRANT SELECT ON platform_usage.days TO PUBLIC;
  END IF;
END $$;
