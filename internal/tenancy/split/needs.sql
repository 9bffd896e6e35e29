-- Finds what the tables need beside their columns: types, sequences, and the objects that
-- their defaults, constraints, indexes and statistics use. parts has the objects to search.
CREATE TEMP VIEW parts AS
  SELECT 'pg_class'::regclass::oid AS classid, oid AS objid FROM sources WHERE oid IS NOT NULL
  UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM sources s JOIN pg_attrdef a ON adrelid = s.oid
  UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM sources s JOIN pg_constraint c ON conrelid = s.oid
  UNION ALL SELECT 'pg_class'::regclass, indexrelid FROM sources s JOIN pg_index ON indrelid = s.oid
  UNION ALL SELECT 'pg_statistic_ext'::regclass, x.oid FROM sources s JOIN pg_statistic_ext x ON stxrelid = s.oid;

-- needed_types has the types that are not PostgreSQL's own, and the types that these use.
-- moves is true for a type that can be copied into the tenants' schemas.
CREATE TEMP TABLE needed_types AS
WITH RECURSIVE used (oid) AS (
  SELECT d.refobjid FROM parts JOIN pg_depend d USING (classid, objid) WHERE d.refclassid = 'pg_type'::regclass
  UNION
  SELECT next FROM used JOIN pg_type t USING (oid), LATERAL (
    SELECT t.typelem UNION ALL SELECT t.typbasetype
    UNION ALL SELECT d.refobjid FROM pg_constraint c JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = c.oid
      WHERE c.contypid = t.oid AND d.refclassid = 'pg_type'::regclass
  ) made_of (next) WHERE next <> 0
)
SELECT t.oid, t.typname, t.typtype, t.typnamespace, x.extname,
  t.typtype IN ('e', 'd') AND t.typnamespace = 'public'::regnamespace AND x.extname IS NULL AS moves
FROM used JOIN pg_type t USING (oid)
LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'
LEFT JOIN pg_extension x ON x.oid = e.refobjid
WHERE t.typnamespace <> 'pg_catalog'::regnamespace AND t.typcategory <> 'A';

-- needed_sequences has the sequences of identity columns (kind i) and of serial columns
-- (kind a). It also has those that only a default reads, and those of --sequences: their
-- owner is null.
CREATE TEMP TABLE needed_sequences AS
WITH links AS (
  SELECT d.objid AS oid, d.refobjid AS owner, d.refobjsubid AS attnum, d.deptype FROM pg_depend d JOIN sources s ON s.oid = d.refobjid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION
  SELECT d.refobjid, NULL, NULL, NULL FROM parts JOIN pg_depend d USING (classid, objid)
  WHERE parts.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
  UNION
  SELECT c.oid, NULL, NULL, NULL FROM wanted_sequences w JOIN pg_class c ON c.relname = w.source AND c.relnamespace = 'public'::regnamespace
)
SELECT c.oid, c.relname AS name, c.relnamespace, c.relowner, max(l.owner) AS owner, max(l.attnum) AS attnum, coalesce(max(l.deptype::text), '') AS kind
FROM links l JOIN pg_class c USING (oid) WHERE c.relkind = 'S' GROUP BY c.oid, c.relname, c.relnamespace, c.relowner;

-- usable has the schemas whose objects both roles of every tenant may use. on_path is true
-- if the tenants' sessions also have the schema in their search_path.
CREATE TEMP VIEW usable AS SELECT n.oid, bool_and(EXISTS (
    SELECT FROM pg_db_role_setting, unnest(setconfig) s WHERE setrole = r.oid AND setdatabase = 0 AND s LIKE 'search_path=%'
      AND quote_ident(n.nspname) = ANY (regexp_split_to_array(substr(s, 13), '\s*,\s*')))) AS on_path
FROM pg_namespace n, wanted_tenants w JOIN pg_roles r ON r.rolname = w.schema
WHERE n.nspname <> 'public' GROUP BY n.oid
HAVING bool_and(has_schema_privilege(w.schema, n.oid, 'USAGE') AND has_schema_privilege(
  CASE WHEN to_regrole(quote_ident(w.owner)) IS NULL THEN w.schema ELSE w.owner END, n.oid, 'USAGE'));

INSERT INTO faults (problem)
SELECT DISTINCT format('%s is of the type %s of the extension %s. Tenants'' sessions do not find it, and would use other operators: change the column to a type of PostgreSQL''s own%s',
  pg_describe_object(d.classid, d.objid, d.objsubid), t.oid::regtype, t.extname, CASE t.extname WHEN 'citext' THEN ', such as text with a unique index on lower(...)' ELSE '' END)
FROM parts JOIN pg_depend d USING (classid, objid) JOIN pg_type u ON u.oid = d.refobjid
JOIN needed_types t ON t.oid IN (u.oid, u.typelem, u.typbasetype)
WHERE d.refclassid = 'pg_type'::regclass AND t.extname IS NOT NULL AND t.typnamespace NOT IN (SELECT oid FROM usable WHERE on_path)
UNION
SELECT format('the type %s cannot be copied into tenants'' schemas, only enum types and domains of the schema public can: store it as jsonb or in columns', oid::regtype)
FROM needed_types WHERE NOT moves AND extname IS NULL
UNION
SELECT format('the constraint %I of the domain %s is NOT VALID: ALTER DOMAIN %2$s VALIDATE CONSTRAINT %1$I', conname, needed_types.oid::regtype)
FROM needed_types JOIN pg_constraint c ON contypid = needed_types.oid WHERE NOT convalidated;

INSERT INTO faults (problem)
SELECT DISTINCT format('%s uses the %s %s, which tenants'' schemas do not have: %s', pg_describe_object(d.classid, d.objid, d.objsubid), o.type, o.identity,
  CASE WHEN x.extname IS NULL THEN 'drop the former before the copy, and create both in each schema by a migration'
    ELSE format('move the extension out of public (ALTER EXTENSION %I SET SCHEMA ...), and GRANT USAGE ON that SCHEMA TO PUBLIC', x.extname) END)
FROM (SELECT * FROM parts UNION SELECT 'pg_constraint'::regclass, c.oid FROM needed_types t JOIN pg_constraint c ON contypid = t.oid WHERE moves
    UNION SELECT 'pg_type'::regclass, oid FROM needed_types WHERE moves) p
JOIN pg_depend d USING (classid, objid) CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) o
LEFT JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
LEFT JOIN pg_extension x ON x.oid = e.refobjid
WHERE o.schema IS NOT NULL AND o.schema <> 'pg_catalog' AND d.refclassid NOT IN ('pg_type'::regclass, 'pg_class'::regclass, 'pg_constraint'::regclass)
  AND (x.extname IS NULL OR x.extname NOT IN (SELECT extname FROM needed_types WHERE extname IS NOT NULL) AND to_regnamespace(quote_ident(o.schema)) NOT IN (SELECT oid FROM usable));

INSERT INTO faults (problem)
SELECT format('the sequence %s is not in the schema public: ALTER SEQUENCE %1$s SET SCHEMA public', oid::regclass)
FROM needed_sequences WHERE relnamespace <> 'public'::regnamespace
UNION ALL
SELECT format('the sequence %s belongs to %s: as that role, ALTER SEQUENCE %1$s OWNER TO %I', oid::regclass, pg_get_userbyid(relowner), current_user)
FROM needed_sequences WHERE NOT pg_has_role(relowner, 'USAGE')
UNION ALL
SELECT format('there is no sequence public.%I: remove it from --sequences', source) FROM wanted_sequences WHERE source NOT IN (SELECT name FROM needed_sequences)
UNION ALL
SELECT format('public.%I is a sequence that no table owns and no default reads: name it in --sequences to get a copy in each schema, or in --leave-out', c.relname)
FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace AND c.oid NOT IN (SELECT oid FROM needed_sequences)
  AND c.relname NOT IN (SELECT name FROM left_out) AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE (d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e')) OR (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_attrdef'::regclass));
