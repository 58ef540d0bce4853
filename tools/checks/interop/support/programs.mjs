// Programs that a check starts: ready when they say so, and ended with the check.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const READY_WITHIN_MS = 30_000;
const ENDED_WITHIN_MS = 10_000;
// Below the ports that systems give to outgoing connections: no other program takes one of these while its own is down.
const FIRST_PORT = 20_000;
const PORTS = 10_000;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Program {
  /** Everything that it printed. */
  output = "";
  #child;
  #name;

  /** Starts a program with these variables and no others, and waits until it prints what `ready` matches. */
  static async start(name, command, words, variables, ready) {
    const program = new Program();
    program.#name = name;
    program.#child = spawn(command, words, { ...surroundings(variables), stdio: ["ignore", "pipe", "pipe"] });
    running.add(program.#child);
    program.#child.on("exit", () => running.delete(program.#child));
    for (const stream of [program.#child.stdout, program.#child.stderr]) {
      stream.on("data", (text) => (program.output += text));
    }
    await program.#printed(ready);
    return program;
  }

  async #printed(ready) {
    const since = Date.now();
    while (!ready.test(this.output)) {
      if (this.hasEnded || Date.now() - since > READY_WITHIN_MS) {
        await this.stop();
        throw new Error(`${this.#name} does not start; it printed:\n${this.output}`);
      }
      await sleep(20);
    }
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Asks it to end and waits until it has. Its exit code is null where a signal ended it, and not itself. */
  async stop() {
    if (this.hasEnded) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const impatience = setTimeout(() => this.#child.kill("SIGKILL"), ENDED_WITHIN_MS);
    await ended;
    clearTimeout(impatience);
    return this.#child.exitCode;
  }
}

/** Runs a program to its end, which must be a good one. */
export async function run(command, words, variables) {
  await promisify(execFile)(command, words, surroundings(variables));
}

/** Runs a program to its end, good or bad, with that on its standard input. */
export async function attempt(command, words, variables, input = "") {
  const child = spawn(command, words, surroundings(variables));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  child.stdin.on("error", () => {}).end(input);
  const [code] = await once(child, "close");
  return { code, output };
}

/** Those variables and no others, and a folder above which no file `.env` of the person is found. */
function surroundings(variables) {
  return { cwd: tmpdir(), env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables } };
}

/** A free port of loopback. */
export async function freePort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const taken = new Promise((resolve) => server.once("error", resolve));
    const free = new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
    if ((await Promise.race([free, taken])) === undefined) {
      await new Promise((resolve) => server.close(resolve));
      return port;
    }
  }
}
