// How fast is each MPM beside httpd's, and what does a handler that blocks do to others under each? `deno task bench:mpm` prints both tables.
// It needs apache2 (with mpm_prefork, mpm_worker and mpm_event) and wrk on the PATH.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Scenario, withPeers } from "./wrk.ts";

const ROUNDS = 3;
const SECONDS = 2;
const WARM_UP = 6;
const HELLO = new TextEncoder().encode("Hello, World!\n");
const SCENARIOS: readonly Scenario[] = [
  { name: "keep-alive", path: "/small.txt", connections: 16, answer: HELLO },
  { name: "one request per connection", path: "/small.txt", connections: 16, close: true, answer: HELLO },
];

/** The pool of each MPM: 16 connections at a time, in the same words for both servers. */
const POOLS: Readonly<Record<string, string>> = {
  prefork: "StartServers 16\nMinSpareServers 1\nMaxSpareServers 16\nMaxRequestWorkers 16",
  worker:
    "StartServers 1\nThreadsPerChild 16\nThreadLimit 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16",
  event:
    "StartServers 1\nThreadsPerChild 2\nThreadLimit 16\nMaxRequestWorkers 2\nMinSpareThreads 1\nMaxSpareThreads 2",
  mpm_winnt: "ThreadsPerChild 16",
  mpm_netware: "StartThreads 16\nMinSpareThreads 1\nMaxSpareThreads 16\nMaxThreads 32",
  mpmt_os2: "StartServers 2\nMinSpareThreads 8\nMaxSpareThreads 16",
};
/** httpd's event has a thread per request: it gets what it would be given. */
const HTTPD_EVENT =
  "StartServers 1\nThreadsPerChild 16\nThreadLimit 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16";

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

async function config(name: string, port: number, lines: string): Promise<string> {
  const path = join(root, `${name}.conf`);
  await Deno.writeTextFile(
    path,
    `ServerName localhost
Listen 127.0.0.1:${port}
DocumentRoot "${root}/htdocs"
KeepAlive On
MaxKeepAliveRequests 0
PidFile "${root}/logs/${name}.pid"
ErrorLog "${root}/logs/${name}.error"
${lines}
`,
  );
  return path;
}

async function own(mpm: string, port: number, extra = ""): Promise<Peer> {
  const file = await config(`mpmd-${mpm}`, port, `${POOLS[mpm]}\n${extra}`);
  return {
    name: `mpmd ${mpm}`,
    port,
    command: Deno.execPath(),
    args: ["run", "-A", entry, "-d", root, "-f", file, "--mpm", mpm],
  };
}

async function httpd(mpm: string, port: number): Promise<Peer> {
  const modules = [`mpm_${mpm}`, "authz_core", "mime"].map((name) =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
  );
  const pool = mpm === "event" ? HTTPD_EVENT : POOLS[mpm];
  const file = await config(
    `httpd-${mpm}`,
    port,
    [...modules, "TypesConfig /etc/mime.types", pool].join("\n"),
  );
  // httpd's prefork ends its whole process group, which must not be ours.
  const args = ["apache2", "-d", root, "-f", file, "-DFOREGROUND"];
  return { name: `httpd ${mpm}`, port, command: "setsid", args };
}

async function throughput(): Promise<void> {
  console.log(
    `requests/s, 14 bytes, 16 connections, medians of ${ROUNDS} rounds of ${SECONDS} s; in parentheses: against httpd\n`,
  );
  console.log(
    `| | ${SCENARIOS.map(({ name }) => name).join(" | ")} |\n| --- |${" --- |".repeat(SCENARIOS.length)}`,
  );
  for (const mpm of Object.keys(POOLS)) {
    const known = ["prefork", "worker", "event"].includes(mpm);
    const peers = [await own(mpm, freePort()), ...known ? [await httpd(mpm, freePort())] : []];
    await withPeers(peers, "/small.txt", async () => {
      // Each thread and process has a compiler of its own that has to see the code run for a while.
      for (const peer of peers) await measure(peer, SCENARIOS[0], WARM_UP);
      const rows = peers.map(({ name }) => `| ${name} |`);
      for (const scenario of SCENARIOS) {
        const rates: number[][] = peers.map(() => []);
        for (let round = 0; round < ROUNDS; round++) {
          for (const [i, peer] of peers.entries()) {
            rates[i].push((await measure(peer, scenario, SECONDS)).rate);
          }
        }
        const medians = rates.map(median);
        for (const [i, value] of medians.entries()) {
          const ratio = i === 0 && known ? ` (${(value / medians[1]).toFixed(2)})` : "";
          rows[i] += ` ${Math.round(value).toLocaleString("en")}${ratio} |`;
        }
      }
      console.log(rows.join("\n"));
    });
  }
}

/** One client asks for 50 ms of computing again and again; how do four others fare that ask for little? */
async function blocking(): Promise<void> {
  const app = join(root, "app.ts");
  await Deno.writeTextFile(
    app,
    `export default { fetch(request: Request) {
  if (new URL(request.url).pathname === "/slow") for (const end = performance.now() + 50; performance.now() < end;);
  return new Response("Hello, World!\\n");
} };`,
  );
  console.log("\n4 connections beside one whose handler computes for 50 ms at a time, without pause\n");
  console.log("| | p50 alone | p99 alone | p50 beside it | p99 beside it |\n| --- | --- | --- | --- | --- |");
  const scenario: Scenario = { name: "little", path: "/", connections: 4, answer: HELLO };
  for (const mpm of Object.keys(POOLS)) {
    const peer = await own(mpm, freePort(), `Application "${app}"`);
    await withPeers([peer], "/", async () => {
      const alone = await measure(peer, scenario, SECONDS);
      const slow = new Deno.Command("wrk", {
        args: ["-t1", "-c1", `-d${SECONDS + 2}s`, `http://127.0.0.1:${peer.port}/slow`],
        stdout: "null",
      }).spawn();
      const beside = await measure(peer, scenario, SECONDS);
      await slow.status;
      const cells = [alone.p50, alone.p99, beside.p50, beside.p99].map((us) =>
        us < 1000 ? `${Math.round(us)} us` : `${(us / 1000).toFixed(1)} ms`
      );
      console.log(`| ${mpm} | ${cells.join(" | ")} |`);
    });
  }
}

try {
  await Deno.chmod(root, 0o755);
  for (const dir of ["htdocs", "logs"]) await Deno.mkdir(join(root, dir));
  await Deno.writeTextFile(join(root, "htdocs/small.txt"), "Hello, World!\n");
  await throughput();
  await blocking();
} finally {
  await Deno.remove(root, { recursive: true });
}
