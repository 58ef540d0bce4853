// A user with an account in Better Auth, and with the cookies that a browser would keep.
import assert from "node:assert/strict";

const PASSWORD = "correct horse battery staple";

export class User {
  password = PASSWORD;
  #cookies = new Map();

  /** Makes an account over HTTP, and is signed in from then on. */
  static async signUp(origin, name) {
    const user = new User();
    user.origin = origin;
    user.email = `${name}@example.com`;
    const { body } = await user.post("/sign-up/email", { name, email: user.email, password: PASSWORD });
    user.id = body.user.id;
    return user;
  }

  /** Signs in once more; the answer holds what Better Auth hands to a client. */
  async signIn() {
    return this.post("/sign-in/email", { email: this.email, password: PASSWORD });
  }

  /** A fresh JWT. */
  async token() {
    const { body } = await this.#fetch("/token", {});
    return body.token;
  }

  async deleteAccount() {
    return this.post("/delete-user", { password: PASSWORD });
  }

  /** The value of a cookie as it is sent. */
  cookie(name) {
    return this.#cookies.get(name);
  }

  async post(path, body) {
    const headers = { "Content-Type": "application/json" };
    return this.#fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #fetch(path, { headers, ...init }) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = { ...headers, Origin: this.origin, Cookie: cookie };
    const answer = await fetch(`${this.origin}/api/auth${path}`, { ...init, headers: all });
    const text = await answer.text();
    assert.equal(answer.status, 200, `Better Auth answers ${path} with ${answer.status} ${text}`);
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.#cookies.set(name, value);
    }
    return { headers: answer.headers, body: JSON.parse(text) };
  }
}

/** The header and the claims of a JWT. */
export function decode(token) {
  const [header, claims] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
  return { header: JSON.parse(header), claims: JSON.parse(claims) };
}
