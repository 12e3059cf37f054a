// What does a client read when a request fails? ErrorDocument, ServerSignature and ServerAdmin, with a whole server.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
OpenFileCacheValid 0
ServerAdmin admin@main.example
ServerTokens Prod
ErrorDocument 404 /errors/404.html
ErrorDocument 405 "no <such> method"
LogFormat "%s %>s %U %m %f %{REDIRECT_STATUS}e %{REDIRECT_URL}e %{REDIRECT_QUERY_STRING}e" original
CustomLog logs/access_log original
LimitInternalRecursion 5
<Directory "@ROOT@/htdocs">
  AllowOverride FileInfo
</Directory>
<Location "/signed">
  ServerSignature On
  ErrorDocument 404 default
</Location>
<Location "/mailed">
  ServerSignature EMail
  ErrorDocument 404 default
</Location>
<Location "/elsewhere">
  ErrorDocument 404 http://errors.example/%{REQUEST_URI}
</Location>
<Location "/lost">
  ErrorDocument 404 /errors/none.html
</Location>
<Location "/forbidden">
  Require all denied
</Location>
<Location "/errors/forbidden">
  Require all denied
</Location>
<Location "/twice">
  ErrorDocument 404 /errors/forbidden
</Location>
<Location "/app">
  Application ./app.ts
</Location>
<Location "/from-app">
  ErrorDocument 404 /app/error?from=%{REQUEST_URI}
</Location>
<Location "/malformed">
  ErrorDocument 404 /errors/%zz
</Location>
ErrorDocument 400 /errors/400.html
`;

const APP = `
export default {
  fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/app/fails") throw new Error("as it should");
    return new Response(request.method + " " + pathname + search, { headers: { "X-App": "yes" } });
  },
};
`;

function start(): Promise<TestServer> {
  return TestServer.start({
    config: CONFIG,
    files: {
      "htdocs/index.html": "the index",
      "htdocs/errors/404.html": "<p>our 404</p>",
      "htdocs/errors/400.html": "<p>our 400</p>",
      "htdocs/sub/.htaccess": "ErrorDocument 404 'only here'\n",
      "app.ts": APP,
    },
  });
}

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

async function ask(server: TestServer, path: string, method = "GET", more = ""): Promise<Answer> {
  const text = await server.raw(
    `${method} ${path} HTTP/1.1\r\nHost: client.example:99\r\nConnection: close\r\n${more}\r\n`,
  );
  const split = text.indexOf("\r\n\r\n") + 4;
  return { status: Number(text.slice(9, 12)), head: text.slice(0, split), body: text.slice(split) };
}

Deno.test({ name: "error documents: all kinds, and what a failing one leaves", ignore: !unix }, async () => {
  await using server = await start();
  const local = await ask(server, "/missing?q=1");
  assertEquals([local.status, local.body], [404, "<p>our 404</p>"]);
  assertMatch(local.head, /^content-type: text\/html\r$/im);
  assertMatch(local.head, /^content-length: 14\r$/im);

  // Conditions and ranges were meant for what is not there.
  const lastModified = /^last-modified: (.*)\r$/im.exec(local.head)![1];
  const conditional = await ask(
    server,
    "/missing",
    "GET",
    `If-Modified-Since: ${lastModified}\r\nRange: bytes=0-1\r\n`,
  );
  assertEquals([conditional.status, conditional.body], [404, "<p>our 404</p>"]);

  const posted = await ask(server, "/missing", "POST", "Content-Length: 2\r\n\r\nab");
  assertEquals([posted.status, posted.body], [404, "<p>our 404</p>"]);
  const head = await ask(server, "/missing", "HEAD");
  assertEquals([head.status, head.body], [404, ""]);

  const text = await ask(server, "/", "DELETE");
  assertEquals([text.status, text.body], [405, "no <such> method"]);
  assertMatch(text.head, /^content-type: text\/html; charset=iso-8859-1\r$/im);
  assertMatch(text.head, /^allow: /im);
  assertEquals((await ask(server, "/sub/missing")).body, "only here");

  const elsewhere = await ask(server, "/elsewhere/x");
  assertEquals(elsewhere.status, 302);
  assertMatch(elsewhere.head, /^location: http:\/\/errors\.example\/\/elsewhere\/x\r$/im);

  const lost = await ask(server, "/lost");
  assertEquals(lost.status, 404);
  assertStringIncludes(lost.body, "could not be sent either: 404 Not Found");
  assertStringIncludes(lost.body, "Nothing was found at /lost.");
  const twice = await ask(server, "/twice");
  assertEquals(twice.status, 404);
  assertStringIncludes(twice.body, "could not be sent either: 403 Forbidden");
  const malformed = await ask(server, "/malformed");
  assertEquals(malformed.status, 404);
  assertStringIncludes(malformed.body, "could not be sent either: 400 Bad Request");

  const app = await ask(server, "/from-app/x", "PUT", "Content-Length: 2\r\n\r\nab");
  assertEquals(app.status, 405, app.body);
  const fromApp = await ask(server, "/from-app/x");
  assertEquals(fromApp.status, 404);
  assertStringIncludes(fromApp.body, "GET /app/error?from=/from-app/x");
  assertMatch(fromApp.head, /^x-app: yes\r$/im);

  const broken = await server.raw("GET / HTTP/1.1\r\nno colon\r\n\r\n");
  assert(broken.startsWith("HTTP/1.1 400 Bad Request\r\n") && broken.endsWith("<p>our 400</p>"), broken);
  const log = await until("the log", () => {
    const text = server.log("logs/access_log");
    return text.includes("/from-app/x GET") && text.includes("/errors/400.html") ? text : undefined;
  });
  assertStringIncludes(log, `404 404 /missing GET ${server.root}/htdocs/errors/404.html 404 /missing q=1\n`);
});

Deno.test({ name: "error documents: signatures and whom to tell", ignore: !unix }, async () => {
  await using server = await start();
  const signed = await ask(server, "/signed");
  assert(
    signed.body.endsWith("<hr>\n<address>mpmd Server at client.example Port 99</address>\n</body></html>\n"),
    signed.body,
  );
  const mailed = await ask(server, "/mailed");
  assertStringIncludes(
    mailed.body,
    '<address>mpmd Server at <a href="mailto:admin@main.example">client.example</a> Port 99</address>',
  );
  const unsigned = await ask(server, "/forbidden");
  assertEquals([unsigned.status, unsigned.body.includes("<address>")], [403, false]);
  const failed = await ask(server, "/app/fails");
  assertEquals(failed.status, 500);
  assertStringIncludes(failed.body, "its administrator at admin@main.example");
});
