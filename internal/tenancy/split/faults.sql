-- lost has the objects that a copy would lose. With --leave-out the user accepts that: the
-- object is not needed in the schemas, or a migration creates it there.
CREATE TEMP TABLE lost AS
SELECT format('%s.%s', source, tgname) AS name, format('the trigger %I of %s runs code that was written for the shared tables', tgname, oid_of::regclass) AS what
FROM (SELECT source, oid AS oid_of FROM sources) s JOIN pg_trigger ON tgrelid = oid_of WHERE NOT tgisinternal
UNION ALL
SELECT format('%s.%s', source, rulename), format('the rule %I of %s is not copied', rulename, ev_class::regclass)
FROM sources s JOIN pg_rewrite ON ev_class = s.oid WHERE s.relkind IN ('r', 'p')
UNION ALL
SELECT format('%s.%s', source, polname), format('the policy %I of %s is not copied', polname, polrelid::regclass)
FROM sources s JOIN pg_policy ON polrelid = s.oid
UNION
SELECT v.relname, format('the view %s reads %s, and is not copied', v.oid::regclass, s.oid::regclass)
FROM sources s JOIN pg_depend d ON d.refobjid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class WHERE v.oid <> s.oid
UNION
SELECT f.proname, format('the function %s reads %s, and is not copied', f.oid::regprocedure, s.oid::regclass)
FROM sources s JOIN pg_class c USING (oid) JOIN pg_depend d ON d.classid = 'pg_proc'::regclass
  AND (d.refclassid, d.refobjid) IN (('pg_class'::regclass, c.oid), ('pg_type'::regclass, c.reltype)) JOIN pg_proc f ON f.oid = d.objid
UNION
SELECT c.relname, format('%s refers to %s, and is not among the tables', conrelid::regclass, confrelid::regclass)
FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
WHERE contype = 'f' AND confrelid IN (SELECT oid FROM sources) AND conrelid NOT IN (SELECT oid FROM sources WHERE oid IS NOT NULL)
UNION
SELECT c.relname, format('%s has the column %I, and is not among the tables', c.oid::regclass, key_column)
FROM parameters, pg_class c JOIN pg_attribute a ON attrelid = c.oid AND NOT attisdropped
WHERE attname = key_column AND relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
  AND c.oid NOT IN (SELECT oid FROM sources WHERE oid IS NOT NULL);

INSERT INTO faults (problem)
SELECT DISTINCT format('%s: if the schemas need it, create it there by a migration; then pass --leave-out %s', what, name) FROM lost
WHERE name NOT IN (SELECT name FROM left_out)
UNION ALL
SELECT format('--leave-out %s: there is nothing with this name that a copy would lose', name) FROM left_out
WHERE name NOT IN (SELECT name FROM lost)
  AND NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relkind = 'S' AND relnamespace = 'public'::regnamespace)
UNION ALL
SELECT format('%s refers to %s, which is not among the tables', conrelid::regclass, confrelid::regclass) FROM sources s JOIN pg_constraint ON conrelid = s.oid AND contype = 'f'
WHERE confrelid NOT IN (SELECT oid FROM sources WHERE oid IS NOT NULL)
UNION ALL
SELECT format('%s is in --shared, and refers to %s, whose rows belong to tenants', conrelid::regclass, confrelid::regclass)
FROM sources s JOIN pg_constraint ON conrelid = s.oid AND contype = 'f' JOIN sources p ON p.oid = confrelid AND p.kind <> 'shared' WHERE s.kind = 'shared'
UNION ALL
SELECT format('the index %s is invalid: REINDEX INDEX %1$s, or drop it', indexrelid::regclass) FROM sources JOIN pg_index ON indrelid = oid WHERE NOT indisvalid
UNION ALL
SELECT format('%s.%I may refer to large objects, and these stay with the app''s role: move them into a bytea column', oid::regclass, attname)
FROM sources JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
WHERE atttypid = 'oid'::regtype AND EXISTS (SELECT FROM pg_largeobject_metadata);

-- Each tenant's schema has to exist, and must not have code that the copy might run.
INSERT INTO faults (problem)
SELECT format('there is no schema %s that %s owns and this session''s role may write to as %2$s: declare the tenant, let the reconcile run, and run this as the app''s role', w.schema, w.owner)
FROM wanted_tenants w LEFT JOIN pg_namespace n ON n.nspname = w.schema
WHERE n.oid IS NULL OR n.nspowner IS DISTINCT FROM to_regrole(quote_ident(w.owner))
  OR NOT pg_has_role(n.nspowner, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
UNION ALL
SELECT format('the role %s would have no rights on the copies: let the reconcile run first', w.schema)
FROM wanted_tenants w JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_roles r ON r.rolname = w.schema
WHERE NOT pg_has_role(r.oid, n.nspowner, 'USAGE') AND (SELECT count(DISTINCT privilege_type)
  FROM pg_default_acl d, aclexplode(d.defaclacl) WHERE defaclrole = n.nspowner AND defaclnamespace IN (0, n.oid) AND defaclobjtype = 'r'
    AND grantee = r.oid AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) < 4;

-- code returns the objects of a schema that could run in place of PostgreSQL's own functions
-- and operators.
CREATE FUNCTION pg_temp.code(in_schema name) RETURNS TABLE (what text) LANGUAGE sql AS $$
  SELECT pg_describe_object(classid, objid, 0) FROM pg_namespace n JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
  WHERE nspname = in_schema AND classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass, 'pg_default_acl'::regclass, 'pg_statistic_ext'::regclass)
$$;
INSERT INTO faults (problem)
SELECT format('%s in the schema %s might run during the copy: drop it, and create it again afterwards', what, schema) FROM wanted_tenants, pg_temp.code(schema);

-- Objects that have the name of a copy, and copies that do not exist any more.
INSERT INTO faults (problem)
SELECT format('%I.%I is in the way, and was not copied from public: drop it', w.schema, c.relname)
FROM wanted_tenants w JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class c ON c.relnamespace = n.oid
WHERE c.relname IN (SELECT source FROM sources s WHERE NOT EXISTS (SELECT FROM public.tenant_split r WHERE r.schema = w.schema AND kind = 'table' AND r.name = s.source)
  UNION SELECT relname FROM sources s JOIN pg_index ON indrelid = s.oid JOIN pg_class i ON i.oid = indexrelid
    WHERE NOT EXISTS (SELECT FROM public.tenant_split r WHERE r.schema = w.schema AND kind = 'table' AND r.name = s.source)
  UNION SELECT name FROM needed_sequences s WHERE NOT EXISTS (SELECT FROM public.tenant_split r WHERE r.schema = w.schema
    AND CASE s.kind WHEN 'i' THEN r.kind = 'table' AND r.name = (SELECT source FROM sources WHERE oid = s.owner) ELSE r.kind = 'sequence' AND r.name = s.name END))
UNION ALL
SELECT format('%I.%I is in the way, and was not copied from public: drop it', w.schema, t.typname)
FROM wanted_tenants w JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_type t ON t.typnamespace = n.oid JOIN needed_types m ON m.typname = t.typname AND m.moves
WHERE NOT EXISTS (SELECT FROM public.tenant_split r WHERE r.schema = w.schema AND kind = 'type' AND r.name = t.typname)
UNION ALL
SELECT format('%s.%I was copied, and does not exist any more: run the script of --rollback, then this one', r.schema, r.name)
FROM wanted_tenants w JOIN public.tenant_split r USING (schema)
WHERE kind = 'table' AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE n.nspname = r.schema AND c.relname = r.name);

-- find_strangers adds a fault for each foreign key by which a row of one tenant refers to a
-- row of another. The message names three such rows.
CREATE FUNCTION pg_temp.find_strangers() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  f record;
  found bigint;
  examples text;
BEGIN
  FOR f IN SELECT c.*, (SELECT string_agg(format('p.%I = t.%I', pa.attname, ca.attname), ' AND ')
        FROM unnest(conkey, confkey) AS k (child, parent) JOIN pg_attribute ca ON ca.attrelid = conrelid AND ca.attnum = child
        JOIN pg_attribute pa ON pa.attrelid = confrelid AND pa.attnum = parent) AS condition,
      coalesce((SELECT format('ROW(%s)', string_agg(format('t.%I', attname), ', ')) FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
        WHERE indrelid = conrelid AND indisprimary), 't.ctid') AS identity
    FROM pg_constraint c JOIN readable s ON s.oid = conrelid JOIN readable p ON p.oid = confrelid
    WHERE contype = 'f' AND s.kind <> 'shared' AND p.kind <> 'shared' ORDER BY conname
  LOOP
    EXECUTE format('SELECT count(*), array_to_string((array_agg(%s::text))[1:3], '' '') FROM ONLY %s t JOIN ONLY %s p ON %s
      JOIN pg_temp.placed a ON a.source = %s AND a.place = t.ctid JOIN pg_temp.placed b ON b.source = %s AND b.place = p.ctid
      WHERE a.tenant <> b.tenant', f.identity, f.conrelid::regclass, f.confrelid::regclass, f.condition, f.conrelid, f.confrelid) INTO found, examples;
    IF found > 0 THEN
      INSERT INTO faults (problem) VALUES (format('%s has %s rows that refer by %I to a row of another tenant in %s: correct these rows, such as %s',
        f.conrelid::regclass, found, f.conname, f.confrelid::regclass, examples));
    END IF;
  END LOOP;
END $$;
SELECT pg_temp.find_strangers();
