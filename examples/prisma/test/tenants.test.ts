import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";

import { Busy } from "../src/gate.js";
import { migrate } from "../src/migrations/run.js";
import { Unavailable, Unknown } from "../src/tenants.js";
import { copyOfFolder, DATABASE_URL, MIGRATIONS, open, OTHER_CA, tenant } from "./bed.js";

// A machine that is busy with other things must not fail a test.
const PATIENT = { maxWait: 30_000, timeout: 60_000 };
const NAMES = ["acme", "beta-2", "delta"];

before(async () => {
  const outcomes = await migrate(NAMES.map(tenant), { url: DATABASE_URL, migrations: MIGRATIONS });
  assert.deepEqual(outcomes.filter(({ state }) => state === "failed"), []);
});

test("each tenant's client reads and writes that tenant's rows only", async (t) => {
  const tenants = await open(t);
  const visit = (name: string, n: number) =>
    tenants.use(name, async (db) => {
      const customer = await db.customer.create({
        data: { name, email: `own-${n}@${name}.example.com`, orders: { create: { totalCents: n, status: "paid" } } },
        include: { orders: true },
      });
      assert.equal(customer.orders[0]?.status, "paid");
      const found = await db.customer.findMany({ where: { email: { startsWith: "own-" } }, include: { orders: true } });
      assert.deepEqual([...new Set(found.map((row) => row.name))], [name]);
      const [who] = await db.$queryRaw<{ role: string; schema: string }[]>`SELECT current_user AS role, current_schema AS schema`;
      assert.deepEqual(who, { role: tenant(name).role, schema: tenant(name).schema });
    });
  await Promise.all(NAMES.flatMap((name) => Array.from({ length: 10 }, (_, n) => visit(name, n))));
  for (const name of NAMES) {
    assert.equal(await tenants.use(name, (db) => db.customer.count({ where: { email: { startsWith: "own-" } } })), 10);
  }
});

test("an interactive transaction that fails leaves nothing and gives its place back", async (t) => {
  const tenants = await open(t);
  const doomed = tenants.use("acme", (db) =>
    db.$transaction(async (tx) => {
      await tx.customer.create({ data: { name: "x", email: "doomed@example.com" } });
      assert.equal(tenants.gate.holders, 1);
      throw new Error("changed its mind");
    }, PATIENT),
  );
  await assert.rejects(doomed, /changed its mind/);
  assert.equal(await tenants.use("acme", (db) => db.customer.count({ where: { email: "doomed@example.com" } })), 0);
  assert.deepEqual([tenants.gate.holders, tenants.gate.waiting], [0, 0]);
});

test("a query that the database refuses gives its place back", async (t) => {
  const tenants = await open(t);
  for (const sql of ["SELECT 1/0", 'SELECT * FROM "tenant_beta_2"."Customer"', 'CREATE TABLE mine (id int)', "SET ROLE owner_acme"]) {
    await assert.rejects(tenants.use("acme", (db) => db.$queryRawUnsafe(sql)), sql);
  }
  assert.deepEqual([tenants.gate.holders, tenants.gate.waiting], [0, 0]);
});

test("no more transactions run at once than the gate admits, and no tenant takes more places than its connections", async (t) => {
  const tenants = await open(t, { transactions: 2 });
  let most = 0;
  const work = (name: string) =>
    tenants.use(name, (db) =>
      db.$transaction(
        async (tx) => {
          most = Math.max(most, tenants.gate.holders);
          await tx.$queryRaw`SELECT 1 FROM pg_sleep(0.01)`;
        },
        PATIENT,
      ),
    );
  await Promise.all(NAMES.flatMap((name) => Array.from({ length: 5 }, () => work(name))));
  assert.equal(most, 2);
  most = 0;
  await Promise.all(Array.from({ length: 5 }, () => work("acme")));
  assert.equal(most, 1);
});

test("a query that waits too long for its turn fails with Busy", async (t) => {
  const tenants = await open(t, { transactions: 1, waitMs: 2_000 });
  await tenants.use("acme", (db) =>
    db.$transaction(async () => {
      const late = [
        tenants.use("beta-2", (other) => other.customer.count()), // the gate has no place
        tenants.use("acme", (same) => same.customer.count()), // the tenant has no connection
      ];
      await Promise.all(late.map((query) => assert.rejects(query, Busy)));
    }, PATIENT),
  );
  assert.deepEqual([tenants.gate.holders, tenants.gate.waiting], [0, 0]);
});

test("the client that was used the longest ago is closed when there are too many, and never one in use", async (t) => {
  const closed: string[] = [];
  const tenants = await open(t, { maxClients: 2 });
  const use = (name: string, work = async () => {}) =>
    tenants.use(name, async (db) => {
      const end = db.$disconnect.bind(db);
      db.$disconnect = async () => {
        closed.push(name);
        await end();
      };
      await db.customer.count();
      await work();
    });
  await use("acme");
  await use("beta-2", () => use("delta")); // acme makes room: beta-2 is in use
  assert.deepEqual([closed, tenants.clients], [["acme"], 2]);
  const third = use("beta-2", () => use("delta", () => use("acme")));
  await assert.rejects(third, Busy);
  assert.equal(tenants.clients, 2);
});

test("a client that nobody uses is closed after a while, and opened again when it is needed", async (t) => {
  const tenants = await open(t, { idleMs: 60_000 });
  await tenants.use("acme", async (db) => {
    await db.customer.count();
    tenants.closeIdle(Date.now() + 120_000);
    assert.equal(tenants.clients, 1, "it is in use");
  });
  tenants.closeIdle(Date.now() + 120_000);
  assert.equal(tenants.clients, 0);
  await tenants.use("acme", (db) => db.customer.count());
});

test("tenants that are unknown or not active have no client", async (t) => {
  const tenants = await open(t);
  await assert.rejects(tenants.use("nobody", async () => {}), Unknown);
  await assert.rejects(tenants.use("suspended", async () => {}), Unavailable);
  assert.equal(tenants.clients, 0);
});

test("hosts are compared without port, case and final dot", async (t) => {
  const tenants = await open(t);
  const { host } = tenant("acme");
  for (const header of [host, host.toUpperCase(), `${host}:443`, `${host}.`]) {
    assert.equal(tenants.byHost(header).name, "acme");
  }
  for (const header of [undefined, "", "example.com", `x.${host}`, `${host}@evil.example.com`, "__proto__"]) {
    assert.throws(() => tenants.byHost(header), Unknown);
  }
});

test("files that change take effect without a restart", async (t) => {
  const folder = await copyOfFolder(t);
  const tenants = await open(t, { folder });
  const list = JSON.parse(await readFile(join(folder, "tenants.json"), "utf8")) as { name: string; state: string }[];
  const write = (entries: object[]) => writeFile(join(folder, "tenants.json"), JSON.stringify(entries));
  const url = await readFile(join(folder, "acme.url"), "utf8");
  const count = () => tenants.use("acme", (db) => db.customer.count());

  await tenants.use("acme", async (db) => {
    await db.customer.count();
    await writeFile(join(folder, "acme.url"), url.replace(/:[^:@]+@/, ":wrong@"));
    await tenants.reload();
    await db.customer.count(); // who began with the old client may end with it
  });
  await assert.rejects(count(), /authentication failed|SASL/i);
  await writeFile(join(folder, "acme.url"), url);
  await tenants.reload();
  await count();

  await write(list.map((entry) => (entry.name === "acme" ? { ...entry, state: "suspended" } : entry)));
  await tenants.reload();
  await assert.rejects(count(), Unavailable);
  await write(list.filter(({ name }) => name !== "acme"));
  await tenants.reload();
  await assert.rejects(count(), Unknown);
  assert.equal(tenants.clients, 0);

  await writeFile(join(folder, "tenants.json"), '[{"name": "acme"}, {"name": 7}]');
  await assert.rejects(tenants.reload(), /\[0\]\.host: must be a string[^]*\[1\]\.name: must be a string/);
  await tenants.use("beta-2", (db) => db.customer.count()); // the last good files stay
});

test("a certificate of another authority or for another host is refused", async (t) => {
  const folder = await copyOfFolder(t);
  const url = await readFile(join(folder, "acme.url"), "utf8");
  const tenants = await open(t, { folder });
  const refused = async (changed: string, reason: RegExp) => {
    assert.notEqual(changed, url);
    await writeFile(join(folder, "acme.url"), changed);
    await tenants.reload();
    await assert.rejects(tenants.use("acme", (db) => db.customer.count()), reason);
  };
  await refused(url.replace(/sslrootcert=[^&]+/, `sslrootcert=${encodeURIComponent(OTHER_CA)}`), /certificate/);
  await refused(url.replace("@localhost:", "@127.0.0.1:"), /altnames|certificate/);
});
