-- Creates sample data in an empty schema, as the schema's owner. A scheduled run does not:
-- an app that has just dropped its tables would find them again.
CREATE FUNCTION pg_temp.sample_data(schema name, of_owner name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE INFO 'schema %: sample data', schema;
  EXECUTE format('SET LOCAL ROLE %I', of_owner);
  EXECUTE format('CREATE TABLE %I.customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE)', schema);
  EXECUTE format('CREATE TABLE %1$I.orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES %1$I.customers,
    placed_at timestamptz NOT NULL, total_cents int NOT NULL)', schema);
  EXECUTE format('INSERT INTO %I.customers SELECT n, ''Customer '' || n, ''customer'' || n || ''@example.com''
    FROM generate_series(1, 20) n', schema);
  EXECUTE format('INSERT INTO %I.orders SELECT n, 1 + n %% 20, timestamptz ''2026-01-01'' + n * interval ''7 hours'', 500 + n * 37 %% 9500
    FROM generate_series(1, 200) n', schema);
  RESET ROLE;
END $$;
SELECT format('SELECT pg_temp.attempt(%L, %L, %L)', name, 'sample data', format('SELECT pg_temp.sample_data(%L, %L)', role, owner)) FROM desired
WHERE sample_data AND state = 'active' AND NOT :'scheduled' AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(role)) AND relkind IN ('r', 'p'))
ORDER BY role
\gexec
