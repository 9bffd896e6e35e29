import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Tenant is an entry of the platform's file tenants.json (docs/app-contract.md). */
export interface Tenant {
  readonly name: string;
  readonly host: string;
  readonly plan: string;
  /** Only "active" tenants have a connection string. */
  readonly state: string;
  /** The role that the app logs in as. */
  readonly role: string;
  readonly schema: string;
}

/** Entry is a tenant with its connection string: undefined unless it may log in. */
export interface Entry extends Tenant {
  readonly url: string | undefined;
}

const KEYS = ["name", "host", "plan", "state", "role", "schema"] as const;

/** readTenants reads tenants.json. It throws one error with every fault of the file. */
export async function readTenants(folder: string): Promise<Tenant[]> {
  const path = join(folder, "tenants.json");
  let list: unknown;
  try {
    list = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) {
    throw new Error(`${path}: must be a list of tenants`);
  }
  const faults = list.flatMap((entry: Partial<Record<string, unknown>> | null, i) =>
    KEYS.filter((key) => typeof entry?.[key] !== "string").map((key) => `[${i}].${key}: must be a string`),
  );
  if (faults.length > 0) {
    throw new Error(`${path}:\n${faults.join("\n")}`);
  }
  return list as Tenant[];
}

/** readEntries reads tenants.json and the connection strings beside it. */
export async function readEntries(folder: string): Promise<Entry[]> {
  const tenants = await readTenants(folder);
  return Promise.all(tenants.map(async (tenant) => ({ ...tenant, url: await readUrl(folder, tenant) })));
}

async function readUrl(folder: string, tenant: Tenant): Promise<string | undefined> {
  if (tenant.state !== "active") {
    return undefined;
  }
  try {
    return (await readFile(join(folder, `${tenant.name}.url`), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined; // Kubernetes has not written it yet: the next reading finds it
    }
    throw error;
  }
}

/** ownerOf returns the role that owns a tenant's schema. Migrations act as it. */
export function ownerOf(tenant: Tenant): string {
  return `owner_${tenant.name.replaceAll("-", "_")}`;
}
