// Better Auth changes its keys, goes and comes, while requests run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Load } from "../support/load.mjs";
import { decode } from "../support/user.mjs";
import { World } from "../support/world.mjs";

const ROTATION_SECONDS = 6;

test("Better Auth makes a new key while requests run: none of them fails", async (t) => {
  const world = await World.create(t, "rotation");
  const api = await world.startBoth({ jwt: { jwks: { rotationInterval: ROTATION_SECONDS } } });
  const ada = await world.signUp("ada");
  const first = await ada.token();
  await api.untilItHasKeys(first);

  // Each answer of the API is counted for the key of its token.
  const answers = new Map();
  let token = first;
  const load = new Load(async () => {
    const { kid } = decode(token).header;
    const answer = await api.list(ada, token);
    answers.set(kid, (answers.get(kid) ?? 0) + 1);
    return answer;
  });
  // The first key is in use for six seconds, and the second one for some of the next six.
  const until = Date.now() + 1.6 * ROTATION_SECONDS * 1000;
  while (Date.now() < until) {
    token = await ada.token();
    await sleep(100);
  }
  await load.stop();

  assert.deepEqual(load.failures, []);
  assert.equal(answers.size, 2, "there were tokens of two keys");
  for (const count of answers.values()) assert.ok(count > 100, `a key had only ${count} requests`);
  const old = decode(first).header.kid;
  assert.notEqual(decode(token).header.kid, old);
  assert.equal((await api.list(ada, first)).status, 200, "a token of the old key still serves");
  const { keys } = await (await fetch(world.keySet)).json();
  assert.equal(keys.length, 2, "the old key stays published");
  t.diagnostic(`${load.answers} requests, ${[...answers.values()].join(" of the old key and ")} of the new one`);
});

test("Better Auth is restarted while requests run: none of them fails", async (t) => {
  const world = await World.create(t, "restart");
  const api = await world.startBoth();
  const ada = await world.signUp("ada");
  let token = await ada.token();
  await api.untilItHasKeys(token);
  const key = decode(token).header.kid;

  const load = new Load(() => api.list(ada, token));
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

  assert.deepEqual(load.failures, []);
  assert.ok(whileDown > 100, `only ${whileDown} requests while it was down`);
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
  assert.equal((await api.whoami()).status, 401, "whoever sends no token is told so");
  assert.equal((await api.call("get", "/health")).status, 200, "the service is up");

  await world.startBetterAuth();
  const ms = await api.untilItHasKeys(token);
  assert.equal((await api.list(ada, token)).status, 200);
  t.diagnostic(`503 "${answer.body.detail}"; it served ${(ms / 1000).toFixed(1)} s after Better Auth did`);
});
