import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";
import pg from "pg";

export const auth = betterAuth({
  // The Task API expects its origin as issuer and audience.
  baseURL: process.env.BETTER_AUTH_URL ?? "http://localhost:3000",
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  // The Task API's table `tasks` refers to a table of this name. Deleting an account deletes its tasks.
  user: { modelName: "users", deleteUser: { enabled: true } },
  // Publishes the keys at /api/auth/jwks and issues tokens at /api/auth/token.
  plugins: [jwt()],
});
