// Do programs answer as they do under httpd? sh, Perl and Python as CGI programs of a real server; what was compared came from Debian's
// apache2 2.4.71 (mod_cgi).

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, inTime, TestServer, unchunked, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.test
StartServers 1
ThreadsPerChild 2
DocumentRoot "@ROOT@/htdocs"
ErrorLog logs/error_log
TypesConfig conf/mime.types
ScriptLog logs/script_log
ScriptLogBuffer 5
ScriptSock logs/cgisock
ScriptAlias /cgi-bin/ "@ROOT@/cgi/"
ScriptAliasMatch ^/match/(.*)$ "@ROOT@/cgi/$1"
Alias /elsewhere/ "@ROOT@/cgi/"
SetEnv MINE own
SetEnv SERVER_NAME fake
AddHandler cgi-script .cgi
ErrorDocument 410 /cgi-bin/document
Redirect gone /gone
ExtFilterDefine upper mode=output cmd="/usr/bin/tr a-z A-Z"
ExtFilterDefine typed intype=text/html outtype=text/x-upper enableenv=MINE disableenv=OTHER cmd="/usr/bin/tr a-z A-Z"
ExtFilterDefine quoted cmd="/bin/sh -c 'echo complaint >&2; echo \\"$DOCUMENT_URI\\"; cat'"
ExtFilterDefine early cmd="/bin/echo early"
ExtFilterDefine missing cmd="/nowhere/program"
ExtFilterDefine input mode=input cmd="/usr/bin/tr a-z A-Z"
<Location /upper>
  SetOutputFilter upper
</Location>
<Location /typed>
  SetOutputFilter typed
</Location>
<Location /quoted>
  SetOutputFilter quoted
  ExtFilterOptions LogStderr
</Location>
<Location /early>
  SetOutputFilter early
</Location>
<Location /abort>
  SetOutputFilter missing
</Location>
<Location /remove>
  SetOutputFilter missing
  ExtFilterOptions Onfail=remove
</Location>
<Location /cgi-bin/echo/filtered>
  SetInputFilter input
  SetOutputFilter upper
</Location>
<Directory "@ROOT@/htdocs">
  Options +ExecCGI +Includes
  AddOutputFilter INCLUDES .shtml
</Directory>
<Directory "@ROOT@/htdocs/off">
  Options -ExecCGI
</Directory>
<Location /cgi-bin/env/passed>
  CGIPassAuth On
  CGIVar REQUEST_URI current-uri
</Location>
<Location /cgi-bin/limits>
  RLimitCPU 77 88
  RLimitMEM 800000000
</Location>
<Location /cgi-bin/trusted>
  SetEnv ap_trust_cgilike_cl
</Location>
<Location /cgi-bin/env/plain>
  AcceptPathInfo Off
</Location>
<VirtualHost *:@PORT@>
  ServerName main.test
</VirtualHost>
<VirtualHost *:@PORT@>
  ServerName short.test
  CGIScriptTimeout 1
  RewriteEngine On
  RewriteMap asked "prg:@ROOT@/cgi/map 'x.txt argument'"
  RewriteRule ^/asked/(.*)$ "/\${asked:$1|none}" [L]
</VirtualHost>
`;

const SCRIPTS: Readonly<Record<string, string>> = {
  "env": `echo Content-Type: text/plain; echo; env; echo "ARGS=$#:$*"`,
  "echo": `echo Content-Type: text/plain; echo; exec cat`,
  "fields":
    `echo one >&2; printf 'Status: 404 Nope\\nX-A: 1\\nx-a: 2\\nSet-Cookie: a\\nSet-Cookie: b\\nContent-Length: 3\\n\\nabcdef'`,
  "none": `exit 0`,
  "bad": `cat > /dev/null; echo hello; echo world`,
  "premature": `echo X: 1`,
  "bare": `printf '\\nbare'`,
  "status": `printf 'Status: 99 odd\\nContent-Type: text/plain\\n\\nodd'`,
  "local": `echo Location: /x.txt?n; echo X-K: v; echo`,
  "local-env": `echo Location: /cgi-bin/env?from=local; echo`,
  "remote": `echo Location: http://other.test/x; echo X-K: v; echo; echo body`,
  "303": `echo Status: 303; echo Location: /y; echo; echo body`,
  "nph-own": `printf 'HTTP/1.0 299 Own\\r\\nX-N: 1\\r\\n\\r\\nraw'`,
  "tagged":
    `printf 'ETag: "v1"\\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\\nContent-Type: TEXT/Plain\\n\\ntext'`,
  "silent": `exec sleep 20`,
  "stalls": `printf 'Content-Type: text/plain\\n\\na\\n'; exec sleep 20`,
  "long": `printf 'Content-Type: text/plain\\n\\n%s\\n' $$; while :; do echo x; sleep 0.1; done`,
  "limits":
    `sleep 0.3; printf 'Content-Type: text/plain\\n\\n%s %s %s' $(ulimit -S -t) $(ulimit -H -t) $(ulimit -v)`,
  "trusted": `printf 'Content-Type: text/plain\\nContent-Length: 4\\n\\ntext'`,
  "shown":
    `printf 'Content-Type: text/plain\\n\\n%s' "$REQUEST_METHOD $SERVER_PROTOCOL $SCRIPT_NAME $DOCUMENT_NAME $QUERY_STRING "`,
  "map":
    `while read -r key; do case "$key" in known) echo x.txt;; ends) exit 1;; args) echo "\${1%% *}";; *) echo NULL;; esac; done`,
  "document":
    `printf 'Content-Type: text/plain\\n\\n%s %s %s' $REQUEST_METHOD $REDIRECT_STATUS $REDIRECT_URL`,
};

const LINE = "a line of a big file\n";

const FILES = {
  ...Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, text]) => [`cgi/${name}`, `#!/bin/sh\n${text}\n`]),
  ),
  "cgi/plain": "no program",
  "cgi/missing-interpreter": "#!/nowhere/interpreter\n",
  "cgi/dir/x": "",
  "cgi/perl": `#!/usr/bin/perl
print "Content-Type: text/plain\\r\\n\\r\\n"; read(STDIN, my $body, $ENV{CONTENT_LENGTH}); print "perl $ENV{PATH_INFO} $body";
`,
  "cgi/python": `#!/usr/bin/env python3
import os, sys
print("Content-Type: text/plain\\n")
print("python", os.environ["QUERY_STRING"], sys.stdin.read())
`,
  "conf/mime.types": "text/plain txt\ntext/html html\n",
  "htdocs/x.txt": "text",
  ...Object.fromEntries(
    ["upper", "typed", "quoted", "early", "abort", "remove"].flatMap((directory) => [
      [`htdocs/${directory}/a.txt`, "a text\n"],
      [`htdocs/${directory}/a.html`, "a page\n"],
    ]),
  ),
  "htdocs/upper/big.txt": LINE.repeat(50_000),
  "htdocs/early/big.txt": LINE.repeat(50_000),
  "htdocs/a.cgi": "#!/bin/sh\necho; echo by extension\n",
  "htdocs/page.shtml":
    '<!--#exec cgi="/cgi-bin/shown" -->A<!--#include virtual="/cgi-bin/shown?v" -->B<!--#exec cgi="cgi-bin/remote" -->C<!--#exec cgi="/cgi-bin/local" -->D<!--#exec cgi="/cgi-bin/shown/x" -->E<!--#exec cgi="/cgi-bin/dir/" -->F<!--#exec cgi="/cgi-bin/none" -->G',
  "htdocs/off/a.cgi": "#!/bin/sh\necho; echo no\n",
};

async function start(): Promise<TestServer> {
  const server = await TestServer.start({ config: CONFIG, files: FILES });
  for (const name of Object.keys(FILES)) {
    if (/^cgi\/(?!plain)|\.cgi$/.test(name)) await Deno.chmod(server.path(name), 0o755);
  }
  return server;
}

async function ask(server: TestServer, line: string, fields = "", body = "", host = "main.test") {
  const more = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const text = await server.raw(
    `${line} HTTP/1.1\r\nHost: ${host}\r\n${fields}${more}Connection: close\r\n\r\n${body}`,
  );
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end + 2);
  let content = text.slice(end + 4);
  if (/^Transfer-Encoding: chunked\r$/mi.test(head)) content = unchunked(content);
  return { status: Number(text.slice(9, 12)), head, body: content };
}

function variablesOf(text: string): Map<string, string> {
  return new Map(
    text.split("\n").filter((line) => line.includes("=")).map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

Deno.test({ name: "cgi: environment, answers, refusals and logs are httpd's", ignore }, async (t) => {
  await using server = await start();

  await t.step("environment and arguments", async () => {
    const { status, body } = await ask(
      server,
      "GET /cgi-bin/env/pa%20th?q=1&b",
      "X_Under: 1\r\nX-One: \u00c3\u00a9\r\nCookie: a=1\r\nProxy: x\r\nAuthorization: Basic eDp5\r\nContent-Type: a/b\r\nX.Dot: 1\r\n",
    );
    assertEquals(status, 200);
    const told = variablesOf(body);
    for (const name of ["PWD", "SHLVL", "OLDPWD", "_", "REMOTE_PORT", "PATH", "TZ"]) told.delete(name);
    assertEquals(Object.fromEntries([...told].toSorted()), {
      ARGS: "0:",
      CONTENT_TYPE: "a/b",
      CONTEXT_DOCUMENT_ROOT: `${server.root}/cgi/`,
      CONTEXT_PREFIX: "/cgi-bin/",
      DOCUMENT_ROOT: `${server.root}/htdocs`,
      GATEWAY_INTERFACE: "CGI/1.1",
      HTTP_CONNECTION: "close",
      HTTP_COOKIE: "a=1",
      HTTP_HOST: "main.test",
      HTTP_X_ONE: "\u00c3\u00a9",
      MINE: "own",
      PATH_INFO: "/pa th",
      PATH_TRANSLATED: `${server.root}/htdocs/pa th`,
      QUERY_STRING: "q=1&b",
      REMOTE_ADDR: "127.0.0.1",
      REQUEST_METHOD: "GET",
      REQUEST_SCHEME: "http",
      REQUEST_URI: "/cgi-bin/env/pa%20th?q=1&b",
      SCRIPT_FILENAME: `${server.root}/cgi/env`,
      SCRIPT_NAME: "/cgi-bin/env",
      SERVER_ADDR: "127.0.0.1",
      SERVER_ADMIN: "[no address given]",
      SERVER_NAME: "main.test",
      SERVER_PORT: "80",
      SERVER_PROTOCOL: "HTTP/1.1",
      SERVER_SIGNATURE: "",
      SERVER_SOFTWARE: told.get("SERVER_SOFTWARE")!,
    });
    assertMatch(body, new RegExp(`^PWD=${server.root}/cgi$`, "m"));
    const words = await ask(server, "GET /cgi-bin/env?one+two%26+%2afo");
    assertEquals(variablesOf(words.body).get("ARGS"), "3:one two\\& \\*fo");
    const passed = variablesOf(
      (await ask(server, "GET /cgi-bin/env/passed/%41", "Authorization: Basic eDp5\r\n")).body,
    );
    assertEquals(passed.get("HTTP_AUTHORIZATION"), "Basic eDp5");
    assertEquals(passed.get("REQUEST_URI"), "/cgi-bin/env/passed/A");
    assertEquals((await ask(server, "GET /cgi-bin/limits")).body, "77 88 781250");
  });

  await t.step("answers", async () => {
    const fields = await ask(server, "GET /cgi-bin/fields");
    assertMatch(fields.head, /^HTTP\/1\.1 404 Nope\r\n/);
    assertMatch(fields.head, /^X-A: 1, 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r$/m);
    assertEquals(fields.body, "abcdef");
    assertEquals((await ask(server, "HEAD /cgi-bin/fields")).body, "");
    const expected: readonly (readonly [string, number, string | undefined])[] = [
      ["GET /cgi-bin/bare", 200, "bare"],
      ["GET /match/bare", 200, "bare"],
      ["GET /a.cgi", 200, "by extension\n"],
      ["GET /elsewhere/bare", 200, "#!/bin/sh\nprintf '\\nbare'\n"],
      ["GET /cgi-bin/status", 500, "odd"],
      ["GET /cgi-bin/303", 303, "body\n"],
      ["GET /gone", 410, "GET 410 /gone"],
      ["POST /gone", 410, "GET 410 /gone"],
      ["GET /cgi-bin/none", 500, undefined],
      ["GET /cgi-bin/premature", 500, undefined],
      ["GET /cgi-bin/missing-interpreter", 500, undefined],
      ["GET /cgi-bin/plain", 500, undefined],
      ["GET /cgi-bin/nothing", 404, undefined],
      ["GET /cgi-bin/dir/", 403, undefined],
      ["GET /cgi-bin/env/plain", 404, undefined],
      ["GET /off/a.cgi", 403, undefined],
      ["DELETE /cgi-bin/bare", 200, "bare"],
    ];
    for (const [line, status, body] of expected) {
      const answer = await ask(server, line);
      assertEquals([answer.status, body === undefined ? undefined : answer.body], [status, body], line);
    }
    const remote = await ask(server, "GET /cgi-bin/remote");
    assertEquals(remote.status, 302);
    assertMatch(remote.head, /^X-K: v\r\nLocation: http:\/\/other\.test\/x\r$/m);
    const local = await ask(server, "POST /cgi-bin/local", "", "abc");
    assertEquals([local.status, local.body], [200, "text"]);
    assertMatch(local.head, /^X-K: v\r$/m);
    const again = variablesOf((await ask(server, "POST /cgi-bin/local-env", "", "abc")).body);
    assertEquals(again.get("REQUEST_METHOD"), "GET");
    assertEquals(again.get("CONTENT_LENGTH"), undefined);
    assertEquals(again.get("REDIRECT_URL"), "/cgi-bin/local-env");
    assertEquals(again.get("QUERY_STRING"), "from=local");
    const own = await ask(server, "GET /cgi-bin/nph-own");
    assertMatch(own.head, /^HTTP\/1\.1 299 Own\r\n/);
    assertEquals(own.body, "raw");
    const trusted = await ask(server, "GET /cgi-bin/trusted");
    assertMatch(trusted.head, /^Content-Length: 4\r$/m);
    const tagged = await ask(server, "GET /cgi-bin/tagged");
    assertMatch(tagged.head, /^Content-Type: text\/plain\r$/m);
    assertEquals((await ask(server, "GET /cgi-bin/tagged", 'If-None-Match: "v1"\r\n')).status, 304);
    const since = "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    assertEquals((await ask(server, "GET /cgi-bin/tagged", since)).status, 304);
    assertEquals((await ask(server, "POST /cgi-bin/bad", "", "abcdefgh")).status, 500);
  });

  await t.step("Perl and Python", async () => {
    assertEquals((await ask(server, "POST /cgi-bin/perl/info", "", "in")).body, "perl /info in");
    assertEquals((await ask(server, "POST /cgi-bin/python?q", "", "in")).body, "python q in\n");
  });

  await t.step("elements of pages", async () => {
    const { body } = await ask(server, "POST /page.shtml?q", "", "abc");
    const shown = `GET INCLUDED /cgi-bin/shown page.shtml`;
    const error = "[an error occurred while processing this directive]";
    assertEquals(
      body,
      `${shown} q A${shown} v B<a href="http://other.test/x">http://other.test/x</a>CtextD${error}E${error}FG`,
    );
  });

  await t.step("programs as filters", async () => {
    const expected: readonly (readonly [string, number, string | undefined])[] = [
      ["GET /upper/a.txt", 200, "A TEXT\n"],
      ["GET /upper/big.txt", 200, LINE.toUpperCase().repeat(50_000)],
      ["GET /typed/a.txt", 200, "a text\n"],
      ["GET /typed/a.html", 200, "A PAGE\n"],
      ["GET /quoted/a.txt", 200, "/quoted/a.txt\na text\n"],
      ["GET /early/big.txt", 200, "early\n"],
      ["GET /abort/a.txt", 500, undefined],
      ["GET /remove/a.txt", 200, "a text\n"],
      ["HEAD /upper/big.txt", 200, ""],
    ];
    for (const [line, status, body] of expected) {
      const answer = await ask(server, line);
      assertEquals([answer.status, body === undefined ? undefined : answer.body], [status, body], line);
    }
    assertMatch((await ask(server, "GET /typed/a.html")).head, /^Content-Type: text\/x-upper\r$/m);
    assertEquals((await ask(server, "POST /cgi-bin/echo/filtered", "", "abc")).body, "ABC");
  });

  await t.step("a program as a map", async () => {
    const found = async (key: string) => {
      const { status, body } = await ask(server, `GET /asked/${key}`, "", "", "short.test");
      return status === 200 ? body : status;
    };
    assertEquals(
      await Promise.all(["known", "unknown", "known", "other"].map(found)),
      ["text", 404, "text", 404],
    );
    assertEquals(await found("args"), "text");
    // It ends; a second later, at the next question, there is another.
    assertEquals(await found("ends"), 404);
    await until("another program", async () => await found("known") === "text");
  });

  await t.step("the time limit", async () => {
    const [silent, stalled] = await Promise.all(
      ["silent", "stalls"].map((name) =>
        server.raw(`GET /cgi-bin/${name} HTTP/1.1\r\nHost: short.test\r\nConnection: close\r\n\r\n`)
      ),
    );
    assertMatch(silent, /^HTTP\/1\.1 504 /);
    assert(stalled.endsWith("2\r\na\n\r\n"), stalled);
  });

  const name = (file: string) => `${server.root}/cgi/${file}`;
  const log = server.log("logs/error_log");
  for (
    const line of [
      `[cgi:error] `,
      `AH01215: stderr from ${name("fields")}: one`,
      "End of script output before headers: none",
      "malformed header from script 'bad': Bad header: hello",
      "Premature end of script headers: premature",
      `AH01215: stderr from ${name("missing-interpreter")}: (2)No such file or directory: exec of '${
        name("missing-interpreter")
      }' failed`,
      `(13)Permission denied: exec of '${name("plain")}' failed`,
      `AH02809: stderr from ${server.root}/htdocs/off/a.cgi: Options ExecCGI is off in this directory`,
      `AH02811: stderr from ${name("nothing")}: script not found or unable to stat`,
      `AH02812: stderr from ${name("dir/")}: attempt to invoke directory as script`,
      `AH02813: stderr from ${name("env")}: AcceptPathInfo off disallows user's path`,
      "Invalid status line from script 'status': 99 odd",
      `RewriteMap asked: ${name("map")}: ended`,
      "Script timed out before returning headers: silent",
      "quoted: complaint",
      "AH01458: (2)No such file or directory: couldn't create child process to run `/nowhere/program'",
      "AH01467: (2)No such file or directory: can't initialise output filter missing: removing",
      `AH01220: Timeout waiting for output from CGI script ${name("stalls")}`,
    ]
  ) assertStringIncludes(log, line);
  const scripts = server.log("logs/script_log");
  assertMatch(
    scripts,
    /%% \[\w{3} \w{3} \d\d [\d:]{8} \d{4}\] POST \/cgi-bin\/bad HTTP\/1\.1\n%% 500 .*\/cgi\/bad\n%request\nHost: main\.test\n(?:.*\n)*?\nabcde\n%response\nhello\n%stdout\nworld\n/,
  );
  assertMatch(scripts, /%% 403 .*\/off\/a\.cgi\n%error\nOptions ExecCGI is off in this directory\n/);
});

Deno.test({
  name: "cgi: bodies stream both ways for many at once, and a client that goes ends its program",
  ignore,
}, async () => {
  await using server = await start();
  // More than pipes and buffers hold: the program has to be read while it is written to.
  const answers = await Promise.all(Array.from({ length: 12 }, async (_, i) => {
    const piece = `${String.fromCharCode(97 + i)}`.repeat(1 << 20);
    const answer = await fetch(server.url("/cgi-bin/echo"), { method: "POST", body: piece });
    return [answer.status, await answer.text() === piece];
  }));
  assertEquals(answers, Array.from({ length: 12 }, () => [200, true]));
  const chunked = await server.raw(
    "POST /cgi-bin/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  );
  assertStringIncludes(unchunked(chunked.slice(chunked.indexOf("\r\n\r\n") + 4)), "abcde");
  const client = await Connection.open(server.port);
  await client.send("GET /cgi-bin/long HTTP/1.1\r\nHost: a\r\n\r\n");
  let begun = "";
  const buffer = new Uint8Array(1024);
  while (!begun.includes("x\n")) {
    const n = await inTime("the program", client.conn.read(buffer)) ?? 0;
    begun += new TextDecoder().decode(buffer.subarray(0, n));
  }
  const pid = Number(/\r\n\r\n[0-9a-f]+\r\n(\d+)\n/.exec(begun)?.[1]);
  assert(pid > 1, begun);
  assert(runs(pid));
  client.close();
  await until("the program to end", () => !runs(pid));
  // A body that ends before its end is not taken for whole.
  const broken = await Connection.open(server.port);
  await broken.send("POST /cgi-bin/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  broken.close();
  assertEquals((await ask(server, "GET /cgi-bin/bare")).body, "bare");
});

function runs(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
