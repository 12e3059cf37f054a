// Do applications written for `deno serve` get their WebSockets? Deno's own client, and raw frames where that is too polite,
// against whole servers, with descriptors and relayed.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, inTime, status, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
let open = 0;
const closed: string[] = [];

export default {
  fetch(request: Request): Response | Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/facts") return Response.json({ open, closed });
    if (url.pathname === "/fake") return Object.defineProperty(new Response(null), "status", { value: 101 });
    const { socket, response } = Deno.upgradeWebSocket(request, {
      protocol: url.searchParams.get("protocol") ?? undefined,
      idleTimeout: Number(url.searchParams.get("idle") ?? 30),
    });
    if (url.searchParams.has("blob")) socket.binaryType = "blob";
    socket.onopen = () => {
      open++;
      if (url.pathname === "/greet") socket.send("hello " + (socket instanceof WebSocket) + " " + socket.readyState);
    };
    socket.addEventListener("message", async ({ data }) => {
      if (data === "bye") return socket.close(3001, "as you wish");
      if (data === "throw") throw new Error("a listener fails on purpose");
      if (data === "blob first") {
        socket.send(new Blob(["1"]));
        socket.send("2");
        return;
      }
      socket.send(data instanceof Blob ? await data.arrayBuffer() : data);
    });
    socket.onclose = ({ code, reason, wasClean }) => {
      open--;
      closed.push([code, reason, wasClean].join(" "));
    };
    response.headers.set("set-cookie", "a=b");
    return url.searchParams.has("later") ? Promise.resolve(response) : response;
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName localhost
Application app.ts
CustomLog logs/access "%U %s %X %I %O"
<Location /server-status>
  Application None
  SetHandler server-status
</Location>
`;

function start(more = ""): Promise<TestServer> {
  return TestServer.start({ config: CONFIG + more, files: { "app.ts": APP } });
}

/** A client of the platform's, which keeps what it hears. */
class Client {
  readonly socket: WebSocket;
  readonly #heard: (string | ArrayBuffer)[] = [];
  #wake: () => void = () => {};
  readonly opened: Promise<void>;
  readonly closed: Promise<CloseEvent>;

  constructor(server: TestServer, path: string, protocols?: string[]) {
    this.socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, protocols);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      this.#heard.push(data);
      this.#wake();
    };
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<CloseEvent>();
    this.socket.onopen = () => opened.resolve();
    this.socket.onclose = (event) => closed.resolve(event);
    // The close event tells what there is to tell.
    this.socket.onerror = (event) => event.preventDefault();
    this.opened = opened.promise;
    this.closed = inTime("the close event", closed.promise);
  }

  static async open(server: TestServer, path: string, protocols?: string[]): Promise<Client> {
    const client = new Client(server, path, protocols);
    await inTime("the socket to open", Promise.race([client.opened, client.closed]));
    assertEquals(client.socket.readyState, WebSocket.OPEN);
    return client;
  }

  /** The next message. */
  async next(): Promise<string | ArrayBuffer> {
    while (this.#heard.length === 0) {
      await inTime("a message", new Promise<void>((resolve) => this.#wake = resolve));
    }
    return this.#heard.shift()!;
  }

  async close(): Promise<CloseEvent> {
    this.socket.close();
    return await this.closed;
  }
}

function facts(server: TestServer): Promise<{ open: number; closed: string[] }> {
  return fetch(server.url("/facts"), { headers: { connection: "close" } }).then((response) =>
    response.json()
  );
}

const ONE = "StartServers 1\nThreadsPerChild 1\n";
const VARIANTS: readonly (readonly [name: string, more: string])[] = [
  ["event", ONE],
  ["event that denies everything else", ONE + "DenoPermissions none\n"],
  ["worker", "LoadModule mpm_worker_module modules/x.so\nThreadsPerChild 4\n"],
  [
    "mpm_winnt, relayed",
    "LoadModule mpm_winnt_module modules/x.so\nThreadsPerChild 4\nDescriptorPassing Off\n",
  ],
];

for (const [name, more] of VARIANTS) {
  Deno.test({
    name: `${name}: WebSockets carry text and binary messages, and close as either side says`,
    ignore: !unix,
  }, async () => {
    await using server = await start(more);
    const client = await Client.open(server, "/greet?later");
    assertEquals(await client.next(), "hello true 1");
    for (const text of ["a", "", "grüße 🙂", "x".repeat(1_000_000)]) {
      client.socket.send(text);
      assertEquals(await client.next() === text, true);
    }
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    client.socket.send(bytes);
    assertEquals(new Uint8Array(await client.next() as ArrayBuffer), bytes);
    const many = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    for (const text of many) client.socket.send(text);
    for (const text of many) assertEquals(await client.next(), text);
    client.socket.send("blob first");
    assertEquals(new TextDecoder().decode(await client.next() as ArrayBuffer), "1");
    assertEquals(await client.next(), "2");
    // Where there are several threads, each knows of its own.
    const one = more.startsWith(ONE);
    if (one) assertEquals((await facts(server)).open, 1);
    client.socket.send("bye");
    const { code, reason, wasClean } = await client.closed;
    assertEquals([code, reason, wasClean], [3001, "as you wish", true]);

    const other = await Client.open(server, "/chat?blob");
    other.socket.send(bytes);
    assertEquals(new Uint8Array(await other.next() as ArrayBuffer), bytes);
    other.socket.close(4321, "enough");
    assertEquals((await other.closed).code, 4321);
    await until("the log", () => /^\/chat 101 - /m.test(server.log("logs/access")));
    const counts = /^\/greet 101 - (\d+) (\d+)$/m.exec(server.log("logs/access"));
    assert(counts !== null && Number(counts[1]) > 1_100_000 && Number(counts[2]) > 1_100_000, counts?.[0]);
    if (!one) return;
    const seen = await until("both closed", async () => {
      const found = await facts(server);
      return found.open === 0 ? found : undefined;
    });
    assertEquals(seen.closed, ["3001 as you wish true", "4321 enough true"]);
  });
}

const HANDSHAKE =
  "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** A frame of a client, masked with zeros. */
function frame(opcode: number, payload = "", masked = true): string {
  return String.fromCharCode(0x80 | opcode, (masked ? 0x80 : 0) | payload.length) +
    (masked ? "\0\0\0\0" : "") +
    payload;
}

Deno.test(
  { name: "WebSockets: the handshake on the wire, with the sample of RFC 6455", ignore: !unix },
  async () => {
    await using server = await start(ONE);
    const client = await Connection.open(server.port);
    // The first frames may come with the handshake.
    await client.send(
      HANDSHAKE.replace("/chat", "/chat?protocol=b") + "Sec-WebSocket-Protocol: a, b\r\n\r\n" +
        frame(1, "early"),
    );
    const { head } = await client.response();
    assertStringIncludes(head, "HTTP/1.1 101 Switching Protocols\r\n");
    assertStringIncludes(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assertStringIncludes(head, "Sec-WebSocket-Protocol: b\r\n");
    assertStringIncludes(head.toLowerCase(), "set-cookie: a=b\r\n");
    assertStringIncludes(head, "Connection: Upgrade\r\n");
    assert(!/content-|keep-alive/i.test(head), head);
    // A ping is answered with its payload, a close with a close, and then the connection ends.
    await client.send(frame(9, "are you there") + frame(8, "\x03\xe8"));
    assertEquals(
      await client.readAll(),
      frame(1, "early", false) + frame(10, "are you there", false) + frame(8, "\x03\xe8", false),
    );
    client.close();
  },
);

Deno.test({
  name: "WebSockets: requests that are no handshake, and clients that break the rules",
  ignore: !unix,
}, async () => {
  await using server = await start(ONE);
  const bad = [
    HANDSHAKE.replace("Upgrade: websocket", "Upgrade: tea"),
    HANDSHAKE.replace("keep-alive, Upgrade", "keep-alive"),
    HANDSHAKE.replace("Version: 13", "Version: 8"),
    HANDSHAKE.replace("dGhl", "d"),
    HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0"),
    HANDSHAKE.replace("GET", "PUT"),
    HANDSHAKE.replace("/chat", "/chat?protocol=c"),
    HANDSHAKE.replace("/chat", "/fake"),
  ];
  for (const request of bad) {
    assertMatch(await server.raw(request + "\r\n"), /^HTTP\/1\.1 500 /, request);
  }
  for (
    const [input, code] of [
      [frame(1, "not masked", false), "\x03\xea"],
      [frame(3, "no such opcode"), "\x03\xea"],
      [frame(1, "\xff\xfe"), "\x03\xef"],
    ]
  ) {
    const client = await Connection.open(server.port);
    await client.send(HANDSHAKE + "\r\n");
    await client.response();
    await client.send(input);
    assertEquals(await client.readAll(), frame(8, code, false));
    client.close();
  }
  // One that just goes away.
  const client = await Connection.open(server.port);
  await client.send(HANDSHAKE + "\r\n");
  await client.response();
  client.close();
  const { closed } = await until("all closed", async () => {
    const found = await facts(server);
    return found.open === 0 && found.closed.length === 4 ? found : undefined;
  });
  assertEquals(closed.map((line) => line.split(" ")[0]).sort(), ["1006", "1006", "1006", "1006"]);
  assertEquals((await fetch(server.url("/facts"))).status, 200);
});

Deno.test(
  { name: "WebSockets: whoever is told to close has time to answer", ignore: !unix },
  async () => {
    await using server = await start(ONE);
    const client = await Connection.open(server.port);
    await client.send(HANDSHAKE + "\r\n");
    await client.response();
    await client.send(frame(1, "bye"));
    // Whatever else the thread does meanwhile.
    for (let i = 0; i < 20; i++) assertEquals((await facts(server)).closed, []);
    await client.send(frame(8, "\x0b\xb9as you wish"));
    assertEquals(await client.readAll(), frame(8, "\x0b\xb9as you wish", false));
    client.close();
    assertEquals(
      await until("the end", async () => {
        const { open, closed } = await facts(server);
        return open === 0 ? closed : undefined;
      }),
      ["3001 as you wish true"],
    );
  },
);

Deno.test(
  { name: "WebSockets: a listener that throws is logged, and its socket goes on", ignore: !unix },
  async () => {
    await using server = await start(ONE);
    const client = await Client.open(server, "/chat");
    client.socket.send("throw");
    client.socket.send("still here?");
    assertEquals(await client.next(), "still here?");
    await until("the log", () => server.log("logs/error_log").includes("a listener fails on purpose"));
    await client.close();
  },
);

Deno.test({
  name: "WebSockets: a client that does not answer a ping is given up after idleTimeout",
  ignore: !unix,
}, async () => {
  await using server = await start(ONE);
  const polite = await Client.open(server, "/chat?idle=1");
  const silent = await Connection.open(server.port);
  await silent.send(HANDSHAKE.replace("/chat", "/chat?idle=1") + "\r\n");
  await silent.response();
  assertStringIncludes(await silent.readAll(), frame(9, "", false));
  silent.close();
  const { open, closed } = await facts(server);
  assertEquals([open, closed], [1, ["1006  false"]]);
  polite.socket.send("still here");
  assertEquals(await polite.next(), "still here");
  await polite.close();
});

Deno.test({
  name: "WebSockets: each has its slot, a graceful restart leaves them alone, a stop ends them",
  ignore: !unix,
}, async () => {
  await using server = await start(ONE);
  const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(server, "/chat")));
  assertEquals(Number((await status(server)).get("BusyWorkers")), 21);
  const [before] = Deno.build.os === "linux" ? server.children() : [0];
  await server.restartGracefully();
  if (before > 0) await until("the new generation", () => server.children().some((pid) => pid !== before));
  for (const [i, client] of clients.entries()) {
    client.socket.send(`message ${i}`);
    assertEquals(await client.next(), `message ${i}`);
  }
  await clients[0].close();
  await server.stop();
  for (const client of clients.slice(1)) assertEquals((await client.closed).wasClean, false);
});
