// `task-api doctor` on what a real Better Auth makes: nothing to say against a good set-up, and each mistake by its name.
import assert from "node:assert/strict";
import { test } from "node:test";

import { World } from "../support/world.mjs";

test("the doctor", async (t) => {
  const world = await World.create(t, "doctor");
  await world.startBoth({ cookieCache: "jwt" });
  const ada = await world.signUp("ada");
  const signedIn = await ada.signIn();
  const token = await ada.token();
  const good = { AUTH_JWKS_URL: world.keySet };

  await t.test("finds no problem where there is none", async () => {
    const { code, output } = await world.doctor(good, JSON.stringify({ token }));
    assert.equal(code, 0, output);
    assert.match(output, /^No problem was found\.$/m);
    assert.match(output, new RegExp(`user_id +"${ada.id}"`));
  });

  const origin = world.origin;
  for (const [name, settings, sent, expected] of [
    ["a slash at the end of the issuer", { ...good, AUTH_ISSUER: `${origin}/` }, token, /slash at the end/],
    ["another audience", { ...good, AUTH_AUDIENCE: "tasks" }, token, new RegExp(`AUTH_AUDIENCE=${origin}`)],
    ["a wrong path", { AUTH_JWKS_URL: `${origin}/jwks` }, token, /404[^]*\/api\/auth\/jwks/],
    ["the secret instead of the keys", { BETTER_AUTH_SECRET: world.secret }, token, /Set AUTH_JWKS_URL/],
    ["the token of a verification e-mail", good, world.verificationToken(ada), /link in an e-mail/],
    ["a cached session", good, ada.cookie("better-auth.session_data"), /`session_data`/],
    ["a bearer session token", good, signedIn.headers.get("set-auth-token"), /session token of the `bearer\(\)`/],
  ]) {
    await t.test(`names ${name}`, async () => {
      const { code, output } = await world.doctor(settings, sent);
      assert.equal(code, 1, output);
      assert.match(output, expected);
      for (const part of sent.split(".").filter((part) => part.length > 20)) assert.ok(!output.includes(part));
    });
  }

  await t.test("names an account that is gone", async () => {
    await ada.deleteAccount();
    const { code, output } = await world.doctor(good, token);
    assert.equal(code, 1, output);
    assert.match(output, /403 unknown_user/);
  });
});
