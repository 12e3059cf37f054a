// Which variables and fields do requests and responses get? mod_env, mod_setenvif and mod_headers, with a whole server.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, runCommand, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const BASE = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
`;

const APP = `
export default {
  fetch(request) {
    const names = ["x-new", "x-list", "user-agent", "x-gone"];
    return Response.json(Object.fromEntries(names.map((name) => [name, request.headers.get(name)])), {
      headers: { "X-App": "of the app", "X-Old": "old" },
    });
  },
};
`;

async function ask(server: TestServer, path: string, more = "") {
  const text = await server.raw(
    `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${more}\r\n`,
  );
  const split = text.indexOf("\r\n\r\n") + 4;
  const fields = text.slice(0, split).split("\r\n").slice(1, -2).map((line) =>
    line.split(/: (.*)/s, 2) as [string, string]
  );
  return {
    status: Number(text.slice(9, 12)),
    body: text.slice(split),
    of: (name: string) => fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value),
  };
}

Deno.test({
  name: "environment: SetEnv, SetEnvIf and BrowserMatch, as logs and conditions see it",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({
    config: BASE + `
SetEnv EVERYWHERE yes
PassEnv MPMD_TEST_PASSED
SetEnvIf Request_URI "^/([a-z]+)/" SECTION=$1 first
SetEnvIf SECTION "^private$" !first
SetEnvIfNoCase X-Flag "ON" flag
SetEnvIf "^X-Any.*" "^\\d+$" number=$0
SetEnvIfExpr "%{QUERY_STRING} =~ /secret/" secret=1
BrowserMatch "Old/(\\d)" old=v$1 nokeepalive
<Location /closed>
  SetEnvIf User-Agent Robot robot
  SetEnv PLACE closed
  UnsetEnv EVERYWHERE
  <RequireAll>
    Require all granted
    Require not env robot
  </RequireAll>
</Location>
LogFormat "%U %{EVERYWHERE}e %{MPMD_TEST_PASSED}e %{SECTION}e %{first}e %{flag}e %{number}e %{secret}e %{old}e %{PLACE}e" env
CustomLog logs/access env
CustomLog logs/flagged "%U" env=flag
SetEnvIf Request_URI "^/index" indexed
CustomLog logs/indexed "%U" env=indexed
`,
    files: { "htdocs/index.html": "x", "htdocs/closed/a.txt": "a", "htdocs/private/a.txt": "a" },
    env: { MPMD_TEST_PASSED: "passed on" },
  });
  const lines = async (count: number) =>
    (await until("the log", () => {
      const all = server.log("logs/access").split("\n").slice(0, -1);
      return all.length >= count ? all : undefined;
    })).slice(count - 1);
  // The second answer comes from memory.
  for (let i = 1; i < 3; i++) {
    await ask(server, "/");
    assertEquals(await lines(i), ["/index.html yes passed on - - - - - - -"]);
  }
  await ask(server, "/?secret", "X-Flag: it is on\r\nX-Any-Thing: a\r\nX-Any-Number: 42\r\n");
  assertEquals(await lines(3), ["/index.html yes passed on - - 1 42 1 - -"]);
  await ask(server, "/private/a.txt");
  assertEquals(await lines(4), ["/private/a.txt yes passed on private - - - - - -"]);
  assertEquals((await ask(server, "/closed/a.txt")).status, 200);
  assertEquals(
    await lines(5),
    ["/closed/a.txt - - closed 1 - - - - closed"].map((line) =>
      line.replace("- - closed", "- passed on closed")
    ),
  );
  assertEquals((await ask(server, "/closed/a.txt", "User-Agent: Robot\r\n")).status, 403);
  assertEquals((await ask(server, "/closed/a.txt")).status, 200);
  assertEquals(server.log("logs/flagged"), "/index.html\n");
  // What counts is the path that was asked for, also when the answer comes from memory.
  assertEquals(server.log("logs/indexed"), "");

  // From memory for one browser, and not for another.
  const connection = await Connection.open(server.port);
  const get = "GET / HTTP/1.1\r\nHost: a\r\n";
  await connection.send(`${get}User-Agent: New/1\r\n\r\n`);
  assert(!/^connection: close/im.test((await connection.response()).head));
  await connection.send(`${get}User-Agent: Old/4\r\n\r\n`);
  assertMatch((await connection.response()).head, /^connection: close\r$/im);
  connection.close();
  await until(
    "the browser",
    () => server.log("logs/access").includes("/index.html yes passed on - - - - - v4 -\n"),
  );
});

Deno.test({ name: "headers: what Header and RequestHeader make of fields", ignore: !unix }, async () => {
  await using server = await TestServer.start({
    config: BASE + `
ErrorDocument 403 /403.html
Header set X-Set "a value"
Header always set X-Always "always %{EVERYWHERE}e"
SetEnv EVERYWHERE yes
<Location /app>
  Application ./app.ts
  RequestHeader set X-New "new"
  RequestHeader append X-List two
  RequestHeader unset X-Gone
  RequestHeader edit User-Agent "^(\\w+)/(\\d+)" "$2-$1"
  Header unset X-Old
  Header append X-App more
  Header merge X-App more
  Header echo "^X-Echo"
</Location>
<Location /files>
  Header add X-Two 1
  Header add X-Two 2
  Header edit X-Set "^a (v)" "$1$1"
  Header edit* X-Two "\\d" "<$0>"
  Header setifempty X-Set no
  Header setifempty X-Empty yes
  Header set Content-Type "text/x-mine"
  Header set X-Time "%t %D %%"
  Header set X-Query "expr=%{QUERY_STRING}" "expr=-n %{QUERY_STRING}"
  Header set X-Env 1 env=flag
  Header set X-No-Env 1 env=!flag
  Header set Content-Length 3
  Header set Server other
  Header always unset X-Set
</Location>
SetEnvIf X-Flag . flag
<Location /denied>
  Require all denied
</Location>
<Location /closing>
  Header set Connection close
</Location>
<Location /broken>
  Header set X-Set "expr=%{QUERY_STRING}"
</Location>
`,
    files: {
      "htdocs/index.html": "x",
      "htdocs/files/a.txt": "text",
      "htdocs/403.html": "no",
      "htdocs/broken/a.txt": "x",
      "htdocs/closing/a.txt": "x",
      "app.ts": APP,
    },
  });
  for (let i = 0; i < 2; i++) {
    const plain = await ask(server, "/");
    assertEquals([plain.of("x-set"), plain.of("x-always")], [["a value"], ["always yes"]]);
  }
  const missing = await ask(server, "/missing");
  assertEquals([missing.of("x-set"), missing.of("x-always")], [[], ["always yes"]]);
  const document = await ask(server, "/denied");
  assertEquals([document.status, document.of("x-set")], [403, ["a value"]]);

  const app = await ask(
    server,
    "/app",
    "User-Agent: Deno/2\r\nX-List: one\r\nX-Gone: x\r\nX-Echo-A: back\r\n",
  );
  assertStringIncludes(app.body, '{"x-new":"new","x-list":"one, two","user-agent":"2-Deno","x-gone":null}');
  assertEquals([app.of("x-old"), app.of("x-app"), app.of("x-echo-a")], [[], ["of the app, more"], ["back"]]);

  const file = await ask(server, "/files/a.txt");
  assertEquals(file.of("x-two"), ["<1>", "<2>"]);
  assertEquals(file.of("x-set"), ["vvalue"]);
  assertEquals(file.of("x-empty"), ["yes"]);
  assertEquals(file.of("content-type"), ["text/x-mine"]);
  assertMatch(file.of("x-time")[0], /^t=\d{16} D=\d+ %$/);
  assertEquals([file.of("x-query"), file.of("x-env"), file.of("x-no-env")], [[], [], ["1"]]);
  // These are the server's own.
  assertEquals([file.of("content-length"), file.of("server").length, file.body], [["4"], 1, "text"]);
  assert(file.of("server")[0] !== "other");
  assertEquals((await ask(server, "/files/a.txt?q")).of("x-query"), ["q"]);
  const flagged = await ask(server, "/files/a.txt", "X-Flag: 1\r\n");
  assertEquals([flagged.of("x-env"), flagged.of("x-no-env")], [["1"], []]);
  assertEquals((await ask(server, "/broken/a.txt?ok")).of("x-set"), ["ok"]);
  for (let i = 0; i < 2; i++) {
    assertMatch(
      await server.raw("GET /closing/a.txt HTTP/1.1\r\nHost: a\r\n\r\n"),
      /^connection: close\r$/im,
    );
  }
});

Deno.test({ name: "expires: by media type, from the request or the file on", ignore: !unix }, async () => {
  await using server = await TestServer.start({
    config: BASE + `
ExpiresActive On
ExpiresDefault "access plus 1 hour 30 minutes"
ExpiresByType text/plain M100
ExpiresByType image/* A0
Header merge Cache-Control public
<Location /off>
  ExpiresActive Off
</Location>
<Location /info>
  AcceptPathInfo On
</Location>
`,
    files: {
      "htdocs/index.html": "x",
      "htdocs/a.txt": "x",
      "htdocs/a.png": "x",
      "htdocs/off/a.txt": "x",
      "htdocs/info/a.txt": "with a path",
    },
  });
  const modified = new Date(Date.UTC(2030, 0, 1));
  await Deno.utime(server.path("htdocs/a.txt"), modified, modified);
  const facts = async (path: string) => {
    const answer = await ask(server, path);
    return { control: answer.of("cache-control"), expires: answer.of("expires"), date: answer.of("date")[0] };
  };
  const page = await facts("/");
  assertEquals(page.control, ["max-age=5400, public"]);
  assertEquals(Date.parse(page.expires[0]) - Date.parse(page.date), 5_400_000);
  assertEquals((await facts("/a.txt")).expires, ["Tue, 01 Jan 2030 00:01:40 GMT"]);
  const image = await facts("/a.png");
  assertEquals([image.control, image.expires], [["max-age=0, public"], [image.date]]);
  assertEquals((await facts("/off/a.txt")).control, ["public"]);
  assertEquals((await facts("/missing")).control, []);
  assertEquals((await ask(server, "/info/a.txt/more/path")).body, "with a path");
  assertEquals((await ask(server, "/off/a.txt/more/path")).status, 404);
});

Deno.test("headers: what is wrong is said", async () => {
  const expected: readonly (readonly [string, string])[] = [
    ["Header put A b", "first argument must be"],
    ["Header set A", "needs a value"],
    ['Header set "A B" c', "is no name of a field"],
    ["Header set A b when", "condition must be early, env= or expr="],
    ["Header edit A ( b", "does not compile"],
    ["Header set A %q", "Unrecognized header format %q"],
    ["Header set A b expr=%{", "Can't parse envclause/expression"],
    ["ExpiresDefault 1h", "bad expires code"],
    ['ExpiresByType a/b "access plus 1 fortnight"', "is no length of time"],
    ["RequestHeader echo A", "first argument must be"],
    ["SetEnvIf Host (", "SetEnvIf takes at least three arguments"],
    ["SetEnvIf Host ( x", "does not compile"],
    ["BrowserMatch x =1", "Missing variable name"],
  ];
  for (const [line, message] of expected) {
    const { code, stderr } = await runCommand(["-t", "-C", line, "-c", "Listen 1"]);
    assertEquals(code, 1, line);
    assertStringIncludes(stderr, message);
  }
});
