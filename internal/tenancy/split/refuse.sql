DO $$
DECLARE
  refused text := (SELECT string_agg(problem, E'\n' ORDER BY position) FROM faults);
BEGIN
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION E'refused, and nothing was changed:\n%', refused;
  END IF;
END $$;
