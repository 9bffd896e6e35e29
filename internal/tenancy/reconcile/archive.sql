-- Archives tenants. An archive is written while no role of the tenant is logged in. It is
-- accepted after it was restored into an empty database and compared with the schema.

-- own_grants makes the owner the grantor of all rights in the schema. A role with GRANT
-- OPTION may have granted its rights to others. A dump contains the grantor, and only a
-- superuser may restore the grants of others. No role gains or loses a right.
CREATE FUNCTION pg_temp.own_grants(of_schema name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  g record;
BEGIN
  FOR g IN
    WITH objects AS (
      SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass AS object, '' AS columns, relowner AS owner, relacl AS acl
      FROM pg_class c WHERE relnamespace = to_regnamespace(quote_ident(of_schema))
      UNION ALL
      SELECT 'TABLE ' || c.oid::regclass, format('(%I)', attname), relowner, attacl FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
      WHERE relnamespace = to_regnamespace(quote_ident(of_schema)) AND NOT attisdropped
      UNION ALL SELECT 'ROUTINE ' || oid::regprocedure, '', proowner, proacl FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(of_schema))
      UNION ALL SELECT 'TYPE ' || oid::regtype, '', typowner, typacl FROM pg_type WHERE typnamespace = to_regnamespace(quote_ident(of_schema))
    ), grants AS (
      SELECT privilege_type || ' ' || columns || ' ON ' || object AS granted, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee,
        grantor <> owner AS passed_on, is_grantable AND grantee <> owner AS may_pass_on, bool_or(grantor <> owner) OVER (PARTITION BY object) AS concerned
      FROM objects, aclexplode(acl)
    )
    -- Step 1: the owner grants each right itself. Step 2: it revokes the GRANT OPTIONs, and
    -- with them the grants of others. Step 3: it grants the GRANT OPTIONs again.
    SELECT 1 AS step, format('GRANT %s TO %s', granted, grantee) AS statement FROM grants WHERE passed_on
    UNION
    SELECT 2, format('REVOKE GRANT OPTION FOR %s FROM %s CASCADE', granted, grantee) FROM grants WHERE concerned AND may_pass_on
    UNION
    SELECT 3, format('GRANT %s TO %s WITH GRANT OPTION', granted, grantee) FROM grants WHERE concerned AND may_pass_on
    ORDER BY step
  LOOP
    EXECUTE g.statement;
  END LOOP;
END $$;
CREATE FUNCTION pg_temp.check_archivable(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  d pg_temp.desired := (SELECT d FROM pg_temp.desired d WHERE name = of_tenant);
  foreigners text;
BEGIN
  IF EXISTS (SELECT FROM pg_largeobject_metadata WHERE lomowner IN (to_regrole(quote_ident(d.role)), to_regrole(quote_ident(d.owner)))) THEN
    RAISE EXCEPTION 'it owns large objects, and the archive of a schema does not contain these; move them into bytea columns first';
  END IF;
  SELECT string_agg(format('%s (%s)', object, pg_get_userbyid(owner)), ', ' ORDER BY object) INTO foreigners FROM (
    SELECT c.oid::regclass::text AS object, relnamespace AS schema, relowner AS owner FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    -- A superuser owns what PostgreSQL creates together with a range type.
    UNION ALL SELECT oid::regprocedure::text, pronamespace, proowner FROM pg_proc p
      WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i')
    UNION ALL SELECT oid::regtype::text, typnamespace, typowner FROM pg_type t WHERE typrelid = 0 AND typelem = 0
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'i')
    UNION ALL SELECT oid::regoperator::text, oprnamespace, oprowner FROM pg_operator
    UNION ALL SELECT oid::regcollation::text, collnamespace, collowner FROM pg_collation
  ) AS objects WHERE schema = to_regnamespace(quote_ident(d.role)) AND owner <> to_regrole(quote_ident(d.owner));
  IF foreigners IS NOT NULL THEN
    RAISE EXCEPTION 'other roles own objects in its schema; ALTER ... OWNER TO %: %', d.owner, foreigners;
  END IF;
  PERFORM pg_temp.own_grants(d.role);
  PERFORM pg_temp.open_owner(of_tenant);
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'archive', 'check_archivable') FROM archiving ORDER BY name
\gexec
\copy (SELECT name, role, owner FROM archiving WHERE name NOT IN (SELECT name FROM failures) ORDER BY 1) TO PROGRAM 'cat > "$WORK/list"' WITH (DELIMITER ' ')
\! sh each.sh archive
SELECT format('SELECT pg_temp.close_owner(%L)', name) FROM archiving ORDER BY name
\gexec
TRUNCATE relations, done;
CREATE TEMP TABLE archived (name text PRIMARY KEY, file text NOT NULL, sha256 text NOT NULL);
\copy failures FROM PROGRAM 'cat "$WORK/failures.csv"' WITH (FORMAT csv)
\copy done FROM PROGRAM 'cat "$WORK/done"'
\copy relations FROM PROGRAM 'cat "$WORK/relations"' WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')
\copy archived FROM PROGRAM 'cat "$WORK/archived"' WITH (DELIMITER ' ')
CREATE FUNCTION pg_temp.note_archive(of_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.require_done(of_tenant);
  RAISE INFO 'tenant %: archived, and restored once as a drill', of_tenant;
  UPDATE platform.tenants t SET state = 'archived', restored = NULL, changed = now(),
    archive = jsonb_build_object('file', a.file, 'sha256', a.sha256, 'at', now(),
      'tables', pg_temp.contents(t.name, 'table'), 'sequences', pg_temp.contents(t.name, 'sequence'))
  FROM archived a WHERE a.name = t.name AND t.name = of_tenant;
END $$;
SELECT format('SELECT pg_temp.step(%L, %L, %L)', name, 'archive', 'note_archive') FROM archiving ORDER BY name
\gexec
