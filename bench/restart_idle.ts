// Do clients that are idle most of the time lose anything by restarts? `deno task bench:restart:idle [MPM|peer ...]`: 20 graceful restarts
// in 20 s, children that end after 1000 connections and pools that shrink, beside Debian's apache2 and nginx (reload) and
// node:cluster (new workers, then disconnect() of the old).

import { freePort, TestServer, until } from "../tests/system/harness.ts";
import { IdleClients, type IdleResult } from "./idle_clients.ts";

const RESTARTS = 20;
const INTERVAL_MS = 1000;
/** Connections of one request each, meanwhile: they use up MaxConnectionsPerChild. */
const SINGLE = 8;

const APP = `export default { fetch: async (request) => new Response(await request.text()) };`;

interface Model {
  readonly name: string;
  readonly clients: number;
  readonly pool: string;
}

const MODELS: readonly Model[] = [
  { name: "event", clients: 500, pool: "StartServers 2\nMinSpareThreads 1\nMaxSpareThreads 4\n" },
  {
    name: "worker",
    clients: 40,
    pool:
      "StartServers 2\nThreadsPerChild 64\nMaxRequestWorkers 256\nServerLimit 8\nMinSpareThreads 8\nMaxSpareThreads 80\n",
  },
  {
    name: "prefork",
    clients: 8,
    pool: "StartServers 14\nMinSpareServers 2\nMaxSpareServers 8\nMaxRequestWorkers 20\nServerLimit 40\n",
  },
];

/** Asks again and again, a connection for each request, until it is stopped. */
class SingleRequests {
  #stopping = false;
  failed = 0;
  readonly #clients: Promise<void>[];

  constructor(port: number) {
    this.#clients = Array.from({ length: SINGLE }, () => this.#run(port));
  }

  async #run(port: number): Promise<void> {
    while (!this.#stopping) {
      try {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        await connection.write(
          new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        );
        for await (const _ of connection.readable);
      } catch {
        this.failed++;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }
}

async function underRestarts(
  port: number,
  clients: number,
  echoes: boolean,
  restart: () => unknown,
): Promise<IdleResult & { readonly single: number }> {
  const idle = new IdleClients(port, clients, echoes);
  const single = new SingleRequests(port);
  await until("all clients to be there", () => idle.answered >= clients);
  const begun = performance.now();
  for (let i = 1; i <= RESTARTS; i++) {
    await restart();
    await new Promise((resolve) => setTimeout(resolve, begun + i * INTERVAL_MS - performance.now()));
  }
  await single.stop();
  return { ...await idle.stop(), single: single.failed };
}

async function ours({ name, clients, pool }: Model) {
  await using server = await TestServer.start({
    config: `LoadModule mpm_${name}_module modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
KeepAliveTimeout 60
MaxKeepAliveRequests 0
MaxConnectionsPerChild 1000
Application app.ts
${pool}`,
    files: { "app.ts": APP },
  });
  return await underRestarts(server.port, clients, true, () => server.restartGracefully());
}

/** A program that serves on a port of its own, with the signal that makes it restart. */
interface Peer {
  readonly name: string;
  readonly clients: number;
  readonly echoes: boolean;
  readonly signal: Deno.Signal;
  start(port: number, dir: string): readonly string[];
}

const PEERS: readonly Peer[] = [{
  name: "httpd event",
  clients: 500,
  echoes: false,
  signal: "SIGUSR1",
  start(port, dir) {
    const modules = ["mpm_event", "authz_core"].map((name) =>
      `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`
    );
    Deno.writeTextFileSync(
      `${dir}/httpd.conf`,
      `${modules.join("")}ServerRoot ${dir}
Listen 127.0.0.1:${port}
ServerName test.example
PidFile ${dir}/httpd.pid
ErrorLog ${dir}/error.log
DocumentRoot ${dir}/htdocs
KeepAliveTimeout 60
MaxKeepAliveRequests 0
MaxConnectionsPerChild 1000
User www-data
Group www-data
`,
    );
    return ["apache2", "-f", `${dir}/httpd.conf`, "-DFOREGROUND"];
  },
}, {
  name: "nginx (reload)",
  clients: 500,
  echoes: false,
  signal: "SIGHUP",
  start(port, dir) {
    Deno.writeTextFileSync(
      `${dir}/nginx.conf`,
      `daemon off; worker_processes 2; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_timeout 60; keepalive_requests 1000000;
  server { listen 127.0.0.1:${port}; root ${dir}/htdocs; error_page 405 =200 /index.html; } }
`,
    );
    return ["nginx", "-c", `${dir}/nginx.conf`];
  },
}, {
  name: "node:cluster",
  clients: 500,
  echoes: true,
  signal: "SIGHUP",
  start(port, dir) {
    Deno.writeTextFileSync(
      `${dir}/cluster.mjs`,
      `import cluster from "node:cluster";
import http from "node:http";
if (cluster.isPrimary) {
  const fork = () => new Promise((resolve) => { const worker = cluster.fork(); worker.once("listening", () => resolve(worker)); });
  let workers = [];
  const next = async () => {
    const old = workers;
    workers = await Promise.all([fork(), fork()]);
    for (const worker of old) worker.disconnect();
  };
  process.on("SIGHUP", next);
  next();
} else {
  const server = http.createServer((request, response) => {
    let text = "";
    request.on("data", (part) => text += part).on("end", () => response.end(text));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(${port}, "127.0.0.1");
}
`,
    );
    return ["node", `${dir}/cluster.mjs`];
  },
}];

async function theirs({ clients, echoes, signal, start }: Peer) {
  const dir = await Deno.makeTempDir({ prefix: "mpmd-bench-" });
  await Deno.chmod(dir, 0o755);
  await Deno.mkdir(`${dir}/htdocs`);
  await Deno.writeTextFile(`${dir}/htdocs/index.html`, "<p>welcome</p>\n");
  const port = freePort();
  const [command, ...args] = start(port, dir);
  const process = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
  try {
    await until("the peer to answer", async () => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      connection?.close();
      return connection !== undefined;
    });
    return await underRestarts(port, clients, echoes, () => process.kill(signal));
  } finally {
    process.kill("SIGTERM");
    await process.status;
    await Deno.remove(dir, { recursive: true });
  }
}

console.log(
  "| | idle clients | answers | failed requests | connections closed by the server | failed single requests |",
);
console.log("| --- | --- | --- | --- | --- | --- |");
let lost = false;
const wanted = (name: string) => Deno.args.length === 0 || Deno.args.includes(name);
for (const model of MODELS.filter(({ name }) => wanted(name))) {
  const { answered, failed, closed, single } = await ours(model);
  console.log(`| ${model.name} | ${model.clients} | ${answered} | ${failed} | ${closed} | ${single} |`);
  lost ||= failed + closed + single > 0;
}
for (const peer of PEERS.filter(({ name }) => wanted(name))) {
  const { answered, failed, closed, single } = await theirs(peer);
  console.log(`| ${peer.name} | ${peer.clients} | ${answered} | ${failed} | ${closed} | ${single} |`);
}
Deno.exitCode = lost ? 1 : 0;
