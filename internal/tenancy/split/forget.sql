-- Drops an empty record after a first run that was refused, and after a rollback.
DO $$
BEGIN
  LOCK TABLE public.tenant_split IN ACCESS EXCLUSIVE MODE;
  IF NOT EXISTS (SELECT FROM public.tenant_split) AND (EXISTS (SELECT FROM faults) OR current_setting('platform.rollback', true) = 'on') THEN
    DROP TABLE public.tenant_split;
  END IF;
END $$;
