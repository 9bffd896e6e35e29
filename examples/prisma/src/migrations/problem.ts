import pg from "pg";

/** Problem is a fault of one tenant's schema or of a migration, with what to do. */
export class Problem extends Error {
  override readonly name = "Problem";
}

const SET_ROLE_DENIED = /^permission denied to set role/;

/** isSetRoleDenied reports whether the session's role may not act as the schema's owner. */
export function isSetRoleDenied(error: unknown): boolean {
  return error instanceof pg.DatabaseError && SET_ROLE_DENIED.test(error.message);
}

/** What to do about an error of the server: by SQLSTATE, and by its text where the code has several meanings. */
const ADVICE: ReadonlyArray<{ code: string; text?: RegExp; advice: string }> = [
  {
    code: "42501",
    text: /^permission denied for database/,
    advice: "the platform has created the schema, and the owner may create no other: take CREATE SCHEMA out of the migration",
  },
  {
    code: "42501",
    text: SET_ROLE_DENIED,
    advice: "only the app's role may act as this owner, or with ownsSchema: true the tenant's own: read the log of the tenants' Jobs",
  },
  { code: "22023", text: /^role .* does not exist/, advice: "the platform has not created the role yet: run the migrations again later" },
  { code: "0A000", text: /EXECUTE of transaction commands/, advice: "each migration is one transaction: take BEGIN, COMMIT and ROLLBACK out" },
  { code: "25001", advice: "a migration is one transaction: use CREATE INDEX without CONCURRENTLY" },
  { code: "55P03", advice: "another session of this tenant keeps the table locked: run the migrations again" },
  { code: "57014", advice: "the statement took too long: split the migration, or raise --statement-seconds" },
];

/** describe returns an error as one text: message, SQLSTATE, line, advice. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map(describe).join("; "); // one for each address that was tried
  }
  if (!(error instanceof pg.DatabaseError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const advice = ADVICE.find(({ code, text }) => error.code === code && (text?.test(error.message) ?? true))?.advice;
  return `${error.message} (SQLSTATE ${error.code}${line(error)})${advice ? `; ${advice}` : ""}`;
}

/** The server numbers the characters of the script from 1. */
function line(error: pg.DatabaseError): string {
  if (!error.internalQuery || !error.internalPosition) {
    return "";
  }
  const before = error.internalQuery.slice(0, Number(error.internalPosition) - 1);
  return `, line ${before.split("\n").length}`;
}
