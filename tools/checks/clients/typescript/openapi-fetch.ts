// Types of openapi-typescript, called with openapi-fetch, which encodes the parts of a path.
import createClient from "openapi-fetch";

import type { paths } from "../generated/openapi-typescript/schema.js";
import { type Answer, type Refusal, run, token, url, user } from "./tour.js";

const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

type Outcome<T> = { response: Response; data?: T; error?: Refusal };

function read<T>({ response, data, error }: Outcome<T>): Answer<T> {
  return { status: response.status, data, refusal: error };
}

const task = (id: number) => ({ path: { user_id: user, id } });

run({
  create: async (title) =>
    read(await api.POST("/api/{user_id}/tasks", { params: { path: { user_id: user } }, body: { title } })),
  list: async (limit) =>
    read(await api.GET("/api/{user_id}/tasks", { params: { path: { user_id: user }, query: { limit } } })),
  complete: async (id, tag) =>
    read(
      await api.PATCH("/api/{user_id}/tasks/{id}/complete", {
        params: { ...task(id), header: { "If-Match": tag } },
        body: { completed: true },
      }),
    ),
  update: async (id, description) =>
    read(await api.PUT("/api/{user_id}/tasks/{id}", { params: task(id), body: { description } })),
  clear: async (id) =>
    read(await api.PATCH("/api/{user_id}/tasks/{id}", { params: task(id), body: { description: null } })),
  show: async (id) => {
    const { response, data, error } = await api.GET("/api/{user_id}/tasks/{id}", { params: task(id) });
    return { status: response.status, data, refusal: error };
  },
  remove: async (id) => read(await api.DELETE("/api/{user_id}/tasks/{id}", { params: task(id) })),
});
