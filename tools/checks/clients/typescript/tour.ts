// What every generated client does once against a running service.
import assert from "node:assert/strict";

export type Task = {
  id: number;
  user_id: string;
  title: string;
  description: string | null;
  completed: boolean;
  version: number;
};

export type Refusal = { error: string; detail: string; current?: { version: number } };

export type Answer<T> = { status: number; data?: T; refusal?: Refusal };

// The operations, each with the types that the generator made.
export interface Client {
  create(title: string): Promise<Answer<Task>>;
  list(limit: number): Promise<Answer<{ tasks: Task[]; count: number; next_cursor: string | null }>>;
  complete(id: number, tag: string): Promise<Answer<Task>>;
  update(id: number, description: string): Promise<Answer<Task>>;
  clear(id: number): Promise<Answer<Task>>;
  show(id: number): Promise<Answer<Task>>;
  remove(id: number): Promise<Answer<{ message: string }>>;
}

function variable(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

export const url = variable("TASK_API_URL");
export const token = variable("TASK_API_TOKEN");
// An id that has to be percent-encoded in a path.
export const user = variable("TASK_API_USER");

// An answer in the form that some generators give: with `data` whatever the status is.
export function answer<T>(status: number, data: unknown): Answer<T> {
  return status < 400 ? { status, data: data as T } : { status, refusal: data as Refusal };
}

async function tour(client: Client): Promise<void> {
  const created = await client.create("buy milk");
  assert.equal(created.status, 201, JSON.stringify(created));
  assert.deepEqual(
    [created.data?.title, created.data?.user_id, created.data?.version, created.data?.description],
    ["buy milk", user, 1, null],
  );
  const id = created.data?.id ?? 0;

  const listed = await client.list(1);
  assert.deepEqual([listed.status, listed.data?.count, listed.data?.tasks[0]?.id], [200, 1, id]);

  const completed = await client.complete(id, '"1"');
  assert.deepEqual([completed.status, completed.data?.completed, completed.data?.version], [200, true, 2]);

  const late = await client.complete(id, '"1"');
  assert.deepEqual([late.status, late.refusal?.error, late.refusal?.current?.version], [412, "precondition_failed", 2]);

  const updated = await client.update(id, "two bottles");
  assert.deepEqual([updated.status, updated.data?.description], [200, "two bottles"]);

  const cleared = await client.clear(id);
  assert.deepEqual([cleared.status, cleared.data?.description, cleared.data?.version], [200, null, 4]);

  const removed = await client.remove(id);
  assert.deepEqual([removed.status, removed.data?.message], [200, "Task deleted"]);

  const gone = await client.show(id);
  assert.deepEqual([gone.status, gone.refusal?.error], [404, "not_found"]);
}

// Tours the service, and ends the program with the outcome.
export function run(client: Client): void {
  tour(client).catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
