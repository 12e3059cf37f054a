// Do idle connections outlive the processes that hold them? Children end for every orderly reason while clients are silent: each client's next
// request is answered on the same connection. And where processes are killed in the middle of it, no connection is in two of them, and none
// is left behind.

import { assert, assertEquals } from "@std/assert";
import { Connection, inTime, TestServer, until } from "./harness.ts";
import { type Model, MODELS } from "./models.ts";

const ignore = Deno.build.os !== "linux";

/** Models whose children have descriptors, and more than one process. */
const MOVING = MODELS.filter(({ relayed, name }) => relayed !== true && name !== "mpm_netware");
/** Idle clients that fit. */
const CLIENTS: Readonly<Record<string, number>> = {
  prefork: 3,
  worker: 3,
  event: 60,
  mpm_winnt: 3,
  mpmt_os2: 3,
};

const APP = `export default { fetch: async (request: Request) => new Response(await request.text()) };`;

function config(model: Model, more = ""): string {
  return `LoadModule ${model.module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LogLevel info
LogFormat "%k %P %U" which
CustomLog logs/which_log which
Application app.ts
${model.four.replace("RequestsPerThread 1\n", "")}
${more}`;
}

/** One client with its connection, which it never opens again. */
class Client {
  #asked = 0;

  private constructor(readonly connection: Connection, readonly name: string) {}

  static async open(server: TestServer, name: string): Promise<Client> {
    const client = new Client(await Connection.open(server.port), name);
    await client.ask();
    return client;
  }

  /** Sends something of its own, and gets that. */
  async ask(): Promise<void> {
    const text = `${this.name}, request ${this.#asked++}`;
    await this.connection.send(
      `POST /${this.name} HTTP/1.1\r\nHost: test.example\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    const { head, body } = await this.connection.response();
    assertEquals([head.slice(9, 12), body, /^connection: close/im.test(head)], ["200", text, false]);
  }
}

const clientsOf = (server: TestServer, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => Client.open(server, `client-${at}`)));

/** The processes that hold established connections to the server's port, each with how many. */
function holders(server: TestServer): Map<string, number[]> {
  const port = `:${server.port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set<string>();
  for (const line of Deno.readTextFileSync("/proc/net/tcp").split("\n").slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    // ESTABLISHED, CLOSE_WAIT
    if (local?.endsWith(port) && (state === "01" || state === "08")) inodes.add(inode);
  }
  const found = new Map<string, number[]>([...inodes].map((inode) => [inode, []]));
  for (const pid of [server.pid, ...server.children()]) {
    let fds: Deno.DirEntry[];
    try {
      fds = [...Deno.readDirSync(`/proc/${pid}/fd`)];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
    for (const { name } of fds) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`))?.[1];
        if (inode !== undefined) found.get(inode)?.push(pid);
      } catch (error) {
        // Closed meanwhile, or its process has gone.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  return found;
}

/** No child of before is left. */
async function replaced(server: TestServer, before: readonly number[]): Promise<void> {
  await until("all children to be others", () => {
    const now = server.children();
    return now.length > 0 && !before.some((pid) => now.includes(pid));
  });
}

/** How often the server has taken a configuration up. */
function configured(server: TestServer): number {
  return server.log("logs/error_log").split("configured -- resuming normal operations").length - 1;
}

for (const model of MOVING) {
  Deno.test({
    name:
      `hand-over under ${model.name}: idle connections go on in the next generations, and know how much they have asked`,
    ignore,
  }, async () => {
    await using server = await TestServer.start({ config: config(model), files: { "app.ts": APP } });
    const clients = await clientsOf(server, CLIENTS[model.name]);
    for (let generation = 0; generation < 2; generation++) {
      const before = server.children();
      await server.restartGracefully();
      await replaced(server, before);
      await Promise.all(clients.map((client) => client.ask()));
    }
    for (const [inode, pids] of holders(server)) assertEquals([inode, pids.length], [inode, 1]);
    const line = (at: number) => new RegExp(`^2 \\d+ /client-${at}$`, "m").test(server.log("logs/which_log"));
    await until("third requests of the same connections", () => clients.every((_, at) => line(at)));
    for (const { connection } of clients) connection.close();
    await until("nothing to be left", () => holders(server).size === 0);
  });
}

Deno.test({
  name: "hand-over: a child that has served its share, and one that is not needed any more",
  ignore,
}, async () => {
  const event = MODELS.find(({ name }) => name === "event")!;
  await using server = await TestServer.start({
    config: config(
      event,
      "MaxConnectionsPerChild 40\nStartServers 1\nMinSpareThreads 1\nMaxSpareThreads 2\n",
    ),
    files: { "app.ts": APP },
  });
  const clients = await clientsOf(server, 20);
  const before = server.children();
  // Others use up what is left of its share, and what is left of its successors'.
  for (let n = 0; n < 100; n++) {
    const text = await server.raw(
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    );
    assert(text.startsWith("HTTP/1.1 200"), text);
  }
  await replaced(server, before);
  await Promise.all(clients.map((client) => client.ask()));
  for (const { connection } of clients) connection.close();
});

Deno.test(
  { name: "hand-over: a server that stops gives nothing away, and closes what is idle", ignore },
  async () => {
    const event = MODELS.find(({ name }) => name === "event")!;
    await using server = await TestServer.start({ config: config(event), files: { "app.ts": APP } });
    const clients = await clientsOf(server, 10);
    await server.stop("SIGWINCH");
    for (const { connection } of clients) {
      assertEquals(await connection.readAll(), "");
      connection.close();
    }
  },
);

/** A generator of numbers below `n` that are the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return (state >>> 8) % n;
  };
}

Deno.test({
  name:
    "hand-over: givers and takers are killed in the middle of it: no answer is wrong, no connection in two processes, none left",
  ignore,
}, async () => {
  const event = MODELS.find(({ name }) => name === "event")!;
  await using server = await TestServer.start({
    config: config(event, "ServerLimit 8\nMaxRequestWorkers 16\n"),
    files: { "app.ts": APP },
  });
  const throwDice = dice(20261126);
  let lost = 0;
  let kept = 0;
  for (let round = 0; round < 5; round++) {
    const clients = await clientsOf(server, 200);
    const before = server.children();
    await server.restartGracefully();
    // Somewhere between the start of the new children and the end of the old ones.
    const victims = round % 2 === 0 ? "old" : "new";
    await until("the new configuration", () => configured(server) > round + 1);
    await until("a new child", () => server.children().some((pid) => !before.includes(pid)));
    await new Promise((resolve) => setTimeout(resolve, throwDice(round % 4 < 2 ? 40 : 400)));
    const candidates = server.children().filter((pid) => before.includes(pid) === (victims === "old"));
    const victim = candidates[throwDice(Math.max(1, candidates.length))];
    if (victim !== undefined) Deno.kill(victim, "SIGKILL");
    await replaced(server, before);
    await inTime(
      "everybody",
      Promise.all(clients.map(async (client) => {
        // Who was with the one that was killed sees that; nobody gets anything but his own.
        try {
          await client.ask();
          kept++;
        } catch (error) {
          const text = String(error);
          assert(
            /the connection ended after ""|ConnectionReset|BrokenPipe|reset|Broken pipe/.test(text),
            text,
          );
          lost++;
        }
      })),
    );
    for (const [inode, pids] of holders(server)) {
      assert(pids.length <= 1, `${inode} is in ${pids.join(" and ")}`);
    }
    for (const { connection } of clients) connection.close();
  }
  // Of each pair of children one lives.
  assert(kept >= 200, `${kept} kept, ${lost} lost`);
  await until("nothing to be left", () => holders(server).size === 0);
});
