import { defineConfig } from "prisma/config";

// Only `prisma migrate dev` on a developer's machine connects with this address.
// The app connects as each tenant: src/tenants.ts.
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env["DATABASE_URL"] ?? "" },
});
