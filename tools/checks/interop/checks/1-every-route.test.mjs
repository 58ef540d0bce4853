// A team with an ordinary Better Auth points the service at its key set, and everything works.
import assert from "node:assert/strict";
import { test } from "node:test";

import { query } from "../support/database.mjs";
import { driveEveryRoute } from "../support/tour.mjs";
import { decode } from "../support/user.mjs";
import { World } from "../support/world.mjs";

test("with the key set of an ordinary Better Auth", async (t) => {
  const world = await World.create(t, "key_set");
  const api = await world.startBoth();
  const ada = await world.signUp("ada");
  const token = await ada.token();
  await api.untilItHasKeys(token);

  await t.test("the token of /api/auth/token drives every operation of the OpenAPI document", async (t) => {
    t.diagnostic(`${await driveEveryRoute(api, ada, token)} operations`);
  });

  await t.test("whoami tells what the token says", async () => {
    const { claims } = decode(token);
    const { body } = await api.whoami(token);
    const expiry = new Date(claims.exp * 1000).toISOString().replace("Z", "000Z");
    const expected = { user_id: ada.id, issuer: world.origin, expires_at: expiry, algorithm: "EdDSA" };
    assert.deepEqual(body, expected);
  });

  await t.test("a second user neither sees nor changes the first one's tasks", async () => {
    const bob = await world.signUp("bob");
    const bobs = await bob.token();
    const { id } = (await api.create(ada, token, "Ada's")).body;
    assert.equal((await api.list(bob, bobs)).body.count, 0);
    assert.equal((await api.list(ada, bobs)).body.error, "forbidden");
    const task = "/api/{user_id}/tasks/{id}";
    for (const [method, body] of [["get"], ["put", { title: "Bob's" }], ["patch", { title: "Bob's" }], ["delete"]]) {
      const own = await api.call(method, task, { token: bobs, parameters: { user_id: bob.id, id }, body });
      assert.equal(own.status, 404, `${method} below one's own path`);
      const others = await api.call(method, task, { token: bobs, parameters: { user_id: ada.id, id }, body });
      assert.equal(others.status, 403, `${method} below the other's path`);
    }
    assert.equal((await api.list(ada, token)).body.tasks[0].title, "Ada's");
  });

  await t.test("deleting the account in Better Auth removes the tasks", async (t) => {
    const eve = await world.signUp("eve");
    const eves = await eve.token();
    for (const title of ["one", "two"]) assert.equal((await api.create(eve, eves, title)).status, 201);
    const rows = async (user) => {
      const [{ count }] = await query(world.database, "SELECT count(*)::int FROM tasks WHERE user_id = $1", [user.id]);
      return count;
    };
    const others = await rows(ada);
    assert.equal(await rows(eve), 2);
    assert.equal((await eve.deleteAccount()).body.success, true);
    assert.equal(await rows(eve), 0);
    assert.equal(await rows(ada), others, "no other user loses a task");
    // The token outlives the account: it creates nothing any more.
    const late = await api.create(eve, eves, "late");
    assert.equal(late.body.error, "unknown_user");
    t.diagnostic(`a token that outlives its account: ${late.status} "${late.body.detail}"`);
  });
});

test("with the shared secret, and the plugin's own signer (jwt.sign)", async (t) => {
  const world = await World.create(t, "shared_secret");
  await world.startBetterAuth({ signsWithSecret: true });
  const api = await world.startApi({ BETTER_AUTH_SECRET: world.secret });
  const ada = await world.signUp("ada");
  const token = await ada.token();

  await t.test("the token of /api/auth/token drives every operation of the OpenAPI document", async (t) => {
    assert.equal(decode(token).header.alg, "HS256");
    t.diagnostic(`${await driveEveryRoute(api, ada, token)} operations`);
    assert.equal((await api.whoami(token)).body.algorithm, "HS256");
  });

  await t.test("a token of another secret is refused", async (t) => {
    const other = await world.startApi({ BETTER_AUTH_SECRET: world.secret.replaceAll("a", "b") });
    t.diagnostic(await other.refusal(token));
  });
});
