import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { get, request } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import pg from "pg";

import { ownerOf } from "../src/files.js";
import { DATABASE_URL, FOLDER, tenant } from "./bed.js";

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** start runs the server and returns it when it is ready. */
async function start(t: TestContext) {
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), TENANTS: FOLDER, DATABASE_URL };
  const server = spawn(process.execPath, ["dist/src/server.js"], { env, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => server.kill("SIGKILL"));
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`the server ended with status ${code}`)));
    server.stdout.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (/^\d+ tenants, /m.test(log)) {
        resolve();
      }
    });
  });
  return { server, port, log: () => log };
}

/** makeMigrationFail creates a table that no migration knows. */
async function makeMigrationFail(name: string): Promise<void> {
  const of = tenant(name);
  const db = new pg.Client({ connectionString: DATABASE_URL });
  await db.connect();
  await db.query(`BEGIN; SET LOCAL ROLE ${ownerOf(of)}; CREATE TABLE ${of.schema}.unknown (id int); COMMIT`);
  await db.end();
}

function ask(port: number, host: string, path: string, body?: object): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: "localhost", port, path, headers: { host }, agent: false as const };
    const sent = (body ? request({ ...options, method: "POST" }) : get(options)).on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body: text }));
    });
    sent.end(body && JSON.stringify(body));
  });
}

test("the server fulfils the app contract: it migrates, gets ready, serves each host and ends by SIGTERM", async (t) => {
  await makeMigrationFail("stuck");
  const { server, port, log } = await start(t);
  assert.match(log(), /^served +migrated /m);
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    assert.equal((await ask(port, "localhost", path)).status, 200, path);
  }
  const { host } = tenant("served");
  const posted = await ask(port, host, "/", { name: "Ada", email: "ada@example.com" });
  assert.deepEqual([posted.status, JSON.parse(posted.body)], [200, [{ id: 1, name: "Ada", email: "ada@example.com" }]]);
  assert.deepEqual(await ask(port, host, "/"), posted);
  assert.equal((await ask(port, "nobody.example.com", "/")).status, 404);
  assert.equal((await ask(port, tenant("own-way").host, "/")).status, 200, "it owns its schema");
  assert.equal((await ask(port, tenant("stuck").host, "/")).status, 503, "its migration failed");
  const ended = new Promise((resolve) => server.removeAllListeners("exit").once("exit", resolve));
  server.kill("SIGTERM");
  assert.equal(await ended, 0);
});
