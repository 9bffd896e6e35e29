import type { Outcome } from "./run.js";

/** table returns outcomes as text for people, with the failures last. */
export function table(outcomes: readonly Outcome[]): string {
  const sorted = [...outcomes].sort((a, b) => Number(a.state === "failed") - Number(b.state === "failed"));
  const rows = sorted.map(({ tenant, state, migrations, problem }) => [tenant, state, problem ?? migrations.join(", ")] as const);
  const width = (column: 0 | 1) => Math.max(...[["tenant", "state"] as const, ...rows].map((row) => row[column].length));
  const lines = [["tenant", "state", ""] as const, ...rows].map(([tenant, state, text]) =>
    `${tenant.padEnd(width(0))}  ${state.padEnd(width(1))}  ${text}`.trimEnd(),
  );
  const failed = outcomes.filter(({ state }) => state === "failed").length;
  return [...lines, `${outcomes.length} tenants, ${failed} failed`].join("\n");
}
