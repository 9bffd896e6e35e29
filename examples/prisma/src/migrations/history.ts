import type pg from "pg";

import type { Migration } from "./folder.js";

/** Record is a row of Prisma's table _prisma_migrations. */
export interface Record {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

// The table that Prisma makes: schema-engine, sql-schema-connector, flavour/postgres.
const COLUMNS = `
  id                  varchar(36) PRIMARY KEY NOT NULL,
  checksum            varchar(64) NOT NULL,
  finished_at         timestamptz,
  migration_name      varchar(255) NOT NULL,
  logs                text,
  rolled_back_at      timestamptz,
  started_at          timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0`;

/** History is a schema's table _prisma_migrations. Its session acts as the schema's owner. */
export class History {
  readonly #table: string;

  constructor(
    private readonly db: pg.ClientBase,
    private readonly schema: string,
    private readonly role: string,
  ) {
    this.#table = `${db.escapeIdentifier(schema)}._prisma_migrations`;
  }

  async exists(): Promise<boolean> {
    const { rows } = await this.db.query("SELECT to_regclass($1) IS NOT NULL AS found", [this.#table]);
    return rows[0].found;
  }

  /** create makes the table. The app's own login gets no right on it. */
  async create(): Promise<void> {
    await this.db.query(`CREATE TABLE ${this.#table} (${COLUMNS})`);
    await this.db.query(`REVOKE ALL ON ${this.#table} FROM ${this.db.escapeIdentifier(this.role)}`);
  }

  /** lock lets one run at a time write to this schema. It ends with the transaction. */
  async lock(): Promise<void> {
    await this.db.query(`LOCK TABLE ${this.#table} IN SHARE ROW EXCLUSIVE MODE`);
  }

  async read(): Promise<Record[]> {
    const { rows } = await this.db.query(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM ${this.#table}
       WHERE rolled_back_at IS NULL ORDER BY started_at`,
    );
    return rows;
  }

  async add(migration: Migration, startedAt: Date): Promise<void> {
    await this.db.query(
      `INSERT INTO ${this.#table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES (gen_random_uuid(), $1, $2, $3, clock_timestamp(), 1)`,
      [migration.checksum, migration.name, startedAt],
    );
  }

  /** tables lists what a schema without a history already holds. */
  async tables(): Promise<string[]> {
    const { rows } = await this.db.query(
      "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY relname",
      [this.db.escapeIdentifier(this.schema)],
    );
    return rows.map(({ relname }) => relname);
  }
}
