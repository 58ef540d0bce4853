// The example of this project, as its README starts it, and a browser in which a person uses it.
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { run } from "./programs.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TIMEOUT_MS = 10_000;

/** Makes Better Auth's tables, and serves Better Auth and the page at the origin of that world. */
export async function startExample(world, taskApiUrl) {
  const variables = {
    DATABASE_URL: world.database,
    BETTER_AUTH_SECRET: world.secret,
    BETTER_AUTH_URL: world.origin,
    TASK_API_URL: taskApiUrl,
    PORT: `${world.port}`,
  };
  const program = (name) => join(process.env.EXAMPLE, "dist", name);
  await run(process.execPath, [program("migrate.js")], variables);
  return world.start("the example", process.execPath, [program("server.js")], variables, /^listening on/m);
}

/** Opens a Chromium without a window and without a past. Checks that run at the same time need different names. */
export async function openBrowser(test, name = "example") {
  const profile = new URL(`../chromium-profile-${name}`, import.meta.url).pathname;
  const forget = () => rm(profile, { recursive: true, force: true });
  await forget();
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: FLAGS,
  });
  browser.setDefaultTimeout(TIMEOUT_MS);
  test.after(() => browser.close().then(forget));
  return browser;
}
