// A real Better Auth as a program of its own, so that it can be stopped and started like one. What it is to be stands in
// the variable OPTIONS as JSON. It brings its tables up to date, prints one line when it listens, and one for each mail.
import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";
import pg from "pg";

const options = JSON.parse(process.env.OPTIONS);
const origin = `http://127.0.0.1:${options.port}`;

const auth = betterAuth({
  baseURL: origin,
  secret: options.secret,
  database: new pg.Pool({ connectionString: options.database }),
  // The table `tasks` refers to a table of this name.
  user: { modelName: "users", deleteUser: { enabled: true } },
  emailAndPassword: { enabled: true },
  emailVerification: {
    sendOnSignUp: true,
    sendVerificationEmail: async ({ user, token }) => {
      console.log(`mail ${JSON.stringify({ to: user.email, token })}`);
    },
  },
  session: options.cookieCache ? { cookieCache: { enabled: true, strategy: options.cookieCache } } : {},
  plugins: [jwt(options.signsWithSecret ? signingWithSecret() : (options.jwt ?? {})), bearer()],
});

/** The plugin with a signer of our own. It insists on a remote key set, which no client asks for in this mode. */
function signingWithSecret() {
  const secret = new TextEncoder().encode(options.secret);
  return {
    jwks: { remoteUrl: `${origin}/unused`, keyPairConfig: { alg: "EdDSA" } },
    jwt: { sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret) },
  };
}

await (await getMigrations(auth.options)).runMigrations();

process.on("SIGTERM", () => process.exit(0));
createServer(toNodeHandler(auth)).listen(options.port, "127.0.0.1", () => console.log(`listening on ${origin}`));
