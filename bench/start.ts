// What does it cost to start the server, a child and a thread? `deno task bench:start` prints the time to the first answer and the memory
// (proportional set size) of control process, child and threads, with files and with a small application, against an empty Web Worker; then
// Debian's stock tree, if apache2 is installed, and what clients wait that come all at once. Linux.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { median } from "./wrk.ts";

const RUNS = 5;
const THREADS = 8;
const CLIENTS = 25;
const DEBIAN = "/etc/apache2";

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

await Deno.mkdir(join(root, "htdocs"));
await Deno.mkdir(join(root, "logs"));
await Deno.writeTextFile(join(root, "htdocs/index.html"), "Hello, World!\n");
await Deno.writeTextFile(
  join(root, "app.ts"),
  `export default { fetch: () => new Response("Hello, World!\\n") };`,
);
await Deno.writeTextFile(join(root, "empty.ts"), `self.onmessage = () => self.postMessage("ready");`);

/** Proportional set size of a process in MB. */
function pss(pid: number | "self"): number {
  return Number(/^Pss:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`))![1]) / 1024;
}

function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(
    Number,
  );
}

function threadsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].filter(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`).startsWith("worker-")
  ).length;
}

/** One answer, or undefined while nobody gives any. */
async function ask(port: number): Promise<string | undefined> {
  try {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    try {
      await connection.write(
        new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
      );
      const text = await new Response(connection.readable).text();
      return text === "" ? undefined : text;
    } catch {
      connection.close();
      return undefined;
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return undefined;
    throw error;
  }
}

interface Started extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** To the first answer, ms. */
  readonly ms: number;
  readonly children: readonly number[];
}

async function startServer(args: readonly string[], port: number, env = {}): Promise<Started> {
  const begin = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", entry, ...args],
    env,
    stdout: "null",
    stderr: "null",
  }).spawn();
  const end = begin + 30_000;
  while (await ask(port) === undefined) {
    if (performance.now() > end) throw new Error("no answer within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const ms = performance.now() - begin;
  return {
    pid: process.pid,
    port,
    ms,
    get children() {
      return childrenOf(process.pid);
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
    },
  };
}

/** A server with the event MPM, one child and `lines`. */
async function configured(lines: string): Promise<Started> {
  const port = freePort();
  const file = join(root, "httpd.conf");
  await Deno.writeTextFile(
    file,
    `LoadModule mpm_event_module x.so
ServerName localhost
Listen 127.0.0.1:${port}
DocumentRoot "${root}/htdocs"
PidFile "${root}/logs/pid"
ErrorLog "${root}/logs/error"
StartServers 1
${lines}
`,
  );
  return await startServer(["-d", root, "-f", file], port);
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 1500));

async function measureChild(lines: string) {
  const times: number[] = [];
  let [control, child] = [0, 0];
  for (let i = 0; i < RUNS; i++) {
    await using server = await configured(`ThreadsPerChild 1\n${lines}`);
    times.push(server.ms);
    if (i > 0) continue;
    await settle();
    [control, child] = [pss(server.pid), pss(server.children[0])];
  }
  await using many = await configured(
    `ThreadLimit 64\nThreadsPerChild ${THREADS + 1}\nThreadIdleTimeout 0\n${lines}`,
  );
  const [pid] = many.children;
  while (threadsOf(pid) < THREADS + 1) await new Promise((resolve) => setTimeout(resolve, 50));
  await settle();
  return { ms: median(times), control, child, thread: (pss(pid) - child) / THREADS };
}

async function measureWorkers() {
  const before = pss("self");
  const times: number[] = [];
  const workers: Worker[] = [];
  for (let i = 0; i < THREADS; i++) {
    const begin = performance.now();
    const worker = new Worker(new URL(`file://${root}/empty.ts`), { type: "module" });
    await new Promise((resolve) => {
      worker.onmessage = resolve;
      worker.postMessage("");
    });
    times.push(performance.now() - begin);
    workers.push(worker);
  }
  const thread = (pss("self") - before) / THREADS;
  for (const worker of workers) worker.terminate();
  return { ms: median(times), thread };
}

/** Debian's tree as it is shipped, but for the port and the places of what it writes. */
async function measureDebian(idleTimeout: string) {
  const port = freePort();
  const tree = join(root, "apache2");
  await new Deno.Command("cp", { args: ["-rT", DEBIAN, tree] }).output();
  for (const name of ["ports.conf", "sites-enabled/000-default.conf"]) {
    const text = await Deno.readTextFile(join(tree, name));
    await Deno.remove(join(tree, name));
    await Deno.writeTextFile(
      join(tree, name),
      text.replace("Listen 80", `Listen 127.0.0.1:${port}`).replace("*:80", `*:${port}`),
    );
  }
  await Deno.writeTextFile(join(tree, "conf-enabled/zz.conf"), idleTimeout);
  const env = {
    APACHE_RUN_USER: "www-data",
    APACHE_RUN_GROUP: "www-data",
    APACHE_RUN_DIR: root,
    APACHE_LOCK_DIR: root,
    APACHE_LOG_DIR: join(root, "logs"),
    APACHE_PID_FILE: join(root, "logs/debian.pid"),
  };
  await using server = await startServer(["-d", tree, "-f", "apache2.conf"], port, env);
  while (server.children.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  await settle();
  await settle();
  const children = server.children.map(pss);
  return { ms: server.ms, control: pss(server.pid), children };
}

/** How long each of CLIENTS keep-alive clients waits that come at the same time, to a child that may have as many threads. */
async function measureCrowd(mpm: string) {
  await using server = await configured("");
  await using crowded = await (async () => {
    const port = freePort();
    const file = join(root, "crowd.conf");
    const text = await Deno.readTextFile(join(root, "httpd.conf"));
    await Deno.writeTextFile(
      file,
      text.replace("mpm_event", `mpm_${mpm}`).replace(String(server.port), String(port)) +
        `PidFile "${root}/logs/pid2"\nThreadLimit 64\nThreadsPerChild ${CLIENTS}\nMaxRequestWorkers ${CLIENTS}\n`,
    );
    return await startServer(["-d", root, "-f", file], port);
  })();
  await settle();
  const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const waits = await Promise.all(Array.from({ length: CLIENTS }, async () => {
    const begin = performance.now();
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: crowded.port });
    await connection.write(request);
    await connection.read(new Uint8Array(1024));
    return { connection, ms: performance.now() - begin };
  }));
  for (const { connection } of waits) connection.close();
  return Math.max(...waits.map(({ ms }) => ms));
}

const mb = (value: number) => `${value.toFixed(1)} MB`;
const ms = (value: number) => `${Math.round(value)} ms`;

const empty = await measureWorkers();
console.log(`empty Web Worker: ${mb(empty.thread)}, ${ms(empty.ms)}`);
for (const [what, lines] of [["files", ""], ["a small application", `Application "${root}/app.ts"`]]) {
  const { ms: first, control, child, thread } = await measureChild(lines);
  console.log(
    `${what}: first answer ${ms(first)}, control process ${mb(control)}, child with one thread ${
      mb(child)
    }, each further thread ${mb(thread)} (${mb(thread - empty.thread)} more than the empty one)`,
  );
}
for (const mpm of ["worker", "event"]) {
  console.log(
    `${mpm}, ${CLIENTS} clients at once: the last has its answer after ${ms(await measureCrowd(mpm))}`,
  );
}
if (await Deno.stat(DEBIAN).then(() => true, () => false)) {
  for (const idleTimeout of ["", "ThreadIdleTimeout 0\n"]) {
    const { ms: first, control, children } = await measureDebian(idleTimeout);
    const all = children.reduce((sum, each) => sum + each, control);
    console.log(
      `Debian's tree ${idleTimeout.trim()}: first answer ${ms(first)}; control process ${
        mb(control)
      }, children ${children.map(mb).join(" and ")}, together ${mb(all)}`,
    );
  }
}
await Deno.remove(root, { recursive: true });
