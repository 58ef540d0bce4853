// A person uses the example in a browser: its page has one origin, the API another.
import assert from "node:assert/strict";
import { test } from "node:test";

import { query } from "../support/database.mjs";
import { openBrowser, startExample } from "../support/example.mjs";
import { freePort } from "../support/programs.mjs";
import { World } from "../support/world.mjs";

test("the example, in Chromium, across origins", async (t) => {
  const world = await World.create(t, "example");
  const port = await freePort();
  const example = await startExample(world, `http://127.0.0.1:${port}`);
  const api = await world.startApi({ PORT: `${port}`, AUTH_JWKS_URL: world.keySet, CORS_ORIGINS: world.origin });
  const ada = await world.signUp("ada");
  const token = await ada.token();
  await api.untilItHasKeys(token);
  await api.create(ada, token, "Ada's");

  const browser = await openBrowser(t);
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  const items = page.locator("li");
  const item = (title) => items.filter({ hasText: title });
  const tokens = "**/api/auth/token";

  await t.test("a person signs up and sees an empty list", async () => {
    await page.goto(world.origin);
    await page.getByLabel("Name").fill("Grace");
    await fillIn("grace@example.com", "correct horse battery staple");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByText("Signed in as grace@example.com").waitFor();
    assert.equal(await items.count(), 0);
  });

  await t.test("they add two tasks and tick one", async () => {
    for (const title of ["Buy milk", "Call Ada"]) {
      await page.getByLabel("What is to be done?").fill(title);
      await page.getByRole("button", { name: "Add" }).click();
      await item(title).waitFor();
    }
    await item("Buy milk").getByRole("checkbox").check();
    await page.locator("li.completed").waitFor();
    const stored = await query(world.database, "SELECT title FROM tasks WHERE completed ORDER BY id");
    assert.deepEqual(stored, [{ title: "Buy milk" }]);
  });

  await t.test("after a reload the tasks are there again, and one can be reopened", async () => {
    await page.reload();
    await item("Buy milk").waitFor();
    assert.deepEqual(await items.allInnerTexts(), ["Call Ada", "Buy milk"], "the newest first");
    await item("Buy milk").getByRole("checkbox").uncheck();
    await page.locator("li.completed").waitFor({ state: "detached" });
  });

  await t.test("the page reads the body and the headers of a 401", async (t) => {
    const shown = await refusal("Send a broken token", "401");
    assert.match(shown, /^401\nunauthorized: .+\nX-Request-Id: [\w-]+\nWWW-Authenticate: Bearer error="invalid_token", /);
    t.diagnostic(JSON.stringify(shown));
  });

  await t.test("the page reads the body and the headers of a 404", async (t) => {
    const shown = await refusal("Ask for a task that is not there", "404");
    assert.match(shown, /^404\nnot_found: There is no such task\.\nX-Request-Id: [\w-]+\nWWW-Authenticate: none$/);
    t.diagnostic(JSON.stringify(shown));
    // For a person who wants to see the page.
    await page.screenshot({ path: new URL("../example.png", import.meta.url).pathname });
  });

  await t.test("a token that is refused is renewed once, and the request sent again", async () => {
    let asked = 0;
    await page.route(tokens, (route) => (++asked === 1 ? route.fulfill({ json: { token: "old" } }) : route.continue()));
    await page.reload();
    await item("Buy milk").waitFor();
    assert.equal(asked, 2);
    await page.unroute(tokens);
  });

  await t.test("a token that is refused again is not asked for for ever", async () => {
    let asked = 0;
    await page.route(tokens, (route) => route.fulfill({ json: { token: `broken ${++asked}` } }));
    await page.reload();
    await page.getByRole("alert").filter({ hasText: /token/ }).waitFor();
    assert.equal(asked, 2);
    await page.unroute(tokens);
  });

  await t.test("they sign out, and another person signs in and sees their own tasks only", async () => {
    await page.reload();
    await page.getByRole("button", { name: "Sign out" }).click();
    await fillIn(ada.email, "wrong password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").filter({ hasText: "Invalid email or password" }).waitFor();
    await fillIn(ada.email, ada.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await item("Ada's").waitFor();
    assert.equal(await items.count(), 1);
  });

  await t.test("a page of an origin that is not listed cannot read the API", async () => {
    const stranger = await browser.newPage();
    await stranger.goto(`http://localhost:${world.port}`);
    const read = (url) => fetch(url).then((answer) => answer.status, (error) => error.name);
    assert.equal(await stranger.evaluate(read, `${api.url}/health`), "TypeError");
    assert.equal(await page.evaluate(read, `${api.url}/health`), 200);
  });

  await t.test("the example ends on SIGTERM while a browser is connected", async () => {
    assert.equal(await example.stop(), 0);
  });

  assert.deepEqual(errors, [], "no script of the page fails");

  async function fillIn(email, password) {
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
  }

  async function refusal(button, status) {
    await page.getByRole("button", { name: button }).click();
    const shown = page.locator("#refusal").filter({ hasText: new RegExp(`^${status}`) });
    await shown.waitFor();
    return shown.innerText();
  }
});
