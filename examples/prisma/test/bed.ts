// What the tests get from internal/tenancy/prisma_test.go: a server, a pooler, and the
// platform's files.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { readTenants, type Tenant } from "../src/files.js";
import { PrismaClient } from "../src/generated/client.js";
import { type Migration, readMigrations } from "../src/migrations/folder.js";
import { type Options, Tenants } from "../src/tenants.js";

function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name}: is not set; \`go test ./internal/tenancy -run TestPrisma\` runs these tests`);
  }
  return value;
}

/** The folder of tenants.json and the connection strings, which lead to the pooler. */
export const FOLDER = required("TENANTS");
/** The app's own role on the server itself. */
export const DATABASE_URL = required("DATABASE_URL");
/** A certificate authority that did not sign the pooler's certificate. */
export const OTHER_CA = required("OTHER_CA");

export const MIGRATIONS: readonly Migration[] = await readMigrations("prisma/migrations");

const all = await readTenants(FOLDER);

export function tenant(name: string): Tenant {
  const found = all.find((entry) => entry.name === name);
  if (!found) {
    throw new Error(`prisma_test.go declares no tenant ${name}`);
  }
  return found;
}

/** open returns clients that end with the test. Files are read again only by reload. */
export async function open(t: TestContext, options: Partial<Options<PrismaClient>> = {}): Promise<Tenants<PrismaClient>> {
  const tenants = await Tenants.open({ folder: FOLDER, reloadMs: 0, connect: (adapter) => new PrismaClient({ adapter }), ...options });
  t.after(() => tenants.close());
  return tenants;
}

/** copyOfFolder returns a copy of the platform's files that a test may change. */
export async function copyOfFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tenants-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(FOLDER, folder, { recursive: true });
  return folder;
}

/** migration returns a script that is not in the folder. */
export function migration(name: string, sql: string): Migration {
  return { name, sql, checksum: `checksum of ${name}` };
}
