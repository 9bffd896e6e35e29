-- Stops if rows were written to the shared tables after they were copied: the copies would
-- lack them.
DO $$
DECLARE
  behind text;
BEGIN
  PERFORM pg_temp.place_rows();
  SELECT string_agg(format('public.%s of %s', s.source, s.schema), ', ' ORDER BY s.schema, s.position) INTO behind
  FROM shares s JOIN public.tenant_split r ON r.schema = s.schema AND r.kind = 'table' AND r.name = s.source
  WHERE (r.rows, r.checksum) IS DISTINCT FROM (s.rows, s.checksum);
  IF behind IS NOT NULL OR EXISTS (SELECT FROM placed WHERE tenant IS NULL) THEN
    RAISE EXCEPTION 'changed since it was copied: %; stop the app, run the script of --rollback, and this one again', coalesce(behind, 'rows of no tenant were added');
  END IF;
  RAISE INFO 'split: % copies, all equal to the shared tables', (SELECT count(*) FROM shares);
END $$;
