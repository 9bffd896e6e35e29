import type { Migration } from "./folder.js";
import type { Record } from "./history.js";
import { Problem } from "./problem.js";

/** Plan is what a schema lacks. `ahead` are migrations that it has and the folder has not. */
export interface Plan {
  readonly pending: Migration[];
  readonly ahead: string[];
}

/** compare returns the plan for a schema with this history. It throws a Problem when no plan is safe. */
export function compare(history: readonly Record[], folder: readonly Migration[]): Plan {
  const unfinished = history.filter((record) => !record.finished).map((record) => record.name);
  if (unfinished.length > 0) {
    throw new Problem(
      `another tool began ${unfinished.join(", ")} and did not finish: compare the schema with the script, then use \`prisma migrate resolve\``,
    );
  }
  const applied = new Map(history.map((record) => [record.name, record.checksum]));
  const edited = folder.filter(({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum);
  if (edited.length > 0) {
    throw new Problem(`${names(edited)} was edited after it was applied: restore the script and write the change as a new migration`);
  }
  const known = new Set(folder.map(({ name }) => name));
  const pending = folder.filter(({ name }) => !applied.has(name));
  const ahead = [...applied.keys()].filter((name) => !known.has(name));
  if (ahead.length > 0 && pending.length > 0) {
    throw new Problem(`the schema has ${ahead.join(", ")}, which this version has not, and lacks ${names(pending)}: deploy a version that has all of them`);
  }
  return { pending, ahead };
}

/** upTo returns the migrations from the first to the named one. */
export function upTo(folder: readonly Migration[], name: string): Migration[] {
  const last = folder.findIndex((migration) => migration.name === name);
  if (last < 0) {
    throw new Error(`--baseline ${name}: no such migration; there are ${names(folder)}`);
  }
  return folder.slice(0, last + 1);
}

function names(migrations: readonly Migration[]): string {
  return migrations.map(({ name }) => name).join(", ");
}
