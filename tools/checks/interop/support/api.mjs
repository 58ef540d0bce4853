// A running Task API, called as its OpenAPI document writes things.
import assert from "node:assert/strict";

export class Api {
  constructor(url, program) {
    this.url = url;
    this.program = program;
  }

  /** Calls an operation: its method, its path as in the document, and what fills it. */
  async call(method, path, { token, parameters = {}, query = {}, body, headers = {} } = {}) {
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters[name]));
    const url = new URL(filled, this.url);
    url.search = new URLSearchParams(query);
    const all = new Headers(headers);
    if (token !== undefined) all.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) all.set("Content-Type", "application/json");
    const init = { method: method.toUpperCase(), headers: all, body: body && JSON.stringify(body) };
    const answer = await fetch(url, init);
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json");
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  }

  async whoami(token) {
    return this.call("get", "/api/whoami", { token });
  }

  async list(user, token) {
    return this.call("get", "/api/{user_id}/tasks", { token, parameters: { user_id: user.id } });
  }

  async create(user, token, title) {
    return this.call("post", "/api/{user_id}/tasks", { token, parameters: { user_id: user.id }, body: { title } });
  }

  /** Sends a token that must be refused, and returns the sentence that says why. */
  async refusal(token) {
    const answer = await this.whoami(token);
    assert.equal(answer.status, 401, `the token is not refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    assert.equal(answer.body.error, "unauthorized");
    const challenge = `Bearer error="invalid_token", error_description="${answer.body.detail}"`;
    assert.equal(answer.headers.get("www-authenticate"), challenge);
    return answer.body.detail;
  }

  /** Waits until the key set has been fetched, which the start does not wait for. */
  async untilItHasKeys(token, withinMs = 20_000) {
    const since = Date.now();
    let answer = await this.whoami(token);
    while (answer.status === 503 && Date.now() - since < withinMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await this.whoami(token);
    }
    assert.equal(answer.status, 200, `the token is not accepted: ${JSON.stringify(answer.body)}`);
    return Date.now() - since;
  }
}
