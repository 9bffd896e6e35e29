import pg from "pg";

import { ownerOf, type Tenant } from "../files.js";
import type { Migration } from "./folder.js";
import { History } from "./history.js";
import { compare, upTo } from "./plan.js";
import { describe, isSetRoleDenied, Problem } from "./problem.js";
import { dropSampleData, isSampleData } from "./sample.js";

export interface Options {
  /** The app's own role on the database itself: DATABASE_URL. A pooler would lose SET LOCAL between transactions only, but ends long ones. */
  url: string;
  migrations: readonly Migration[];
  /** Schemas that have tables and no history count as having the migrations up to this one. */
  baseline?: string;
  /** Report what is pending, and change nothing. */
  dryRun?: boolean;
  /** How long a statement waits for a lock. Default 5 s. */
  lockSeconds?: number;
  /** How long a statement may take. Default 300 s. */
  statementSeconds?: number;
}

export interface Outcome {
  readonly tenant: string;
  /** "ahead": the schema has migrations of a newer version, and lacks none of this one. */
  readonly state: "migrated" | "unchanged" | "pending" | "ahead" | "failed";
  /** The migrations that were applied, or are pending in a dry run. */
  readonly migrations: readonly string[];
  /** Why the state is "failed", and what to do. */
  readonly problem?: string;
}

/** Target is a tenant to migrate. `url` is its own connection string, which a tenant with ownsSchema: true needs. */
export type Target = Tenant & { readonly url?: string | undefined };

/**
 * migrate brings the schemas of tenants to the newest migration, one after the other.
 * What fails for one tenant stops that tenant only. Two runs at once are safe.
 */
export async function migrate(tenants: readonly Target[], options: Options): Promise<Outcome[]> {
  if (options.baseline !== undefined) {
    upTo(options.migrations, options.baseline); // a wrong name must stop the run before it changes anything
  }
  const outcomes: Outcome[] = [];
  for (const tenant of tenants) {
    outcomes.push(await migrateOne(tenant, options));
  }
  return outcomes;
}

/**
 * Each tenant has a session of its own: what a script leaves in it ends with it. With
 * ownsSchema: true the app's role may not act as the owner. Only the tenant's own sessions may.
 */
async function migrateOne(tenant: Target, options: Options, url = options.url): Promise<Outcome> {
  const db = new pg.Client({ connectionString: url, application_name: "migrate" });
  db.on("error", () => {}); // the query that waits reports it
  const run = new Run(db, tenant, options);
  try {
    await db.connect();
    return await (options.dryRun ? run.report() : run.apply());
  } catch (error) {
    if (tenant.url !== undefined && tenant.url !== url && isSetRoleDenied(error)) {
      return migrateOne(tenant, options, tenant.url);
    }
    return { tenant: tenant.name, state: "failed", migrations: run.applied, problem: describe(error) };
  } finally {
    await db.end().catch(() => {}); // it may have broken
  }
}

class Run {
  readonly applied: string[] = [];
  readonly #history: History;

  constructor(
    private readonly db: pg.Client,
    private readonly tenant: Tenant,
    private readonly options: Options,
  ) {
    this.#history = new History(db, tenant.schema, tenant.role);
  }

  async report(): Promise<Outcome> {
    const plan = await this.#asOwner(async () => {
      if (!(await this.#history.exists())) {
        const done = await this.#baseline();
        return { pending: this.options.migrations.slice(done.length), ahead: [] };
      }
      return compare(await this.#history.read(), this.options.migrations);
    });
    const state = plan.ahead.length > 0 ? "ahead" : plan.pending.length > 0 ? "pending" : "unchanged";
    return { tenant: this.tenant.name, state, migrations: plan.pending.map(({ name }) => name) };
  }

  async apply(): Promise<Outcome> {
    await this.#asOwner(() => this.#begin()).catch(ignoreExisting);
    for (;;) {
      const { next, ahead } = await this.#asOwner(() => this.#applyNext());
      if (!next) {
        const state = ahead.length > 0 ? "ahead" : this.applied.length > 0 ? "migrated" : "unchanged";
        return { tenant: this.tenant.name, state, migrations: this.applied };
      }
      this.applied.push(next.name);
    }
  }

  async #begin(): Promise<void> {
    if (await this.#history.exists()) {
      return;
    }
    const done = await this.#baseline();
    await this.#history.create();
    for (const migration of done) {
      await this.#history.add(migration, new Date());
    }
  }

  /** The migrations that a schema without a history counts as having. */
  async #baseline(): Promise<Migration[]> {
    const tables = await this.#history.tables();
    if (tables.length === 0) {
      return [];
    }
    if (tables.join() === "customers,orders" && (await isSampleData(this.db))) {
      if (!this.options.dryRun) {
        await dropSampleData(this.db);
      }
      return [];
    }
    if (this.options.baseline === undefined) {
      throw new Problem(
        `the schema has ${tables.join(", ")} and no history: if they are what a migration creates, run with --baseline and its name; ` +
          "if they are the platform's sample data and you changed it, drop them (docs/prisma.md#sample-data)",
      );
    }
    return upTo(this.options.migrations, this.options.baseline);
  }

  async #applyNext(): Promise<{ next: Migration | undefined; ahead: string[] }> {
    await this.#history.lock();
    const startedAt = new Date();
    const { pending, ahead } = compare(await this.#history.read(), this.options.migrations);
    const next = pending[0];
    if (next) {
      await this.#execute(next);
      await this.#history.add(next, startedAt);
    }
    return { next, ahead };
  }

  /** PL/pgSQL refuses COMMIT in the script, which would end the transaction and with it the owner's role. */
  async #execute(migration: Migration): Promise<void> {
    try {
      await this.db.query("SELECT set_config('migration.script', $1, true)", [migration.sql.replace(CREATE_SCHEMA, "$1")]);
      await this.db.query("DO $$ BEGIN EXECUTE current_setting('migration.script'); END $$");
    } catch (error) {
      throw new Problem(`${migration.name}: ${describe(error)}`);
    }
    const { rows } = await this.db.query("SELECT current_user AS role");
    if (rows[0].role !== ownerOf(this.tenant)) {
      throw new Problem(`${migration.name}: it changed the role to ${rows[0].role}: take SET ROLE and RESET ROLE out`);
    }
  }

  /** asOwner runs work in a transaction as the owner of the schema. */
  async #asOwner<T>(work: () => Promise<T>): Promise<T> {
    const { lockSeconds = 5, statementSeconds = 300, dryRun = false } = this.options;
    await this.db.query(dryRun ? "BEGIN READ ONLY" : "BEGIN");
    try {
      await this.db.query(`SET LOCAL ROLE ${this.db.escapeIdentifier(ownerOf(this.tenant))}`);
      await this.db.query(
        "SELECT set_config('search_path', $1, true), set_config('lock_timeout', $2, true), set_config('statement_timeout', $3, true)",
        [this.db.escapeIdentifier(this.tenant.schema), `${lockSeconds}s`, `${statementSeconds}s`],
      );
      const result = await work();
      await this.db.query("COMMIT");
      return result;
    } catch (error) {
      await this.db.query("ROLLBACK").catch(() => {}); // the session may have broken: the first error tells why
      throw error;
    }
  }
}

/**
 * Prisma 7 begins the first migration with this, and names the schema of the developer's
 * database. The platform has created the tenant's schema, and its owner may create no
 * other. The checksum stays the file's, and the lines keep their numbers.
 */
const CREATE_SCHEMA = /^-- CreateSchema(\r?\n)CREATE SCHEMA IF NOT EXISTS "[^"]+";/gm;

/** Another run has created the table between the look and the CREATE: the codes are of its type's and its own name. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof pg.DatabaseError && ["23505", "42P07", "42710"].includes(error.code ?? ""))) {
    throw error;
  }
}
