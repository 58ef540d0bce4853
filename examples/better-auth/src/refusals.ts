// Refusals that a page of another origin can read, because the API exposes these headers.
import createClient from "openapi-fetch";

import type { components, paths } from "../dist/task-api";
import { taskApiUrl, tasks } from "./tasks";

type ApiError = components["schemas"]["Error"];

/** A 401. This client has no middleware that would renew the token. */
export async function showRefusedToken(userId: string): Promise<string> {
  const plain = createClient<paths>({ baseUrl: taskApiUrl, headers: { Authorization: "Bearer broken" } });
  const path = { user_id: userId };
  const { error, response } = await plain.GET("/api/{user_id}/tasks", { params: { path } });
  return describe(response, error);
}

/** A 404. */
export async function showMissingTask(userId: string): Promise<string> {
  const path = { user_id: userId, id: Number.MAX_SAFE_INTEGER };
  const { error, response } = await tasks.GET("/api/{user_id}/tasks/{id}", { params: { path } });
  return describe(response, error);
}

function describe(response: Response, error: ApiError | undefined): string {
  const header = (name: string) => `${name}: ${response.headers.get(name) ?? "none"}`;
  const body = error ? `${error.error}: ${error.detail}` : "no error";
  return [response.status, body, header("X-Request-Id"), header("WWW-Authenticate")].join("\n");
}
