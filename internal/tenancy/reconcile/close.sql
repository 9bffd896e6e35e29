-- Takes the login from tenants that may not log in, and ends their sessions. These are
-- suspended, archived, to be purged, or no longer declared. This is the first change of a
-- run, so that no failure of a later step prevents it.
SELECT format('SELECT pg_temp.change(%L, %L)', name, format('ALTER ROLE %I NOLOGIN', role))
FROM closed JOIN pg_roles ON rolname = role WHERE rolcanlogin ORDER BY role
\gexec
SELECT format('SELECT pg_temp.attempt(%L, %L, %L)', name, 'ending its sessions', format('SELECT pg_temp.end_sessions(%L)', role)) FROM closed
WHERE EXISTS (SELECT FROM pg_stat_activity WHERE usename = role) ORDER BY role
\gexec
-- A run that was killed may have left the database of a test restore, with a tenant's rows.
\set ON_ERROR_STOP off
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'platform_drill' AND usename IS NOT NULL;
SELECT 'DROP DATABASE platform_drill' WHERE EXISTS (SELECT FROM pg_database WHERE datname = 'platform_drill')
\gexec
\set ON_ERROR_STOP on
-- An owner may log in only during a dump or a restore. A run that was killed then left the
-- login open, and perhaps a session.
SELECT format('SELECT pg_temp.attempt(%L, %L, %L)', name, 'closing the owner''s login',
  format('ALTER ROLE %I NOLOGIN PASSWORD NULL; SELECT pg_temp.end_sessions(%L)', rolname, rolname))
FROM (SELECT name, owner FROM desired UNION SELECT name, owner FROM closed) o JOIN pg_roles ON rolname = owner WHERE rolcanlogin ORDER BY owner
\gexec
