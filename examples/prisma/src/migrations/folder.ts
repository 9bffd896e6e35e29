import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Migration is a folder of prisma/migrations. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of migration.sql, as Prisma records it. */
  readonly checksum: string;
}

/** readMigrations reads prisma/migrations in the order in which it is applied. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
  return Promise.all(
    names.map(async (name) => {
      const data = await readFile(join(folder, name, "migration.sql"));
      return { name, sql: data.toString("utf8"), checksum: createHash("sha256").update(data).digest("hex") };
    }),
  );
}
