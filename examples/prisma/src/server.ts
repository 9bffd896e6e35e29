// A small app of the platform (docs/app-contract.md): GET / of a tenant's host returns
// its customers, POST / with a name and an e-mail address adds one.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

import { readEntries, type Tenant } from "./files.js";
import { PrismaClient } from "./generated/client.js";
import { perTenant } from "./http.js";
import { readMigrations } from "./migrations/folder.js";
import { migrate, type Outcome } from "./migrations/run.js";
import { table } from "./migrations/table.js";
import { Tenants } from "./tenants.js";

const url = process.env["DATABASE_URL"] ?? "";
const port = Number(process.env["PORT"] ?? 9898);
const folder = process.env["TENANTS"] ?? "/etc/tenants";

const migrations = await readMigrations("prisma/migrations");
const tenants = await Tenants.open({ folder, connect: (adapter) => new PrismaClient({ adapter }) });

/** The tenants whose schema has this version's migrations. Undefined until the first run has ended. */
let migrated: Set<string> | undefined;

/** Migrates the tenants that are new, that came back, or that failed before. */
async function migrateNew(): Promise<void> {
  const active = (await readEntries(folder)).filter(({ state }) => state === "active");
  const done = new Set(active.map(({ name }) => name).filter((name) => migrated?.has(name)));
  const outcomes = await migrate(active.filter(({ name }) => !done.has(name)), { url, migrations });
  outcomes.filter(({ state }) => state !== "failed").forEach(({ tenant }) => done.add(tenant));
  report(outcomes);
  migrated = done;
}

function report(outcomes: readonly Outcome[]): void {
  if (outcomes.length > 0) {
    console.log(table(outcomes));
  }
}

async function handle(db: PrismaClient, _: Tenant, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "POST") {
    const { name, email } = (await json(request)) as { name: string; email: string };
    await db.customer.create({ data: { name, email } });
  }
  const customers = await db.customer.findMany({ orderBy: { id: "asc" }, take: 100 });
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(customers));
}

const ofTenant = perTenant(tenants, ({ name }) => migrated?.has(name) ?? false, handle);

const server = createServer((request, response) => {
  switch (request.url) {
    case "/healthz":
      response.writeHead(200).end();
      return;
    case "/readyz":
      response.writeHead(migrated ? 200 : 503).end();
      return;
    case "/metrics":
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(metrics());
      return;
    default:
      ofTenant(request, response);
  }
});

function metrics(): string {
  return [
    `tenant_clients_open ${tenants.clients}`,
    `tenant_transactions_running ${tenants.gate.holders}`,
    `tenant_transactions_waiting ${tenants.gate.waiting}`,
    `tenants_migrated ${migrated?.size ?? 0}`,
    "",
  ].join("\n");
}

/** Runs migrateNew again and again, half a minute after the last run has ended. */
async function keepMigrating(): Promise<void> {
  await migrateNew().catch((error: Error) => console.error(error.message));
  setTimeout(keepMigrating, 30_000).unref();
}

server.listen(port, () => console.log(`listening on port ${port}`));
void keepMigrating();

process.once("SIGTERM", () => {
  server.close(() => void tenants.close());
});
