// How fast are programs of node:http? `deno task bench:programs` prints requests/s of Express and Fastify under this server, under `deno run`
// and under node:cluster with two workers (of Deno, and of Node where it is installed); then the time to the first answer of an application
// with ten npm dependencies, against `deno serve`, with what Deno keeps compiled and without.

import { fromFileUrl, join } from "@std/path";
import { freePort } from "../tests/system/harness.ts";
import { measure, median, type Peer, type Result, withPeers } from "./wrk.ts";

const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 32;
const STARTS = 5;

const entry = fromFileUrl(new URL("../mod.ts", import.meta.url));

const PROGRAMS: Readonly<Record<string, string>> = {
  express: `import express from "express";
const app = express();
app.get("/", (request, response) => { response.send("hello"); });
app.get("/json", (request, response) => { response.json({ message: "hello", numbers: [1, 2, 3], nested: { a: true } }); });
app.listen(@PORT@, "127.0.0.1");
`,
  fastify: `import Fastify from "fastify";
const app = Fastify();
app.get("/", () => Promise.resolve("hello"));
app.get("/json", () => Promise.resolve({ message: "hello", numbers: [1, 2, 3], nested: { a: true } }));
app.listen({ port: @PORT@, host: "127.0.0.1" });
`,
};

const ANSWERS = [["/", "hello"], [
  "/json",
  '{"message":"hello","numbers":[1,2,3],"nested":{"a":true}}',
]] as const;

const CLUSTER = `import cluster from "node:cluster";
if (cluster.isPrimary) for (let i = 0; i < 2; i++) cluster.fork();
else await import("./main.mjs");
`;

const DEPENDENCIES = [
  "hono",
  "zod",
  "ms",
  "nanoid",
  "uuid",
  "date-fns",
  "lodash-es",
  "marked",
  "mime",
  "semver",
];

const root = await Deno.makeTempDir({ prefix: "mpmd-bench-" });

async function run(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd, env }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

/** A folder of its own for each peer: the program names the port. */
async function folder(name: string, program: string, port: number): Promise<string> {
  const path = join(root, `${name}-${port}`);
  await Deno.mkdir(path);
  await Deno.writeTextFile(
    join(path, "package.json"),
    JSON.stringify({ type: "module", dependencies: { [name]: "5" } }),
  );
  await Deno.writeTextFile(join(path, "main.mjs"), program.replaceAll("@PORT@", String(port)));
  await Deno.writeTextFile(join(path, "cluster.mjs"), CLUSTER);
  await run(["install", "--quiet"], path);
  return path;
}

const node = await new Deno.Command("node", { args: ["--version"] }).output().then(() => true, () => false);

/** What is started, with the folder's main.mjs or cluster.mjs as its last argument. */
const COMMANDS:
  readonly (readonly [name: string, command: string, args: readonly string[], module: string])[] = [
    ["mpmd", Deno.execPath(), ["run", "-A", entry], "main.mjs"],
    ["deno run", Deno.execPath(), ["run", "-A"], "main.mjs"],
    ["node:cluster, two workers, Deno", Deno.execPath(), ["run", "-A"], "cluster.mjs"],
    ...node ? [["node:cluster, two workers, Node", "node", [], "cluster.mjs"] as const] : [],
  ];

for (const [framework, program] of Object.entries(PROGRAMS)) {
  const peers: Peer[] = [];
  for (const [name, command, args, module] of COMMANDS) {
    const port = freePort();
    const path = await folder(framework, program, port);
    peers.push({ name, port, command, args: [...args, join(path, module)] });
  }
  await withPeers(peers, "/", async () => {
    for (const [path, answer] of ANSWERS) {
      const results = peers.map((): Result[] => []);
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [i, peer] of peers.entries()) {
          const result = await measure(
            peer,
            { name: path, path, connections: CONNECTIONS, answer: new TextEncoder().encode(answer) },
            round === 0 ? 1 : SECONDS,
          );
          // The first round is for the compilers.
          if (round > 0) results[i].push(result);
        }
      }
      const rates = results.map((own) => median(own.map(({ rate }) => rate)));
      for (const [i, { name }] of peers.entries()) {
        const times = `${(rates[0] / rates[i]).toFixed(2)}`;
        const p99 = (median(results[i].map((one) => one.p99)) / 1000).toFixed(1);
        console.log(
          `${framework} ${path}  ${name}: ${
            Math.round(rates[i])
          }/s, p99 ${p99} ms; mpmd has ${times} times that`,
        );
      }
    }
  });
}

/** A directory of Deno's own, whose caches of compiled code can be removed. */
const env = { DENO_DIR: join(root, "deno") };

/** Removes all that Deno keeps but for packages and the server's bundle, which are fetched and made once. */
async function forgetCompiled(): Promise<void> {
  for await (const { name } of Deno.readDir(env.DENO_DIR)) {
    if (!["npm", "mpmd"].includes(name)) await Deno.remove(join(env.DENO_DIR, name), { recursive: true });
  }
}

/** Milliseconds from the start of a command to its first answer. */
async function firstAnswer(args: readonly string[], cwd: string, port: number): Promise<number> {
  const start = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env,
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } }).catch(
        () => undefined,
      );
      await answer?.body?.cancel();
      if (answer?.status === 200) return performance.now() - start;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  } finally {
    process.kill("SIGTERM");
    await process.status;
  }
}

const application = join(root, "application");
await Deno.mkdir(application);
await Deno.writeTextFile(
  join(application, "deno.json"),
  JSON.stringify({ imports: Object.fromEntries(DEPENDENCIES.map((name) => [name, `npm:${name}`])) }),
);
await Deno.writeTextFile(
  join(application, "main.ts"),
  DEPENDENCIES.map((name, i) => `import * as d${i} from "${name}";\n`).join("") +
    `export default { fetch: () => new Response(String([${
      DEPENDENCIES.map((_, i) => `typeof d${i}`).join(", ")
    }])) };\n`,
);
await run(["cache", "--quiet", "main.ts"], application, env);
await run(["run", "-A", entry, "-t", "main.ts"], application, env);
for (const [state, cold] of [["warm", false], ["cold", true]] as const) {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < STARTS; i++) {
    for (const [which, list] of times.entries()) {
      if (cold) await forgetCompiled();
      const port = freePort();
      const args = which === 0
        ? ["run", "-A", entry, "--listen", `127.0.0.1:${port}`, "main.ts"]
        : ["serve", "-A", "--host", "127.0.0.1", "--port", String(port), "main.ts"];
      list.push(await firstAnswer(args, application, port));
    }
  }
  const [own, denos] = times.map(median);
  console.log(
    `first answer of an application with ten dependencies, ${state}: mpmd ${Math.round(own)} ms, ` +
      `deno serve ${Math.round(denos)} ms, ${(own / denos).toFixed(2)} times`,
  );
}
await Deno.remove(root, { recursive: true });
