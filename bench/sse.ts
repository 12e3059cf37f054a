// How late are server-sent events, and what does a client cost? `deno task bench:sse`: 1,000 clients with ten events a second each, under mpmd
// (event) and under `deno serve --parallel`, two threads each, one after the other. Each client counts its events: none may be missing.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { type Peer, withPeers } from "./wrk.ts";

const CLIENTS = 1000;
const SECONDS = 10;
const EVERY_MS = 100;

const MODULE = `
export default { fetch(request) {
  if (new URL(request.url).pathname !== "/events") return new Response("here");
  let timer, count = 0;
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({
    start(controller) {
      timer = setInterval(() => {
        const now = performance.timeOrigin + performance.now();
        controller.enqueue(encoder.encode("data: " + count++ + " " + now + "\\n\\n"));
      }, ${EVERY_MS});
    },
    cancel() { clearInterval(timer); },
  }), { headers: { "content-type": "text/event-stream" } });
} };
`;

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

/** One client: how late (ms) each of its events was. @throws Error when one is missing, or is another's */
async function listen(port: number, until: number, lateness: number[]): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await connection.write(new TextEncoder().encode("GET /events HTTP/1.1\r\nHost: a\r\n\r\n"));
    const decoder = new TextDecoder();
    let text = "";
    let next = 0;
    const buffer = new Uint8Array(4096);
    while (performance.now() < until) {
      const n = await connection.read(buffer);
      if (n === null) throw new Error("the stream ended");
      const now = performance.timeOrigin + performance.now();
      text += decoder.decode(buffer.subarray(0, n));
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = /data: (\d+) ([\d.]+)$/.exec(text.slice(0, end));
        text = text.slice(end + 2);
        if (event === null || Number(event[1]) !== next++) {
          throw new Error(`event ${event?.[1]} for ${next - 1}`);
        }
        lateness.push(now - Number(event[2]));
      }
    }
  } finally {
    connection.close();
  }
}

/** Resident memory (bytes) of the process and of those below it. */
function memory(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const children = [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(" ").filter((each) =>
      each !== ""
    )
  );
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) * 1024 +
    children.reduce((sum, child) => sum + memory(Number(child)), 0);
}

async function run(peer: Peer): Promise<void> {
  await withPeers([peer], "/", async ([pid]) => {
    const before = memory(pid);
    const lateness: number[] = [];
    const until = performance.now() + SECONDS * 1000;
    const clients = Array.from({ length: CLIENTS }, () => listen(peer.port, until, lateness));
    const measured = new Promise((resolve) => setTimeout(resolve, SECONDS * 900)).then(() => memory(pid));
    await Promise.all(clients);
    const each = (await measured - before) / CLIENTS;
    lateness.sort((a, b) => a - b);
    const at = (share: number) => lateness[Math.floor((lateness.length - 1) * share)].toFixed(1);
    console.log(
      `${peer.name}: ${lateness.length} events, late by p50 ${at(0.5)}, p99 ${at(0.99)}, at most ${
        at(1)
      } ms; ` +
        `${(each / 1024).toFixed(1)} kB a client`,
    );
  });
}

try {
  const module = join(root, "app.js");
  await Deno.writeTextFile(module, MODULE);
  const [own, serve] = [freePort(), freePort()];
  await Deno.writeTextFile(
    join(root, "mpmd.conf"),
    `
ServerName localhost
Listen 127.0.0.1:${own}
ServerRoot "${root}"
PidFile "${root}/pid"
ErrorLog "${root}/error_log"
StartServers 1
ThreadsPerChild 2
RequestsPerThread 1024
MaxRequestWorkers 2048
Application "${module}"
`,
  );
  const deno = Deno.execPath();
  await run({
    name: "mpmd event",
    port: own,
    command: deno,
    args: ["run", "-A", entry, "-f", join(root, "mpmd.conf")],
  });
  await run({
    name: "deno serve --parallel",
    port: serve,
    command: deno,
    args: ["serve", "--parallel", "-A", "--no-lock", "--host", "127.0.0.1", "--port", String(serve), module],
    env: { DENO_JOBS: "2" },
  });
} finally {
  await Deno.remove(root, { recursive: true });
}
