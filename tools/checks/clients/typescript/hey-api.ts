// A client of @hey-api/openapi-ts, which encodes the parts of a path.
import {
  completeTask,
  createTask,
  deleteTask,
  getTask,
  listTasks,
  patchTask,
  updateTask,
} from "../generated/hey-api/index.js";
import { client } from "../generated/hey-api/client.gen.js";
import { type Answer, type Refusal, run, token, url, user } from "./tour.js";

client.setConfig({ baseUrl: url, auth: token });

type Outcome<T> = { response?: Response; data?: T; error?: unknown };

function read<T>({ response, data, error }: Outcome<T>): Answer<T> {
  return { status: response?.status ?? 0, data, refusal: error as Refusal | undefined };
}

const task = (id: number) => ({ user_id: user, id });

run({
  create: async (title) => read(await createTask({ path: { user_id: user }, body: { title } })),
  list: async (limit) => read(await listTasks({ path: { user_id: user }, query: { limit } })),
  complete: async (id, tag) =>
    read(await completeTask({ path: task(id), headers: { "If-Match": tag }, body: { completed: true } })),
  update: async (id, description) => read(await updateTask({ path: task(id), body: { description } })),
  clear: async (id) => read(await patchTask({ path: task(id), body: { description: null } })),
  show: async (id) => read(await getTask({ path: task(id) })),
  remove: async (id) => read(await deleteTask({ path: task(id) })),
});
