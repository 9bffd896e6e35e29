import type pg from "pg";

const COLUMNS = `customers.id integer, customers.name text, customers.email text, orders.id integer,
  orders.customer_id integer, orders.placed_at timestamp with time zone, orders.total_cents integer`.replace(/\s+/g, " ");

// The rows that `sampleData: true` writes: internal/tenancy/reconcile/samples.sql. A row
// that is missing, added or changed is in one of the differences.
const CHANGED = `
  WITH c AS (SELECT n, 'Customer ' || n, 'customer' || n || '@example.com' FROM generate_series(1, 20) n),
    o AS (SELECT n, 1 + n % 20, timestamptz '2026-01-01 00:00+00' + n * interval '7 hours', 500 + n * 37 % 9500 FROM generate_series(1, 200) n)
  SELECT EXISTS (TABLE customers EXCEPT TABLE c) OR EXISTS (TABLE c EXCEPT TABLE customers)
    OR EXISTS (TABLE orders EXCEPT TABLE o) OR EXISTS (TABLE o EXCEPT TABLE orders) AS changed`;

/**
 * isSampleData reports whether a schema holds the platform's sample data and nothing else,
 * with every row as the platform wrote it. The session acts as the schema's owner, and its
 * search_path is the schema.
 */
export async function isSampleData(db: pg.ClientBase): Promise<boolean> {
  const found = await db.query(
    `SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' ORDER BY table_name, ordinal_position) AS columns
     FROM information_schema.columns WHERE table_schema = current_schema`,
  );
  return found.rows[0].columns === COLUMNS && !(await db.query(CHANGED)).rows[0].changed;
}

/** dropSampleData drops the tables that isSampleData recognised. */
export async function dropSampleData(db: pg.ClientBase): Promise<void> {
  await db.query("DROP TABLE orders, customers");
}
