// How fast are applications? `deno task bench:apps` runs one module under mpmd (event) and under `deno serve --parallel`, two threads each, in turns
// on loopback, and prints medians and ratios. Every kind of answer is checked before and after it is timed. It needs wrk on the PATH.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Result, type Scenario, withPeers } from "./wrk.ts";

const THREADS = 2;
const ROUNDS = 5;
const SECONDS = 2;

const MODULE = `
import { Hono } from "npm:hono@4.13.19";
import { cors } from "npm:hono@4.13.19/cors";
import { requestId } from "npm:hono@4.13.19/request-id";
import { secureHeaders } from "npm:hono@4.13.19/secure-headers";
const hono = new Hono();
hono.use(cors(), requestId({ generator: () => "1" }), secureHeaders());
hono.get("/hono/:name", (c) => c.text("hello " + c.req.param("name")));
const bytes = new Uint8Array(100_000).fill(65);
const piece = new TextEncoder().encode("a piece of a stream of ten\\n");
export default { fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/text") return new Response("hello " + pathname, { headers: { "x-a": "1" } });
  if (pathname === "/json") return Response.json({ hello: pathname, list: [1, 2, 3] });
  if (pathname === "/post") return request.json().then((got) => Response.json({ got }));
  if (pathname === "/bytes") return new Response(bytes);
  if (pathname === "/stream") {
    let left = 10;
    return new Response(new ReadableStream({ pull(c) { left-- > 0 ? c.enqueue(piece) : c.close(); } }));
  }
  return hono.fetch(request);
} };
`;

const text = (of: string) => new TextEncoder().encode(of);
const BODY = '{"a":[1,2,3],"b":"a text"}';

interface Compared extends Scenario {
  /** Compare the median latency, not the throughput. */
  readonly latency?: boolean;
}

const SCENARIOS: readonly Compared[] = [
  { name: "text with a header", path: "/text", connections: 64, answer: text("hello /text") },
  {
    name: "JSON",
    path: "/json",
    connections: 64,
    answer: text('{"hello":"/json","list":[1,2,3]}'),
  },
  { name: "POST of JSON", path: "/post", connections: 64, body: BODY, answer: text(`{"got":${BODY}}`) },
  { name: "Hono, three middlewares", path: "/hono/you", connections: 64, answer: text("hello you") },
  { name: "100 kB", path: "/bytes", connections: 64, answer: new Uint8Array(100_000).fill(65) },
  {
    name: "stream of ten pieces",
    path: "/stream",
    connections: 64,
    answer: text("a piece of a stream of ten\n".repeat(10)),
  },
  { name: "text, p50 at c=1", path: "/text", connections: 1, latency: true, answer: text("hello /text") },
  { name: "text, p50 at c=4", path: "/text", connections: 4, latency: true, answer: text("hello /text") },
];

const [OWN, SERVE] = [freePort(), freePort()];
const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

async function site(): Promise<Peer[]> {
  const module = join(root, "app.js");
  await Deno.writeTextFile(module, MODULE);
  await Deno.writeTextFile(
    join(root, "mpmd.conf"),
    `
ServerName localhost
Listen 127.0.0.1:${OWN}
ServerRoot "${root}"
MaxKeepAliveRequests 0
PidFile "${root}/pid"
ErrorLog "${root}/error_log"
StartServers 1
ThreadsPerChild ${THREADS}
Application "${module}"
`,
  );
  return [
    {
      name: "mpmd event",
      port: OWN,
      command: Deno.execPath(),
      args: ["run", "-A", entry, "-f", join(root, "mpmd.conf")],
    },
    {
      name: "deno serve --parallel",
      port: SERVE,
      command: Deno.execPath(),
      args: [
        "serve",
        "--parallel",
        "-A",
        "--no-lock",
        "--host",
        "127.0.0.1",
        "--port",
        String(SERVE),
        module,
      ],
      env: { DENO_JOBS: String(THREADS) },
    },
  ];
}

const peers = await site();
try {
  await withPeers(peers, "/text", compare);
} finally {
  await Deno.remove(root, { recursive: true });
}

async function compare(): Promise<void> {
  console.log(
    `medians of ${ROUNDS} rounds of ${SECONDS} s, wrk -t1, ${THREADS} threads each; ratio: above 1 is better for mpmd\n`,
  );
  console.log(
    "| | mpmd event | deno serve --parallel | ratio | p99 | processor time per request |\n| --- | --- | --- | --- | --- | --- |",
  );
  for (const scenario of SCENARIOS) {
    const results: Result[][] = peers.map(() => []);
    for (const peer of peers) await measure(peer, scenario, 2);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, peer] of peers.entries()) results[i].push(await measure(peer, scenario, SECONDS));
    }
    const of = (what: (result: Result) => number) => results.map((all) => median(all.map(what)));
    const [own, other] = of(({ p50, rate }) => scenario.latency ? p50 : rate);
    const unit = (value: number) =>
      scenario.latency ? `${value.toFixed(0)} us` : `${Math.round(value).toLocaleString("en")}/s`;
    const ratio = scenario.latency ? other / own : own / other;
    const [p99, theirs] = of((result) => result.p99 / 1000);
    const [work, more] = of((result) => result.work);
    console.log(
      `| ${scenario.name} | ${unit(own)} | ${unit(other)} | ${ratio.toFixed(2)} | ${p99.toFixed(1)} and ${
        theirs.toFixed(1)
      } ms | ` +
        `${work.toFixed(1)} and ${more.toFixed(1)} us (${(more / work).toFixed(2)}) |`,
    );
  }
}
