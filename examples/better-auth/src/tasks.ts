// The Task API as a typed client. `npm run types` makes the types from docs/openapi.json.
import createClient, { type Middleware } from "openapi-fetch";

import type { components, paths } from "../dist/task-api";
import { currentToken, renewedToken } from "./session";

export type Task = components["schemas"]["Task"];

export const taskApiUrl = document.querySelector<HTMLMetaElement>('meta[name="task-api"]')?.content ?? "";

// A request can be sent only once, so keep a copy until the answer is there.
const copies = new WeakMap<Request, Request>();

const bearer: Middleware = {
  async onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${await currentToken()}`);
    copies.set(request, request.clone());
    return request;
  },
  // Renew an expired token once. Nothing was written: a 401 comes before everything else.
  async onResponse({ request, response }) {
    const again = copies.get(request);
    if (response.status !== 401 || !again) return response;
    again.headers.set("Authorization", `Bearer ${await renewedToken(again.headers.get("Authorization"))}`);
    return fetch(again);
  },
};

export const tasks = createClient<paths>({ baseUrl: taskApiUrl });
tasks.use(bearer);
