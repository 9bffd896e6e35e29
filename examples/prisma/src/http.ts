import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import type { Tenant } from "./files.js";
import { Busy } from "./gate.js";
import { type Client, type Tenants, Unavailable, Unknown } from "./tenants.js";

/** Handler answers a request of one tenant with that tenant's client. */
export type Handler<C> = (db: C, tenant: Tenant, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * perTenant picks the tenant by the Host header, and gives its client to the handler.
 * The ingress sends only the hosts of the platform; X-Forwarded-Host is the client's
 * own text and is not read. `ready` tells whether the tenant's schema is migrated.
 */
export function perTenant<C extends Client>(tenants: Tenants<C>, ready: (tenant: Tenant) => boolean, handler: Handler<C>): RequestListener {
  return (request, response) => {
    answer(tenants, ready, handler, request, response).catch((error: unknown) => fail(response, error));
  };
}

async function answer<C extends Client>(
  tenants: Tenants<C>,
  ready: (tenant: Tenant) => boolean,
  handler: Handler<C>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const tenant = tenants.byHost(request.headers.host);
  if (!ready(tenant)) {
    throw new Unavailable(`tenant ${tenant.name} is not migrated`);
  }
  await tenants.use(tenant.name, (db) => handler(db, tenant, request, response));
}

function fail(response: ServerResponse, error: unknown): void {
  const status = error instanceof Unknown ? 404 : error instanceof Unavailable || error instanceof Busy ? 503 : 500;
  if (status === 500) {
    console.error(error instanceof Error ? error.message : error);
  }
  if (response.headersSent) {
    response.destroy(); // an answer that was begun cannot get another status
    return;
  }
  response.writeHead(status, status === 503 ? { "retry-after": "1" } : {}).end();
}
