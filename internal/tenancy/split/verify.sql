DO $$
DECLARE
  different text := (SELECT string_agg(format('%s.%s: %s', schema, source, CASE
      WHEN NOT recorded THEN 'was not copied yet'
      WHEN copy_rows IS NULL THEN 'was copied, and does not exist any more'
      ELSE concat_ws(', and ', CASE WHEN shared_changed THEN format('public.%s has changed since it was copied', source) END,
        CASE WHEN copy_changed THEN 'the copy has changed since it was made' END,
        format('%s rows here, %s in public', copy_rows, shared_rows)) END), E'\n') FROM compared WHERE NOT equal);
BEGIN
  IF different IS NOT NULL THEN
    RAISE EXCEPTION E'these copies differ from the shared tables; nothing was changed:\n%', different;
  END IF;
  RAISE INFO 'verified: % copies, all equal to the shared tables', (SELECT count(*) FROM compared);
END $$;
