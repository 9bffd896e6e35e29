-- public.tenant_split records what was copied, in the transaction of the copy.
CREATE TABLE IF NOT EXISTS public.tenant_split (
  schema name, kind text, name name, rows bigint, checksum text, copied timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema, kind, name)
);
