INSERT INTO faults (problem)
SELECT format('%I.%I has changed since it was copied: its new rows would be lost', schema, source) FROM compared WHERE recorded AND copy_rows IS NOT NULL AND copy_changed
UNION ALL
SELECT format('public.%I has no rows of %s any more, and the copy has %s: these may be the only ones left', source, schema, copy_rows)
FROM compared WHERE recorded AND shared_rows = 0 AND copy_rows > 0
UNION ALL
SELECT format('%I.%I was copied too: name this table in --tables, --through or --shared', r.schema, r.name) FROM public.tenant_split r JOIN wanted_tenants w USING (schema)
WHERE r.kind = 'table' AND r.name NOT IN (SELECT source FROM sources);
