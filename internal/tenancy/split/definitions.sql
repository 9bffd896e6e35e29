-- definitions has the statements that create a tenant's types, sequences and tables. They
-- name objects of public without a schema, and run with the tenant's schema in search_path
-- in the place of public. So they never refer to the shared objects.
CREATE TEMP TABLE definitions (position serial, source name, step text NOT NULL, statement text NOT NULL);
SET search_path = public, pg_catalog, pg_temp;

INSERT INTO definitions (source, step, statement)
SELECT t.typname, 'type', CASE t.typtype
  WHEN 'e' THEN format('CREATE TYPE %I AS ENUM (%s)', t.typname, (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
  ELSE format('CREATE DOMAIN %I AS %s%s%s%s%s', t.typname, format_type(t.typbasetype, t.typtypmod),
    (SELECT format(' COLLATE pg_catalog.%I', collname) FROM pg_collation c JOIN pg_type b ON b.oid = t.typbasetype WHERE c.oid = t.typcollation AND b.typcollation <> c.oid),
    ' DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
    CASE WHEN t.typnotnull AND NOT EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid AND contype = 'n') THEN ' NOT NULL' END,
    (SELECT string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(c.oid)), '') FROM pg_constraint c WHERE contypid = t.oid)) END
FROM needed_types n JOIN pg_type t USING (oid) WHERE moves ORDER BY t.typtype DESC, t.oid;

CREATE FUNCTION pg_temp.sequence_options(of_sequence oid) RETURNS text LANGUAGE sql AS $$
  SELECT format('INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s', seqincrement, seqmin, seqmax, seqstart, seqcache,
    CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) FROM pg_sequence WHERE seqrelid = of_sequence
$$;
INSERT INTO definitions (source, step, statement)
SELECT name, 'sequence', format('CREATE SEQUENCE %I AS %s %s', name, seqtypid::regtype, pg_temp.sequence_options(oid))
FROM needed_sequences JOIN pg_sequence ON seqrelid = oid WHERE kind <> 'i';

-- From PostgreSQL 18 on, a NOT NULL is a constraint with a name.
CREATE FUNCTION pg_temp.column_definition(a pg_attribute) RETURNS text LANGUAGE sql AS $$
  SELECT concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
    (SELECT format(' COLLATE pg_catalog.%I', collname) FROM pg_collation c JOIN pg_type t ON t.oid = a.atttypid WHERE c.oid = a.attcollation AND c.oid <> t.typcollation),
    CASE WHEN a.attidentity <> '' THEN (SELECT format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %I %s)',
        CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, s.name, pg_temp.sequence_options(s.oid))
        FROM pg_temp.needed_sequences s WHERE s.owner = a.attrelid AND s.attnum = a.attnum AND s.kind = 'i')
      WHEN a.atthasdef THEN (SELECT format(CASE a.attgenerated WHEN 's' THEN ' GENERATED ALWAYS AS (%s) STORED'
        WHEN 'v' THEN ' GENERATED ALWAYS AS (%s) VIRTUAL' ELSE ' DEFAULT %s' END, pg_get_expr(adbin, adrelid))
        FROM pg_attrdef WHERE adrelid = a.attrelid AND adnum = a.attnum) END,
    CASE WHEN a.attnotnull THEN coalesce((SELECT CASE WHEN convalidated THEN format(' CONSTRAINT %I NOT NULL%s', conname, CASE WHEN connoinherit THEN ' NO INHERIT' END) ELSE '' END
      FROM pg_constraint WHERE conrelid = a.attrelid AND contype = 'n' AND conkey = ARRAY[a.attnum]), ' NOT NULL') END)
$$;
INSERT INTO definitions (source, step, statement)
SELECT source, 'table', format('CREATE %sTABLE %I (%s)', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, source,
  (SELECT string_agg(pg_temp.column_definition(a), ', ' ORDER BY attnum) FROM pg_attribute a WHERE attrelid = s.oid AND attnum > 0 AND NOT attisdropped))
FROM sources s JOIN pg_class c USING (oid);
INSERT INTO definitions (source, step, statement)
SELECT source, 'table', format('ALTER TABLE %I SET (%s)', source, string_agg(format('%s%I = %L', prefix, option_name, option_value), ', '))
FROM sources s JOIN pg_class c USING (oid) LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid,
  LATERAL (SELECT '' AS prefix, o.* FROM pg_options_to_table(c.reloptions) o UNION ALL SELECT 'toast.', o.* FROM pg_options_to_table(toast.reloptions) o) o
GROUP BY source;
INSERT INTO definitions (source, step, statement)
SELECT source, 'table', format('ALTER TABLE %I ALTER %I SET %s', source, attname, setting)
FROM sources s JOIN pg_attribute a ON attrelid = s.oid AND attnum > 0 AND NOT attisdropped JOIN pg_type t ON t.oid = atttypid, LATERAL (VALUES
  (CASE WHEN attstorage <> typstorage THEN 'STORAGE ' || CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END END),
  (CASE attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END),
  (CASE WHEN attstattarget >= 0 THEN format('STATISTICS %s', attstattarget) END),
  ((SELECT '(' || string_agg(format('%I = %L', option_name, option_value), ', ') || ')' FROM pg_options_to_table(attoptions)))
) AS settings (setting) WHERE setting IS NOT NULL;

-- written has the columns that a copy writes, all but the generated ones. It casts values of
-- public's enum types and domains to the tenant's own types.
CREATE TEMP TABLE written AS
SELECT s.oid, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns,
  string_agg(format(CASE WHEN EXISTS (SELECT FROM needed_types n WHERE moves AND n.oid IN (atttypid, typelem)) THEN 't.%I::text::%s' ELSE 't.%I' END,
    attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) AS selected
FROM sources s JOIN pg_attribute ON attrelid = s.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' JOIN pg_type t ON t.oid = atttypid GROUP BY s.oid;

-- The statements of the step finish run after the rows are copied. So each index is built
-- once. A constraint that is NOT VALID would refuse rows that violate it.
INSERT INTO definitions (source, step, statement)
SELECT source, 'finish', format('ALTER SEQUENCE %I OWNED BY %I.%I', n.name, source, attname)
FROM needed_sequences n JOIN sources s ON s.oid = n.owner JOIN pg_attribute a ON attrelid = n.owner AND a.attnum = n.attnum WHERE n.kind = 'a';
INSERT INTO definitions (source, step, statement)
SELECT source, 'finish', format('ALTER TABLE %I ADD CONSTRAINT %I %s', source, conname, pg_get_constraintdef(c.oid))
FROM sources s JOIN pg_constraint c ON conrelid = s.oid
WHERE contype IN ('p', 'u', 'x', 'c') OR (contype = 'n' AND NOT convalidated) ORDER BY s.position, strpos('npuxc', contype::text), conname;
INSERT INTO definitions (source, step, statement)
SELECT source, 'finish', pg_get_indexdef(indexrelid, 0, true) FROM sources s JOIN pg_index i ON indrelid = s.oid
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x'));
INSERT INTO definitions (source, step, statement)
SELECT source, 'finish', format('ALTER INDEX %I SET (%s)', i.relname, string_agg(format('%I = %L', option_name, option_value), ', '))
FROM sources s JOIN pg_constraint c ON conrelid = s.oid AND contype IN ('p', 'u', 'x') JOIN pg_class i ON i.oid = conindid, LATERAL pg_options_to_table(i.reloptions)
GROUP BY source, i.relname;
INSERT INTO definitions (source, step, statement)
SELECT source, 'finish', statement FROM sources s JOIN pg_index i ON indrelid = s.oid JOIN pg_class x ON x.oid = indexrelid, LATERAL (VALUES
  (CASE WHEN indisclustered THEN format('ALTER TABLE %I CLUSTER ON %I', source, x.relname) END),
  (CASE WHEN indisreplident THEN format('ALTER TABLE %I REPLICA IDENTITY USING INDEX %I', source, x.relname) END)) AS marks (statement) WHERE statement IS NOT NULL
UNION ALL
SELECT source, 'finish', format('ALTER TABLE %I REPLICA IDENTITY %s', source, CASE relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
FROM sources s JOIN pg_class c USING (oid) WHERE relreplident IN ('f', 'n')
UNION ALL
SELECT source, 'finish', 'CREATE STATISTICS ' || quote_ident(stxname) || substr(pg_get_statisticsobjdef(x.oid), 1 + length(format('CREATE STATISTICS %I.%I', nspname, stxname)))
FROM sources s JOIN pg_statistic_ext x ON stxrelid = s.oid JOIN pg_namespace n ON n.oid = stxnamespace;
INSERT INTO definitions (source, step, statement)
SELECT source, 'link', format('ALTER TABLE %I ADD CONSTRAINT %I %s', source, conname, pg_get_constraintdef(c.oid))
FROM sources s JOIN pg_constraint c ON conrelid = s.oid AND contype = 'f' ORDER BY s.position, conname;
SET search_path = pg_catalog, pg_temp;
