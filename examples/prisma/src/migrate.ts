// Brings the schemas of all active tenants to the newest migration.
// Status 0: all are. 1: the table says which failed, and why. 2: nothing was begun.
import { parseArgs } from "node:util";

import { type Entry, readEntries } from "./files.js";
import { readMigrations } from "./migrations/folder.js";
import { migrate, type Options } from "./migrations/run.js";
import { table } from "./migrations/table.js";

const USAGE = `usage: DATABASE_URL=... node dist/src/migrate.js [options]
  --tenant NAME            only this tenant; may be repeated
  --status                 report what is pending, and change nothing
  --baseline MIGRATION     schemas with tables and no history have the migrations up to this one
  --lock-seconds N         how long a statement waits for a lock (5)
  --statement-seconds N    how long a statement may take (300)
  --tenants FOLDER         the platform's files (/etc/tenants)
  --migrations FOLDER      (prisma/migrations)`;

const STRING = { type: "string" } as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tenant: { type: "string", multiple: true },
      status: { type: "boolean", default: false },
      baseline: STRING,
      "lock-seconds": { type: "string", default: "5" },
      "statement-seconds": { type: "string", default: "300" },
      tenants: { type: "string", default: "/etc/tenants" },
      migrations: { type: "string", default: "prisma/migrations" },
    },
  });
  const url = process.env["DATABASE_URL"];
  if (!url) {
    throw new Error("DATABASE_URL: is not set; it is the app's own connection string (docs/app-contract.md)");
  }
  const options: Options = {
    url,
    migrations: await readMigrations(values.migrations),
    dryRun: values.status,
    lockSeconds: seconds("--lock-seconds", values["lock-seconds"]),
    statementSeconds: seconds("--statement-seconds", values["statement-seconds"]),
    ...(values.baseline === undefined ? {} : { baseline: values.baseline }),
  };
  const outcomes = await migrate(pick(await readEntries(values.tenants), values.tenant), options);
  console.log(table(outcomes));
  return outcomes.some(({ state }) => state === "failed") ? 1 : 0;
}

/** pick returns the active tenants: the others have no sessions, and are migrated when they come back. */
function pick(tenants: Entry[], names: string[] | undefined): Entry[] {
  const active = tenants.filter(({ state }) => state === "active");
  const unknown = (names ?? []).filter((name) => !active.some((tenant) => tenant.name === name));
  if (unknown.length > 0) {
    throw new Error(`--tenant ${unknown.join(", ")}: no active tenant has this name; there are ${active.map(({ name }) => name).join(", ")}`);
  }
  return names ? active.filter(({ name }) => names.includes(name)) : active;
}

function seconds(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new Error(`${option}: must be a number of seconds from 1 to 999999, not "${text}"`);
  }
  return Number(text);
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    console.error(`${error.message}\n${USAGE}`);
    process.exitCode = 2;
  },
);
