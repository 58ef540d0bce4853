// Makes Better Auth's tables, or updates them.
import { getMigrations } from "better-auth/db/migration";

import { auth } from "./auth";

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
console.log("The tables of Better Auth are up to date.");
process.exit();
