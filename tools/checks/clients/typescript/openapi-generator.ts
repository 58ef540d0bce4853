// A client of openapi-generator, `typescript-fetch`, which encodes the parts of a path. It has dates of its own and camel case.
import { Configuration, ResponseError, type Task as Generated, TasksApi } from "../generated/typescript-fetch/index.js";
import { type Answer, type Refusal, run, type Task, token, url, user } from "./tour.js";

const api = new TasksApi(new Configuration({ basePath: url, accessToken: token }));

function task(made: Generated): Task {
  const { id, title, description, completed, version } = made;
  return { id, user_id: made.userId, title, description, completed, version };
}

// It throws what is no success, with the answer as it came.
async function read<From, T>(
  call: Promise<{ raw: Response; value(): Promise<From> }>,
  convert: (value: From) => T,
): Promise<Answer<T>> {
  try {
    const { raw, value } = await call.then((made) => ({ raw: made.raw, value: made.value() }));
    return { status: raw.status, data: convert(await value) };
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return { status: error.response.status, refusal: (await error.response.json()) as Refusal };
  }
}

const of = (id: number) => ({ userId: user, id });

run({
  create: (title) => read(api.createTaskRaw({ userId: user, taskCreation: { title } }), task),
  list: (limit) =>
    read(api.listTasksRaw({ userId: user, limit }), ({ tasks, count, nextCursor }) => ({
      tasks: tasks.map(task),
      count,
      next_cursor: nextCursor,
    })),
  complete: (id, tag) =>
    read(api.completeTaskRaw({ ...of(id), ifMatch: tag, completion: { completed: true } }), task),
  update: (id, description) => read(api.updateTaskRaw({ ...of(id), taskChanges: { description } }), task),
  clear: (id) => read(api.patchTaskRaw({ ...of(id), taskPatch: { description: null } }), task),
  show: (id) => read(api.getTaskRaw(of(id)), task),
  remove: (id) => read(api.deleteTaskRaw(of(id)), ({ message }) => ({ message })),
});
