// The proxies that people put in front, set up by the files of this project.
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { freePort } from "./programs.mjs";

const DEPLOY = process.env.DEPLOY;
const READY_WITHIN_MS = 20_000;

/** Starts nginx with `deploy/nginx/prefix.conf`, changed or not, and returns the address at which it listens. */
export async function startNginx(world, api, change) {
  const asWritten = await readFile(join(DEPLOY, "nginx/prefix.conf"), "utf8");
  const server = change ? change(asWritten) : asWritten;
  if (change && server === asWritten) throw new Error("there is nothing to change in deploy/nginx/prefix.conf");
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "task-api-nginx-"));
  const listens = server.replace("listen TASK_API_LISTEN;", `listen 127.0.0.1:${port};`);
  const filled = listens.replace("server TASK_API;", `server ${new URL(api.url).host};`);
  const place = (name) => `${name}_temp_path ${folder}/${name};`;
  const text = `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
    events {}
    http { access_log off; ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(place).join(" ")}
    ${filled} }`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, text);
  await world.start("nginx", process.env.NGINX, ["-e", "stderr", "-c", file, "-p", folder], variables("NGINX"), /start worker|using the/);
  return listening(port);
}

/** Starts HAProxy with `deploy/haproxy/prefix.cfg`, and returns the address at which it listens. */
export async function startHaproxy(world, api) {
  const port = await freePort();
  const file = join(DEPLOY, "haproxy/prefix.cfg");
  const told = { TASK_API_LISTEN: `127.0.0.1:${port}`, TASK_API: new URL(api.url).host };
  await world.start("haproxy", process.env.HAPROXY, ["-db", "-f", file], { ...told, ...variables("HAPROXY") }, /.?/);
  return listening(port);
}

/** Where a program that was only unpacked finds its libraries. */
function variables(program) {
  const libraries = process.env[`${program}_LIBRARIES`];
  return libraries ? { LD_LIBRARY_PATH: libraries } : {};
}

async function listening(port) {
  const since = Date.now();
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const connected = await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)]).catch(() => false);
    socket.destroy();
    if (connected) return `http://127.0.0.1:${port}`;
    if (Date.now() - since > READY_WITHIN_MS) throw new Error(`nothing listens on port ${port}`);
    await sleep(20);
  }
}
