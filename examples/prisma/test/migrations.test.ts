import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test, type TestContext } from "node:test";

import pg from "pg";

import { ownerOf, type Tenant } from "../src/files.js";
import { migrate, type Outcome } from "../src/migrations/run.js";
import { DATABASE_URL, FOLDER, migration, MIGRATIONS, open, tenant } from "./bed.js";
import { deploy, history, script } from "./engine.js";

const ALL = MIGRATIONS.map(({ name }) => name);

function run(tenants: readonly Tenant[], migrations = MIGRATIONS, options = {}): Promise<Outcome[]> {
  return migrate(tenants, { url: DATABASE_URL, migrations, lockSeconds: 1, ...options });
}

/** asOwner runs a statement in the tenant's schema, as a migration by hand would. */
async function asOwner(t: TestContext, of: Tenant, sql: string): Promise<pg.QueryResult> {
  const db = await session(t, DATABASE_URL);
  await db.query(`SET ROLE ${ownerOf(of)}`);
  await db.query(`SET search_path = ${of.schema}`);
  return db.query(sql);
}

async function session(t: TestContext, url: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  t.after(() => db.end());
  return db;
}

/** relations are the tables of a schema with their owners. */
async function relations(t: TestContext, of: Tenant): Promise<string[]> {
  const sql = "SELECT relname || ' of ' || relowner::regrole AS text FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind = 'r' ORDER BY 1";
  return (await asOwner(t, of, sql)).rows.map(({ text }) => text);
}

function failure(outcomes: Outcome[]): string {
  assert.deepEqual(outcomes.map(({ state }) => state), ["failed"]);
  return outcomes[0]?.problem ?? "";
}

test("every schema gets every migration as its owner, and a second run changes nothing", async (t) => {
  const tenants = [tenant("first"), tenant("second-one")];
  assert.deepEqual(await run(tenants), [
    { tenant: "first", state: "migrated", migrations: ALL },
    { tenant: "second-one", state: "migrated", migrations: ALL },
  ]);
  assert.deepEqual(await run(tenants), [
    { tenant: "first", state: "unchanged", migrations: [] },
    { tenant: "second-one", state: "unchanged", migrations: [] },
  ]);
  const owner = "owner_second_one";
  assert.deepEqual(await relations(t, tenant("second-one")), [`Customer of ${owner}`, `Order of ${owner}`, `_prisma_migrations of ${owner}`]);
});

test("Prisma's own engine finds its history complete, and has nothing to apply", async () => {
  const first = tenant("first");
  await run([first]);
  assert.deepEqual(await history(first), { editedMigrationNames: [], failedMigrationNames: [], hasMigrationsTable: true, history: null });
  assert.deepEqual(await deploy(first), []);
});

test("the migrations make what Prisma would write for schema.prisma in one script", async (t) => {
  const made = async (of: Tenant) => {
    const columns = `SELECT table_name, column_name, is_nullable, udt_name, column_default FROM information_schema.columns
      WHERE table_schema = current_schema AND table_name <> '_prisma_migrations' ORDER BY 1, 2`;
    const constraints = `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = current_schema::regnamespace AND conname !~ '^_prisma' ORDER BY 1`;
    return [(await asOwner(t, of, columns)).rows, (await asOwner(t, of, constraints)).rows];
  };
  const whole = migration("1_whole", await script());
  assert.match(whole.sql, /^CREATE SCHEMA IF NOT EXISTS/m);
  await run([tenant("first")]);
  assert.equal((await run([tenant("declared")], [whole]))[0]?.problem, undefined);
  assert.deepEqual(await made(tenant("first")), await made(tenant("declared")));
});

test("the runner goes on where `prisma migrate deploy` has been before", async () => {
  const before = tenant("deployed");
  assert.deepEqual(await deploy(before), ALL);
  assert.deepEqual(await run([before], [...MIGRATIONS, migration("2_more", "CREATE TABLE more (id int)")]), [
    { tenant: "deployed", state: "migrated", migrations: ["2_more"] },
  ]);
});

test("the app's login reads and writes rows, and neither changes the schema nor sees the history", async (t) => {
  await run([tenant("first")]);
  const tenants = await open(t);
  await tenants.use("first", async (db) => {
    await db.customer.create({ data: { name: "x", email: "x@example.com" } });
    for (const sql of ['ALTER TABLE "Customer" ADD COLUMN mine int', "CREATE TABLE mine (id int)", "SELECT * FROM _prisma_migrations", "DELETE FROM _prisma_migrations"]) {
      await assert.rejects(db.$queryRawUnsafe(sql), /permission denied|must be owner/, sql);
    }
  });
});

test("one failure stops that tenant only, and the command ends with status 1 and a table", async (t) => {
  await asOwner(t, tenant("conflict"), 'CREATE TABLE "Order" (id int); CREATE TABLE _prisma_migrations_old (id int)');
  const args = ["dist/src/migrate.js", "--tenants", FOLDER, ...["third", "conflict", "fourth"].flatMap((name) => ["--tenant", name])];
  const { code, out } = await command(args);
  assert.equal(code, 1, out);
  assert.match(out, /^third +migrated +20261101000000_init, 20261102000000_order_note$/m);
  assert.match(out, /^fourth +migrated /m);
  assert.match(out, /^conflict +failed +the schema has Order, _prisma_migrations_old and no history: .*--baseline/m);
  assert.match(out, /^3 tenants, 1 failed$/m);
  assert.equal((await command(["dist/src/migrate.js", "--tenants", FOLDER, "--tenant", "third"])).code, 0);
});

function command(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env }, (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, out: stdout + stderr }));
  });
}

test("a command that cannot begin ends with status 2, says what is right, and prints no password", async () => {
  for (const [args, env, text] of [
    [["--tenants", FOLDER], { DATABASE_URL: "" }, /DATABASE_URL: is not set/],
    [["--tenants", "/nowhere"], {}, /\/nowhere\/tenants.json: ENOENT/],
    [["--tenants", FOLDER, "--tenant", "nobody"], {}, /--tenant nobody: no active tenant has this name/],
    [["--tenants", FOLDER, "--baseline", "nothing"], {}, /--baseline nothing: no such migration; there are 2026/],
    [["--tenants", FOLDER, "--lock-seconds", "soon"], {}, /--lock-seconds: must be a number/],
    [["--tenants", FOLDER, "--unknown"], {}, /unknown/],
  ] as const) {
    const { code, out } = await command(["dist/src/migrate.js", ...args], { ...process.env, ...env });
    assert.equal(code, 2, out);
    assert.match(out, text);
  }
  const unreachable = DATABASE_URL.replace(/localhost:\d+/, "localhost:1");
  const { code, out } = await command(["dist/src/migrate.js", "--tenants", FOLDER], { ...process.env, DATABASE_URL: unreachable });
  assert.equal(code, 1, out);
  assert.match(out, /failed +.*ECONNREFUSED/);
  assert.doesNotMatch(out, /only-for-tests/);
});

test("a migration that fails leaves nothing of itself, and the ones before it stay", async (t) => {
  const broken = migration("2_broken", "CREATE TABLE half (id int);\n\nINSERT INTO half VALUES ('x');");
  const problem = failure(await run([tenant("broken")], [...MIGRATIONS, broken]));
  assert.match(problem, /^2_broken: invalid input syntax for type integer: "x" \(SQLSTATE 22P02, line 3\)$/);
  assert.deepEqual(await relations(t, tenant("broken")), ["Customer of owner_broken", "Order of owner_broken", "_prisma_migrations of owner_broken"]);
  const mended = migration("2_broken", "CREATE TABLE half (id int)");
  assert.deepEqual(await run([tenant("broken")], [...MIGRATIONS, mended]), [{ tenant: "broken", state: "migrated", migrations: ["2_broken"] }]);
});

test("what a migration may not do fails with what to do, and leaves nothing", async (t) => {
  for (const [sql, text] of [
    ["CREATE TABLE left_over (id int); COMMIT; CREATE TABLE elsewhere (id int)", /take BEGIN, COMMIT and ROLLBACK out/],
    ["CREATE TABLE left_over (id int); RESET ROLE", /it changed the role to app: take SET ROLE and RESET ROLE out/],
    ['CREATE SCHEMA IF NOT EXISTS "tenant_refused"', /permission denied for database .*take CREATE SCHEMA out/],
    ["CREATE TABLE left_over (id int); CREATE INDEX CONCURRENTLY ON left_over (id)", /use CREATE INDEX without CONCURRENTLY/],
    ["CREATE TABLE tenant_first.mine (id int)", /permission denied for schema tenant_first/],
  ] as const) {
    assert.match(failure(await run([tenant("refused")], [migration("1_refused", sql)])), text);
  }
  assert.deepEqual(await relations(t, tenant("refused")), ["_prisma_migrations of owner_refused"]);
});

test("two runs at once apply each migration once", async (t) => {
  const slow = migration("1_slow", "CREATE TABLE slow (id int); SELECT pg_sleep(0.3)");
  const runs = await Promise.all([1, 2, 3].map(() => run([tenant("race")], [slow, migration("2_quick", "CREATE TABLE quick (id int)")])));
  assert.deepEqual(runs.flat().flatMap(({ migrations }) => migrations).sort(), ["1_slow", "2_quick"]);
  const { rows } = await asOwner(t, tenant("race"), "SELECT migration_name FROM _prisma_migrations ORDER BY 1");
  assert.deepEqual(rows.map(({ migration_name }) => migration_name), ["1_slow", "2_quick"]);
});

test("a session that holds the advisory lock of `prisma migrate` stops no run", async (t) => {
  const db = await session(t, DATABASE_URL);
  await db.query("SELECT pg_advisory_lock(72707369)");
  assert.equal((await run([tenant("unlocked")]))[0]?.state, "migrated");
});

test("a tenant's open transaction stops its own migration only", async (t) => {
  const both = [tenant("locked"), tenant("unlocked")];
  await run(both);
  const tenants = await open(t);
  await tenants.use("locked", (db) =>
    db.$transaction(async (tx) => {
      await tx.customer.count();
      const outcomes = await run(both, [...MIGRATIONS, migration("2_column", 'ALTER TABLE "Customer" ADD COLUMN more int')]);
      assert.deepEqual(outcomes.map(({ state }) => state), ["failed", "migrated"]);
      assert.match(outcomes[0]?.problem ?? "", /2_column: .*lock timeout.*run the migrations again/);
    }, { maxWait: 30_000, timeout: 60_000 }),
  );
  assert.equal((await run([tenant("locked")], [...MIGRATIONS, migration("2_column", 'ALTER TABLE "Customer" ADD COLUMN more int')]))[0]?.state, "migrated");
});

test("a schema with tables and no history is refused, or counts as having the baseline", async (t) => {
  const moved = tenant("moved");
  await asOwner(t, moved, MIGRATIONS[0]?.sql ?? "");
  assert.match(failure(await run([moved])), /the schema has Customer, Order and no history/);
  const [planned] = await run([moved], MIGRATIONS, { baseline: ALL[0], dryRun: true });
  assert.deepEqual(planned, { tenant: "moved", state: "pending", migrations: ALL.slice(1) });
  const baselined = await run([moved, tenant("empty")], MIGRATIONS, { baseline: ALL[0] });
  assert.deepEqual(baselined.map(({ migrations }) => migrations), [ALL.slice(1), ALL], "an empty schema gets all of them");
  assert.equal((await history(moved)).history, null);
});

test("the platform's sample data gives way to the first migration", async (t) => {
  assert.deepEqual(await run([tenant("sample")], MIGRATIONS, { dryRun: true }), [{ tenant: "sample", state: "pending", migrations: ALL }]);
  assert.deepEqual(await relations(t, tenant("sample")), ["customers", "orders"].map((name) => `${name} of owner_sample`), "a status drops nothing");
  assert.equal((await run([tenant("sample")]))[0]?.problem, undefined);
  assert.deepEqual(await relations(t, tenant("sample")), ["Customer", "Order", "_prisma_migrations"].map((name) => `${name} of owner_sample`));
});

test("sample data that somebody changed is refused until it is dropped", async (t) => {
  const kept = tenant("sample-kept");
  await asOwner(t, kept, "UPDATE orders SET total_cents = 1 WHERE id = 200");
  assert.match(failure(await run([kept])), /the schema has customers, orders and no history.*docs\/prisma.md#sample-data/);
  await asOwner(t, kept, "DROP TABLE orders, customers"); // as docs/prisma.md says
  assert.equal((await run([kept]))[0]?.state, "migrated");
});

test("an edited migration is refused, and a schema of a newer version is left as it is", async () => {
  const versions = tenant("versions");
  const one = migration("1_one", "CREATE TABLE one (id int)");
  const two = migration("2_two", "CREATE TABLE two (id int)");
  await run([versions], [one, two]);
  assert.match(failure(await run([versions], [{ ...one, checksum: "another" }, two])), /1_one was edited after it was applied/);
  assert.deepEqual(await run([versions], [one]), [{ tenant: "versions", state: "ahead", migrations: [] }]);
  assert.match(failure(await run([versions], [one, migration("3_three", "")])), /has 2_two, which this version has not, and lacks 3_three/);
});

test("a migration that another tool left half done is refused", async (t) => {
  await run([tenant("half")]);
  await asOwner(t, tenant("half"), "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'x', '2_begun')");
  assert.match(failure(await run([tenant("half")])), /began 2_begun and did not finish.*prisma migrate resolve/);
});

test("a status reports what is pending and changes nothing", async (t) => {
  const fresh = tenant("fresh");
  assert.deepEqual(await run([fresh], MIGRATIONS, { dryRun: true }), [{ tenant: "fresh", state: "pending", migrations: ALL }]);
  assert.deepEqual(await relations(t, fresh), []);
  await run([fresh], MIGRATIONS.slice(0, 1));
  assert.deepEqual(await run([fresh], MIGRATIONS, { dryRun: true }), [{ tenant: "fresh", state: "pending", migrations: ALL.slice(1) }]);
});

test("a tenant that owns its schema is migrated with its own connection string", async (t) => {
  const { code, out } = await command(["dist/src/migrate.js", "--tenants", FOLDER, "--tenant", "own-way"]);
  assert.equal(code, 0, out);
  assert.match(out, /^own-way +migrated +20261101000000_init, 20261102000000_order_note$/m);
  const tenants = await open(t);
  const owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'tenant_own_way'";
  assert.deepEqual(await tenants.use("own-way", (db) => db.$queryRawUnsafe(owners)), [{ tableowner: "owner_own_way" }]);
});

test("a tenant that owns its schema and has no connection string, or that the platform has not made yet, fails with the reason", async () => {
  assert.match(failure(await run([tenant("own-way")])), /permission denied to set role.*ownsSchema/);
  assert.match(failure(await run([{ ...tenant("first"), name: "tomorrow" }])), /does not exist.*run the migrations again later/);
});
