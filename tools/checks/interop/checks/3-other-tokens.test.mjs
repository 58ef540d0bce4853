// Better Auth hands out more than the token of /api/auth/token. None of the rest is believed here.
import assert from "node:assert/strict";
import { test } from "node:test";

import { decode } from "../support/user.mjs";
import { World } from "../support/world.mjs";

for (const [cache, options] of [
  ["the shared secret", { cookieCache: "jwt" }],
  ["the published key (jwt({ sessionCookieCache: true }))", { cookieCache: "jwt", jwt: { sessionCookieCache: true } }],
]) {
  test(`with cached sessions that are signed with ${cache}`, async (t) => {
    const world = await World.create(t, "other_tokens");
    await world.startBetterAuth(options);
    const ada = await world.signUp("ada");
    const signedIn = await ada.signIn();
    const token = await ada.token();

    const others = {
      "the token of the link in a verification e-mail": world.verificationToken(ada),
      "the token of the cookie session_data": ada.cookie("better-auth.session_data"),
      "the bearer session token (set-auth-token)": signedIn.headers.get("set-auth-token"),
      "the session token of the answer to sign-in": signedIn.body.token,
    };
    assert.equal(decode(others["the token of the link in a verification e-mail"]).claims.email, ada.email);
    assert.ok(decode(others["the token of the cookie session_data"]).claims.session);
    t.diagnostic(`session_data: ${describe(others["the token of the cookie session_data"])}`);

    for (const [mode, settings] of [
      ["in key-set mode", { AUTH_JWKS_URL: world.keySet }],
      ["in shared-secret mode", { BETTER_AUTH_SECRET: world.secret }],
      ["where both are configured", { AUTH_JWKS_URL: world.keySet, BETTER_AUTH_SECRET: world.secret }],
    ]) {
      const api = await world.startApi(settings);
      // The refusals below are of the tokens, not of everything.
      if (settings.AUTH_JWKS_URL) await api.untilItHasKeys(token);
      for (const [name, other] of Object.entries(others)) {
        await t.test(`${name} is refused ${mode}`, async (t) => t.diagnostic(await api.refusal(other)));
      }
    }
  });
}

/** What a token is, without what it says of a user. */
function describe(token) {
  const { header, claims } = decode(token);
  return `header ${Object.keys(header)} (${header.alg}), claims ${Object.keys(claims)}`;
}
