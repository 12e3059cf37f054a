// Does every client get exactly its own answer through the proxy, under each kind of MPM, while the proxy restarts and backends die, are
// slow and talk nonsense?

import { assert, assertEquals } from "@std/assert";
import { loadOn, nameOf, startLoadServer } from "../load/server.ts";
import { Backend, ok, say } from "./backend.ts";
import { Connection, TestServer, until } from "./harness.ts";
import { MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";

const POOLS: Readonly<Record<string, string>> = {
  prefork: "StartServers 4\nMinSpareServers 2\nMaxSpareServers 16\nMaxRequestWorkers 16\n",
  worker: "StartServers 2\nThreadsPerChild 8\nMaxRequestWorkers 16\nMinSpareThreads 8\nMaxSpareThreads 16\n",
  event: "StartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 64\n",
  // Connections to backends are Deno's there.
  mpm_winnt: "ThreadsPerChild 16\n",
};

const TESTED = MODELS.filter(({ name, relayed }) =>
  Object.hasOwn(POOLS, name) && (name !== "mpm_winnt" || relayed === true)
);

function start({ name, module, relayed }: (typeof MODELS)[number], config: string): Promise<TestServer> {
  return TestServer.start({
    config:
      `LoadModule ${module} modules/x.so\nListen 127.0.0.1:@PORT@\nServerName test.example\nErrorLog logs/error_log\n${
        POOLS[name]
      }${relayed === true ? "DescriptorPassing Off\n" : ""}${config}`,
  });
}

for (const [seed, model] of TESTED.entries()) {
  Deno.test({
    name: `${nameOf(model)}: everything there is comes through the proxy as it is, also while that restarts`,
    ignore: !linux,
  }, async () => {
    await using backend = await startLoadServer(MODELS.find(({ name }) => name === "event")!);
    await using server = await start(
      model,
      `ProxyPreserveHost On\nAllowEncodedSlashes NoDecode\nProxyPass / http://127.0.0.1:${backend.port}/ nocanon\n`,
    );
    const load = loadOn(server, seed, { pipeline: 3, close: 0.05, abort: 0.02, mayClose: true });
    await until("many answers", () => load.answers > 300, 90);
    const before = load.answers;
    await server.restartGracefully();
    await until(
      "the restart",
      () => server.log("logs/error_log").split("resuming normal operations").length > 2,
      60,
    );
    await until("answers behind the restart", () => load.answers > before + 200, 90);
    assertEquals([...(await load.stop()).wrong], []);
  });

  Deno.test({
    name: `${nameOf(model)}: no answer is another's while backends die, are slow and talk nonsense`,
    ignore: !linux,
  }, async () => {
    const answer = async (next: () => Promise<{ head: string } | undefined>, conn: Deno.Conn) => {
      for (let request = await next(); request !== undefined; request = await next()) {
        const [, kind, id] = /^GET \/(\w+)\/(\S+)/.exec(request.head) ?? [];
        if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, 30));
        const body = `${id}:${"x".repeat(Number(id) % 3000)}`;
        if (kind === "nonsense") return await say(conn, `nonsense ${id}\r\n\r\n`);
        if (kind === "cut") return await say(conn, ok(body).slice(0, -1));
        if (kind === "behind") await say(conn, ok(body) + ok("99999999:"));
        else if (kind === "close") return await say(conn, `HTTP/1.1 200 OK\r\n\r\n${body}`);
        else await say(conn, ok(body));
      }
    };
    using one = Backend.scripted(answer);
    using two = Backend.scripted(answer);
    await using server = await start(
      model,
      `
      <Proxy balancer://all>
        BalancerMember http://127.0.0.1:${one.port} retry=1
        BalancerMember http://127.0.0.1:${two.port} retry=1
      </Proxy>
      ProxyPass / balancer://all/
    `,
    );
    const kinds = ["plain", "slow", "nonsense", "cut", "behind", "close", "plain", "plain"];
    const wrong: string[] = [];
    const statuses = new Map<string, number>();
    let answers = 0;
    let over = false;
    let dying = false;
    const client = async (first: number) => {
      for (let id = first; !over; id += 100) {
        const connection = await Connection.open(server.port);
        try {
          for (let i = 0; i < 8 && !over; i++, id += 100) {
            const kind = kinds[id / 100 % kinds.length | 0];
            await connection.send(`GET /${kind}/${id} HTTP/1.1\r\nHost: a\r\n\r\n`);
            const { head, body } = await connection.response();
            const status = head.slice(9, 12);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            answers++;
            const chunked = /^transfer-encoding/im.test(head);
            if (status !== "200") {
              if (kind !== "nonsense" && kind !== "cut" && !dying) wrong.push(`${kind} ${id}: ${status}`);
            } else if (kind === "nonsense") wrong.push(`${kind} ${id}: ${status}`);
            else if (!chunked && body !== `${id}:${"x".repeat(id % 3000)}`) {
              wrong.push(`${kind} ${id}: ${body.slice(0, 40)}`);
            }
            // What ends with its connection comes in chunks, which this client does not read.
            if (chunked || /^connection: close/im.test(head)) break;
          }
        } catch (error) {
          // What the backend has cut off is cut off here too; nothing else is.
          const kind = kinds[id / 100 % kinds.length | 0];
          if (kind !== "cut" && !dying) wrong.push(`${kind} ${id}: ${error}`);
        } finally {
          connection.close();
        }
      }
    };
    const clients = Array.from({ length: 10 }, (_, first) => client(first + 1));
    await until("many answers", () => answers > 250, 60);
    dying = true;
    one.stop();
    let mark = answers;
    await until("answers without the first", () => answers > mark + 80, 60);
    await one.listenAgain();
    two.stop();
    mark = answers;
    await until("answers without the second", () => answers > mark + 80, 60);
    await two.listenAgain();
    over = true;
    await Promise.all(clients);
    assertEquals(wrong, []);
    assert((statuses.get("200") ?? 0) > 150, JSON.stringify([...statuses]));
    assert((statuses.get("502") ?? 0) > 10, JSON.stringify([...statuses]));
  });
}
