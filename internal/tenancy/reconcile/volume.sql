-- Dumps are on the archive volume. A run without it leaves these tenants to a run that
-- has it, and says so. These tenants cannot log in until then.
\getenv archive ARCHIVE
INSERT INTO failures SELECT name, step, 'this run has no archive volume; pulumi up does it' FROM (
  SELECT name, 'restore' AS step FROM restoring
  UNION ALL
  SELECT name, 'archive' FROM archiving
  UNION ALL
  SELECT name, 'purge' FROM desired WHERE state = 'purged' AND to_regnamespace(quote_ident(role)) IS NOT NULL
) steps WHERE :'archive' = '' AND name NOT IN (SELECT name FROM failures);
