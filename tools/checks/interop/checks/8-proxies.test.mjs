// The service below a prefix of another site, behind the proxies that people use.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";

import { SignJWT } from "jose";

import { Api } from "../support/api.mjs";
import { query } from "../support/database.mjs";
import { openBrowser } from "../support/example.mjs";
import { startHaproxy, startNginx } from "../support/proxies.mjs";
import { World } from "../support/world.mjs";

/** An id that a client has to encode. */
const USER = { id: "ann/b ü" };
const SETTINGS = { PATH_PREFIX: "/todo", TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_FAILED_AUTH_PER_MINUTE: "3" };

/** The head that the snippet for WebSockets, which is copied everywhere, gives to every request. */
const ALWAYS_UPGRADES = (server) =>
  server.replace('proxy_set_header Connection "";', 'proxy_set_header Upgrade websocket; proxy_set_header Connection "upgrade";');
const HTTP_1_0 = (server) => server.replace("proxy_http_version 1.1;", "proxy_http_version 1.0;");
const UNBUFFERED = (server) =>
  server.replace("gzip off;", "proxy_buffering off; proxy_request_buffering off; gzip off;");
const COMPRESSES = (server) => server.replace("gzip off;", "gzip on; gzip_types application/json; gzip_min_length 1;");

const PROXIES = {
  "nginx, as deploy/nginx/prefix.conf has it": (world, api) => startNginx(world, api),
  "nginx that offers an upgrade with every request": (world, api) => startNginx(world, api, ALWAYS_UPGRADES),
  "nginx that speaks HTTP/1.0": (world, api) => startNginx(world, api, HTTP_1_0),
  "nginx without buffers": (world, api) => startNginx(world, api, UNBUFFERED),
  "HAProxy, as deploy/haproxy/prefix.cfg has it": startHaproxy,
};

for (const [name, startProxy] of Object.entries(PROXIES)) {
  test(name, async (t) => {
    const { world, api, token } = await begin(t, SETTINGS);
    const site = await startProxy(world, api);
    const behind = new Api(site, api.program);
    const parameters = { user_id: USER.id };

    await t.test("a created task is found where Location says", async () => {
      const created = await behind.call("post", "/todo/api/{user_id}/tasks", { token, parameters, body: { title: "é" } });
      assert.equal(created.status, 201, JSON.stringify(created.body));
      const location = created.headers.get("location");
      assert.match(location, /^\/todo\/api\/ann%2Fb%20%C3%BC\/tasks\/\d+$/);
      const found = await behind.call("get", location, { token });
      assert.deepEqual(found.body, created.body);
      assert.equal(found.headers.get("etag"), '"1"', "the tag is strong");
    });

    await t.test("the pages of a list are found where Link says", async () => {
      await behind.call("post", "/todo/api/{user_id}/tasks", { token, parameters, body: { title: "second" } });
      const seen = [];
      let next = `/todo/api/${encodeURIComponent(USER.id)}/tasks?limit=1&sort=title`;
      while (next) {
        const page = await fetch(new URL(next, site), { headers: { Authorization: `Bearer ${token}` } });
        seen.push(...(await page.json()).tasks.map((task) => task.title));
        next = /^<(\/todo\/[^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
      }
      assert.deepEqual(seen, ["second", "é"]);
    });

    await t.test("a body in chunks arrives", async () => {
      const answer = await sendInChunks(site, token, ['{"title":', '"chunks"}']);
      assert.match(answer, /^HTTP\/1\.1 201 /);
    });

    await t.test("each client has a limit of its own, and cannot choose another address", async () => {
      const statuses = [];
      for (let n = 0; n < 5; n += 1) statuses.push(await refusalOf(site, "127.0.0.2", `198.51.100.${n}`));
      assert.deepEqual(statuses.slice(-2), [429, 429], `${statuses}`);
      assert.equal(await refusalOf(site, "127.0.0.3"), 401);
    });
  });
}

test("behind nginx that compresses, a weak tag is refused with a sentence, and the version of the body works", async (t) => {
  const { world, api, token } = await begin(t, SETTINGS);
  const behind = new Api(await startNginx(world, api, COMPRESSES), api.program);
  const parameters = { user_id: USER.id };
  const created = await behind.call("post", "/todo/api/{user_id}/tasks", { token, parameters, body: { title: "t" } });
  const location = created.headers.get("location");
  const weak = (await behind.call("get", location, { token })).headers.get("etag");
  assert.equal(weak, 'W/"1"', "nginx weakens the tag");
  const put = (tag) => behind.call("put", location, { token, body: { title: "u" }, headers: { "If-Match": tag } });
  const refused = await put(weak);
  assert.equal(refused.status, 412);
  assert.match(refused.body.detail, /weak/);
  assert.equal((await put(`"${refused.body.current.version}"`)).status, 200);
});

test("the pages, in Chromium, below a prefix", async (t) => {
  const { world, api } = await begin(t, SETTINGS);
  const site = await startNginx(world, api);
  const browser = await openBrowser(t, "prefix");
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  for (const path of ["/todo/docs", "/todo/docs/"]) {
    await page.goto(site + path);
    await page.getByText("/api/{user_id}/tasks/{id}/complete").first().waitFor();
  }
  for (const path of ["/todo/redoc", "/todo/redoc/"]) {
    await page.goto(site + path);
    await page.getByText("/api/{user_id}/tasks/{id}/complete").first().waitFor({ state: "attached" });
  }
  assert.deepEqual(errors, []);
});

test("a page with tracing on another origin may call, and reads the answer and its headers", async (t) => {
  const page = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<title>page</title>"));
  page.listen(0, "127.0.0.1");
  await once(page, "listening");
  t.after(() => page.close());
  const origin = `http://127.0.0.1:${page.address().port}`;
  const { world, api, token } = await begin(t, { ...SETTINGS, CORS_ORIGINS: origin });
  const site = await startNginx(world, api);
  const browser = await openBrowser(t, "tracing");
  const tab = await browser.newPage();
  await tab.goto(origin);
  const read = await tab.evaluate(
    async ([url, token]) => {
      const headers = {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "a=b",
        baggage: "sentry-environment=production",
        "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
      };
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ title: "traced" }) });
      const seen = ["location", "etag", "x-request-id"].map((name) => answer.headers.get(name));
      return { status: answer.status, title: (await answer.json()).title, seen };
    },
    [`${site}/todo/api/${encodeURIComponent(USER.id)}/tasks`, token],
  );
  assert.equal(read.status, 201);
  assert.equal(read.title, "traced");
  assert.match(read.seen[0], /^\/todo\/api\/ann%2Fb%20%C3%BC\/tasks\/\d+$/);
  assert.equal(read.seen[1], '"1"');
  assert.ok(read.seen[2]);
});

/** A database with one user, a service that shares a secret, and a token of that user. */
async function begin(t, settings) {
  const world = await World.create(t, "proxies");
  await query(world.database, "CREATE TABLE users (id text PRIMARY KEY)");
  await query(world.database, "INSERT INTO users VALUES ($1)", [USER.id]);
  const api = await world.startApi({ BETTER_AUTH_SECRET: world.secret, ...settings });
  const claims = new SignJWT({ sub: USER.id }).setProtectedHeader({ alg: "HS256" }).setIssuedAt().setExpirationTime("1h");
  const token = await claims.sign(new TextEncoder().encode(world.secret));
  return { world, api, token };
}

/** The status for a token that is none, sent from an address of this machine by a client that claims another one. */
async function refusalOf(site, from, claimed) {
  const headers = { Authorization: "Bearer x", ...(claimed && { "X-Forwarded-For": claimed }) };
  const asked = request(`${site}/todo/api/whoami`, { localAddress: from, headers }).end();
  const [answer] = await once(asked, "response");
  answer.resume();
  return answer.statusCode;
}

/** Sends a POST whose body comes in pieces, and returns the answer as it came. */
async function sendInChunks(site, token, pieces) {
  const { hostname, port, host } = new URL(site);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (text) => (answer += text));
  const head = [
    `POST /todo/api/${encodeURIComponent(USER.id)}/tasks HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "Connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  for (const piece of pieces) socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  socket.write("0\r\n\r\n");
  await once(socket, "close");
  return answer;
}
