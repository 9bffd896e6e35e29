INSERT INTO compared
SELECT s.schema, s.source, s.rows, (s.rows, s.checksum) IS DISTINCT FROM (r.rows, r.checksum), r.schema IS NOT NULL,
  c.rows, (c.rows, c.checksum) IS DISTINCT FROM (r.rows, r.checksum), (c.rows, c.checksum) IS NOT DISTINCT FROM (s.rows, s.checksum)
FROM shares s JOIN wanted_tenants w USING (schema)
LEFT JOIN public.tenant_split r ON r.schema = s.schema AND r.kind = 'table' AND r.name = s.source
LEFT JOIN LATERAL pg_temp.copy_digest(w.owner, r.schema, r.name) c ON r.schema IS NOT NULL
ORDER BY s.schema, s.position;
