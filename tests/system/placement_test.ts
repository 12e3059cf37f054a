// Is a request for an application answered by what holds for it, although the one before for the same path has been there already?

import { assertEquals } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
let count = 0;
export default {
  fetch(request: Request): Response {
    const { pathname, search } = new URL(request.url);
    const seen = request.headers.get("x-seen") ?? "-";
    return new Response(\`\${request.method} \${pathname}\${search} \${seen} \${++count > 0}\`);
  },
};
`;

const CONFIG = `
ServerRoot @ROOT@
Listen 127.0.0.1:@PORT@
ServerName localhost
LoadModule rewrite_module modules/mod_rewrite.so
ThreadsPerChild 1
StartServers 1
Application app.ts
BrowserMatch ^bad bad
CustomLog logs/bad_log "%U" env=bad
<Location />
  Require all granted
</Location>
<Location /fields>
  RequestHeader set X-Seen told
</Location>
<Location /limited>
  <Limit POST>
    Require all denied
  </Limit>
</Location>
<Location /barred>
  <RequireAll>
    Require all granted
    Require not env bad
  </RequireAll>
</Location>
<If "%{QUERY_STRING} == 'closed' && %{REQUEST_URI} == '/query'">
  Require all denied
</If>
RewriteEngine On
RewriteCond %{QUERY_STRING} ^gone
RewriteRule ^/rewritten - [G]
`;

/** The same path again and again, in turns that are to be told apart: request, status, body. */
const TURNS: readonly (readonly [path: string, init: RequestInit, status: number, body?: string])[] = [
  ["/plain?a=1", {}, 200, "GET /plain?a=1 - true"],
  ["/plain?a=2", {}, 200, "GET /plain?a=2 - true"],
  ["/plain", {}, 200, "GET /plain - true"],
  ["/plain", { method: "POST", body: "x" }, 200, "POST /plain - true"],
  ["/plain", { method: "PUT", body: "x" }, 200, "PUT /plain - true"],
  ["/plain", { headers: { "user-agent": "bad one" } }, 200, "GET /plain - true"],
  ["/fields", {}, 200, "GET /fields told true"],
  ["/limited", {}, 200, "GET /limited - true"],
  ["/limited", { method: "POST", body: "x" }, 403],
  ["/barred", {}, 200, "GET /barred - true"],
  ["/barred", { headers: { "user-agent": "bad one" } }, 403],
  ["/query", {}, 200, "GET /query - true"],
  ["/query?closed", {}, 403],
  ["/rewritten", {}, 200, "GET /rewritten - true"],
  ["/rewritten?gone", {}, 410],
  // Another spelling of a path that is known.
  ["/%70lain", {}, 200, "GET /%70lain - true"],
];

Deno.test(
  { name: "application: what holds for one request is not taken for the next", ignore: !unix },
  async () => {
    for (const conditional of [true, false]) {
      // With an <If> or rules every request passes all phases; without, those that may go to the handler at once.
      const config = conditional ? CONFIG : CONFIG.replace(/<If [^]*<\/If>/, "").replace(/Rewrite.*\n/g, "");
      await using server = await TestServer.start({ config, files: { "app.ts": APP } });
      for (let round = 0; round < 3; round++) {
        for (const [path, init, status, body] of TURNS) {
          if (!conditional && /query|rewritten/.test(path)) continue;
          const response = await fetch(server.url(path), init);
          const text = await response.text();
          assertEquals([path, response.status, body === undefined ? undefined : text], [path, status, body]);
        }
      }
      await until("the log", () => server.log("logs/bad_log").split("\n").length > 6);
      assertEquals(server.log("logs/bad_log"), "/plain\n/barred\n".repeat(3));
    }
  },
);
