SELECT to_regclass('public.tenant_split') IS NULL AS missing \gset
\if :missing
DO $$ BEGIN RAISE EXCEPTION 'nothing was copied yet: there is no table public.tenant_split'; END $$;
\endif
