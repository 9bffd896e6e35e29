// Prisma's own schema engine, to compare with what the runner leaves. It is the engine
// of `prisma migrate` compiled to WebAssembly; Node.js 20 cannot import its .wasm file.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import type { MigrationList, SchemaEngine } from "@prisma/schema-engine-wasm";

import { ownerOf, type Tenant } from "../src/files.js";
import { DATABASE_URL, MIGRATIONS, tenant } from "./bed.js";

// What is used of WebAssembly: its types come with those of browsers only.
declare const WebAssembly: {
  Module: new (data: Uint8Array) => object;
  Instance: new (module: object, imports: Record<string, unknown>) => { exports: Record<string, unknown> };
};

const SCHEMA = { path: "schema.prisma", content: await readFile("prisma/schema.prisma", "utf8") };
const FILTERS = { externalTables: [], externalEnums: [] };

const wasm = await readFile(fileURLToPath(new URL("schema_engine_bg.wasm", import.meta.resolve("@prisma/schema-engine-wasm/schema_engine_bg"))));
const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { "./schema_engine_bg.js": bindings });
const glue = bindings as unknown as { __wbg_set_wasm(exports: Record<string, unknown>): void; SchemaEngine: typeof SchemaEngine };
glue.__wbg_set_wasm(instance.exports);
(instance.exports["__wbindgen_start"] as () => void)();

const LIST: MigrationList = {
  baseDir: "prisma/migrations",
  lockfile: { path: "migration_lock.toml", content: await readFile("prisma/migrations/migration_lock.toml", "utf8") },
  shadowDbInitScript: "",
  migrationDirectories: MIGRATIONS.map(({ name, sql }) => ({
    path: name,
    migrationFile: { path: "migration.sql", content: { tag: "ok", value: sql } },
  })),
};

/**
 * withEngine connects Prisma's schema engine to a tenant's schema as its owner. The
 * engine keeps its advisory lock until the session ends: others wait for it.
 */
async function withEngine<T>(of: Tenant, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const options = `-c role=${ownerOf(of)} -c search_path=${of.schema}`;
  const pool = new pg.Pool({ connectionString: DATABASE_URL, options, max: 1 });
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool, { schema: of.schema }));
  try {
    return await work(await glue.SchemaEngine.new({ datamodels: [[SCHEMA.path, SCHEMA.content]] }, () => {}, adapter));
  } finally {
    await pool.end();
  }
}

/** history is what `prisma migrate status` knows about a schema. */
export function history(of: Tenant) {
  return withEngine(of, (engine) =>
    engine.diagnoseMigrationHistory({ migrationsList: LIST, optInToShadowDatabase: false, filters: FILTERS }),
  );
}

/** deploy is `prisma migrate deploy`. */
export async function deploy(of: Tenant): Promise<string[]> {
  return (await withEngine(of, (engine) => engine.applyMigrations({ migrationsList: LIST, filters: FILTERS }))).appliedMigrationNames;
}

/** script is what Prisma would write as the first migration of schema.prisma: `prisma migrate diff --from-empty`. */
export async function script(): Promise<string> {
  const to = { tag: "schemaDatamodel", files: [SCHEMA] } as const;
  const diff = { from: { tag: "empty" }, to, script: true, exitCode: null, shadowDatabaseUrl: null, filters: FILTERS } as const;
  return (await withEngine(tenant("first"), (engine) => engine.diff(diff as never))).stdout ?? "";
}
