// What do slow clients and idle ones cost the others? `deno task bench:slow [attacks] [idle]` lets slowhttptest's four attacks loose on the event MPM and
// on httpd's, as a client that behaves measures how it fares; then 10,000 connections stay idle. It needs apache2 and slowhttptest on
// the PATH, and 10,000 free descriptors in each process (ulimit -Hn). Linux.

import { stripVTControlCharacters } from "node:util";
import { fromFileUrl, join } from "@std/path";
import { Connection, freePort, inTime } from "../tests/system/harness.ts";
import { median, type Peer, withPeers } from "./wrk.ts";

const ATTACKERS = 1000;
/** Longer than the 20 s that RequestReadTimeout gives a request at first. */
const SECONDS = 40;
const PAUSE_MS = 10;
const IDLE = 10_000;
/** How many of them ask at the same time. */
const AT_ONCE = 100;
/** Connections that come and go before memory is looked at: code is compiled, and heaps have grown. */
const WARM_UP = 3000;

const SMALL = "small.txt";
const LARGE = "large.bin";

/** Each attack with the arguments that make it bite; the pace is that of its author's examples. */
const ATTACKS: readonly (readonly [name: string, path: string, args: readonly string[]])[] = [
  ["slow header", SMALL, ["-H", "-i", "5", "-x", "24"]],
  ["slow body", SMALL, ["-B", "-i", "5", "-s", "8192", "-x", "10"]],
  ["range", LARGE, ["-R", "-a", "5", "-b", "1000"]],
  ["slow read", LARGE, ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32"]],
];

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
await Deno.mkdir(join(root, "htdocs"));
await Deno.mkdir(join(root, "logs"));
await Deno.writeTextFile(join(root, "htdocs", SMALL), "Hello, World!\n");
await Deno.writeFile(join(root, "htdocs", LARGE), new Uint8Array(1 << 20));

async function peer(name: string, port: number, lines: string): Promise<Peer> {
  const file = join(root, `${name}.conf`);
  await Deno.writeTextFile(
    file,
    `ServerName localhost
Listen 127.0.0.1:${port}
DocumentRoot "${root}/htdocs"
PidFile "${root}/logs/${name}.pid"
ErrorLog "${root}/logs/${name}.error"
MaxKeepAliveRequests 0
# What slow readers leave unread is to stay with the server: a thousand megabytes in the kernel would slow down everybody's TCP.
SendBufferSize 65536
${lines}
`,
  );
  if (name.startsWith("mpmd")) {
    const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));
    return { name, port, command: Deno.execPath(), args: ["run", "-A", entry, "-d", root, "-f", file] };
  }
  // httpd would end with a signal to its whole process group, which must not be ours.
  return { name, port, command: "setsid", args: ["apache2", "-d", root, "-f", file, "-DFOREGROUND"] };
}

const HTTPD_MODULES = ["mpm_event", "authz_core", "mime", "reqtimeout"]
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join("\n") + "\nTypesConfig /etc/mime.types";

const request = (close: boolean) =>
  `GET /${SMALL} HTTP/1.1\r\nHost: localhost\r\n${close ? "Connection: close\r\n" : ""}\r\n`;

/** Clients that behave: one that keeps its connection, and one that makes a new one for each request. */
class GoodClients {
  readonly #times: number[] = [];
  #failures = 0;
  #stopped = false;
  readonly #both: Promise<unknown>;

  constructor(port: number) {
    this.#both = Promise.all([this.#run(port, false), this.#run(port, true)]);
  }

  async #run(port: number, close: boolean): Promise<void> {
    let connection: Connection | undefined;
    while (!this.#stopped) {
      const begun = performance.now();
      try {
        connection ??= await inTime("a connection", Connection.open(port));
        await connection.send(request(close));
        const { head } = await connection.response();
        if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(head);
        if (/^connection: close/im.test(head)) connection = void connection.close();
        this.#times.push(performance.now() - begun);
      } catch {
        // A closed connection, a timeout or another answer: counted.
        this.#failures++;
        connection = void connection?.close();
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    connection?.close();
  }

  /** The rest of a row: how many requests, how many failed, and how long they took in ms. */
  async stop(): Promise<string> {
    this.#stopped = true;
    await this.#both;
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
    return [
      times.length + this.#failures,
      this.#failures,
      ...[median(times), at(0.99), at(1)].map((ms) => ms === undefined ? "-" : ms.toFixed(1)),
    ].join(" | ");
  }
}

/** What became of the attackers: how many had a connection at most, when and why it ended. */
async function attack(port: number, path: string, args: readonly string[]): Promise<string> {
  const url = `http://127.0.0.1:${port}/${path}`;
  const { stdout } = await new Deno.Command("slowhttptest", {
    args: [...args, "-c", `${ATTACKERS}`, "-r", "500", "-l", `${SECONDS}`, "-p", "10", "-u", url],
    stdin: "null",
  }).output();
  const text = stripVTControlCharacters(new TextDecoder().decode(stdout));
  const last = (pattern: RegExp) => [...text.matchAll(pattern)].at(-1)?.[1] ?? "?";
  const most = Math.max(...[...text.matchAll(/connected: *(\d+)/g)].map(([, count]) => Number(count)));
  return `${most} | ${last(/ended on (\d+)/g)} s: ${last(/Exit status: *([^\n]*)/g).toLowerCase()}`;
}

async function attacks(): Promise<void> {
  const peers = [
    await peer("mpmd", freePort(), ""),
    await peer(
      "httpd",
      freePort(),
      `${HTTPD_MODULES}\nRequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500`,
    ),
  ];
  console.log(
    `${ATTACKERS} attackers for ${SECONDS} s, both servers with their defaults (but SendBufferSize 65536); times of good clients in ms\n`,
  );
  console.log(
    "| attack | server | attackers at most | ended after | good requests | failed | p50 | p99 | max |",
  );
  console.log(`|${" --- |".repeat(9)}`);
  for (const one of peers) {
    await withPeers([one], `/${SMALL}`, async () => {
      const alone = new GoodClients(one.port);
      await new Promise((resolve) => setTimeout(resolve, 5000));
      console.log(`| none | ${one.name} | | | ${await alone.stop()} |`);
      for (const [name, path, args] of ATTACKS) {
        const good = new GoodClients(one.port);
        const attackers = await attack(one.port, path, args);
        console.log(`| ${name} | ${one.name} | ${attackers} | ${await good.stop()} |`);
      }
    });
  }
}

/** Resident memory of a process and all that came of it, in MB. */
function resident(pid: number): number {
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
  const children = [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(" ").filter(Boolean)
  );
  return children.reduce((sum, child) => sum + resident(Number(child)), own);
}

/** One request on each of `connections`. Returns how many were closed. */
async function ask(connections: readonly Connection[]): Promise<number> {
  let closed = 0;
  for (let i = 0; i < connections.length; i += AT_ONCE) {
    await Promise.all(
      connections.slice(i, i + AT_ONCE).map(async (connection) => {
        try {
          await connection.send(request(false));
          await connection.response();
        } catch {
          closed++;
        }
      }),
    );
  }
  return closed;
}

/** `count` new connections, each after one request. */
async function open(port: number, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < count) {
    const some = await Promise.all(Array.from({ length: AT_ONCE }, () => Connection.open(port)));
    await ask(some);
    connections.push(...some);
  }
  return connections;
}

async function idle(): Promise<void> {
  const pool = "KeepAliveTimeout 600\nStartServers 1\nMaxSpareThreads 250\n";
  const peers = [
    await peer("mpmd", freePort(), pool),
    await peer("httpd", freePort(), `${HTTPD_MODULES}\n${pool}AsyncRequestWorkerFactor 1000`),
  ];
  console.log(
    `\n${IDLE} idle keep-alive connections, each after one request, good clients beside them; MB over all processes\n`,
  );
  console.log(
    "| server | before | with them | added | good requests | failed | p50 | p99 | max | closed before they asked again |",
  );
  console.log(`|${" --- |".repeat(10)}`);
  for (const one of peers) {
    await withPeers([one], `/${SMALL}`, async ([pid]) => {
      for (const connection of await open(one.port, WARM_UP)) connection.close();
      const before = resident(pid);
      const connections = await open(one.port, IDLE);
      const after = resident(pid);
      const good = new GoodClients(one.port);
      await new Promise((resolve) => setTimeout(resolve, 5000));
      const row = [before, after, after - before].map((mb) => mb.toFixed(1)).join(" | ");
      const rest = await good.stop();
      console.log(`| ${one.name} | ${row} | ${rest} | ${await ask(connections)} |`);
      for (const connection of connections) connection.close();
    });
  }
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = { attacks, idle };
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (Deno.args.length === 0 || Deno.args.includes(name)) await part();
  }
} finally {
  await Deno.remove(root, { recursive: true });
}
