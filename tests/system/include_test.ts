// Do server-side includes work with what answers here, beside files? Applications as pages and as parts, edges of pieces, compression behind; what
// httpd makes of the elements is compared in as_httpd_test.ts.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
const PAGE = 'name: <!--#set var="who" value="world" --><!--#echo var="who" -->, <!--#include virtual="/part.txt" -->end\\n';
const encoder = new TextEncoder();
export default {
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/app/part") {
      return new Response(\`part\${search} \${request.method} \${request.headers.get("accept-encoding")}\`);
    }
    if (pathname === "/app/fails") throw new Error("no part");
    // A byte at a time: every edge there is.
    let at = 0;
    return new Response(new ReadableStream({
      pull(controller) {
        if (at === PAGE.length) return controller.close();
        controller.enqueue(encoder.encode(PAGE[at++]));
      },
    }), { headers: { "Content-Type": "text/html" } });
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
Options +Includes
AddType text/html .shtml
AddOutputFilter INCLUDES;DEFLATE .shtml
AddOutputFilter DEFLATE .txt
<Location /app>
  Application app.ts
</Location>
<Location /app/page>
  SetOutputFilter INCLUDES
</Location>
<Location /hack>
  XBitHack Full
</Location>
<Location /noexec.shtml>
  Options IncludesNOEXEC
</Location>
<Location /none>
  Options -Includes
</Location>
`;

Deno.test({
  name: "server-side includes: applications as pages and parts, compression, XBitHack",
  ignore: !unix,
}, async () => {
  const big = "a long line of a part\n".repeat(20_000);
  await using server = await TestServer.start({
    config: CONFIG,
    files: {
      "app.ts": APP,
      "htdocs/part.txt": "a part\n",
      "htdocs/big.txt": big,
      "htdocs/page.shtml":
        '[<!--#include virtual="/app/part?x=1" -->][<!--#include virtual="/app/fails" -->][<!--#include virtual="/app/fails" onerror="/part.txt" -->]\n',
      "htdocs/all.shtml": 'begin\n<!--#include file="big.txt" -->end\n',
      "htdocs/hack/a.html": '<!--#echo var="DOCUMENT_NAME" -->',
      "htdocs/hack/b.html": '<!--#echo var="DOCUMENT_NAME" -->',
      "htdocs/none/a.shtml": '<!--#echo var="DOCUMENT_NAME" -->',
      "htdocs/exec.shtml":
        '<!--#set var="own" value="a;b" --><!--#exec cmd="echo run $own $DOCUMENT_NAME; echo wrong >&2" -->',
      "htdocs/noexec.shtml": '<!--#exec cmd="echo run" -->',
    },
  });
  await Deno.chmod(server.path("htdocs/hack/a.html"), 0o744);
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(server.url(path), { headers });
    return { text: await response.text(), headers: response.headers, status: response.status };
  };
  assertEquals((await get("/app/page")).text, "name: world, a part\nend\n");
  const error = "[an error occurred while processing this directive]";
  assertEquals((await get("/page.shtml")).text, `[part?x=1 GET null][${error}][a part\n]\n`);
  // fetch() takes gzip: the whole is compressed, the parts are not.
  const all = await get("/all.shtml");
  assertEquals([all.text, all.headers.get("vary")], [`begin\n${big}end\n`, "Accept-Encoding"]);
  assertEquals((await get("/all.shtml", { "If-Modified-Since": new Date().toUTCString() })).status, 304);
  assertEquals((await get("/all.shtml", { Range: "bytes=0-3" })).text, all.text);
  const hacked = await get("/hack/a.html");
  assertEquals([hacked.text, hacked.headers.has("last-modified"), hacked.headers.has("etag")], [
    "a.html",
    false,
    false,
  ]);
  await Deno.chmod(server.path("htdocs/hack/a.html"), 0o754);
  assert((await get("/hack/a.html")).headers.has("last-modified"));
  assertStringIncludes((await get("/hack/b.html")).text, "<!--#echo");
  assertStringIncludes((await get("/none/a.shtml")).text, "<!--#echo");
  assertEquals((await get("/exec.shtml")).text, "run a;b exec.shtml\n");
  assertEquals((await get("/noexec.shtml")).text, error);
  await until("what is wrong in the log", () => {
    const log = server.log("logs/error_log");
    return log.includes("AH01374") &&
      log.includes("AH01228: exec in /noexec.shtml: exec used but not allowed") &&
      /AH01215: stderr from .*exec\.shtml: wrong/.test(log);
  });
});
