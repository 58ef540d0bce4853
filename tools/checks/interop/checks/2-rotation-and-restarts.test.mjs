// Better Auth changes its keys, goes and comes, while requests run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { query } from "../support/database.mjs";
import { Load } from "../support/load.mjs";
import { decode } from "../support/user.mjs";
import { World } from "../support/world.mjs";

const AN_HOUR = 3600;
const USERS = 6;

test("Better Auth makes new keys while many sign in and requests run: none of them fails", async (t) => {
  const world = await World.create(t, "rotation");
  const api = await world.startBoth({ jwt: { jwks: { rotationInterval: AN_HOUR } } });
  const users = await Promise.all(Array.from({ length: USERS }, (_, number) => world.signUp(`user${number}`)));
  const first = await users[0].token();
  await api.untilItHasKeys(first);

  // Each takes a new token for each request. All who ask for one while the key has expired make a new key each: that is
  // how Better Auth does it.
  const answers = new Map();
  let turn = 0;
  const load = new Load(t, async () => {
    const user = users[turn++ % USERS];
    const token = await user.token();
    const answer = await api.list(user, token);
    const { kid } = decode(token).header;
    answers.set(kid, (answers.get(kid) ?? 0) + 1);
    return answer;
  }, USERS);
  await sleep(2000);
  // The hour is over.
  const expire = `UPDATE jwks SET "expiresAt" = now() WHERE "expiresAt" > now()`;
  await query(world.database, expire);
  // The last of the new keys, which is used from then on, comes a moment later than the others.
  await sleep(100);
  await query(world.database, expire);
  await users[0].token();
  await sleep(4000);
  await load.stop();

  assert.deepEqual(load.failures, {});
  const old = decode(first).header.kid;
  const now = decode(await users[0].token()).header.kid;
  assert.notEqual(now, old, "Better Auth has rotated");
  for (const [kid, name] of [[old, "old"], [now, "new"]]) {
    assert.ok(answers.get(kid) > 20, `the ${name} key had only ${answers.get(kid)} requests`);
  }
  assert.equal((await api.list(users[0], first)).status, 200, "a token of the old key still serves");
  const { keys } = await (await fetch(world.keySet)).json();
  assert.ok(keys.some((key) => key.kid === old), "the old key stays published");
  t.diagnostic(`${load.answers} requests; ${keys.length - 1} new keys: ${[...answers.values()].join(" + ")} requests`);
});

test("Better Auth is restarted while requests run: none of them fails", async (t) => {
  const world = await World.create(t, "restart");
  const api = await world.startBoth();
  const ada = await world.signUp("ada");
  let token = await ada.token();
  await api.untilItHasKeys(token);
  const key = decode(token).header.kid;

  const load = new Load(t, () => api.list(ada, token));
  await sleep(500);
  await world.betterAuth.stop();
  const before = load.answers;
  await assert.rejects(fetch(world.keySet), "Better Auth is gone");
  await sleep(2000);
  const whileDown = load.answers - before;
  await world.startBetterAuth();
  token = await ada.token();
  await sleep(1000);
  await load.stop();

  assert.deepEqual(load.failures, {});
  assert.ok(whileDown > 20, `only ${whileDown} requests while it was down`);
  assert.equal(decode(token).header.kid, key, "Better Auth keeps its key");
  t.diagnostic(`${load.answers} requests, ${whileDown} of them while Better Auth was down`);
});

test("Better Auth is down when the service starts: 503 with Retry-After, and it recovers by itself", async (t) => {
  const world = await World.create(t, "late");
  await world.startBetterAuth();
  const ada = await world.signUp("ada");
  const token = await ada.token();
  await world.betterAuth.stop();
  const api = await world.startApi({ AUTH_JWKS_URL: world.keySet });

  const answer = await api.list(ada, token);
  assert.equal(answer.status, 503);
  assert.equal(answer.body.error, "unavailable");
  assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  assert.equal((await api.whoami()).status, 401, "a request without a token is refused");
  assert.equal((await api.call("get", "/health")).status, 200, "the service is up");

  await world.startBetterAuth();
  const ms = await api.untilItHasKeys(token);
  assert.equal((await api.list(ada, token)).status, 200);
  t.diagnostic(`503 "${answer.body.detail}"; it served ${(ms / 1000).toFixed(1)} s after Better Auth did`);
});
