// A client of swagger-typescript-api. It writes the parts of a path as they are, so the caller encodes the user id.
import { Api, type HttpResponse } from "../generated/swagger-typescript-api/client.js";
import { type Answer, answer, run, token, url, user } from "./tour.js";

const { api } = new Api({ baseUrl: url, baseApiParams: { headers: { Authorization: `Bearer ${token}` } } });
const segment = encodeURIComponent(user);

// It throws what is no success.
async function read<T>(call: Promise<HttpResponse<T, unknown>>): Promise<Answer<T>> {
  const { status, data, error } = await call.catch((refusal: HttpResponse<T, unknown>) => refusal);
  return answer(status, data ?? error);
}

run({
  create: (title) => read(api.createTask(segment, { title })),
  list: (limit) => read(api.listTasks(segment, { limit })),
  complete: (id, tag) =>
    read(api.completeTask(segment, id, { completed: true }, { headers: { "If-Match": tag } })),
  update: (id, description) => read(api.updateTask(segment, id, { description })),
  clear: (id) => read(api.patchTask(segment, id, { description: null })),
  show: (id) => read(api.getTask(segment, id)),
  remove: (id) => read(api.deleteTask(segment, id)),
});
