// What do the smaller filters do to answers on their way? SUBSTITUTE over the edges of pieces, RATE_LIMIT, BUFFER and the handler reflector, with a whole server;
// what httpd says to the same is compared in as_httpd_test.ts.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    const pieces = pathname === "/app/bits" ? ["a fo", "o and a f", "", "oo\\nno", "thing\\n"] : ["first ", "second ", "third"];
    let at = 0;
    const encoder = new TextEncoder();
    return new Response(new ReadableStream({
      async pull(controller) {
        if (at === pieces.length) return controller.close();
        if (at > 0) await new Promise((resolve) => setTimeout(resolve, 20));
        controller.enqueue(encoder.encode(pieces[at++]));
      },
    }), { headers: { "Content-Type": "text/plain" } });
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
<Location /app>
  Application app.ts
</Location>
<Location /app/bits>
  SetOutputFilter SUBSTITUTE
  Substitute "s/foo/FOO/"
</Location>
<Location /text>
  SetOutputFilter SUBSTITUTE
  Substitute "s/line 7 /LINE SEVEN /"
</Location>
<Location /short>
  SubstituteMaxLineLength 20
  SetOutputFilter SUBSTITUTE
  Substitute "s/x/y/"
</Location>
<Location /slow>
  SetOutputFilter RATE_LIMIT
  SetEnv rate-limit 100
  SetEnv rate-initial-burst 20
</Location>
<Location /app/buffered>
  SetOutputFilter BUFFER
</Location>
<Location /reflect>
  SetHandler reflector
  ReflectorHeader X-Sent X-Back
  SetInputFilter DEFLATE;BUFFER
  BufferSize 1K
</Location>
`;

const LINES = Array.from({ length: 40_000 }, (_, i) => `line ${i % 10} of the text\n`).join("");

Deno.test({ name: "filters: SUBSTITUTE, RATE_LIMIT, BUFFER and reflector", ignore: !unix }, async () => {
  await using server = await TestServer.start({
    config: CONFIG,
    files: {
      "app.ts": APP,
      "htdocs/text/large.txt": LINES,
      "htdocs/text/small.txt": LINES.slice(0, 5000),
      "htdocs/short/a.txt": "x".repeat(30) + "\n",
      "htdocs/slow/a.txt": "0123456789".repeat(7000),
    },
  });
  const whole = async (path: string, more: RequestInit = {}) => {
    const response = await fetch(server.url(path), more);
    return [response.status, await response.text(), response] as const;
  };
  assertEquals((await whole("/app/bits"))[1], "a FOO and a FOO\nnothing\n");
  const changed = LINES.replaceAll("line 7 ", "LINE SEVEN ");
  for (const _round of [1, 2]) {
    assertEquals((await whole("/text/large.txt"))[1], changed);
    const [, text, { headers }] = await whole("/text/small.txt");
    assertEquals(text, LINES.slice(0, 5000).replaceAll("line 7 ", "LINE SEVEN "));
    assertEquals(headers.get("content-length"), String(text.length));
  }
  // All of a file that a filter has to see as a whole.
  const [status, text] = await whole("/text/small.txt", { headers: { Range: "bytes=0-9" } });
  assertEquals([status, text.length > 1000], [200, true]);
  assertEquals((await whole("/short/a.txt"))[0], 500);
  await until("the line in the log", () => server.log("logs/error_log").includes("AH01328: Line too long"));

  // 20 KiB at once, 20 KiB each fifth of a second: 70,000 bytes take three of them.
  const begin = performance.now();
  const [, slow, { headers }] = await whole("/slow/a.txt");
  assertEquals([slow.length, headers.get("content-length")], [70_000, "70000"]);
  assert(performance.now() - begin > 550, "faster than its rate");
  // A client that goes in the middle costs nobody anything.
  const connection = await Connection.open(server.port);
  await connection.send("GET /slow/a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
  connection.close();

  assertEquals((await whole("/app/buffered"))[1], "first second third");
  const gzipped = new Blob(["reflected ".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip"));
  const [back, echoed, reflected] = await whole("/reflect", {
    method: "POST",
    body: gzipped,
    headers: { "Content-Encoding": "gzip", "Content-Type": "text/x-own", "X-Sent": "this" },
  });
  assertEquals([back, echoed], [200, "reflected ".repeat(1000)]);
  assertEquals([reflected.headers.get("content-type"), reflected.headers.get("x-back")], [
    "text/x-own",
    "this",
  ]);
  const refused = await server.raw("GET /reflect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assertStringIncludes(refused, "405");
  assertStringIncludes(refused, "Allow: POST,OPTIONS,TRACE");
});
