// Requests that go on while something else happens.
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 5;

export class Load {
  answers = 0;
  /** How often what went wrong. */
  failures = {};
  #stopped = false;
  #workers;

  /** Begins, and ends with the test. `request` resolves to an answer of the API, of which only 200 is a success. */
  constructor(test, request, workers = 4) {
    test.after(() => this.stop());
    this.#workers = Array.from({ length: workers }, () => this.#work(request));
  }

  async #work(request) {
    while (!this.#stopped) {
      const failure = await this.#failure(request);
      if (failure === undefined) this.answers += 1;
      else this.failures[failure] = (this.failures[failure] ?? 0) + 1;
      await sleep(PAUSE_MS);
    }
  }

  async #failure(request) {
    try {
      const answer = await request();
      return answer.status === 200 ? undefined : `${answer.status} ${JSON.stringify(answer.body)}`;
    } catch (error) {
      return `${error} ${error.cause ?? ""}`;
    }
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }
}
