// Serves Better Auth below /api/auth, and the page: one origin. The Task API has another.
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";

import { toNodeHandler } from "better-auth/node";

import { auth } from "./auth";

const taskApi = process.env.TASK_API_URL ?? "http://127.0.0.1:8080";
const host = process.env.HOST ?? "127.0.0.1";
const port = Number(process.env.PORT ?? 3000);
const betterAuth = toNodeHandler(auth);

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (pathname.startsWith("/api/auth/")) {
    void betterAuth(request, response);
  } else if (pathname === "/") {
    void send(response, "../public/index.html", "text/html; charset=utf-8", (page) => page.replace("TASK_API_URL", taskApi));
  } else if (pathname === "/page.js") {
    void send(response, "page.js", "text/javascript; charset=utf-8");
  } else {
    response.writeHead(404).end();
  }
});

async function send(response: ServerResponse, file: string, type: string, change = (text: string) => text) {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  response.writeHead(200, { "Content-Type": type }).end(change(text));
}

server.listen(port, host, () => console.log(`listening on http://localhost:${port}`));

// A signal ends the first process of a container only if the process handles it.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.close(() => process.exit());
    // Browsers open connections in advance, which may stay without a request for a minute.
    setTimeout(() => server.closeAllConnections(), 2000);
  });
}
