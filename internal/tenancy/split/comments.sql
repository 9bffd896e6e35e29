INSERT INTO definitions (source, step, statement)
SELECT source, step, format('COMMENT ON %s IS %L', what, comment) FROM (
  SELECT typname AS source, 'type' AS step, format('%s %I', CASE typtype WHEN 'e' THEN 'TYPE' ELSE 'DOMAIN' END, typname) AS what, obj_description(oid, 'pg_type') AS comment
    FROM needed_types WHERE moves
  UNION ALL SELECT name, 'sequence', format('SEQUENCE %I', name), obj_description(oid, 'pg_class') FROM needed_sequences WHERE kind <> 'i'
  UNION ALL SELECT source, 'link', format('TABLE %I', source), obj_description(oid, 'pg_class') FROM sources
  UNION ALL SELECT source, 'link', format('COLUMN %I.%I', source, attname), col_description(s.oid, attnum) FROM sources s JOIN pg_attribute ON attrelid = s.oid AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT source, 'link', format('CONSTRAINT %I ON %I', conname, source), obj_description(c.oid, 'pg_constraint') FROM sources s JOIN pg_constraint c ON conrelid = s.oid
  UNION ALL SELECT source, 'link', format('INDEX %I', relname), obj_description(i.oid, 'pg_class') FROM sources s JOIN pg_index ON indrelid = s.oid JOIN pg_class i ON i.oid = indexrelid
  UNION ALL SELECT source, 'link', format('STATISTICS %I', stxname), obj_description(x.oid, 'pg_statistic_ext') FROM sources s JOIN pg_statistic_ext x ON stxrelid = s.oid
) described WHERE comment IS NOT NULL;
