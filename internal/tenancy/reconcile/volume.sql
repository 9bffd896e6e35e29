-- Dumps are on the archive volume. A run without it reports the tenants that need a dump as
-- failures. They cannot log in until a run with the volume has completed them.
\getenv archive ARCHIVE
INSERT INTO failures SELECT name, step, 'this run has no archive volume; the next pulumi up does this step' FROM (
  SELECT name, 'restore' AS step FROM restoring
  UNION ALL
  SELECT name, 'archive' FROM archiving
  UNION ALL
  SELECT name, 'purge' FROM desired WHERE state = 'purged' AND to_regnamespace(quote_ident(role)) IS NOT NULL
) steps WHERE :'archive' = '' AND name NOT IN (SELECT name FROM failures);
