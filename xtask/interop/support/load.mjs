// Requests that go on while something else happens.
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 5;

export class Load {
  answers = 0;
  failures = [];
  #stopped = false;
  #workers;

  /** Begins, and ends with the test. `request` resolves to an answer of the API, of which only 200 is a success. */
  constructor(test, request, workers = 4) {
    test.after(() => this.stop());
    this.#workers = Array.from({ length: workers }, () => this.#work(request));
  }

  async #work(request) {
    while (!this.#stopped) {
      try {
        const answer = await request();
        if (answer.status === 200) this.answers += 1;
        else this.failures.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      } catch (error) {
        this.failures.push(`${error} ${error.cause ?? ""}`);
      }
      await sleep(PAUSE_MS);
    }
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }
}
