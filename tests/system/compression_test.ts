// Do clients get what was compressed for them, whole and when they wait for it? DEFLATE, BROTLI_COMPRESS and ZSTD_COMPRESS with files and an
// application; what heads say is compared with httpd in as_httpd_test.ts.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import http2 from "node:http2";
import zlib from "node:zlib";
import { Connection, inTime, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const BASE = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
DeflateFilterNote Input in
DeflateFilterNote Output out
DeflateFilterNote ratio
AddOutputFilterByType ZSTD_COMPRESS;BROTLI_COMPRESS;DEFLATE text/html text/plain text/event-stream
LogFormat "%U %>s %{in}n %{out}n %{ratio}n" notes
CustomLog logs/notes notes
`;

const TEXT = Array.from({ length: 30_000 }, (_, i) => `line ${i * 7919 % 10_007} of the text\n`).join("");
const SMALL = TEXT.slice(0, 5000);

const APP = `
const TEXT = Array.from({ length: 30_000 }, (_, i) => \`line \${i * 7919 % 10_007} of the text\\n\`).join("");
const text = { "Content-Type": "text/plain" };
let cancelled = 0;
let pulled = 0;
export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/app/events") {
      let timer;
      const stream = new ReadableStream({
        start(controller) {
          let n = 0;
          const say = () => controller.enqueue(new TextEncoder().encode(\`data: \${n++}\\n\\n\`));
          say();
          timer = setInterval(say, 200);
        },
        cancel() {
          clearInterval(timer);
          cancelled++;
        },
      });
      return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
    }
    if (pathname === "/app/cancelled") return Response.json({ cancelled, pulled });
    if (pathname === "/app/endless") {
      const piece = crypto.getRandomValues(new Uint8Array(60_000));
      return new Response(new ReadableStream({ pull(controller) { pulled++; controller.enqueue(piece); } }), { headers: text });
    }
    if (pathname === "/app/fails") {
      const stream = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode(TEXT)); c.error(new Error("broke in the middle")); } });
      return new Response(stream, { headers: text });
    }
    if (pathname === "/app/missing") return new Response(TEXT.slice(0, 5000), { status: 404, headers: text });
    return new Response(TEXT.slice(0, Number(searchParams.get("n") ?? TEXT.length)), { headers: text });
  },
};
`;

async function start(more = ""): Promise<TestServer> {
  const server = await TestServer.start({
    config: `${BASE}<Location /app/>\n  Application app.ts\n</Location>\n${more}`,
    files: {
      "app.ts": APP,
      "htdocs/small.html": SMALL,
      "htdocs/large.html": TEXT,
      "htdocs/huge.html": TEXT.repeat(4),
    },
  });
  for (const name of ["small", "large", "huge"]) {
    await Deno.utime(server.path(`htdocs/${name}.html`), 1_767_225_600, 1_767_225_600);
  }
  return server;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  of(name: string): string | undefined;
}

/** One request on a connection of its own; the body as it came, out of its chunks. */
async function ask(server: TestServer, line: string, ...fields: string[]): Promise<Answer> {
  const text = await server.raw(
    [`${line} HTTP/1.1`, "Host: a.example", "Connection: close", ...fields, "", ""].join("\r\n"),
  );
  const split = text.indexOf("\r\n\r\n") + 4;
  const head = text.slice(0, split);
  let rest = text.slice(split);
  const of = (name: string) => new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
  if (of("transfer-encoding") === "chunked") {
    let body = "";
    for (;;) {
      const end = rest.indexOf("\r\n");
      const size = parseInt(rest.slice(0, end), 16);
      assert(size >= 0, `no chunk: ${rest.slice(0, 40)}`);
      body += rest.slice(end + 2, end + 2 + size);
      rest = rest.slice(end + 4 + size);
      if (size === 0) break;
    }
    rest = body;
  }
  return { status: Number(head.slice(9, 12)), body: Buffer.from(rest, "latin1"), of };
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
};

/** The content of an answer that has to have this coding. */
function decoded(answer: Answer, coding: string): string {
  assertEquals(answer.of("content-encoding"), coding);
  return DECODERS[coding](answer.body).toString();
}

Deno.test({
  name: "compression: files of any size, in every coding, the first time and when kept",
  ignore: !unix,
}, async () => {
  await using server = await start();
  const contents = { "/small.html": SMALL, "/large.html": TEXT, "/huge.html": TEXT.repeat(4) };
  for (const round of [1, 2, 3]) {
    for (const [path, content] of Object.entries(contents)) {
      for (const coding of ["gzip", "br", "zstd"]) {
        const answer = await ask(server, `GET ${path}`, `Accept-Encoding: ${coding}`);
        assertEquals(decoded(answer, coding), content, `${path} ${coding} ${round}`);
        assertEquals(answer.of("vary"), "Accept-Encoding");
        assertEquals(answer.of("etag")?.endsWith(`-${coding}"`), true);
        const head = await ask(server, `HEAD ${path}`, `Accept-Encoding: ${coding}`);
        const names = ["content-encoding", "content-length", "etag", "vary", "content-type"];
        assertEquals([head.body.length, ...names.map(head.of)], [0, ...names.map(answer.of)]);
      }
      const plain = await ask(server, `GET ${path}`);
      assertEquals([plain.of("content-encoding"), plain.body.toString()], [undefined, content]);
      assertEquals(plain.of("content-length"), String(content.length));
    }
  }
  // A change of the file counts.
  await Deno.writeTextFile(server.path("htdocs/small.html"), "other");
  await Deno.utime(server.path("htdocs/small.html"), 1_767_225_700, 1_767_225_700);
  await until(
    "the new content",
    async () => decoded(await ask(server, "GET /small.html", "Accept-Encoding: gzip"), "gzip") === "other",
  );
});

Deno.test({
  name: "compression: who has the compressed form is told so, and parts are those of the file",
  ignore: !unix,
}, async () => {
  await using server = await start();
  const first = await ask(server, "GET /large.html", "Accept-Encoding: gzip");
  const etag = first.of("etag")!;
  for (const line of ["GET /large.html", "HEAD /large.html"]) {
    const again = await ask(server, line, "Accept-Encoding: gzip", `If-None-Match: "x", ${etag}`);
    assertEquals([again.status, again.body.length, again.of("etag"), again.of("vary")], [
      304,
      0,
      etag,
      "Accept-Encoding",
    ]);
    assertEquals(again.of("content-encoding"), undefined);
  }
  // Of the form that is not compressed it says nothing.
  assertEquals((await ask(server, "GET /large.html", `If-None-Match: ${etag}`)).status, 200);
  const part = await ask(server, "GET /large.html", "Accept-Encoding: gzip", "Range: bytes=10-19");
  assertEquals([part.status, part.body.toString(), part.of("content-encoding")], [
    206,
    TEXT.slice(10, 20),
    undefined,
  ]);
  assertEquals(part.of("vary"), "Accept-Encoding");
  const whole = await ask(
    server,
    "GET /large.html",
    "Accept-Encoding: gzip",
    "Range: bytes=10-19",
    `If-Range: ${etag}`,
  );
  assertEquals([whole.status, decoded(whole, "gzip")], [200, TEXT]);
});

Deno.test(
  { name: "compression: what an application answers, at the pace of its client", ignore: !unix },
  async () => {
    await using server = await start("CompressionMinSize 200\n");
    for (
      const [n, coding] of [[300, "gzip"], [70_000, "br"], [400_000, "zstd"], [400_000, "gzip"]] as const
    ) {
      const answer = await ask(server, `GET /app/text?n=${n}`, `Accept-Encoding: ${coding}`);
      assertEquals(decoded(answer, coding), TEXT.slice(0, n));
    }
    const head = await ask(server, "HEAD /app/text", "Accept-Encoding: gzip");
    assertEquals([head.of("content-encoding"), head.of("content-length"), head.body.length], [
      "gzip",
      undefined,
      0,
    ]);
    // Too small, and no success (mod_filter's types are for successes).
    for (const path of ["/app/missing", "/app/text?n=100"]) {
      assertEquals(
        (await ask(server, `GET ${path}`, "Accept-Encoding: gzip")).of("content-encoding"),
        undefined,
      );
    }
    // A stream that fails ends without its last chunk.
    const broken = await server.raw(
      "GET /app/fails HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
    );
    assert(!broken.endsWith("0\r\n\r\n"), "a broken stream looks whole");
    await until("the failure in the log", () => server.log("logs/error_log").includes("broke in the middle"));
    await until("the notes", () => /^\/app\/text 200 400000 \d+ \d+$/m.test(server.log("logs/notes")));
  },
);

Deno.test({
  name: "compression: events arrive when they happen, and end when the client goes",
  ignore: !unix,
}, async () => {
  await using server = await start();
  const connection = await Connection.open(server.port);
  await connection.send("GET /app/events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
  const inflate = zlib.createGunzip();
  let text = "";
  inflate.on("data", (bytes: Buffer) => text += bytes.toString());
  let raw = Buffer.alloc(0);
  const buffer = new Uint8Array(65_536);
  let head = "";
  while (!text.includes("data: 2\n\n")) {
    const n = await inTime("an event", connection.conn.read(buffer));
    assert(n !== null, "the connection ended");
    raw = Buffer.concat([raw, buffer.slice(0, n)]);
    if (head === "") {
      const split = raw.indexOf("\r\n\r\n");
      if (split < 0) continue;
      head = raw.subarray(0, split).toString("latin1");
      raw = raw.subarray(split + 4);
    }
    for (;;) {
      const end = raw.indexOf("\r\n");
      const size = end < 0 ? NaN : parseInt(raw.subarray(0, end).toString(), 16);
      if (!(raw.length >= end + 4 + size)) break;
      inflate.write(raw.subarray(end + 2, end + 2 + size));
      raw = raw.subarray(end + 4 + size);
    }
    await new Promise((resolve) => inflate.flush(() => resolve(undefined)));
  }
  assertStringIncludes(head, "Content-Encoding: gzip");
  connection.close();
  await until(
    "the stream to be cancelled",
    async () => JSON.parse(await server.get("/app/cancelled")).cancelled === 1,
  );
});

Deno.test(
  { name: "compression: a client that reads nothing makes the application wait", ignore: !unix },
  async () => {
    await using server = await start();
    const connection = await Connection.open(server.port);
    await connection.send("GET /app/endless HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    const pulled = async () => JSON.parse(await server.get("/app/cancelled")).pulled as number;
    await until("the stream to begin", async () => await pulled() > 0);
    let before = -1;
    const now = await until("the stream to wait", async () => {
      const last = before;
      before = await pulled();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return last === before ? before : undefined;
    });
    // What the sockets hold and the server keeps, in pieces of 60,000 bytes.
    assert(now < 400, `${now} pieces`);
    connection.close();
  },
);

Deno.test({ name: "compression: files that are there in a compressed form", ignore: !unix }, async () => {
  await using server = await start(`PrecompressedFiles br zstd gzip
<Files "secret.css.br">
  Require all denied
</Files>
`);
  const css = "p { margin: 0 }\n".repeat(20);
  await Deno.mkdir(server.path("htdocs/d"));
  const files: Record<string, Uint8Array | string> = {
    "a.css": css,
    "a.css.br": zlib.brotliCompressSync(css),
    "a.css.gz": zlib.gzipSync(css),
    "secret.css": css,
    "secret.css.br": zlib.brotliCompressSync(css),
    "d/index.html": SMALL,
    "d/index.html.zst": zlib.zstdCompressSync(SMALL),
    "plain.css": css,
  };
  for (const [name, content] of Object.entries(files)) {
    const path = server.path(`htdocs/${name}`);
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await Deno.utime(path, 1_767_225_600, 1_767_225_600);
  }
  for (const _round of [1, 2, 3]) {
    for (const [accepts, coding] of [["gzip, br", "br"], ["gzip", "gzip"], ["gzip;q=0.5, br;q=0", "gzip"]]) {
      const answer = await ask(server, "GET /a.css", `Accept-Encoding: ${accepts}`);
      assertEquals(decoded(answer, coding), css);
      assertEquals([answer.of("content-type"), answer.of("vary")], ["text/css", "Accept-Encoding"]);
    }
    const plain = await ask(server, "GET /a.css");
    assertEquals([plain.of("content-encoding"), plain.of("vary"), plain.body.toString()], [
      undefined,
      "Accept-Encoding",
      css,
    ]);
    // Not to be had by another name either.
    const secret = await ask(server, "GET /secret.css", "Accept-Encoding: br");
    assertEquals([secret.of("content-encoding"), secret.body.toString()], [undefined, css]);
    assertEquals(decoded(await ask(server, "GET /d/", "Accept-Encoding: zstd"), "zstd"), SMALL);
    // Compressed on the way where nobody has done it before.
    assertEquals(decoded(await ask(server, "GET /d/", "Accept-Encoding: gzip"), "gzip"), SMALL);
    assertEquals((await ask(server, "GET /plain.css", "Accept-Encoding: br")).of("vary"), undefined);
  }
  const etag = (await ask(server, "GET /a.css", "Accept-Encoding: br")).of("etag");
  assertEquals(
    (await ask(server, "GET /a.css", "Accept-Encoding: br", `If-None-Match: ${etag}`)).status,
    304,
  );
  // Made later, and taken away.
  await Deno.writeFile(server.path("htdocs/plain.css.br"), zlib.brotliCompressSync(css));
  await until(
    "the new form",
    async () => (await ask(server, "GET /plain.css", "Accept-Encoding: br")).of("content-encoding") === "br",
  );
  await Deno.remove(server.path("htdocs/plain.css.br"));
  await until(
    "the file itself",
    async () =>
      (await ask(server, "GET /plain.css", "Accept-Encoding: br")).of("content-encoding") === undefined,
  );
});

Deno.test(
  { name: "compression: over HTTP/2, many streams at once in all codings", ignore: !unix },
  async () => {
    await using server = await start("Protocols h2c http/1.1\n");
    const session = http2.connect(server.url());
    const paths = { "/small.html": SMALL, "/large.html": TEXT, "/app/text?n=70000": TEXT.slice(0, 70_000) };
    try {
      await Promise.all(Array.from({ length: 60 }, async (_, i) => {
        const [path, content] = Object.entries(paths)[i % 3];
        const coding = ["gzip", "br", "zstd"][Math.floor(i / 3) % 3];
        const stream = session.request({ ":path": path, "accept-encoding": coding });
        let said: http2.IncomingHttpHeaders = {};
        const pieces: Buffer[] = [];
        stream.on("response", (fields) => said = fields);
        stream.on("data", (piece: Buffer) => pieces.push(piece));
        await inTime(
          "a stream",
          new Promise<void>((resolve, reject) => stream.on("end", resolve).on("error", reject)),
        );
        assertEquals([said["content-encoding"], said.vary], [coding, "Accept-Encoding"]);
        assertEquals(DECODERS[coding](Buffer.concat(pieces)).toString(), content);
      }));
    } finally {
      session.close();
    }
  },
);
