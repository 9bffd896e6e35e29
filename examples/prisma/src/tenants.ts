import { PrismaPg } from "@prisma/adapter-pg";

import { type Entry, readEntries, type Tenant } from "./files.js";
import { Busy, Gate } from "./gate.js";
import { GatedPool } from "./pool.js";

/** Unknown means that no tenant has this name or host. Answer it with status 404. */
export class Unknown extends Error {
  override readonly name = "Unknown";
}

/** Unavailable means that the tenant exists and is not served now. Answer it with status 503. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** Client is what Tenants needs of a generated PrismaClient. */
export interface Client {
  $disconnect(): Promise<void>;
}

export interface Options<C extends Client> {
  /** Makes a client: `(adapter) => new PrismaClient({ adapter })`. */
  connect: (adapter: PrismaPg) => C;
  /** The platform's files. Default /etc/tenants. */
  folder?: string;
  /** Clients that are open at once. Default 100. */
  maxClients?: number;
  /** A client that nobody used for this long is closed. Default 60,000 ms. */
  idleMs?: number;
  /** Connections of one tenant to the pooler. Default 1. */
  connections?: number;
  /** Transactions at once over all tenants, in this process (docs/app-contract.md). Default 5. */
  transactions?: number;
  /** How long a query waits for its turn before it fails with Busy. Default 5,000 ms. */
  waitMs?: number;
  /** How often the files are read again. Default 5,000 ms; 0 for never. */
  reloadMs?: number;
  /** Told about errors in the background. Default: printed. */
  onError?: (error: Error) => void;
}

interface Open<C> {
  readonly client: C;
  readonly url: string;
  users: number;
  usedAt: number;
}

/** Tenants has a Prisma client for each tenant that is in use. */
export class Tenants<C extends Client> {
  readonly gate: Gate;
  readonly #options: Required<Options<C>>;
  #byName = new Map<string, Entry>();
  #byHost = new Map<string, Entry>();
  /** In the order of use: the first was used the longest ago. */
  readonly #open = new Map<string, Open<C>>();
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(options: Required<Options<C>>) {
    this.#options = options;
    this.gate = new Gate(options.transactions, options.waitMs);
  }

  /** open reads the platform's files and keeps reading them until close. */
  static async open<C extends Client>(options: Options<C>): Promise<Tenants<C>> {
    const all = {
      folder: "/etc/tenants", maxClients: 100, idleMs: 60_000, connections: 1, transactions: 5, waitMs: 5_000, reloadMs: 5_000,
      onError: (error: Error) => console.error(error.message),
      ...options,
    };
    const tenants = new Tenants<C>(all);
    await tenants.reload();
    if (all.reloadMs > 0) {
      tenants.#every(all.reloadMs, () => tenants.reload());
    }
    tenants.#every(all.idleMs / 2, () => tenants.closeIdle());
    return tenants;
  }

  /** clients is the number of open clients. */
  get clients(): number {
    return this.#open.size;
  }

  /** byHost returns the tenant of a Host header. It throws Unknown for any other. */
  byHost(header: string | undefined): Tenant {
    const host = (header ?? "").toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
    const tenant = this.#byHost.get(host);
    if (!tenant) {
      throw new Unknown("no tenant has this host");
    }
    return tenant;
  }

  /**
   * use runs work with the tenant's client. The client may be closed when work has
   * ended: do not keep it. Throws Unknown, Unavailable or Busy.
   */
  async use<T>(name: string, work: (db: C) => Promise<T>): Promise<T> {
    const open = this.#take(name);
    try {
      return await work(open.client);
    } finally {
      open.users--;
      open.usedAt = Date.now();
      this.#closeReplaced(name, open);
    }
  }

  /** reload reads the files again. Clients whose connection string has changed are closed after their last use. */
  async reload(): Promise<void> {
    const entries = await readEntries(this.#options.folder);
    this.#byName = new Map(entries.map((entry) => [entry.name, entry]));
    this.#byHost = new Map(entries.map((entry) => [entry.host, entry]));
    for (const [name, open] of this.#open) {
      if (this.#byName.get(name)?.url !== open.url) {
        this.#open.delete(name);
        this.#closeReplaced(name, open);
      }
    }
  }

  /** closeIdle closes the clients that nobody has used for idleMs. */
  closeIdle(now = Date.now()): void {
    for (const [name, open] of this.#open) {
      if (open.users === 0 && now - open.usedAt >= this.#options.idleMs) {
        this.#close(name, open);
      }
    }
  }

  /** close ends every client. Call it after the last request. */
  async close(): Promise<void> {
    this.#timers.forEach(clearInterval);
    const clients = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(clients.map(({ client }) => client.$disconnect()));
  }

  #take(name: string): Open<C> {
    const entry = this.#byName.get(name);
    if (!entry) {
      throw new Unknown(`no tenant has the name ${name}`);
    }
    if (entry.url === undefined) {
      throw new Unavailable(`tenant ${name} is ${entry.state} and has no connection string`);
    }
    const open = this.#open.get(name) ?? this.#connect(entry, entry.url);
    open.users++;
    this.#open.delete(name); // to the end: the newest use
    this.#open.set(name, open);
    return open;
  }

  #connect(entry: Entry, url: string): Open<C> {
    if (this.#open.size >= this.#options.maxClients) {
      this.#closeOldest();
    }
    const { connections, waitMs, connect, onError } = this.#options;
    const pool = new GatedPool({ connectionString: url, max: connections, connectionTimeoutMillis: waitMs }, this.gate);
    // Without schema Prisma asks for tables in "public".
    const adapter = new PrismaPg(pool, { schema: entry.schema, disposeExternalPool: true, onPoolError: onError, onConnectionError: onError });
    return { client: connect(adapter), url, users: 0, usedAt: Date.now() };
  }

  #closeOldest(): void {
    for (const [name, open] of this.#open) {
      if (open.users === 0) {
        this.#close(name, open);
        return;
      }
    }
    throw new Busy(`all ${this.#options.maxClients} clients are in use`);
  }

  #closeReplaced(name: string, open: Open<C>): void {
    if (open.users === 0 && this.#open.get(name) !== open) {
      this.#close(name, open);
    }
  }

  #close(name: string, open: Open<C>): void {
    if (this.#open.get(name) === open) {
      this.#open.delete(name);
    }
    open.client.$disconnect().catch(this.#options.onError);
  }

  #every(ms: number, task: () => Promise<void> | void): void {
    const run = async () => task();
    this.#timers.push(setInterval(() => run().catch(this.#options.onError), ms).unref());
  }
}
