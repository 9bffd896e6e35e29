import pg from "pg";

import { Busy, type Gate } from "./gate.js";

type Callback = (error: Error | undefined, client: pg.PoolClient | undefined, done: pg.PoolClient["release"]) => void;

/**
 * GatedPool is a tenant's pool whose connections also need a place at a gate that all
 * tenants share. First the tenant's own pool limits it, then the gate limits all:
 * so a tenant with many requests takes no more places than it has connections.
 */
export class GatedPool extends pg.Pool {
  constructor(
    config: pg.PoolConfig,
    private readonly gate: Gate,
  ) {
    super(config);
  }

  // Pool.query uses the form with a callback.
  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<pg.PoolClient> | void {
    const checkout = this.#checkout();
    if (!callback) {
      return checkout;
    }
    checkout.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error, undefined, () => {}),
    );
  }

  async #checkout(): Promise<pg.PoolClient> {
    const client = await super.connect().catch(asBusy);
    try {
      await this.gate.enter();
    } catch (error) {
      client.release();
      throw error;
    }
    const release = client.release;
    client.release = (error) => {
      release.call(client, error); // throws when called twice, so that the gate is left once
      this.gate.leave();
    };
    return client;
  }
}

/** pg has no class for the time that connectionTimeoutMillis bounds: two texts tell it. */
function asBusy(error: Error): never {
  if (/timeout exceeded when trying to connect|due to connection timeout/.test(error.message)) {
    throw new Busy("waited too long for a connection of the tenant", { cause: error });
  }
  throw error;
}
