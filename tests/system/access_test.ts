// Does a real server let in whom its configuration names, by sections, conditions and .htaccess files, and nobody else?

import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCommand, type ServerSetup, TestServer, until } from "./harness.ts";

const OPEN = "Require all granted";

/** These servers are stopped by signals, which Windows has not. */
function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `access: ${name}`, ignore: Deno.build.os === "windows" }, body);
}

/** A site whose root is closed, with `sections` behind. `d/` below htdocs is open. */
function site(sections: string, files: Readonly<Record<string, string>> = {}): ServerSetup {
  return {
    config: `Listen 127.0.0.1:@PORT@
DocumentRoot "@ROOT@/htdocs"
OpenFileCacheValid 50ms
PidFile none
ErrorLog logs/error_log
<Directory "/">
    AllowOverride none
    Require all denied
</Directory>
<Directory "@ROOT@/htdocs/d">
    ${OPEN}
</Directory>
${sections}
`,
    files: { "htdocs/index.html": "root", "htdocs/d/x.html": "x", "htdocs/d/index.html": "index", ...files },
  };
}

/** What there is for `path`: the status, and the body of what is no error. */
async function answer(
  server: TestServer,
  path: string,
  init: RequestInit & { method?: string } = {},
): Promise<string> {
  const response = await fetch(server.url(path), init);
  const text = await response.text();
  return response.status < 400 ? `${response.status} ${text}`.trim() : String(response.status);
}

/** Asks again until the answer is `expected`: what is kept has to become old first. */
async function comesTo(server: TestServer, path: string, expected: string): Promise<void> {
  await until(`${path} to be ${expected}`, async () => await answer(server, path) === expected);
}

test("what is not granted is 403, also the second time, and in the error log", async () => {
  await using server = await TestServer.start(site(
    `<Files ".ht*">
    Require all denied
</Files>
<Files "*.secret">
    Require all denied
</Files>
<Directory "@ROOT@/htdocs/d/hidden">
    DirectoryIndex a.secret
</Directory>`,
    { "htdocs/d/.htpasswd": "p", "htdocs/d/hidden/a.secret": "s" },
  ));
  for (const _ of [1, 2]) {
    assertEquals(await answer(server, "/d/x.html"), "200 x");
    assertEquals(await answer(server, "/d/"), "200 index");
    assertEquals(await answer(server, "/index.html"), "403");
    assertEquals(await answer(server, "/gone"), "403");
    assertEquals(await answer(server, "/d/gone"), "404");
    assertEquals(await answer(server, "/d/.htpasswd"), "403");
    // The index file of a directory is asked about like any other.
    assertEquals(await answer(server, "/d/hidden/"), "403");
  }
  const denied =
    /\[client 127\.0\.0\.1:\d+\] AH01630: client denied by server configuration: .*\/htdocs\/index\.html/;
  await until("the log line", () => denied.test(server.log("logs/error_log")));
});

test("methods, addresses, groups, and how sections add up", async () => {
  await using server = await TestServer.start(site(
    `<Location /d/get>
    Require method GET
</Location>
<Location /d/limited>
    <LimitExcept GET POST>
        Require all denied
    </LimitExcept>
</Location>
<Location /d/local>
    <RequireAll>
        Require local
        Require not ip 10.0.0.0/8
    </RequireAll>
</Location>
<Location /d/elsewhere>
    Require ip 192.0.2.0/24 2001:db8::/32
</Location>
<Location /d/named>
    Require host localhost
</Location>
<Location /d/none>
    <RequireAll>
        Require all granted
        <RequireNone>
            Require local
        </RequireNone>
    </RequireAll>
</Location>
<Location /d/both>
    AuthMerging And
    Require ip 192.0.2.1
</Location>
<Location /d/either>
    AuthMerging Or
    Require ip 192.0.2.1
</Location>
<Location /d/expr>
    Require expr "%{QUERY_STRING} == 'key' && -n req('x-a')"
</Location>`,
    {
      "htdocs/d/get": "g",
      "htdocs/d/limited": "l",
      "htdocs/d/local": "o",
      "htdocs/d/either": "e",
      "htdocs/d/expr": "r",
      "htdocs/d/named": "n",
    },
  ));
  assertEquals(await answer(server, "/d/get"), "200 g");
  assertEquals(await answer(server, "/d/get", { method: "HEAD" }), "200");
  assertEquals(await answer(server, "/d/get", { method: "POST", body: "x" }), "403");
  assertEquals(await answer(server, "/d/limited"), "200 l");
  assertEquals(await answer(server, "/d/limited", { method: "OPTIONS" }), "403");
  assertEquals(await answer(server, "/d/local"), "200 o");
  assertEquals(await answer(server, "/d/elsewhere"), "403");
  assertEquals(await answer(server, "/d/none"), "403");
  assertEquals(await answer(server, "/d/both"), "403");
  assertEquals(await answer(server, "/d/either"), "200 e");
  assertEquals(await answer(server, "/d/expr?key"), "403");
  assertEquals(await answer(server, "/d/expr?key", { headers: { "x-a": "1" } }), "200 r");
  // Whatever 127.0.0.1 is called here: the answer comes, and it is one of the two.
  assertMatch(await answer(server, "/d/named"), /^(?:200 n|403)$/);
});

test("Order, Allow, Deny and Satisfy as configurations of httpd 2.2 have them", async () => {
  await using server = await TestServer.start(site(
    `<Location /d/a>
    Order allow,deny
    Allow from all
    Deny from 127.0.0.1
</Location>
<Location /d/b>
    Order deny,allow
    Deny from all
    Allow from 127
</Location>
<Location /d/c>
    Order allow,deny
    Allow from 10.1
    Satisfy any
</Location>
<Location /d/e>
    Order allow,deny
</Location>
<Location /d/f>
    Deny from all
    Require all denied
    Satisfy any
</Location>
<Location /d/g>
    <Limit GET>
        Order allow,deny
    </Limit>
</Location>`,
    { "htdocs/d/b": "b", "htdocs/d/c": "c", "htdocs/d/g": "g" },
  ));
  assertEquals(await answer(server, "/d/a"), "403");
  assertEquals(await answer(server, "/d/b"), "200 b");
  assertEquals(await answer(server, "/d/c"), "200 c");
  assertEquals(await answer(server, "/d/e"), "403");
  assertEquals(await answer(server, "/d/f"), "403");
  assertEquals(await answer(server, "/d/g"), "403");
  assertEquals(await answer(server, "/d/g", { method: "POST", body: "" }), "200 g");
});

test("conditions are asked for every request, and caches are told what they look at", async () => {
  await using server = await TestServer.start(site(
    `<If "req('X-Shut') == 'yes' || %{HTTP_COOKIE} =~ /shut/">
    Require all denied
</If>
<ElseIf "%{REQUEST_URI} -strmatch '*.secret'">
    Require all denied
</ElseIf>
<Else>
    FileETag None
</Else>
<Location /d/ahead>
    <If "-U '/d/x.html' && ! -U '/index.html' && -F '%{DOCUMENT_ROOT}/d/x.html'">
        Require all denied
    </If>
</Location>`,
    { "htdocs/d/a.secret": "s", "htdocs/d/ahead": "a" },
  ));
  for (const _ of [1, 2]) {
    const open = await fetch(server.url("/d/x.html"));
    assertEquals([await open.text(), open.headers.get("vary"), open.headers.get("etag")], [
      "x",
      "x-shut, cookie",
      null,
    ]);
    assertEquals(await answer(server, "/d/x.html", { headers: { "x-shut": "yes" } }), "403");
    assertEquals(await answer(server, "/d/x.html", { headers: { cookie: "shut" } }), "403");
    assertEquals(await answer(server, "/d/a.secret"), "403");
    assertEquals(await answer(server, "/d/ahead"), "403");
  }
});

test(".htaccess files count as far as AllowOverride lets them, and changes are seen", async () => {
  await using server = await TestServer.start(site(
    `<Directory "@ROOT@/htdocs/d">
    AllowOverride AuthConfig
</Directory>
<Directory "@ROOT@/htdocs/d/off">
    AllowOverride None
</Directory>`,
    {
      "htdocs/d/shut/.htaccess": "Require all denied\n",
      "htdocs/d/shut/x": "x",
      "htdocs/d/wrong/.htaccess": "Require all granted\nDirectoryIndex x\n",
      "htdocs/d/wrong/x": "x",
      "htdocs/d/off/.htaccess": "Nonsense\n",
      "htdocs/d/off/x": "x",
    },
  ));
  assertEquals(await answer(server, "/d/shut/x"), "403");
  assertEquals(await answer(server, "/d/shut/"), "403");
  assertEquals(await answer(server, "/d/off/x"), "200 x");
  for (const _ of [1, 2]) assertEquals(await answer(server, "/d/wrong/x"), "500");
  const wrong = /core:alert\].*\/d\/wrong\/\.htaccess:2: DirectoryIndex not allowed here/;
  await until("the log line", () => wrong.test(server.log("logs/error_log")));
  assertEquals(await answer(server, "/d/x.html"), "200 x");
  await Deno.writeTextFile(server.path("htdocs/d/shut/.htaccess"), OPEN);
  await comesTo(server, "/d/shut/x", "200 x");
  await Deno.remove(server.path("htdocs/d/wrong/.htaccess"));
  await comesTo(server, "/d/wrong/x", "200 x");
  await Deno.writeTextFile(server.path("htdocs/d/.htaccess"), "Require all denied");
  await comesTo(server, "/d/x.html", "403");
  await comesTo(server, "/d/wrong/x", "403");
  assertEquals(await answer(server, "/d/shut/x"), "200 x");
});

test("an application's place is asked about too", async () => {
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
PidFile none
Application "@ROOT@/app.ts"
<Location /closed>
    Require all denied
</Location>
<If "%{QUERY_STRING} == 'no'">
    Require all denied
</If>
`,
    files: { "app.ts": `export default { fetch: () => new Response("app") };` },
  });
  assertEquals(await answer(server, "/"), "200 app");
  assertEquals(await answer(server, "/closed/x"), "403");
  assertEquals(await answer(server, "/?no"), "403");
  assertEquals(await answer(server, "/closed", { method: "POST", body: "x" }), "403");
});

test("what a configuration may not ask for is refused with its place", async () => {
  const rows: readonly (readonly [text: string, reason: RegExp])[] = [
    ["Require all granted", /line 1 .*\n.*Require is not allowed outside of sections/],
    ["Require valid-guest", /line 2 .*\n.*Unknown Authz provider: valid-guest/],
    ["Require all maybe", /line 2 .*\n.*must be 'granted' or 'denied'/],
    ["Require not all granted", /line 2 .*\n.*negative Require directive has no effect in <RequireAny>/],
    ["Require ip 1.2.3.x", /line 2 .*\n.*ip address '1\.2\.3\.x' appears to be invalid/],
    [
      "Require expr %{X}",
      /line 2 .*\n.*Cannot parse expression in require line: Variable 'X' does not exist/,
    ],
    ["<RequireAll>\n</RequireAll>", /line 2 .*\n.*contains no authorization directives/],
    ["<RequireAll>\nRequire not ip 1\n</RequireAll>", /line 2 .*\n.*only negative authorization directives/],
    [
      "<RequireNone>\nRequire local\n</RequireNone>",
      /line 2 .*\n.*<RequireNone> directive has no effect in <RequireAny>/,
    ],
    ["Order up,down", /line 2 .*\n.*Order must be one of/],
    ["Allow all of", /line 2 .*\n.*must be followed by 'from'/],
  ];
  await Promise.all(rows.map(async ([text, reason], index) => {
    const directory = await Deno.makeTempDir({ prefix: "mpmd-test-" });
    try {
      const file = `${directory}/c.conf`;
      await Deno.writeTextFile(file, index === 0 ? text : `<Location />\n${text}\n</Location>\n`);
      const { code, stderr } = await runCommand(["-d", directory, "-f", file, "-t"]);
      assertEquals(code, 1);
      assert(reason.test(stderr), stderr);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }));
});

test("ServerPath for clients without Host, and names that are not here with StrictHostCheck", async () => {
  const host = (name: string, ...lines: string[]) =>
    `<VirtualHost *>
    ServerName ${name}
    DocumentRoot "@ROOT@/${name}"
    ${lines.join("\n    ")}
</VirtualHost>
`;
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
PidFile none
${host("first.test", "StrictHostCheck On")}${
      host("second.test", "ServerPath /second", "UseCanonicalName On")
    }`,
    files: { "first.test/x": "first", "second.test/x": "second", "second.test/second/x": "by path" },
  });
  const got = async (request: string) => {
    const text = await server.raw(`${request}\r\nConnection: close\r\n\r\n`);
    return `${text.slice(9, 12)} ${text.split("\r\n\r\n")[1]}`.replace(/ <.*/s, "");
  };
  assertEquals(await got("GET /x HTTP/1.0"), "200 first");
  assertEquals(await got("GET /second/x HTTP/1.0"), "200 by path");
  assertEquals(await got("GET /secondx HTTP/1.0"), "404");
  for (const _ of [1, 2]) {
    assertEquals(await got("GET /x HTTP/1.1\r\nHost: first.test"), "200 first");
    assertEquals(await got("GET /x HTTP/1.1\r\nHost: second.test:80"), "200 second");
    assertEquals(await got("GET /x HTTP/1.1\r\nHost: third.test"), "400");
  }
});
