-- placed has the tenant of each row, found by one scan of each table. Later a tenant's rows
-- are read by their place (ctid). That needs no index on the key column, and no scan for
-- each tenant. tenant is null if the row belongs to no tenant of the list.
CREATE TEMP TABLE placed (source oid, tenant int, place tid, hash bigint);
CREATE INDEX placed_of_tenant ON placed (source, tenant);

-- place_table scans one table. If a table leads to its tenant through a parent, place_rows
-- has scanned the parent before. It uses record_out, because a cast of the row to text could
-- be one that a tenant created.
CREATE FUNCTION pg_temp.place_table(of_table oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  s record;
  p record;
BEGIN
  SELECT * INTO s FROM readable WHERE oid = of_table;
  SELECT * INTO p FROM parents WHERE oid = of_table LIMIT 1;
  IF s.kind = 'keyed' THEN
    EXECUTE format('INSERT INTO pg_temp.placed SELECT %s, w.number, t.ctid, hashtextextended(record_out(t.*)::text, 0)
      FROM ONLY %s t LEFT JOIN pg_temp.wanted_tenants w ON w.key = t.%I::text', of_table, of_table::regclass, (SELECT key_column FROM parameters));
  ELSE
    EXECUTE format('INSERT INTO pg_temp.placed SELECT %s, above.tenant, t.ctid, hashtextextended(record_out(t.*)::text, 0)
      FROM ONLY %s t LEFT JOIN ONLY %s p ON p.%I = t.%I LEFT JOIN pg_temp.placed above ON above.source = %s AND above.place = p.ctid',
      of_table, of_table::regclass, p.parent::regclass, p.parent_column, s.via, p.parent);
  END IF;
END $$;

-- place_rows scans all tables. It returns the tables whose parents form a circle, and those
-- whose parent is not readable.
CREATE FUNCTION pg_temp.place_rows() RETURNS oid[] LANGUAGE plpgsql AS $$
DECLARE
  done oid[] := '{}';
  following oid;
BEGIN
  TRUNCATE placed;
  LOOP
    SELECT s.oid INTO following FROM readable s LEFT JOIN parents p USING (oid)
    WHERE s.kind <> 'shared' AND s.oid <> ALL (done) AND (s.kind = 'keyed' OR p.parent = ANY (done)) ORDER BY s.position LIMIT 1;
    EXIT WHEN NOT FOUND;
    PERFORM pg_temp.place_table(following);
    ANALYZE placed;
    done := done || following;
  END LOOP;
  RETURN ARRAY(SELECT DISTINCT oid FROM readable JOIN parents USING (oid) WHERE oid <> ALL (done));
END $$;

-- digest returns the number of a table's rows, and a checksum that does not depend on their
-- order. digest_query returns the query for that.
CREATE FUNCTION pg_temp.digest_query(of_table text) RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT count(*), coalesce(sum(hashtextextended(record_out(t.*)::text, 0)::numeric), 0)::text FROM ONLY %s t', of_table)
$$;
CREATE FUNCTION pg_temp.digest(of_table regclass, OUT rows bigint, OUT checksum text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE pg_temp.digest_query(of_table::text) INTO rows, checksum;
END $$;

-- shares has the rows and the checksum of each tenant in each table, as of the last
-- place_rows.
CREATE TEMP VIEW shares AS
SELECT s.source, s.oid, s.position, w.number, w.schema, coalesce(p.rows, 0) AS rows, coalesce(p.checksum, '0') AS checksum
FROM readable s CROSS JOIN wanted_tenants w LEFT JOIN (
  SELECT source, tenant, count(*) AS rows, sum(hash::numeric)::text AS checksum FROM placed GROUP BY source, tenant
) p ON p.source = s.oid AND p.tenant = w.number WHERE s.kind <> 'shared'
UNION ALL
SELECT s.source, s.oid, s.position, w.number, w.schema, d.rows, d.checksum
FROM readable s CROSS JOIN LATERAL pg_temp.digest(s.oid) d CROSS JOIN wanted_tenants w WHERE s.kind = 'shared';

-- A table is not scanned if its parent has a fault. Then only the parent's fault is
-- reported.
CREATE TEMP TABLE unplaced AS SELECT unnest(pg_temp.place_rows()) AS oid;
INSERT INTO faults (problem)
SELECT format('%s leads to itself, not to a tenant: name another foreign key in --through', oid::regclass)
FROM unplaced WHERE NOT EXISTS (SELECT FROM sources WHERE oid IS NULL OR oid NOT IN (SELECT oid FROM readable));
INSERT INTO faults (problem)
SELECT format('%s has %s rows that belong to no tenant of the list', source::regclass, count(*)) FROM placed WHERE tenant IS NULL
GROUP BY source ORDER BY source::regclass::text;
