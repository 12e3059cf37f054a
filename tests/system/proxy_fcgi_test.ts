// Do programs answer that speak FastCGI, SCGI and uwsgi, php-fpm among them? And WebSockets through the proxy.

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Connection, inTime, TestServer, unchunked, until } from "./harness.ts";
import { Backend, say } from "./backend.ts";

const ignore = Deno.build.os === "windows";

function start(config: string, files: Record<string, string> = {}): Promise<TestServer> {
  return TestServer.start({
    config:
      `Listen 127.0.0.1:@PORT@\nServerName test.example\nErrorLog logs/error_log\nDocumentRoot @ROOT@/htdocs\n<Directory @ROOT@/htdocs>\nRequire all granted\n</Directory>\n${config}`,
    files: { "htdocs/index.html": "static", ...files },
  });
}

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: test.example\r\n${fields}Connection: close\r\n\r\n`;
}

function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

/** The content of an answer, which has a length where all of it was there at once. */
function contentOf(answer: string): string {
  const chunked = /\r\nTransfer-Encoding: chunked\r\n/.test(answer.slice(0, answer.indexOf("\r\n\r\n") + 2));
  return chunked ? unchunked(bodyOf(answer)) : bodyOf(answer);
}

/** What a FastCGI client has sent: parameters and body. */
interface FcgiRequest {
  readonly params: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Reads exactly `length` bytes. */
async function exactly(conn: Deno.Conn, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const n = await conn.read(bytes.subarray(at));
    if (n === null) return undefined;
    at += n;
  }
  return bytes;
}

function paramsOf(bytes: Uint8Array): Map<string, string> {
  const params = new Map<string, string>();
  let at = 0;
  const length = () => {
    if (bytes[at] < 128) return bytes[at++];
    at += 4;
    return new DataView(bytes.buffer, bytes.byteOffset + at - 4).getUint32(0) & 0x7fffffff;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()].map((count) => count);
    params.set(
      Buffer.from(bytes.subarray(at, at + name)).toString(),
      Buffer.from(bytes.subarray(at + name, at + name + value)).toString(),
    );
    at += name + value;
  }
  return params;
}

async function fcgiRequest(conn: Deno.Conn): Promise<FcgiRequest | undefined> {
  const params: Uint8Array[] = [];
  const body: Uint8Array[] = [];
  for (;;) {
    const header = await exactly(conn, 8);
    if (header === undefined) return undefined;
    const content = await exactly(conn, header[4] << 8 | header[5]) ?? new Uint8Array(0);
    await exactly(conn, header[6]);
    if (header[1] === 4) params.push(content);
    if (header[1] === 5 && content.length > 0) body.push(content);
    else if (header[1] === 5) {
      return { params: paramsOf(Buffer.concat(params)), body: Buffer.concat(body).toString("latin1") };
    }
  }
}

/** A record of the responder, with padding. */
function record(type: number, text: string): string {
  const padding = (8 - text.length % 8) % 8;
  return String.fromCharCode(1, type, 0, 1, text.length >> 8, text.length & 255, padding, 0) + text +
    "\0".repeat(padding);
}

const END = record(3, "\0".repeat(8));

Deno.test({
  name: "proxy: FastCGI over TCP and a socket, in small pieces, with errors, large bodies and nonsense",
  ignore,
  async fn() {
    const answer = async (_next: unknown, conn: Deno.Conn) => {
      for (let request = await fcgiRequest(conn); request !== undefined; request = await fcgiRequest(conn)) {
        const script = request.params.get("SCRIPT_FILENAME") ?? "";
        if (script.endsWith("/nonsense")) return await say(conn, "\x02".repeat(16));
        if (script.endsWith("/empty")) await say(conn, END);
        else if (script.endsWith("/headless")) await say(conn, record(6, "no head\n\n") + END);
        else if (script.endsWith("/moved")) {
          await say(conn, record(6, "Location: http://a.example/\r\n\r\n") + END);
        } else if (script.endsWith("/big")) {
          await say(conn, record(6, "Content-Type: a/b\r\n\r\n"));
          for (let i = 0; i < 50; i++) await say(conn, record(6, "x".repeat(65_535)));
          await say(conn, END);
        } else {
          const told = [...request.params].map(([name, value]) => `${name}=${value}`).join("\n");
          const whole = record(7, "a warning\n") + record(6, "Status: 201 Made\nContent-Type: text/plain\n") +
            record(6, `\n${told}\n`) + record(6, `body=${request.body.length}`) + record(6, "") + END;
          // Records do not come as they were written.
          for (let at = 0; at < whole.length; at += 7) await say(conn, whole.slice(at, at + 7));
        }
      }
    };
    using backend = Backend.scripted(answer);
    const socket = await Deno.makeTempDir();
    const listener = Deno.listen({ transport: "unix", path: `${socket}/s` });
    (async () => {
      for await (const conn of listener) answer(undefined, conn).finally(() => conn.close());
    })();
    await using server = await start(
      `
      ProxyPassMatch ^/f/(.*)$ fcgi://127.0.0.1:${backend.port}/srv/$1 enablereuse=on
      <FilesMatch "\\.php$">
        SetHandler "proxy:unix:${socket}/s|fcgi://localhost"
      </FilesMatch>
      DirectoryIndex index.php
    `,
      { "htdocs/app/index.php": "<?php", "htdocs/app/x.php": "<?php" },
    );
    const mapped = await server.raw(
      get("/f/a%20b?q=1", "Proxy: http://evil/\r\nX-One: 1\r\nX_Under: 2\r\nAuthorization: Basic x\r\n"),
    );
    assertMatch(mapped, /^HTTP\/1\.1 201 Made\r\n/);
    const told = contentOf(mapped);
    for (
      const line of [
        "SCRIPT_FILENAME=/srv/a b",
        "QUERY_STRING=q=1",
        "REQUEST_URI=/f/a%20b?q=1",
        "SCRIPT_NAME=/f/a b",
        "HTTP_X_ONE=1",
        "REMOTE_ADDR=127.0.0.1",
        "SERVER_NAME=test.example",
        "REQUEST_METHOD=GET",
        "GATEWAY_INTERFACE=CGI/1.1",
      ]
    ) {
      assert(told.split("\n").includes(line) || told.includes(`${line}\n`), `${line} in ${told}`);
    }
    assert(!/HTTP_PROXY|HTTP_AUTHORIZATION|UNDER/.test(told), told);
    // In one piece: chunks may end anywhere.
    const file = await server.raw(
      `POST /app/x.php/info HTTP/1.0\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${"y".repeat(200_000)}`,
    );
    assertMatch(file, /SCRIPT_FILENAME=\/.*\/htdocs\/app\/x\.php\n/);
    assertMatch(file, /\nSCRIPT_NAME=\/app\/x\.php\n/);
    assertMatch(file, /\nPATH_INFO=\/info\n/);
    assertMatch(file, /\nCONTENT_LENGTH=200000\n/);
    assertMatch(file, /body=200000$/m);
    // Bodies that do not say how long they are, from clients at once: the program is told of short ones.
    const chunk = (size: number) => `${size.toString(16)}\r\n${"z".repeat(size)}\r\n`;
    await Promise.all(Array.from({ length: 24 }, async (_, i) => {
      const sizes = [1 + i * 1000, i % 2 === 0 ? 5 + i : 200_000 + i];
      const body = i === 0 ? "0\r\n\r\n" : `${sizes.map(chunk).join("")}0\r\n\r\n`;
      const sum = i === 0 ? 0 : sizes[0] + sizes[1];
      const answer = await server.raw(
        `POST /f/chunked${i} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
      );
      const told = contentOf(answer);
      assertMatch(told, new RegExp(`\nSCRIPT_NAME=/f/chunked${i}\n`), answer);
      const expected = sum <= 65_536 ? `CONTENT_LENGTH=${sum}` : "HTTP_TRANSFER_ENCODING=chunked";
      assertEquals(told.match(/^(?:CONTENT_LENGTH|HTTP_TRANSFER_ENCODING)=.*/gm), [expected]);
      assertMatch(told, new RegExp(`body=${sum}$`));
    }));
    assertMatch(await server.raw("GET /app/ HTTP/1.0\r\n\r\n"), /\nSCRIPT_NAME=\/app\/index\.php\n/);
    assertEquals(bodyOf(await server.raw(get("/index.html"))), "static");
    assertMatch(await server.raw(get("/f/nonsense")), /^HTTP\/1\.1 502 /);
    assertMatch(await server.raw(get("/f/empty")), /^HTTP\/1\.1 502 /);
    assertMatch(await server.raw(get("/f/headless")), /^HTTP\/1\.1 502 /);
    assertMatch(
      await server.raw(get("/f/moved")),
      /^HTTP\/1\.1 302 Found\r\n[^]*\r\nLocation: http:\/\/a\.example\/\r\n/,
    );
    const big = await server.raw(`GET /f/big HTTP/1.0\r\n\r\n`);
    assertEquals(bodyOf(big).length, 50 * 65_535);
    await until("the log", () => /AH01071: Got error 'a warning'/.test(server.log("logs/error_log")));
    listener.close();
    await Deno.remove(socket, { recursive: true });
  },
});

Deno.test({
  name: "proxy: SCGI and uwsgi",
  ignore,
  async fn() {
    using scgi = Backend.scripted(async (_next, conn) => {
      let digits = "";
      for (;;) {
        const [byte] = await exactly(conn, 1) ?? [];
        if (byte === 58 || byte === undefined) break;
        digits += String.fromCharCode(byte);
      }
      const words = Buffer.from(await exactly(conn, Number(digits)) ?? []).toString("latin1").split("\0");
      const [comma] = await exactly(conn, 1) ?? [];
      const body = await exactly(conn, Number(words[1]));
      await say(
        conn,
        `Content-Type: a/b\r\n\r\n${words[0]} ${words[1]} ${words.includes("SCGI")} ${comma} ${body?.length}`,
      );
    });
    using uwsgi = Backend.scripted(async (_next, conn) => {
      const header = await exactly(conn, 4) ?? new Uint8Array(4);
      const packet = Buffer.from(await exactly(conn, header[1] | header[2] << 8) ?? []).toString("latin1");
      await say(conn, `HTTP/1.0 200 OK\r\n\r\n${packet.includes("REQUEST_METHOD\x03\0GET")}`);
    });
    await using server = await start(`
      ProxyPass /s scgi://127.0.0.1:${scgi.port}/
      ProxyPass /u uwsgi://127.0.0.1:${uwsgi.port}/
    `);
    const post = "POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    assertMatch(await server.raw(post), /\r\n\r\n(?:[0-9a-f]+\r\n)?CONTENT_LENGTH 3 true 44 3/);
    assertMatch(await server.raw(get("/u")), /\r\n\r\n(?:[0-9a-f]+\r\n)?true/);
  },
});

Deno.test({
  name: "proxy: a WebSocket through the proxy, and none where nobody allows it",
  ignore,
  async fn() {
    await using backend = await TestServer.start({
      config: `Listen 127.0.0.1:@PORT@\nServerName b\nErrorLog logs/error_log\nApplication @ROOT@/app.ts`,
      files: {
        "app.ts": `export default { fetch(request: Request) {
          if (request.headers.get("upgrade") !== "websocket") return new Response("plain");
          const { socket, response } = Deno.upgradeWebSocket(request);
          socket.onmessage = ({ data }) => data === "end" ? socket.close(4001, "ended") : socket.send("echo " + data);
          return response;
        } };`,
      },
    });
    await using server = await start(`
      ProxyPass /ws ws://127.0.0.1:${backend.port}/
      ProxyPass /up http://127.0.0.1:${backend.port}/ upgrade=websocket
      ProxyPass /no http://127.0.0.1:${backend.port}/plain
    `);
    for (const path of ["/ws", "/up"]) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
      const opened = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<CloseEvent>();
      const got: string[] = [];
      socket.onopen = () => opened.resolve();
      socket.onerror = () => opened.reject(new Error(`no WebSocket at ${path}`));
      socket.onmessage = ({ data }) => got.push(data);
      socket.onclose = (event) => closed.resolve(event);
      await inTime("the WebSocket", opened.promise);
      const long = "x".repeat(300_000);
      socket.send("a");
      socket.send(long);
      await until("the echo", () => got.length === 2);
      assertEquals(got, ["echo a", `echo ${long}`]);
      socket.send("end");
      assertEquals((await inTime("the end", closed.promise)).code, 4001);
    }
    const handshake =
      "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n";
    const client = await Connection.open(server.port);
    await client.send(`GET /no HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${handshake}\r\n`);
    assertMatch((await client.response()).head, /^HTTP\/1\.1 200 /);
    client.close();
  },
});

Deno.test({
  name: "proxy: a Unix-domain socket whose queue is full is waited for",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/s`;
    const listener = Deno.listen({ transport: "unix", path });
    const others: Deno.Conn[] = [];
    // Nobody accepts: once the queue is full, connecting is refused.
    for (;;) {
      const conn = await Deno.connect({ transport: "unix", path }).catch(() => undefined);
      if (conn === undefined) break;
      others.push(conn);
      assert(others.length < 10_000);
    }
    await using server = await start(`ProxyPass /q unix:${path}|http://localhost/q\n`);
    const answer = server.raw(get("/q"));
    assertEquals(
      await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve("waits"), 500))]),
      "waits",
    );
    for (const conn of others) conn.close();
    (async () => {
      for await (const conn of listener) {
        const n = await conn.read(new Uint8Array(4096)).catch(() => null);
        if (n !== null) await say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
        conn.close();
      }
    })();
    assertEquals(bodyOf(await answer), "here");
    listener.close();
    await Deno.remove(directory, { recursive: true });
  },
});

/** Debian's php-fpm, whichever version. */
function phpFpm(): string | undefined {
  try {
    const found = [...Deno.readDirSync("/usr/sbin")].map(({ name }) => name).filter((name) =>
      /^php-fpm\d/.test(name)
    );
    return found.length > 0 ? `/usr/sbin/${found.sort().at(-1)}` : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const fpm = phpFpm();
if (fpm === undefined) {
  console.log("proxy: php-fpm is not installed: PHP itself is not tested here (apt-get install php-fpm)");
}

Deno.test({
  name: "proxy: php-fpm, as docs/php.md sets it up",
  ignore: ignore || fpm === undefined,
  async fn() {
    const directory = await Deno.makeTempDir();
    const socket = `${directory}/php.sock`;
    await Deno.writeTextFile(
      `${directory}/fpm.conf`,
      `[global]\nerror_log=${directory}/fpm.log\ndaemonize=no\n[www]\nlisten=${socket}\nlisten.mode=0666\nuser=www-data\ngroup=www-data\npm=static\npm.max_children=2\ncatch_workers_output=yes\n`,
    );
    await Deno.chmod(directory, 0o755);
    const process = new Deno.Command(fpm!, {
      args: ["-F", "-R", "-y", `${directory}/fpm.conf`],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until("php-fpm", () => Deno.stat(socket).then(() => true, () => false));
      await using server = await TestServer.start({
        mode: 0o755,
        config: `
          Listen 127.0.0.1:@PORT@
          ServerName test.example
          ErrorLog logs/error_log
          DocumentRoot "@ROOT@/htdocs"
          DirectoryIndex index.php index.html
          <Directory "@ROOT@/htdocs">
            Require all granted
            FallbackResource /index.php
          </Directory>
          <FilesMatch "\\.php$">
            SetHandler "proxy:unix:${socket}|fcgi://localhost"
          </FilesMatch>
        `,
        files: {
          "htdocs/index.php":
            `<?php header("X-Php: yes"); setcookie("a", "b"); echo "uri=", $_SERVER["REQUEST_URI"], " get=", $_GET["q"] ?? "", "\\n";`,
          "htdocs/upload.php": `<?php echo md5_file($_FILES["f"]["tmp_name"]), " ", $_POST["name"];`,
          "htdocs/slow.php":
            `<?php for ($i = 0; $i < 3; $i++) { echo "part$i\\n"; ob_flush(); flush(); usleep(20000); }`,
          "htdocs/fail.php": `<?php http_response_code(500); error_log("told"); echo "failed";`,
          "htdocs/plain.txt": "plain",
        },
      });
      const index = await server.raw(get("/?q=x"));
      assertMatch(index, /\r\nX-Php: yes\r\n/i);
      assertMatch(index, /\r\nSet-Cookie: a=b/i);
      assertMatch(index, /uri=\/\?q=x get=x\n/);
      assertMatch(await server.raw(get("/pretty/link?q=y")), /uri=\/pretty\/link\?q=y get=y\n/);
      assertMatch(await server.raw(get("/slow.php")), /part0\n[^]*part1\n[^]*part2\n/);
      assertMatch(await server.raw(get("/fail.php")), /^HTTP\/1\.1 500 [^]*failed/);
      assertEquals(bodyOf(await server.raw(get("/plain.txt"))), "plain");
      const content = "z".repeat(300_000);
      const form = new FormData();
      form.set("name", "value");
      form.set("f", new Blob([content]), "f.bin");
      const uploaded = await fetch(server.url("/upload.php"), {
        method: "POST",
        body: await new Response(form).blob(),
      });
      const { createHash } = await import("node:crypto");
      assertEquals(await uploaded.text(), `${createHash("md5").update(content).digest("hex")} value`);
    } finally {
      process.kill("SIGTERM");
      await process.status;
      await Deno.remove(directory, { recursive: true });
    }
  },
});
