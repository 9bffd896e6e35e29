-- sources has the tables that the user named. oid is null if a table does not exist.
CREATE TEMP TABLE sources AS
SELECT w.position, w.source, w.kind, w.via, c.oid, c.relkind FROM wanted_tables w
LEFT JOIN pg_class c ON c.relname = w.source AND c.relnamespace = 'public'::regnamespace;

-- parents has the parent of each table that leads to its tenant through a foreign key.
CREATE TEMP TABLE parents AS
SELECT s.oid, s.source, s.via, p.oid AS parent, a.attname AS parent_column
FROM sources s JOIN pg_attribute v ON v.attrelid = s.oid AND v.attname = s.via
JOIN pg_constraint f ON f.conrelid = s.oid AND f.contype = 'f' AND f.conkey = ARRAY[v.attnum]
JOIN sources p ON p.oid = f.confrelid AND p.kind <> 'shared'
JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = f.confkey[1]
WHERE s.kind = 'through';

INSERT INTO faults (problem)
SELECT format('there is no table public.%I', source) FROM sources WHERE oid IS NULL
UNION ALL
SELECT format('public.%I is no plain table: remove it from the list', source) FROM sources WHERE relkind NOT IN ('r', 'p')
UNION ALL
SELECT format('public.%1$I is partitioned. A tenant has few rows, and needs no partitions: copy it into a plain table (CREATE TABLE ... (LIKE public.%1$I INCLUDING ALL), INSERT INTO ... SELECT), and give that table its name', source)
FROM sources WHERE relkind = 'p'
UNION ALL
SELECT format('%s inherits from %s, and the copy would lack these rows: ALTER TABLE %1$s NO INHERIT %2$s, and name both', inhrelid::regclass, inhparent::regclass)
FROM pg_inherits JOIN pg_class p ON p.oid = inhparent AND p.relkind = 'r'
WHERE inhrelid IN (SELECT oid FROM sources) OR inhparent IN (SELECT oid FROM sources)
UNION ALL
SELECT format('%s is a partition of %s: name the whole table', inhrelid::regclass, inhparent::regclass)
FROM pg_inherits JOIN pg_class p ON p.oid = inhparent AND p.relkind = 'p' WHERE inhrelid IN (SELECT oid FROM sources)
UNION ALL
SELECT format('%s belongs to %s: as that role, ALTER TABLE %1$s OWNER TO %I', oid::regclass, pg_get_userbyid(relowner), current_user)
FROM sources JOIN pg_class USING (oid) WHERE NOT pg_has_role(relowner, 'USAGE')
UNION ALL
SELECT format('%s has FORCE ROW LEVEL SECURITY, and this hides rows from its owner: ALTER TABLE %1$s NO FORCE ROW LEVEL SECURITY', oid::regclass)
FROM sources JOIN pg_class USING (oid) WHERE relforcerowsecurity AND row_security_active(oid)
UNION ALL
SELECT format('%s has no column %I: name it in --through with the foreign key that leads to its tenant, or in --shared', oid::regclass, key_column)
FROM sources, parameters WHERE kind = 'keyed' AND oid IS NOT NULL
  AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = key_column AND NOT attisdropped)
UNION ALL
SELECT format('%s has the column %I: name it in --tables', oid::regclass, key_column)
FROM sources, parameters WHERE kind <> 'keyed'
  AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = key_column AND NOT attisdropped)
UNION ALL
SELECT format('%s has no foreign key on the column %I alone that refers to a table of --tables or --through', oid::regclass, via)
FROM sources WHERE kind = 'through' AND oid IS NOT NULL AND oid NOT IN (SELECT oid FROM parents);

-- readable has the tables without a fault. Only their rows are read.
CREATE TEMP TABLE readable AS SELECT s.* FROM sources s JOIN pg_class c USING (oid), parameters
WHERE c.relkind = 'r' AND pg_has_role(relowner, 'USAGE') AND NOT (relforcerowsecurity AND row_security_active(oid))
  AND (s.kind <> 'keyed' OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = key_column AND NOT attisdropped));
