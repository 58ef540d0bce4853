// What a check needs around it: a database, a Better Auth and a Task API, and the end of all of them.
import { randomBytes } from "node:crypto";

import { Api } from "./api.mjs";
import { createDatabase } from "./database.mjs";
import { User } from "./user.mjs";
import { attempt, freePort, Program, run } from "./programs.mjs";

const BETTER_AUTH = new URL("../better-auth.mjs", import.meta.url).pathname;
const TASK_API = process.env.TASK_API_PROGRAM;
const LISTENING = /"listening".*?127\.0\.0\.1:(\d+)/;

export class World {
  /** The secret of Better Auth, which the service has in shared-secret mode. */
  secret = randomBytes(32).toString("hex");
  #programs = new Set();

  /** Makes a database. The world ends with the test that it is for. */
  static async create(test, name) {
    const world = new World();
    test.after(() => world.end());
    world.port = await freePort();
    world.database = await createDatabase(`${name}_${randomBytes(4).toString("hex")}`);
    return world;
  }

  /** The origin of Better Auth, whether it runs or not. */
  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  get keySet() {
    return `${this.origin}/api/auth/jwks`;
  }

  /** Starts Better Auth, where it was before. */
  async startBetterAuth(options = {}) {
    const told = { port: this.port, database: this.database, secret: this.secret, ...options };
    const ready = /^listening on/m;
    const variables = { OPTIONS: JSON.stringify(told) };
    this.betterAuth = await this.start("Better Auth", process.execPath, [BETTER_AUTH], variables, ready);
    return this.betterAuth;
  }

  /** Starts a Task API on a free port, with the schema up to date. */
  async startApi(settings) {
    const base = { DATABASE_URL: this.database, DATABASE_POOL_SIZE: "2", DATABASE_POOL_MAX: "6", WORKERS: "2" };
    await run(TASK_API, ["migrate", "run"], base);
    const variables = { ...base, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "info", LOG_FORMAT: "json", ...settings };
    const program = await this.start("task-api", TASK_API, [], variables, LISTENING);
    return new Api(`http://127.0.0.1:${LISTENING.exec(program.output)[1]}`, program);
  }

  /** What the doctor says of the set-up and of a token. */
  async doctor(settings, token) {
    const variables = { DATABASE_URL: this.database, ...settings };
    return attempt(TASK_API, ["doctor", "--token", "-"], variables, token);
  }

  /** Starts a Better Auth and a Task API that takes its keys. */
  async startBoth(options = {}, settings = {}) {
    await this.startBetterAuth(options);
    return this.startApi({ AUTH_JWKS_URL: this.keySet, ...settings });
  }

  async signUp(name) {
    return User.signUp(this.origin, name);
  }

  /** The token in the link of the mail that Better Auth sent to that user. */
  verificationToken(user) {
    const mails = [...this.betterAuth.output.matchAll(/^mail (.*)$/gm)].map(([, mail]) => JSON.parse(mail));
    return mails.find((mail) => mail.to === user.email)?.token;
  }

  /** Starts a program that ends with this world. */
  async start(...how) {
    const program = await Program.start(...how);
    this.#programs.add(program);
    return program;
  }

  async end() {
    await Promise.all([...this.#programs].map((program) => program.stop()));
  }
}

