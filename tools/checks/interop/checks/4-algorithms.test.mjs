// Each algorithm that the plugin can be told to use.
import assert from "node:assert/strict";
import { test } from "node:test";

import { decode } from "../support/user.mjs";
import { World } from "../support/world.mjs";

for (const algorithm of ["EdDSA", "ES256", "RS256", "PS256"]) {
  test(`a token signed with ${algorithm} is accepted, and whoami names it`, async (t) => {
    const { api, token } = await issue(t, algorithm);
    await api.untilItHasKeys(token);
    assert.equal((await api.whoami(token)).body.algorithm, algorithm);
  });
}

test("a token signed with ES512 is refused, with a sentence that says why", async (t) => {
  const { api, token } = await issue(t, "ES512");
  const detail = await api.refusal(token);
  assert.match(detail, /algorithm/);
  t.diagnostic(detail);
});

/** A token of a Better Auth that uses this algorithm, and a service that takes its keys. */
async function issue(test, alg) {
  const world = await World.create(test, `alg_${alg.toLowerCase()}`);
  const api = await world.startBoth({ jwt: { jwks: { keyPairConfig: { alg } } } });
  const token = await (await world.signUp("ada")).token();
  assert.equal(decode(token).header.alg, alg);
  return { api, token };
}
