-- Describes a schema in files: a digest of each table's rows, the state of each sequence,
-- and the statements that pg_dump leaves out for a schema. A digest does not depend on the
-- order of rows. Runs in a session of the schema's owner.
\set ON_ERROR_STOP on
\set VERBOSITY terse
\pset tuples_only on
\pset format unaligned
\pset fieldsep '\t'
SET search_path = pg_catalog;
SET DateStyle = ISO;
SET IntervalStyle = postgres;
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = hex;
SET row_security = off;
\getenv patience LOCK_TIMEOUT
SET lock_timeout = :'patience';
-- The session's transaction stays open and idle while pg_dump runs.
SET idle_in_transaction_session_timeout = 0;
\set digests :folder /digests
\set extras :folder /extras.sql
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\set dumped `sh dump.sh >&2 && echo true || echo false`
\if :dumped
\else
  \q
\endif
\o :digests
-- Each line has the tenant's name, a tab, and JSON. JSON has no line break, no tab, and no
-- line that would end a file for psql.
SELECT format('SELECT %L, json_build_array(''table'', %L, count(*), coalesce(sum(hashtextextended(record_out(t.*)::text, 0)::numeric), 0)::text) FROM ONLY %I.%I t', :'name', relname, :'schema', relname)
FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(:'schema')) AND relkind = 'r' ORDER BY relname
\gexec
SELECT format('SELECT %L, json_build_array(''sequence'', %L, last_value, CASE WHEN is_called THEN ''t'' ELSE ''f'' END) FROM %I.%I', :'name', relname, :'schema', relname)
FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(:'schema')) AND relkind = 'S' ORDER BY relname
\gexec
\o :extras
WITH casts AS (
  SELECT c.oid, format('CAST (%s AS %s)', format_type(castsource, NULL), format_type(casttarget, NULL)) AS cast, castmethod, castfunc, castcontext
  FROM pg_cast c JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget
  WHERE to_regnamespace(quote_ident(:'schema')) IN (s.typnamespace, t.typnamespace)
    -- CREATE TYPE AS RANGE creates its cast to the multirange.
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_cast'::regclass AND objid = c.oid AND deptype = 'i')
), grants AS (
  SELECT CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' END AS things, defaclacl
  FROM pg_default_acl WHERE defaclrole = to_regrole(quote_ident(current_user)) AND defaclnamespace = 0
)
SELECT statement || ';' FROM (
  SELECT 1, format('CREATE %s WITH %s%s', "cast", CASE castmethod WHEN 'i' THEN 'INOUT' ELSE format('FUNCTION %s', castfunc::regprocedure) END,
    CASE castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END) FROM casts
  UNION ALL SELECT 2, format('COMMENT ON %s IS %L', "cast", obj_description(oid, 'pg_cast')) FROM casts WHERE obj_description(oid, 'pg_cast') IS NOT NULL
  UNION ALL SELECT 3, format('ALTER DEFAULT PRIVILEGES REVOKE ALL ON %s FROM PUBLIC', things) FROM grants
  UNION ALL SELECT 4, format('ALTER DEFAULT PRIVILEGES GRANT %s ON %s TO %s%s', privilege_type, things,
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM grants, aclexplode(defaclacl)
) AS extras (step, statement) ORDER BY step, statement;
\o
COMMIT;
