// Is what goes over HTTP/2 the same as over HTTP/1.1, under every MPM? Real clients, many at once whose answers are told apart, files,
// ranges, bodies both ways, the log, restarts.

import { assert, assertEquals, assertMatch } from "@std/assert";
import http2 from "node:http2";
import { Buffer } from "node:buffer";
import { connect } from "node:tls";
import { CA, startTls, TLS_MODELS } from "./tls_support.ts";
import { Flag, FrameType } from "../../server/http/h2/frame.ts";
import {
  block,
  frame,
  FrameReader,
  joined,
  preface,
  type Received,
  request,
} from "../../server/http/h2/test_support.ts";
import { inTime, TestServer, until } from "./harness.ts";
import { type Model, MODELS } from "./models.ts";

const LARGE = Array.from({ length: 60_000 }, (_, i) => `line ${i} of it\n`).join("");
const CLIENTS = 8;
const FILES: Readonly<Record<string, string>> = {
  "htdocs/index.html": "hello",
  "htdocs/large.txt": LARGE,
  ...Object.fromEntries(
    Array.from({ length: CLIENTS }, (_, i) => [`htdocs/${i}.txt`, `client ${i}\n`.repeat(i * 400 + 1)]),
  ),
  "app.ts": `
    export default { async fetch(request: Request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/app/length") return new Response(String((await request.arrayBuffer()).byteLength));
      if (pathname === "/app/socket") {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onmessage = ({ data }) => socket.send("got " + data);
        return response;
      }
      if (pathname === "/app/echo") return new Response(request.body);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return new Response(pathname + " for " + request.headers.get("x-client"));
    } };
  `,
};

function start(model: Model, more = "", protocols = "h2c http/1.1"): Promise<TestServer> {
  return TestServer.start({
    config: `LoadModule ${model.module} modules/x.so
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
Protocols ${protocols}
LogFormat "%{X-Client}i %r %>s %b %H" http2
CustomLog logs/http2.log http2
<Location "/app">
  Application "@ROOT@/app.ts"
</Location>
${model.four}
${more}`,
    files: FILES,
  });
}

interface Answer {
  readonly status: number;
  readonly fields: http2.IncomingHttpHeaders;
  readonly body: string;
}

/** One request of a client of node:http2. */
function ask(
  session: http2.ClientHttp2Session,
  path: string,
  fields: Record<string, string> = {},
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const stream = session.request({ ":method": method, ":path": path, ...fields }, {
      endStream: body === undefined,
    });
    const pieces: Buffer[] = [];
    let head: http2.IncomingHttpHeaders = {};
    stream.on("response", (answer) => head = answer);
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("error", reject);
    stream.on(
      "end",
      () =>
        resolve({ status: Number(head[":status"]), fields: head, body: Buffer.concat(pieces).toString() }),
    );
    if (body !== undefined) stream.end(body);
  });
}

async function withSession<T>(
  port: number,
  use: (session: http2.ClientHttp2Session) => Promise<T>,
  secure = false,
): Promise<T> {
  const session = secure
    ? http2.connect(`https://localhost:${port}`, { ca: CA, servername: "test.example" })
    : http2.connect(`http://127.0.0.1:${port}`);
  const failed = new Promise<never>((_, reject) => session.on("error", reject));
  failed.catch(() => {});
  try {
    return await Promise.race([use(session), failed]);
  } finally {
    session.destroy();
  }
}

for (const model of MODELS) {
  Deno.test({
    name: `HTTP/2 under ${model.name}${
      model.relayed ? ", relayed" : ""
    }: many clients at once, many requests of each at once, each gets its own`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using server = await start(model);
      await Promise.all(
        Array.from({ length: CLIENTS }, (_, i) =>
          withSession(server.port, async (session) => {
            const own = FILES[`htdocs/${i}.txt`];
            const asked = Array.from({ length: 6 }, async (_, n) => {
              const fields = { "x-client": `${i}.${n}` };
              assertEquals((await ask(session, `/${i}.txt`, fields)).body, own);
              assertEquals((await ask(session, `/app/${n}`, fields)).body, `/app/${n} for ${i}.${n}`);
              assertEquals((await ask(session, "/app/echo", fields, own)).body, own);
            });
            await Promise.all(asked);
            assertEquals((await ask(session, "/large.txt")).body, LARGE);
          })),
      );
      const log = await until("all lines of the log", () => {
        const lines = server.log("logs/http2.log").trim().split("\n");
        return lines.length >= CLIENTS * 19 ? lines : undefined;
      });
      assertEquals(log.length, CLIENTS * 19);
      assert(log.every((line) => line.endsWith(" HTTP/2.0") && line.includes(" HTTP/2.0 200 ")), log[0]);
    },
  });
}

const EVENT: Model = MODELS.find(({ name }) => name === "event")!;

Deno.test({
  name: "HTTP/2: conditions, ranges, HEAD, errors and limits answer as over HTTP/1.1",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = await start(EVENT, "LimitRequestBody 100000");
    const cases: [path: string, init: RequestInit][] = [
      ["/", {}],
      ["/large.txt", { headers: { range: "bytes=5-20" } }],
      ["/large.txt", { headers: { range: "bytes=0-3,10-20" } }],
      ["/large.txt", { headers: { range: "bytes=99999999-" } }],
      ["/", { headers: { "if-none-match": "*" } }],
      ["/", { method: "HEAD" }],
      ["/nothing", {}],
      ["/nothing", { method: "HEAD" }],
      ["/", { method: "DELETE" }],
      ["/", { method: "POST", body: "abc" }],
      ["/app/length", { method: "POST", body: "x".repeat(90_000) }],
      ["/app/length", { method: "POST", body: "x".repeat(110_000) }],
      ["/%", {}],
      ["/", { headers: { expect: "nonsense" } }],
    ];
    await withSession(server.port, async (session) => {
      for (const [path, { method = "GET", headers = {}, body }] of cases) {
        const first = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers, body });
        const firstBody = await first.text();
        const second = await new Promise<Answer>((resolve, reject) => {
          const stream = session.request({
            ":method": method,
            ":path": path,
            ...headers as Record<string, string>,
          }, {
            endStream: body === undefined,
          });
          let head: http2.IncomingHttpHeaders = {};
          let text = "";
          stream.on("response", (answer) => head = answer);
          stream.on("data", (piece: Buffer) => text += piece.toString());
          stream.on("error", reject);
          stream.on("end", () => resolve({ status: Number(head[":status"]), fields: head, body: text }));
          if (body !== undefined) stream.end(body as string);
        });
        const what = `${method} ${path}`;
        // Each thread has a boundary of its own.
        const boundary = (type: unknown) => /boundary=(\w+)/.exec(String(type))?.[1] ?? "-";
        const plain = (text: string | null, type: unknown) => text?.replaceAll(boundary(type), "(boundary)");
        const types = [first.headers.get("content-type"), second.fields["content-type"]] as const;
        assertEquals(
          [what, second.status, plain(second.body, types[1])],
          [what, first.status, plain(firstBody, types[0])],
        );
        for (
          const name of ["content-type", "content-length", "content-range", "etag", "allow", "last-modified"]
        ) {
          const [one, two] = [first.headers.get(name), second.fields[name] as string | undefined ?? null];
          assertEquals([what, name, plain(two, types[1])], [what, name, plain(one, types[0])]);
        }
      }
    });
  },
});

Deno.test({
  name:
    "HTTP/2: curl with prior knowledge; without h2c in Protocols nobody is taken for it, and HTTP/1.1 goes on",
  ignore: Deno.build.os === "windows" || !await hasCurl(),
  async fn() {
    await using server = await start(EVENT);
    const curl = async (port: number, ...args: string[]) =>
      new TextDecoder().decode(
        (await new Deno.Command("curl", {
          args: [
            "-s",
            "-w",
            "%{http_code} %{http_version}",
            "-o",
            "/dev/null",
            ...args,
            `http://127.0.0.1:${port}/`,
          ],
        }).output()).stdout,
      );
    assertEquals(await curl(server.port, "--http2-prior-knowledge"), "200 2");
    assertEquals(await curl(server.port, "--http1.1"), "200 1.1");
    await using plain = await start(EVENT, "", "http/1.1");
    assertMatch(await curl(plain.port, "--http2-prior-knowledge"), /^000|^400/);
    assertEquals(await curl(plain.port), "200 1.1");
  },
});

async function hasCurl(): Promise<boolean> {
  try {
    return (await new Deno.Command("curl", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "HTTP/2: a graceful restart under load loses no request, and tells clients to connect anew",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = await start(EVENT);
    let over = false;
    let answered = 0;
    let sessions = 0;
    const client = async (i: number) => {
      while (!over) {
        sessions++;
        const session = http2.connect(`http://127.0.0.1:${server.port}`);
        let closing = false;
        session.on("goaway", () => closing = true);
        session.on("error", (error) => assert(closing, String(error)));
        while (!over && !closing) {
          const paths = Array.from({ length: 4 }, (_, n) => `/app/${i}/${n}`);
          const answers = await Promise.all(
            paths.map((path) =>
              ask(session, path, { "x-client": `${i}` }).catch((error) => {
                // Sent more than a second after the notice, by a client that is slow: nobody has looked at it, and it is asked anew.
                if (closing && /REFUSED_STREAM/.test(String(error))) return undefined;
                throw error;
              })
            ),
          );
          for (const [n, answer] of answers.entries()) {
            if (answer === undefined) continue;
            assertEquals([answer.status, answer.body], [200, `${paths[n]} for ${i}`]);
            answered++;
          }
        }
        session.close();
      }
    };
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
    clients.catch(() => {});
    await Promise.race([clients, until("answers", () => answered > 100)]);
    const before = sessions;
    await server.restartGracefully();
    await Promise.race([clients, until("new connections", () => sessions >= before + CLIENTS)]);
    const after = answered;
    await Promise.race([clients, until("further answers", () => answered > after + 100)]);
    over = true;
    await clients;
  },
});

for (const model of TLS_MODELS.filter(({ name }) => ["prefork", "worker", "event"].includes(name))) {
  Deno.test({
    name: `HTTP/2 over TLS under ${model.name}: agreed on in the handshake, many requests at once`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using server = await startTls(model, "Protocols h2 http/1.1", "", FILES);
      await Promise.all(
        Array.from({ length: CLIENTS }, (_, i) =>
          withSession(server.port, async (session) => {
            const own = FILES[`htdocs/${i}.txt`];
            const asked = Array.from({ length: 4 }, () =>
              ask(session, `/${i}.txt`, { ":authority": "test.example" }));
            for (const { status, body } of await Promise.all(asked)) {
              assertEquals([status, body], [200, own]);
            }
          }, true)),
      );
    },
  });
}

Deno.test({
  name: "HTTP/2 over TLS: what is agreed on is what both know, the preferred first",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await startTls(EVENT, "Protocols h2 http/1.1", "", FILES);
    const agreed = (port: number, protocols?: string[]) =>
      new Promise<string | false | null>((resolve, reject) => {
        const socket = connect({
          port,
          host: "127.0.0.1",
          ca: CA,
          servername: "test.example",
          ALPNProtocols: protocols,
        });
        socket.on("secureConnect", () => {
          resolve(socket.alpnProtocol);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    assertEquals(await agreed(server.port, ["http/1.1", "h2"]), "h2");
    assertEquals(await agreed(server.port, ["http/1.1"]), "http/1.1");
    assert(!await agreed(server.port, ["acme-tls/1"]));
    assert(!await agreed(server.port));
    await using old = await startTls(EVENT, "", "", FILES);
    assert(!await agreed(old.port, ["h2", "http/1.1"]));
    await withSession(server.port, async (session) => {
      assertEquals((await ask(session, "/large.txt", { ":authority": "test.example" })).body, LARGE);
    }, true);
  },
});

Deno.test({
  name: "HTTP/2: a WebSocket of an application on a stream, beside other requests",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = await start(EVENT, "H2WebSockets on");
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const reader = new FrameReader();
    const fields = [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", "http"],
      [":path", "/app/socket"],
      [":authority", "test.example"],
      ["sec-websocket-version", "13"],
    ] as const;
    // A text, masked with zeros.
    const hello = [0x81, 0x85, 0, 0, 0, 0, ...new TextEncoder().encode("hello")];
    await connection.write(joined(
      preface(),
      frame(FrameType.Headers, Flag.EndHeaders, 1, block(fields)),
      request(3, "/"),
      frame(FrameType.Data, 0, 1, hello),
    ));
    const buffer = new Uint8Array(65_536);
    const received: Received[] = [];
    const bodyOf = (stream: number) =>
      received.filter((each) => each.stream === stream && each.type === FrameType.Data)
        .map(({ payload }) => new TextDecoder("latin1").decode(payload)).join("");
    while (!bodyOf(1).includes("got hello")) {
      const n = await inTime("a frame", connection.read(buffer));
      assert(n !== null, "the connection was closed");
      received.push(...reader.push(buffer.subarray(0, n)));
    }
    assertEquals(bodyOf(3), "hello");
    assertEquals(received.find(({ stream, type }) => stream === 1 && type === FrameType.Headers)?.fields[0], [
      ":status",
      "200",
    ]);
    connection.close();
  },
});

/** What a server sends for `sent`, which begins as HTTP/1.1: the first head, and the frames behind 101 until they are `enough`. */
async function upgraded(
  port: number,
  sent: Uint8Array,
  enough: (frames: readonly Received[]) => boolean = () => false,
): Promise<{ head: string; frames: Received[] }> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let at = 0; at < sent.length;) at += await conn.write(sent.subarray(at));
  const buffer = new Uint8Array(65_536);
  const reader = new FrameReader();
  const frames: Received[] = [];
  let head = "";
  while (!enough(frames)) {
    const n = await inTime("an answer", conn.read(buffer));
    if (n === null) break;
    let bytes = buffer.subarray(0, n);
    if (!head.includes("\r\n\r\n")) {
      const text = new TextDecoder("latin1").decode(bytes);
      const end = /^[^]*?\r\n\r\n/.exec(text)?.[0].length ?? text.length;
      head += text.slice(0, end);
      bytes = bytes.subarray(end);
      if (!head.startsWith("HTTP/1.1 101 ")) break;
    }
    frames.push(...reader.push(bytes));
  }
  return { head, frames };
}

Deno.test({
  name: "HTTP/2: a connection of HTTP/1.1 changes to h2c; Early Hints, and padding",
  ignore: Deno.build.os === "windows",
  async fn(t) {
    const event = MODELS.find(({ name }) => name === "event")!;
    await using server = await start(
      event,
      `H2Padding 4
H2EarlyHints on
<Location "/1.txt">
  H2PushResource add /a.css
  H2PushResource /b.js critical
  H2EarlyHint X-Hint "one two"
</Location>
<VirtualHost *:@PORT@>
  ServerName test.example
</VirtualHost>
<VirtualHost *:@PORT@>
  ServerName off.example
  H2Upgrade off
</VirtualHost>`,
    );
    // SETTINGS_INITIAL_WINDOW_SIZE 1000.
    const SETTINGS = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAQAAAPo\r\n";
    const asking = (path: string, fields = SETTINGS, host = "test.example") =>
      new TextEncoder().encode(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: h2c\r\n${fields}X-Client: up\r\n\r\n`,
      );
    await t.step("the request that asked is the first stream, and others follow", async () => {
      const own = request(3, "/app/3", { fields: [["x-client", "3"]] });
      const { head, frames } = await upgraded(
        server.port,
        joined(asking("/large.txt"), preface(), own),
        (frames) => frames.some(({ stream, flags }) => stream === 3 && (flags & Flag.EndStream) !== 0),
      );
      assertMatch(
        head,
        /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n$/,
      );
      assertEquals(frames[0].type, FrameType.Settings);
      const body = (id: number) =>
        new TextDecoder().decode(
          joined(
            ...frames.filter(({ type, stream }) => type === FrameType.Data && stream === id).map((each) =>
              each.payload
            ),
          ),
        );
      assertEquals(body(3), "/app/3 for 3");
      assert(LARGE.startsWith(body(1)));
      assert(body(1).length > 800 && body(1).length <= 1000, `${body(1).length} bytes in a window of 1000`);
    });
    await t.step("who asks wrongly, or where it is off, is answered by HTTP/1.1", async () => {
      const wrong = [
        "Connection: Upgrade, HTTP2-Settings\r\n",
        "Connection: Upgrade\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAM\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 0\r\n",
      ];
      for (const fields of wrong) {
        assertMatch((await upgraded(server.port, asking("/", fields))).head, /^HTTP\/1\.1 200 /, fields);
      }
      const elsewhere = await upgraded(server.port, asking("/", SETTINGS, "off.example"));
      assertMatch(elsewhere.head, /^HTTP\/1\.1 200 /);
      const bad = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAT_____\r\n";
      const { frames } = await upgraded(server.port, asking("/", bad));
      assertEquals(frames.at(-1)?.type, FrameType.GoAway, "settings that nobody may have end the connection");
    });
    await t.step(
      "103 for each request of a place that has hints",
      () =>
        withSession(server.port, async (session) => {
          const heads = (path: string) =>
            new Promise<unknown>((resolve, reject) => {
              const seen: unknown[] = [];
              session.request({ ":path": path }).on(
                "headers",
                (fields) => seen.push(fields[":status"], fields.link, fields["x-hint"]),
              ).on("response", (fields) => seen.push(fields[":status"])).on("error", reject).on(
                "end",
                () => resolve(seen),
              ).resume();
            });
          const link = "</a.css>; rel=preload, </b.js>; rel=preload; critical";
          for (const path of ["/1.txt", "/1.txt"]) {
            assertEquals(await heads(path), [103, link, "one two", 200]);
          }
          assertEquals(await heads("/"), [200]);
          assertEquals((await ask(session, "/large.txt")).body, LARGE);
        }),
    );
    await until("the log", () => server.log("logs/http2.log").includes("up GET /large.txt HTTP/2.0 200 "));
  },
});
