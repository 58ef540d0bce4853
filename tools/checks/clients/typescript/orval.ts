// A client of orval for `fetch`. It writes the parts of a path as they are, so the caller encodes the user id.
import {
  completeTask,
  createTask,
  deleteTask,
  getTask,
  listTasks,
  patchTask,
  updateTask,
} from "../generated/orval/client.js";
import { answer, run, token, url, user } from "./tour.js";

// Its functions ask for paths, as in a browser.
const fetchByUrl = globalThis.fetch;
globalThis.fetch = (path, init) => fetchByUrl(new URL(String(path), url), init);

const segment = encodeURIComponent(user);
const authorization = { Authorization: `Bearer ${token}` };
const headers = { headers: authorization };

run({
  create: async (title) => {
    const { status, data } = await createTask(segment, { title }, headers);
    return answer(status, data);
  },
  list: async (limit) => {
    const { status, data } = await listTasks(segment, { limit }, headers);
    return answer(status, data);
  },
  complete: async (id, tag) => {
    const conditions = { headers: { ...authorization, "If-Match": tag } };
    const { status, data } = await completeTask(segment, id, { completed: true }, conditions);
    return answer(status, data);
  },
  update: async (id, description) => {
    const { status, data } = await updateTask(segment, id, { description }, headers);
    return answer(status, data);
  },
  clear: async (id) => {
    const { status, data } = await patchTask(segment, id, { description: null }, headers);
    return answer(status, data);
  },
  show: async (id) => {
    const { status, data } = await getTask(segment, id, headers);
    return answer(status, data);
  },
  remove: async (id) => {
    const { status, data } = await deleteTask(segment, id, headers);
    return answer(status, data);
  },
});
