// Measures what a client costs, and how many transactions a second all tenants get.
// `go test ./internal/tenancy -run xxx -bench Prisma -benchtime 1x` runs it.
import { readTenants } from "../src/files.js";
import { PrismaClient } from "../src/generated/client.js";
import { readMigrations } from "../src/migrations/folder.js";
import { migrate } from "../src/migrations/run.js";
import { Tenants } from "../src/tenants.js";

const folder = process.env["TENANTS"] ?? "";
const url = process.env["DATABASE_URL"] ?? "";
const SECONDS = 10;

function resident(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
}

function percentile(sorted: readonly number[], share: number): string {
  return `${(sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(0)} ms`;
}

/** load runs `workers` loops for some seconds, each over the tenants that pick returns. */
async function load(title: string, tenants: Tenants<PrismaClient>, workers: number, pick: () => string): Promise<void> {
  const took: number[] = [];
  let failed = 0;
  const until = Date.now() + SECONDS * 1000;
  const loop = async () => {
    while (Date.now() < until) {
      const start = performance.now();
      await tenants
        .use(pick(), (db) => db.customer.findMany({ take: 20, include: { orders: { take: 1 } } }))
        .then(() => took.push(performance.now() - start))
        .catch(() => failed++);
    }
  };
  await Promise.all(Array.from({ length: workers }, loop));
  took.sort((a, b) => a - b);
  console.log(
    `${title}: ${(took.length / SECONDS).toFixed(0)} transactions a second, half within ${percentile(took, 0.5)}, ` +
      `95% within ${percentile(took, 0.95)}, the slowest ${percentile(took, 0.9999)}, ${failed} failed`,
  );
}

const names = (await readTenants(folder)).map(({ name }) => name);
const start = performance.now();
const outcomes = await migrate(await readTenants(folder), { url, migrations: await readMigrations("prisma/migrations") });
const each = (performance.now() - start) / names.length;
console.log(`migrations: ${outcomes.filter(({ state }) => state === "migrated").length} of ${names.length} tenants, ${each.toFixed(0)} ms each`);
const again = performance.now();
await migrate(await readTenants(folder), { url, migrations: await readMigrations("prisma/migrations") });
console.log(`nothing to migrate: ${((performance.now() - again) / names.length).toFixed(0)} ms each`);

const tenants = await Tenants.open({ folder, connect: (adapter) => new PrismaClient({ adapter }), maxClients: names.length, waitMs: 10_000 });
const query = (name: string) => tenants.use(name, (db) => db.customer.findMany({ take: 20, include: { orders: { take: 1 } } }));
await query(names[0] ?? "");
const one = resident();
for (const name of names.slice(1)) {
  await query(name);
}
const all = resident();
console.log(`memory: ${one.toFixed(0)} MiB with one client, ${all.toFixed(0)} MiB with ${names.length}`);

for (const name of names) {
  await tenants.use(name, async (db) => {
    const orders = { create: { totalCents: 100 } };
    await Promise.all(Array.from({ length: 20 }, (_, n) => db.customer.create({ data: { name: "x", email: `${n}@example.com`, orders } })));
  });
}

const any = () => names[Math.floor(Math.random() * names.length)] ?? "";
const busy = () => names[Math.floor(Math.random() * Math.min(5, names.length))] ?? "";
await load(`${names.length} tenants, 14 requests at once`, tenants, 14, any);
await load(`${names.length} tenants, 50 requests at once`, tenants, 50, any);
await load("5 busy tenants, 14 requests at once", tenants, 14, busy);
console.log(`memory after the load: ${resident().toFixed(0)} MiB`);
await tenants.close();
