import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { before, test, type TestContext } from "node:test";

import { perTenant } from "../src/http.js";
import { migrate } from "../src/migrations/run.js";
import { DATABASE_URL, MIGRATIONS, open, tenant } from "./bed.js";

// A machine that is busy with other things must not fail a test.
const PATIENT = { maxWait: 30_000, timeout: 60_000 };

before(async () => {
  await migrate(["acme", "beta-2"].map(tenant), { url: DATABASE_URL, migrations: MIGRATIONS });
});

/** serve answers with the role of the session, or fails at /fails, and returns a function that asks. */
async function serve(t: TestContext, options = {}) {
  const tenants = await open(t, options);
  const listener = perTenant(tenants, ({ name }) => name !== "delta", async (db, { name }, request, response) => {
    if (request.url === "/fails") {
      throw new Error("only for this test");
    }
    const [row] = await db.$queryRaw<{ role: string }[]>`SELECT current_user AS role`;
    response.end(`${name} is ${row?.role}`);
  });
  const server = createServer(listener).listen(0, "localhost");
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (host: string, path = "/") =>
    new Promise<{ status: number | undefined; retry: string | undefined; body: string }>((resolve, reject) => {
      get({ host: "localhost", port, path, headers: { host }, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode, retry: response.headers["retry-after"], body }));
      }).on("error", reject);
    });
  return { tenants, ask };
}

test("the Host header picks the tenant", async (t) => {
  const { ask } = await serve(t);
  assert.deepEqual(await ask(tenant("acme").host), { status: 200, retry: undefined, body: "acme is tenant_acme" });
  assert.deepEqual(await ask(`${tenant("beta-2").host}:8443`), { status: 200, retry: undefined, body: "beta-2 is tenant_beta_2" });
});

test("an unknown host answers 404, a tenant that is suspended or not migrated 503, a fault 500", async (t) => {
  const { ask } = await serve(t);
  t.mock.method(console, "error", () => {});
  assert.equal((await ask("nobody.example.com")).status, 404);
  assert.deepEqual(await ask(tenant("suspended").host), { status: 503, retry: "1", body: "" });
  assert.deepEqual(await ask(tenant("delta").host), { status: 503, retry: "1", body: "" });
  assert.deepEqual(await ask(tenant("acme").host, "/fails"), { status: 500, retry: undefined, body: "" });
});

test("a request that waits too long for its turn answers 503 with Retry-After", async (t) => {
  const { tenants, ask } = await serve(t, { transactions: 1, waitMs: 2_000 });
  await tenants.use("acme", (db) =>
    db.$transaction(async () => {
      assert.deepEqual(await ask(tenant("beta-2").host), { status: 503, retry: "1", body: "" });
    }, PATIENT),
  );
});
