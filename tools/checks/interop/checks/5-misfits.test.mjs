// A wrong setting is named by the refusal.
import assert from "node:assert/strict";
import { test } from "node:test";

import { World } from "../support/world.mjs";

test("with an issuer or an audience that does not fit", async (t) => {
  const world = await World.create(t, "misfits");
  const right = await world.startBoth();
  const token = await (await world.signUp("ada")).token();
  await right.untilItHasKeys(token);

  for (const [variable, claim] of [["AUTH_ISSUER", "iss"], ["AUTH_AUDIENCE", "aud"]]) {
    await t.test(`${variable} with a slash at the end: the refusal names \`${claim}\``, async (t) => {
      const api = await world.startApi({ AUTH_JWKS_URL: world.keySet, [variable]: `${world.origin}/` });
      await untilKeysAreFetched(api, token);
      const detail = await api.refusal(token);
      assert.ok(detail.includes(`\`${claim}\``), detail);
      assert.ok(!detail.includes(world.origin), "the answer does not say what is expected");
      t.diagnostic(detail);
    });
  }
});

async function untilKeysAreFetched(api, token) {
  while ((await api.whoami(token)).status === 503) await new Promise((resolve) => setTimeout(resolve, 50));
}
