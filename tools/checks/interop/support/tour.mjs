// A tour through every operation of the API, as one user would make it.
import assert from "node:assert/strict";

const LIST = "/api/{user_id}/tasks";
const TASK = "/api/{user_id}/tasks/{id}";
const COMPLETE = "/api/{user_id}/tasks/{id}/complete";

/** Drives every operation of the OpenAPI document with the user's token. Fails where one was not driven. */
export async function driveEveryRoute(api, user, token) {
  const driven = new Set();
  const drive = async (method, path, status, more = {}) => {
    const parameters = { user_id: user.id, ...more.parameters };
    const answer = await api.call(method, path, { token, ...more, parameters });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    if (status < 300) driven.add(`${method} ${path}`);
    return answer;
  };

  const created = await drive("post", LIST, 201, { body: { title: "Buy milk" }, headers: { "Idempotency-Key": "1" } });
  const { id } = created.body;
  assert.equal(created.body.user_id, user.id);
  const again = await drive("post", LIST, 201, { body: { title: "Buy milk" }, headers: { "Idempotency-Key": "1" } });
  assert.deepEqual(again.body, created.body, "a repeated request creates nothing");

  const one = { parameters: { id } };
  assert.equal((await drive("get", TASK, 200, one)).headers.get("etag"), '"1"');
  assert.equal((await drive("put", TASK, 200, { ...one, body: { title: "Buy oat milk" } })).body.title, "Buy oat milk");
  assert.equal((await drive("patch", TASK, 200, { ...one, body: { description: "2 l" } })).body.description, "2 l");
  assert.equal((await drive("patch", COMPLETE, 200, one)).body.completed, true);
  assert.equal((await drive("get", LIST, 200, { query: { status: "completed", total: "true" } })).body.total, 1);
  assert.equal((await drive("delete", TASK, 200, one)).body.message, "Task deleted");
  await drive("get", TASK, 404, one);

  assert.equal((await drive("get", "/api/whoami", 200)).body.user_id, user.id);
  assert.equal((await drive("get", "/health", 200, { token: undefined })).body.status, "ok");
  assert.equal((await drive("get", "/health/live", 200, { token: undefined })).body.status, "ok");
  assert.equal((await drive("get", "/health/ready", 200, { token: undefined })).body.status, "ready");
  for (const path of ["/docs", "/redoc", "/openapi.json"]) {
    assert.equal((await api.call("get", path)).status, 200, path);
  }
  await nothingIsLeftOut(api, driven);
  return driven.size;
}

async function nothingIsLeftOut(api, driven) {
  const { body } = await api.call("get", "/openapi.json");
  const document = Object.entries(body.paths).flatMap(([path, operations]) =>
    Object.keys(operations).filter((method) => METHODS.has(method)).map((method) => `${method} ${path}`),
  );
  const missing = document.filter((operation) => !driven.has(operation));
  assert.deepEqual(missing, [], "these operations of the OpenAPI document were not driven: add them to the tour");
}

const METHODS = new Set(["get", "put", "post", "delete", "options", "head", "patch", "trace"]);
