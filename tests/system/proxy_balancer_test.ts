// Does a balancer give every member its share, keep sessions where they are, pass over members that are gone, and obey its operator, in
// all children alike?

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Backend, ok } from "./backend.ts";
import { TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

function start(config: string): Promise<TestServer> {
  // Two children: what one knows the other has to know.
  return TestServer.start({
    config:
      `Listen 127.0.0.1:@PORT@\nServerName test.example\nErrorLog logs/error_log\nStartServers 2\nServerLimit 2\nThreadsPerChild 1\nThreadLimit 1\nMaxRequestWorkers 64\nRequestsPerThread 32\nMinSpareThreads 1\nMaxSpareThreads 64\n${config}`,
  });
}

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: test.example\r\n${fields}Connection: close\r\n\r\n`;
}

function bodyOf(answer: string): string {
  assertMatch(answer, /^HTTP\/1\.1 200 /);
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

/** How often each body came in `count` requests. */
async function shares(server: TestServer, path: string, count: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const body = bodyOf(await server.raw(get(path)));
    found[body] = (found[body] ?? 0) + 1;
  }
  return found;
}

Deno.test({
  name: "balancer: shares, sessions, failover, standby and the manager, over two children",
  ignore,
  async fn() {
    using a = Backend.answering(() => ok("a"));
    using b = Backend.answering(() => ok("b"));
    using c = Backend.answering(({ head }) => ok(`c ${head.split(" ")[1]}`));
    await using server = await start(`
      <Proxy balancer://pool>
        BalancerMember http://127.0.0.1:${a.port} route=one loadfactor=3 retry=1
        BalancerMember http://127.0.0.1:${b.port} route=two retry=1
        BalancerMember http://127.0.0.1:${c.port}/base status=+H
        ProxySet lbmethod=byrequests stickysession=ROUTE
      </Proxy>
      Header add Set-Cookie "ROUTE=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
      ProxyPass /app balancer://pool
      ProxyPassReverse /app balancer://pool
      <Location /manager>
        SetHandler balancer-manager
      </Location>
    `);
    assertEquals(await shares(server, "/app/x", 40), { a: 30, b: 10 });
    const first = await server.raw(get("/app/x"));
    const route = /Set-Cookie: ROUTE=\.(\w+)/.exec(first)?.[1];
    assert(route === "one" || route === "two", first);
    for (let i = 0; i < 10; i++) {
      const answer = await server.raw(get("/app/x", "Cookie: ROUTE=.two\r\n"));
      assertEquals(bodyOf(answer), "b");
      assert(!/set-cookie/i.test(answer), answer);
    }
    // The operator drains one: its sessions stay, nobody else comes.
    const page = bodyOf(await server.raw(get("/manager")));
    assertMatch(page, /LoadBalancer Status for balancer:\/\/pool/);
    const nonce = /name="nonce" value="(\w+)"/.exec(page)?.[1] ?? "";
    const change = (fields: string) => {
      const body = `b=pool&w=${encodeURIComponent(`http://127.0.0.1:${b.port}`)}&${fields}`;
      return server.raw(
        `POST /manager HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    };
    assertMatch(await change("w_status_N=1"), /^HTTP\/1\.1 403 /);
    assertMatch(await change("nonce=0123&w_status_N=1"), /^HTTP\/1\.1 403 /);
    // A form of another site that a GET would carry out changes nothing.
    await server.raw(get(`/manager?b=pool&nonce=${nonce}&w=http://127.0.0.1:${b.port}&w_status_N=1`));
    assertEquals((await shares(server, "/app/x", 8)).b, 2);
    assertMatch(await change(`nonce=${nonce}&w_status_N=1`), /^HTTP\/1\.1 303 /);
    assertEquals(await shares(server, "/app/x", 8), { a: 8 });
    assertEquals(bodyOf(await server.raw(get("/app/x", "Cookie: ROUTE=.two\r\n"))), "b");
    assertMatch(await change(`nonce=${nonce}&w_status_N=0`), /^HTTP\/1\.1 303 /);
    // One is gone: the others answer, and nobody notices.
    a.stop();
    assertEquals(await shares(server, "/app/x", 8), { b: 8 });
    b.stop();
    assertEquals(await shares(server, "/app/x", 4), { "c /base/x": 4 });
    c.stop();
    assertMatch(await server.raw(get("/app/x")), /^HTTP\/1\.1 503 /);
    await a.listenAgain();
    await until("the first to be back", async () => (await server.raw(get("/app/x"))).endsWith("\r\n\r\na"));
  },
});

Deno.test({
  name: "balancer: members that fail their health checks are passed over until they pass; busyness",
  ignore,
  async fn() {
    let well = true;
    let waiting: (() => void)[] = [];
    using a = Backend.answering(({ head }) =>
      head.startsWith("GET /health")
        ? (well ? ok("") : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        : ok("a")
    );
    using b = Backend.answering(({ head }) =>
      head.startsWith("GET /hold") ? new Promise((resolve) => waiting.push(() => resolve(ok("b")))) : ok("b")
    );
    using d = Backend.answering(() => ok("d"));
    await using server = await start(`
      <Proxy balancer://checked>
        BalancerMember http://127.0.0.1:${a.port} hcmethod=GET hcuri=/health hcinterval=200ms
        BalancerMember http://127.0.0.1:${d.port}
      </Proxy>
      <Proxy balancer://busy>
        BalancerMember http://127.0.0.1:${b.port}
        BalancerMember http://127.0.0.1:${d.port}
        ProxySet lbmethod=bybusyness
      </Proxy>
      ProxyPass /checked/ balancer://checked/
      ProxyPass /busy/ balancer://busy/
    `);
    assertEquals(await shares(server, "/checked/x", 4), { a: 2, d: 2 });
    well = false;
    await until("the check to fail", () => /AH03303/.test(server.log("logs/error_log")));
    assertEquals(await shares(server, "/checked/x", 4), { d: 4 });
    well = true;
    await until("the check to pass", async () => (await shares(server, "/checked/x", 2)).a === 1);
    // Whoever has requests in hand gets none while another has not.
    const held = [];
    while (waiting.length === 0) {
      held.push(server.raw(get("/busy/hold")));
      await until("a request", () => waiting.length > 0 || held.length > 0);
      if (
        (await Promise.race([
          held.at(-1)!,
          new Promise((resolve) => setTimeout(() => resolve(undefined), 300)),
        ])) === undefined
      ) break;
    }
    await until("it to be held", () => waiting.length > 0);
    assertEquals(await shares(server, "/busy/x", 6), { d: 6 });
    for (const release of waiting) release();
    waiting = [];
    await Promise.all(held);
  },
});
